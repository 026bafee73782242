"""What dimensions and their values are called on pages."""

from typing import Final

from apps.costs.dimensions import Dimension

DIMENSION_LABELS: Final = {
    "provider": "Provider",
    "billing_account": "Billing account",
    "sub_account": "Sub account",
    "service": "Service",
    "service_category": "Service category",
    "region": "Region",
    "resource": "Resource",
    "resource_type": "Resource type",
    "sku": "SKU",
    "charge_category": "Charge type",
    "pricing_category": "Pricing type",
    "team": "Team",
    "environment": "Environment",
    "workload": "Workload",
}
NEXT_DIMENSION: Final = {
    "provider": "service",
    "billing_account": "sub_account",
    "sub_account": "service",
    "service_category": "service",
    "service": "sku",
    "sku": "resource",
    "resource_type": "resource",
}
"""What to group by after choosing one value of a dimension; service where nothing is said."""


def dimension_label(dimension: Dimension) -> str:
    """What the dimension is called: `Service`, `Tag: env`."""
    return f"Tag: {dimension.tag_key}" if dimension.tag_key else DIMENSION_LABELS[dimension.name]


def value_label(dimension: Dimension, value: str) -> str:
    """What a value is called; having none has a name too."""
    if value:
        return value
    if dimension.name == "team":
        return "Unallocated"
    return f"No {dimension_label(dimension).lower() if not dimension.tag_key else f'tag {dimension.tag_key}'}"


def next_dimension(chosen: Dimension) -> str:
    """What to group by once one value of `chosen` is picked; empty at the end of the way: then its charges are next."""
    return "" if chosen.name == "resource" else NEXT_DIMENSION.get(chosen.name, "service")
