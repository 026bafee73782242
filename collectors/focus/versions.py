"""Tells FOCUS versions and datasets apart by the columns that each added."""

from collections.abc import Sequence
from typing import Final

ADDED: Final = {
    "1.4": {"commitmentprogrameligibilitydetails", "invoicedetailid"},
    "1.3": {
        "allocatedmethoddetails",
        "allocatedmethodid",
        "allocatedresourceid",
        "allocatedresourcename",
        "allocatedtags",
        "contractapplied",
        "hostprovidername",
        "serviceprovidername",
    },
    "1.2": {
        "billingaccounttype",
        "subaccounttype",
        "invoiceid",
        "pricingcurrency",
        "pricingcurrencycontractedunitprice",
        "pricingcurrencyeffectivecost",
        "pricingcurrencylistunitprice",
    },
    "1.1": {
        "capacityreservationid",
        "capacityreservationstatus",
        "commitmentdiscountquantity",
        "commitmentdiscountunit",
        "servicesubcategory",
        "skumeter",
        "skupricedetails",
    },
}
"""Cost and Usage columns by the version that brought them, lower case."""

REMOVED_IN_1_4: Final = {"providername", "publishername"}

_DATASETS: Final = (
    ("Contract Commitment", {"contractcommitmentid", "contractid"}, "contractcommitmentlifecyclestatus"),
    ("Invoice Detail", {"invoicedetailid", "invoiceissuername"}, "invoicedetailid"),
    ("Billing Period", {"billingperiodstatus", "billingperiodstart"}, "billingperiodstatus"),
)
"""Dataset, the columns that tell it, the column that only version 1.4 of it has."""


def cost_and_usage_version(header: Sequence[str]) -> str:
    """The lowest version that has every FOCUS column of a Cost and Usage header."""
    present = {column.lower() for column in header}
    for version, columns in ADDED.items():
        if columns & present:
            without_provider = version == "1.3" and not REMOVED_IN_1_4 & present
            return "1.4" if without_provider else version
    return "1.0"


def other_dataset(header: Sequence[str]) -> str | None:
    """What to call a header of another dataset than Cost and Usage: "FOCUS 1.4 Invoice Detail"."""
    present = {column.lower() for column in header}
    for dataset, columns, newest in _DATASETS:
        if columns <= present and "chargeperiodstart" not in present:
            return f"FOCUS {'1.4' if newest in present else '1.3'} {dataset}"
    return None
