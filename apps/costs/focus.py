"""FOCUS Cost and Usage as it is written: the columns of every version, and where in the tables each one comes from."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collectors.charges import KEY_COLUMNS
from collectors.values import LARGEST_AMOUNT

VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4")
"""Every version there is."""


class Version(StrEnum):
    """The versions that can be written; one more takes a line here and a run of the official validator."""

    V1_2 = "1.2"


class Kind(StrEnum):
    """How a column's values are written."""

    TEXT = "text"  # JSON objects too
    AMOUNT = "decimal"
    TIME = "UTC time"


@dataclass(frozen=True, slots=True)
class Column:
    """One column, the version that brought it and the one that took it away (empty: none has)."""

    name: str
    kind: Kind = Kind.TEXT
    since: str = "1.0"
    until: str = ""

    def is_in(self, version: str) -> bool:
        """Whether the version has it."""
        place = VERSIONS.index(version)
        return VERSIONS.index(self.since) <= place and (not self.until or place < VERSIONS.index(self.until))

    @property
    def own_name(self) -> str:
        """What it is called in our tables."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()

    @property
    def is_of_the_key(self) -> bool:
        """Whether charge keys hold it; facts or statements do otherwise."""
        return self.own_name in KEY_COLUMNS

    @property
    def value(self) -> str:
        """SQL of the value as stored: `f` is the fact, `k` its charge key."""
        return f"{'k' if self.is_of_the_key else 'f'}.{self.own_name}"

    @property
    def stored_text(self) -> str:
        """SQL of the stored value as it is written; null where there is none."""
        return _AS_TEXT[self.kind].format(self.value)

    @property
    def natural(self) -> str:
        """SQL of the value with what FOCUS makes of other columns where nothing is stored."""
        return _NATURAL.get(self.name, self.value)

    @property
    def written_text(self) -> str:
        """The same as it is written."""
        return _AS_TEXT[self.kind].format(self.natural)


COLUMNS: Final = (
    Column("AllocatedMethodDetails", since="1.3"),
    Column("AllocatedMethodId", since="1.3"),
    Column("AllocatedResourceId", since="1.3"),
    Column("AllocatedResourceName", since="1.3"),
    Column("AllocatedTags", since="1.3"),
    Column("AvailabilityZone"),
    Column("BilledCost", Kind.AMOUNT),
    Column("BillingAccountId"),
    Column("BillingAccountName"),
    Column("BillingAccountType", since="1.2"),
    Column("BillingCurrency"),
    Column("BillingPeriodEnd", Kind.TIME),
    Column("BillingPeriodStart", Kind.TIME),
    Column("CapacityReservationId", since="1.1"),
    Column("CapacityReservationStatus", since="1.1"),
    Column("ChargeCategory"),
    Column("ChargeClass"),
    Column("ChargeDescription"),
    Column("ChargeFrequency"),
    Column("ChargePeriodEnd", Kind.TIME),
    Column("ChargePeriodStart", Kind.TIME),
    Column("CommitmentDiscountCategory"),
    Column("CommitmentDiscountId"),
    Column("CommitmentDiscountName"),
    Column("CommitmentDiscountQuantity", Kind.AMOUNT, since="1.1"),
    Column("CommitmentDiscountStatus"),
    Column("CommitmentDiscountType"),
    Column("CommitmentDiscountUnit", since="1.1"),
    Column("CommitmentProgramEligibilityDetails", since="1.4"),
    Column("ConsumedQuantity", Kind.AMOUNT),
    Column("ConsumedUnit"),
    Column("ContractApplied", since="1.3"),
    Column("ContractedCost", Kind.AMOUNT),
    Column("ContractedUnitPrice", Kind.AMOUNT),
    Column("EffectiveCost", Kind.AMOUNT),
    Column("HostProviderName", since="1.3"),
    Column("InvoiceDetailId", since="1.4"),
    Column("InvoiceId", since="1.2"),
    Column("InvoiceIssuerName"),
    Column("ListCost", Kind.AMOUNT),
    Column("ListUnitPrice", Kind.AMOUNT),
    Column("PricingCategory"),
    Column("PricingCurrency", since="1.2"),
    Column("PricingCurrencyContractedUnitPrice", Kind.AMOUNT, since="1.2"),
    Column("PricingCurrencyEffectiveCost", Kind.AMOUNT, since="1.2"),
    Column("PricingCurrencyListUnitPrice", Kind.AMOUNT, since="1.2"),
    Column("PricingQuantity", Kind.AMOUNT),
    Column("PricingUnit"),
    Column("ProviderName", until="1.4"),
    Column("PublisherName", until="1.4"),
    Column("RegionId"),
    Column("RegionName"),
    Column("ResourceId"),
    Column("ResourceName"),
    Column("ResourceType"),
    Column("ServiceCategory"),
    Column("ServiceName"),
    Column("ServiceProviderName", since="1.3"),
    Column("ServiceSubcategory", since="1.1"),
    Column("SkuId"),
    Column("SkuMeter", since="1.1"),
    Column("SkuPriceDetails", since="1.1"),
    Column("SkuPriceId"),
    Column("SubAccountId"),
    Column("SubAccountName"),
    Column("SubAccountType", since="1.2"),
    Column("Tags"),
)

_AS_TEXT: Final = {
    Kind.TEXT: "({})::text",
    Kind.AMOUNT: "trim_scale({})",
    Kind.TIME: """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}
