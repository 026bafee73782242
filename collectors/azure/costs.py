"""Azure cost exports as charges.

Not kept: people's addresses, prices in US dollars, exchange rates (the billing currency's amounts are in the file),
and of AdditionalInfo all but what sizes a machine.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from collectors.azure.charges import measures
from collectors.azure.columns import find_columns, present
from collectors.azure.describe import descriptions
from collectors.azure.readings import following_days, iso_days, no_currency, without_zero
from collectors.azure.units import block_size, consumed_unit, pricing_unit
from collectors.charges import MONEY
from collectors.named import Named
from collectors.rows import Layout, Reading
from collectors.values import canonical_json, dump_json, load_object, read_known, read_tags

AZURE: Final = "Azure cost export"
TEXTS: Final = (
    "additionalinfo", "availabilityzone", "benefitid", "benefitname", "billingaccountname", "chargetype",
    "consumedservice", "frequency", "meterid", "metercategory", "metername", "metersubcategory", "partnumber",
    "pricingcurrency", "pricingmodel", "productid", "productname", "publishername", "publishertype", "resellername",
    "reservationid", "reservationname", "resourceid", "resourcelocation", "resourcename", "servicename",
    "subscriptionid", "subscriptionname", "tags", "unitofmeasure",
)  # fmt: skip
EXTRAS: Final = {
    "billingprofileid": "x_billing_profile_id",
    "billingprofilename": "x_billing_profile_name",
    "chargetype": "x_charge_type",
    "consumedservice": "x_consumed_service",
    "costallocationrulename": "x_cost_allocation_rule",
    "costcenter": "x_cost_center",
    "invoicesectionid": "x_invoice_section_id",
    "invoicesectionname": "x_invoice_section",
    "isazurecrediteligible": "x_is_credit_eligible",
    "meterregion": "x_meter_region",
    "metersubcategory": "x_meter_sub_category",
    "offerid": "x_offer_id",
    "planname": "x_plan_name",
    "pricingmodel": "x_pricing_model",
    "productorderid": "x_product_order_id",
    "productordername": "x_product_order_name",
    "publishertype": "x_publisher_type",
    "resourcegroup": "x_resource_group",
    "servicefamily": "x_service_family",
    "term": "x_term",
}
"""Kept under x_columns."""

SIZES: Final = {"ServiceType": "InstanceType", "VCPUs": "CoreCount", "ImageType": "x_ImageType"}
"""Entries of AdditionalInfo -> SkuPriceDetails."""

AMOUNTS: Final = ("cost", "quantity", "paygcostinbillingcurrency", "costinpricingcurrency")
PRICES: Final = ("paygprice", "unitprice")
PERIODS: Final[Mapping[str, tuple[str, Reading]]] = {
    "billing_period_start": ("billingperiodstartdate", iso_days),
    "billing_period_end": ("billingperiodenddate", following_days),
    "charge_period_start": ("date", iso_days),
    "charge_period_end": ("date", following_days),
}
"""Columns and how they are read; an export without the billing period is of the calendar month."""


class AzureCosts:
    """Reads the rows of one Azure cost export."""

    def __init__(self, header: Sequence[str]) -> None:
        found = find_columns(header)
        texts = present({name: name for name in (*TEXTS, *EXTRAS)}, found)
        stated = all(column in found for column, _ in PERIODS.values())
        amounts = present({name: name for name in (*AMOUNTS, *self._multiplied(found))}, found)
        self._named = Named(texts, amounts)
        periods = {name: how for name, how in PERIODS.items() if stated or name.startswith("charge")}
        account = found.get("billingaccountid", found["subscriptionid"])
        currency = found.get("billingcurrency")
        self.layout = Layout(
            header=tuple(header),
            keys={
                "billing_account_id": account,
                "billing_currency": found["cost"] if currency is None else currency,
                **present({"invoice_id": "invoiceid"}, found),
            },
            periods={name: found[column] for name, (column, _) in periods.items()},
            amounts=amounts,
            needed_amounts=("cost",),
            prices=present(_prices(found), found),
            descriptive=sorted({*texts.values()}),
            nulls=(),
            readings={
                **{name: reading for name, (_, reading) in periods.items()},
                **dict.fromkeys(_prices(found), without_zero),
                **({"billing_currency": no_currency} if currency is None else {}),
            },
        )

    @staticmethod
    def _multiplied(found: Mapping[str, int]) -> tuple[str, ...]:
        """Prices that are in the billing currency, so that quantities times them are costs."""
        return () if "pricingcurrency" in found else PRICES

    def matters(self, amount: str) -> pl.Expr:
        """The cost is what is billed; quantities and prices only explain it."""
        return pl.lit(amount == "cost")

    def measures(self) -> Mapping[str, pl.Expr]:
        """FOCUS's measures of a row, by its charge type and pricing model."""
        return measures(self._named.text, self._named.amount, self._block())

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """FOCUS's descriptive columns by the mapping in docs/importing.md."""
        read = self._named.read(groups, (*TEXTS, *EXTRAS), "billing_currency")
        units = read["unitofmeasure"]
        counted = read.with_columns(
            canonical_json(units, consumed_unit).alias("consumed unit"),
            canonical_json(units, pricing_unit).alias("pricing unit"),
        )
        objects = (
            canonical_json(read["tags"], _read_tags).alias("tags"),
            canonical_json(read["additionalinfo"], _read_sizes).alias("sku_price_details"),
            _pack_extras(read),
        )
        return counted.select(**descriptions()).with_columns(*objects)

    def _block(self) -> pl.Expr:
        """How many consumed units one priced unit is."""
        if "unitofmeasure" not in self._named.texts:
            return pl.lit(None, dtype=MONEY)
        sizes = self._named.text("unitofmeasure").map_batches(
            lambda units: canonical_json(units, block_size), return_dtype=pl.String
        )
        return sizes.cast(MONEY)


def _prices(found: Mapping[str, int]) -> dict[str, str]:
    """Unit prices; an export that has a pricing currency states them in that."""
    prefix = "pricing_currency_" if "pricingcurrency" in found else ""
    return {f"{prefix}list_unit_price": "paygprice", f"{prefix}contracted_unit_price": "unitprice"}


def _read_tags(text: str) -> str | None:
    """Tags, with or without braces; some exports write an empty text in quotation marks for none."""
    return None if text.strip() in ('""', "null") else read_tags(text)


def _read_sizes(text: str) -> str | None:
    info = load_object(text)
    return dump_json({SIZES[key]: value for key, value in info.items() if key in SIZES and value not in (None, "")})


def _pack_extras(read: pl.DataFrame) -> pl.Series:
    texts = read.select(pl.struct(pl.col(name).alias(kept) for name, kept in EXTRAS.items()).struct.json_encode())
    return canonical_json(texts.to_series(), read_known).alias("x_columns")
