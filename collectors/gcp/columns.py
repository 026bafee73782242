"""Columns of the Cloud Billing export by their dotted names; flattened ones are spelt with underscores as well."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from collectors.errors import RefusedFileError

GCP_REQUIRED: Final = (
    "billing_account_id",  # whose bill it is: a newer delivery replaces the older one of the same account and period
    "invoice.month",  # which bill a row belongs to; never derived from when it was used
    "usage_start_time",  # the day of the charge
    "usage_end_time",  # whether it reaches beyond that day
    "service.description",  # what it is for
    "currency",  # amounts of different currencies are never added
    "cost",  # what it costs before credits
    "credits",  # what is given back of it: without them every number would be too high
)
"""Columns without which nothing can be loaded, and why; all but the service and the credits need a value."""

_NOISE: Final = re.compile(r"[^a-z0-9]")


def squashed(column: str) -> str:
    """A column's name without what differs: `service.description` and `service_description`."""
    return _NOISE.sub("", column.lower())


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """Positions by squashed name; of columns that come twice, the first, unless it is a needed one."""
    needed = {squashed(column) for column in GCP_REQUIRED}
    found: dict[str, int] = {}
    for position, column in enumerate(header):
        name = squashed(column)
        if name in found and name in needed:
            raise RefusedFileError(f"the header names {column} twice; which one counts cannot be told.")
        found.setdefault(name, position)
    return found


def present(wanted: Mapping[str, str], found: Mapping[str, int]) -> dict[str, int]:
    """Positions of those of `wanted` columns that the header has."""
    return {name: found[squashed(column)] for name, column in wanted.items() if squashed(column) in found}
