"""Oracle's cost report as charges, by Oracle's own mapping to FOCUS where it has one.

Not kept: line numbers, overage amounts (they are part of the cost already) and the attributed cost, which shares the
cost of a cluster out among its databases: Oracle bills the cluster.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.errors import RefusedFileError
from collectors.named import Named
from collectors.oci.services import SERVICE_CATEGORIES
from collectors.rows import Layout
from collectors.values import canonical_json, clean_text, identity_text, read_known

OCI_COSTS: Final = "OCI cost report"
OCI_REQUIRED: Final = (
    "lineItem/referenceNo",  # that of its first line is what a report is known by: the next one adds to the month
    "lineItem/tenantId",  # whose bill it is
    "lineItem/intervalUsageStart",  # the day of the charge, and the month of the bill
    "lineItem/intervalUsageEnd",  # whether it reaches beyond that day
    "cost/myCost",  # what the invoice says
    "cost/currencyCode",  # amounts of different currencies are never added
)
"""Columns without which nothing can be loaded, and why; their case differs between Oracle's documents and reports."""

TAG: Final = "tags/"
_KEYS: Final = {"billing_account_id": "lineitem/tenantid", "billing_currency": "cost/currencycode"}
_PERIODS: Final = {
    "charge_period_start": "lineitem/intervalusagestart",
    "charge_period_end": "lineitem/intervalusageend",
}
_AMOUNTS: Final = {
    "cost": "cost/mycost",
    "attributed_cost": "cost/attributedcost",
    "quantity": "usage/billedquantity",
}
_PRICES: Final = {"contracted_unit_price": "cost/unitprice"}
_TEXTS: Final = {
    "service": "product/service",
    "description": "product/description",
    "compartment_id": "product/compartmentid",
    "compartment_name": "product/compartmentname",
    "region": "product/region",
    "domain": "product/availabilitydomain",
    "resource": "product/resourceid",
    "sku": "cost/productsku",
    "sku_unit": "cost/skuunitdescription",
    "unit": "cost/billingunitreadable",
    "correction": "lineitem/iscorrection",
    "overage": "cost/overageflag",
    "corrected_line": "lineitem/backreferenceno",
    "subscription": "cost/subscriptionid",
}
_REFERENCE: Final = "lineitem/backreference"  # how Oracle's text calls it; its table and its reports add "No"
_NOTHING: Final = pl.lit(0, dtype=MONEY)


class OciCosts:
    """Reads the rows of one cost report: some hours of a month, to be added to what other reports say of it.

    Oracle never writes a report again: what comes late, and what it corrects, stands in a later one.
    """

    def __init__(self, header: Sequence[str], first_row: Sequence[str]) -> None:
        found = _find_columns(header)
        texts, amounts = _present(_TEXTS, found), _present(_AMOUNTS, found)
        self._named = Named(texts, amounts)
        self._tags = dict(_find_tags(header))
        self.layout = Layout(
            header=tuple(header),
            keys=_present(_KEYS, found),
            periods=_present(_PERIODS, found),
            amounts=amounts,
            needed_amounts=("cost",),
            prices=_present(_PRICES, found),
            descriptive=sorted({*texts.values(), *self._tags.values()}),
            nulls=(),
            part=pl.lit(name_of(first_row, found["lineitem/referenceno"], "lineItem/referenceNo")),
        )

    def matters(self, amount: str) -> pl.Expr:
        """The cost alone; it may be empty on a database that has a share of its cluster's cost."""
        shared = self.layout.amounts.get("attributed_cost")
        if amount != "cost" or shared is None:
            return pl.lit(value=amount == "cost")
        cost = pl.col(str(self.layout.amounts["cost"])).cast(pl.String).fill_null("")
        return (cost.str.strip_chars() != "") | pl.col(str(shared)).is_null()

    def measures(self) -> Mapping[str, pl.Expr]:
        """Cost is what Oracle charges for the line; a list price is not in the report."""
        cost, nothing = self._named.amount("cost").fill_null(_NOTHING), pl.lit(None, dtype=MONEY)
        correction = self._named.texts.get("correction")
        used = pl.lit(value=True) if correction is None else ~_is_true(pl.col(str(correction)))
        return {
            "billed_cost": cost,
            "effective_cost": cost,
            "list_cost": nothing,
            "contracted_cost": cost,
            "pricing_quantity": self._named.amount("quantity"),
            "consumed_quantity": pl.when(used).then(self._named.amount("quantity")),
            "commitment_discount_quantity": nothing,
            "pricing_currency_effective_cost": nothing,
        }

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """FOCUS's descriptive columns."""
        read = self._named.read(groups, _TEXTS)
        tags = {key: clean_text(str(at)) for key, at in self._tags.items()}
        objects = (_packed(groups, tags).alias("tags"), _packed(read, _extras()).alias("x_columns"))
        return read.select(**_descriptions()).with_columns(*objects)