_SAME_CURRENCY: Final = (
    "coalesce({value}, CASE WHEN coalesce(k.pricing_currency, k.billing_currency) = k.billing_currency THEN {same} END)"
)


def _in_pricing_currency(value: str, same: str) -> str:
    """What was not said in the pricing currency is the amount billed, where the currencies are one."""
    return _SAME_CURRENCY.format(value=f"f.{value}", same=f"f.{same}")


def _cost(name: str, where_billed: str) -> str:
    """A cost, where the bill leaves it out as FOCUS defines it: price by quantity; without a price, what is billed."""
    product = f"round(f.{name}_unit_price * f.pricing_quantity, 18)"
    return (
        f"coalesce(f.{name}_cost, CASE"
        f" WHEN f.{name}_unit_price IS NULL AND ({where_billed}) THEN f.billed_cost"
        f" WHEN k.charge_class IS NULL AND abs({product}) < {LARGEST_AMOUNT} THEN {product} END)"
    )


_ON_ITS_OWN: Final = "k.charge_category IN ('Credit', 'Adjustment')"
_AT_LIST_PRICE: Final = "k.charge_category IN ('Usage', 'Purchase') AND f.billed_cost = f.list_cost"
_NATURAL: Final = {
    # statements have days, facts have times only where they reach beyond their day
    "BillingPeriodStart": "st.billing_period_start::timestamp AT TIME ZONE 'UTC'",
    "BillingPeriodEnd": "st.billing_period_end::timestamp AT TIME ZONE 'UTC'",
    "ChargePeriodStart": "coalesce(f.charge_period_start, f.day::timestamp AT TIME ZONE 'UTC')",
    "ChargePeriodEnd": "coalesce(f.charge_period_end, (f.day + 1)::timestamp AT TIME ZONE 'UTC')",
    # names that one version has and another calls otherwise
    "ProviderName": "coalesce(k.provider_name, k.service_provider_name)",
    "PublisherName": "coalesce(k.publisher_name, k.service_provider_name)",
    "ServiceProviderName": "coalesce(k.service_provider_name, k.provider_name)",
    # what older versions leave unsaid and newer ones do not allow to be null; costs only where FOCUS says what they are
    "ContractedCost": _cost("contracted", where_billed=f"{_ON_ITS_OWN} OR {_AT_LIST_PRICE}"),
    "ListCost": _cost("list", where_billed=_ON_ITS_OWN),
    "ServiceSubcategory": "coalesce(k.service_subcategory, 'Other (' || k.service_category || ')')",
    "PricingCurrency": "coalesce(k.pricing_currency, k.billing_currency)",
    "PricingCurrencyContractedUnitPrice": _in_pricing_currency(
        "pricing_currency_contracted_unit_price", "contracted_unit_price"
    ),
    "PricingCurrencyEffectiveCost": _in_pricing_currency("pricing_currency_effective_cost", "effective_cost"),
    "PricingCurrencyListUnitPrice": _in_pricing_currency("pricing_currency_list_unit_price", "list_unit_price"),
}
"""SQL of columns that are not simply what is stored under their name."""


def columns_of(version: str) -> tuple[Column, ...]:
    """The columns of a version, in alphabetical order."""
    return tuple(column for column in COLUMNS if column.is_in(version))


def columns_outside(version: str) -> tuple[Column, ...]:
    """The columns of other versions, which this one can only have as custom columns."""
    return tuple(column for column in COLUMNS if not column.is_in(version))
