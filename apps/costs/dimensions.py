"""What cost can be grouped and filtered by: the names of dimensions, and the SQL that each stands for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from apps.core.errors import UserError
from apps.costs.lists import split_values
from apps.costs.models import ChargeGroup

TAG_PREFIX: Final = "tag:"
RESOURCE: Final = "resource"
DIMENSION_NAMES: Final = (
    "provider",
    "billing_account",
    "sub_account",
    "service",
    "service_category",
    "region",
    RESOURCE,
    "resource_type",
    "sku",
    "charge_category",
    "pricing_category",
    "team",
    "environment",
    "workload",
)
"""Every dimension but the tags, in the order in which people are offered them."""


class Level(StrEnum):
    """What rows of facts and rollups have to tell apart to answer a question."""

    GROUP = "group_id"
    KEY = "key_id"


class DimensionError(UserError):
    """A name that is no dimension; the text lists those that are."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing to group or filter by. Its values are texts; the empty text means that a charge has none."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in DIMENSION_NAMES and not (self.tag_key and "\0" not in self.tag_key):
            allowed = ", ".join(DIMENSION_NAMES)
            raise DimensionError(f"{self.name!r} is not a dimension. Use one of: {allowed}, tag:KEY.")

    @property
    def tag_key(self) -> str:
        """The key of the tag that this dimension reads; empty for the others."""
        return self.name.removeprefix(TAG_PREFIX) if self.name.startswith(TAG_PREFIX) else ""

    @property
    def level(self) -> Level:
        """Whether charge groups know this dimension, or only charge keys do."""
        return Level.GROUP if self.name in ChargeGroup.DIMENSIONS else Level.KEY

    @classmethod
    def parse_list(cls, text: str) -> tuple[Self, ...]:
        """Dimensions from `service,"tag:a,b"`; empty text is none. Raises DimensionError or ListError."""
        names = split_values(text.lstrip(), blanks_between=True) if text.strip() else []
        return tuple(cls(_tidy(name)) for name in names)


def _tidy(name: str) -> str:
    """The name without blanks around it; those of a tag's key are part of the key."""
    return name if name.startswith(TAG_PREFIX) else name.strip()