def _find_columns(header: Sequence[str]) -> dict[str, int]:
    """Positions of all columns but tags, by lower-case name."""
    required = {column.lower() for column in OCI_REQUIRED}
    found: dict[str, int] = {}
    for position, column in enumerate(header):
        name = column.lower()
        if name in found and name in required:
            raise RefusedFileError(f"the header names {column} twice; which one counts cannot be told.")
        if not name.startswith(TAG):
            found.setdefault(f"{_REFERENCE}no" if name == _REFERENCE else name, position)
    return found


def name_of(first_row: Sequence[str], reference: int, column: str) -> str:
    """By which a report is known again, whatever it is called and packed in."""
    if not first_row:
        return ""
    if reference >= len(first_row) or not first_row[reference].strip():
        raise RefusedFileError(f"the first line has no {column}, by which the report would be known again.")
    return first_row[reference].strip()


def _find_tags(header: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Tag keys with their namespaces, exactly as they are: case, dots and backslashes tell tags apart."""
    for position, column in enumerate(header):
        if column.lower().startswith(TAG) and (key := column[len(TAG) :]):
            yield key if header.index(column) == position else f"{key} #{position + 1}", position


def _present(wanted: Mapping[str, str], found: Mapping[str, int]) -> dict[str, int]:
    return {name: found[column] for name, column in wanted.items() if column in found}


def _is_true(flag: pl.Expr) -> pl.Expr:
    return flag.str.to_lowercase().fill_null("") == "true"


def _packed(read: pl.DataFrame, columns: Mapping[str, pl.Expr]) -> pl.Series:
    """Several columns as one canonical JSON object without those that say nothing."""
    if not columns:
        return pl.Series([None], dtype=pl.String).new_from_index(0, read.height)
    texts = read.select(pl.struct(value.alias(name) for name, value in columns.items()).struct.json_encode())
    return canonical_json(texts.to_series(), read_known)


def _extras() -> Mapping[str, pl.Expr]:
    """What FOCUS has no column for; the line that a correction corrects, and whether it went over what was bought."""
    return {
        "x_subscriptionId": pl.col("subscription"),
        "x_backReferenceNo": pl.when(_is_true(pl.col("correction"))).then(pl.col("corrected_line")),
        "x_overageFlag": pl.when(_is_true(pl.col("overage"))).then(pl.lit("true")),
    }


def _descriptions() -> Mapping[str, pl.Expr]:
    correction, unit = _is_true(pl.col("correction")), pl.coalesce("sku_unit", "unit")
    return {
        "provider_name": pl.lit("Oracle"),
        "publisher_name": pl.lit("Oracle"),
        "invoice_issuer_name": pl.lit("Oracle"),
        "sub_account_id": identity_text("compartment_id"),
        "sub_account_name": pl.col("compartment_name"),
        "sub_account_type": pl.when(pl.col("compartment_id").is_not_null()).then(pl.lit("Compartment")),
        "billing_account_type": pl.lit("Tenancy"),
        "charge_category": pl.when(correction).then(pl.lit("Adjustment")).otherwise(pl.lit("Usage")),
        "charge_class": pl.when(correction).then(pl.lit("Correction")),
        "charge_description": pl.col("description"),
        "charge_frequency": pl.lit("Usage-Based"),
        "pricing_unit": unit,
        "consumed_unit": pl.when(~correction).then(unit),
        "service_name": pl.coalesce("service", pl.lit("Oracle Cloud")),
        "service_category": pl.col("service").replace_strict(
            SERVICE_CATEGORIES, default="Other", return_dtype=pl.String
        ),
        "sku_id": pl.col("sku"),
        "region_id": pl.col("region"),
        "availability_zone": pl.col("domain"),
        "resource_id": pl.col("resource"),
        "resource_type": pl.col("resource").str.extract(r"^ocid1\.([a-z0-9]+)\."),
    }
