"""Columns of an export that say in FOCUS's words what bills say in their own, as SQL; the bill's stay beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from apps.costs.focus import COLUMNS, Column
from apps.costs.selection import Placeholders
from apps.costs.wording import Wording, issuers, services, units

ORIGINAL: Final = "x_Original"
"""With the column's name behind it: the custom column of what the bill said."""

_FOUND: Final = {
    "CommitmentDiscountUnit": "->> k.commitment_discount_unit",
    "ConsumedUnit": "->> k.consumed_unit",
    "InvoiceIssuerName": "-> k.invoice_issuer_name ->> coalesce(k.provider_name, k.service_provider_name)",
    "PricingUnit": "->> k.pricing_unit",
    "ServiceCategory": "-> k.service_name ->> 0",
    "ServiceSubcategory": "-> k.service_name ->> 1",
}
"""SQL that finds a row's words in a correction's."""
_CONDITIONS: Final = {"PricingUnit": "f.pricing_quantity IS NOT NULL"}
"""Where a column may have a value at all."""
_COLUMNS: Final = {column.name: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class Correction:
    """A column whose value is another than the bill's in some rows."""

    column: Column
    words: Mapping[str, Any]
    has_original: bool  # whether a bill said something else, and not nothing

    def written(self, placeholders: Placeholders) -> sql.Composed:
        """SQL of the value in FOCUS's words."""
        return sql.SQL("CASE WHEN {condition} THEN coalesce({words}::jsonb {found}, {natural}) END").format(
            condition=sql.SQL(_CONDITIONS.get(self.column.name, "TRUE")),
            words=placeholders.add(json.dumps(self.words)),
            found=sql.SQL(_FOUND[self.column.name]),
            natural=sql.SQL(self.column.natural),
        )

    def original(self, placeholders: Placeholders) -> sql.Composed:
        """SQL of what the bill said, where something else is written."""
        stored, written = sql.SQL(self.column.value), self.written(placeholders)
        return sql.SQL("CASE WHEN {} IS DISTINCT FROM {} THEN {} END").format(stored, written, stored)


def corrections_of(wordings: Sequence[Wording], *, unitless: bool) -> dict[str, Correction]:
    """The corrections that charges in these words need, by column; `unitless`: units stand without a quantity."""
    places = services(wordings)
    found: dict[str, Mapping[str, Any]] = {
        "CommitmentDiscountUnit": units(one.commitment_discount_unit for one in wordings),
        "ConsumedUnit": units(one.consumed_unit for one in wordings),
        "InvoiceIssuerName": issuers(wordings),
        "PricingUnit": units(one.pricing_unit for one in wordings),
        "ServiceCategory": places,
        "ServiceSubcategory": places,
    }
    moved = [(one, places[one.service]) for one in wordings if one.service in places]
    overruled = {
        "ServiceCategory": any(one.category not in (None, category) for one, (category, _) in moved),
        "ServiceSubcategory": any(one.subcategory not in (None, chosen) for one, (_, chosen) in moved),
    }
    return {
        name: Correction(_COLUMNS[name], words, has_original=overruled.get(name, True))
        for name, words in found.items()
        if words or (name == "PricingUnit" and unitless)
    }
