"""Columns of Azure cost exports by one name each, whatever agreement, version and language they were written in."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from collectors.errors import RefusedFileError

AZURE_REQUIRED: Final = (
    "Date",  # the day of the charge
    "Cost",  # what it costs in the billing currency
    "SubscriptionId",  # whose cost it is
    "MeterCategory",  # what it is for
)
"""Columns without which nothing can be loaded, under any of their names; the first two need a value in every row."""

_OTHER_NAMES: Final = {
    "date": ("usagedatetime", "usagedate"),
    "cost": ("costinbillingcurrency", "pretaxcost", "extendedcost"),
    "subscriptionid": ("subscriptionguid",),
    "billingcurrency": ("billingcurrencycode", "currency", "currencycode"),
    "quantity": ("usagequantity", "consumedquantity"),
    "effectiveprice": ("resourcerate",),
    "resourceid": ("instanceid",),
    "resourcelocation": ("location",),
    "resourcegroup": ("resourcegroupname",),
    "productname": ("product",),
    "invoicesectionname": ("invoicesection",),
    "unitofmeasure": ("unit",),
}
"""Column -> what else it is called. The billing currency's cost counts where there are several costs."""

_NAMES: Final = {other: name for name, others in _OTHER_NAMES.items() for other in others}
_PREFERRED: Final = ("costinbillingcurrency", "billingcurrency", "resourcelocation", "productname")
"""Of two columns that mean the same, this one counts."""

_ENGLISH: Final = re.compile(r".*\(([A-Za-z][\w .-]*)\)", re.DOTALL)
_NOISE: Final = re.compile(r"[^a-z0-9]")


def plain_name(column: str) -> str:
    """`Abonnement-GUID (SubscriptionGuid)`, `subscriptionGuid` and `Subscription ID` -> `subscriptionid`."""
    name = _squashed(column)
    return _NAMES.get(name, name)


def _squashed(column: str) -> str:
    translated = _ENGLISH.fullmatch(column.strip())
    return _NOISE.sub("", (translated[1] if translated else column).lower())


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """Positions by plain name. A column that comes twice under one spelling is refused where it is a needed one."""
    found: dict[str, int] = {}
    spelt: dict[str, str] = {}
    needed = {plain_name(column) for column in AZURE_REQUIRED}
    for position, column in enumerate(header):
        name, spelling = plain_name(column), _squashed(column)
        if name in needed and spelt.get(name) == spelling:
            raise RefusedFileError(f"the header names {column} twice; which one counts cannot be told.")
        if name not in found or spelling in _PREFERRED:
            found[name], spelt[name] = position, spelling
    return found


def present(wanted: Mapping[str, str], found: Mapping[str, int]) -> dict[str, int]:
    """Positions of those of `wanted` columns that the header has."""
    return {name: found[column] for name, column in wanted.items() if column in found}
