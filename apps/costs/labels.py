"""What dimensions and their values are called on pages."""

from collections.abc import Callable, Mapping
from typing import Final

from apps.accounts.models import Team
from apps.costs.dimensions import Dimension

Namer = Callable[[Dimension, str], str]
"""Says what a value of a dimension is called."""

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


PLURALS: Final = {"service_category": "service categories", "sku": "SKUs"}


def dimension_label(dimension: Dimension) -> str:
    """What the dimension is called: `Service`, `Tag: env`."""
    return f"Tag: {dimension.tag_key}" if dimension.tag_key else DIMENSION_LABELS[dimension.name]


def namer(teams: Mapping[str, str] | None = None) -> Namer:
    """What values are called, teams by their names: by slug, read (one query) where they are not given."""
    names = dict(Team.objects.values_list("slug", "name")) if teams is None else teams

    def name(dimension: Dimension, value: str) -> str:
        return names.get(value, value) if dimension.name == "team" and value else value_label(dimension, value)

    return name


def value_label(dimension: Dimension, value: str) -> str:
    """What a value is called where nothing but its text is known; having none has a name too."""
    if value:
        return value
    if dimension.name == "team":
        return "Unallocated"
    return f"No {dimension_noun(dimension)}"


def dimension_noun(dimension: Dimension, count: int = 1) -> str:
    """The dimension inside a sentence, for so many of its values: `team`, `SKUs`, `values of tag env`."""
    if dimension.tag_key:
        return f"tag {dimension.tag_key}" if count == 1 else f"values of tag {dimension.tag_key}"
    label = DIMENSION_LABELS[dimension.name]
    noun = label if label.isupper() else label.lower()
    return noun if count == 1 else PLURALS.get(dimension.name, f"{noun}s")


def next_dimension(chosen: Dimension) -> str:
    """What to group by once one value of `chosen` is picked; empty at the end of the way: then its charges are next."""
    return "" if chosen.name == "resource" else NEXT_DIMENSION.get(chosen.name, "service")
