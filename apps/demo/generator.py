"""The bills of the demo organisation, one per provider and month, and what of the stories each of them holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from apps.demo.commitments import commitment_charges
from apps.demo.fees import fee_charges
from apps.demo.focus import next_month, total
from apps.demo.tables import rows
from apps.demo.usage import usage_charges, used

MONTHS: Final = 13
PROVIDERS: Final = tuple(provider["slug"] for provider in rows("providers"))


@dataclass(frozen=True, slots=True)
class Bill:
    """What a provider billed for one month; `charges` has the columns of FOCUS 1.2."""

    provider: str
    month: date
    charges: pl.DataFrame

    @property
    def file_name(self) -> str:
        """How its file is called."""
        return f"{self.provider}-{self.month:%Y-%m}.parquet"


def months_until(until: date, months: int = MONTHS) -> list[date]:
    """The first days of the calendar months that end with the one of `until`, oldest first."""
    index = until.year * 12 + until.month - months
    return [date((index + place) // 12, (index + place) % 12 + 1, 1) for place in range(months)]


def bills(until: date, months: int = MONTHS) -> Iterator[Bill]:
    """Every bill up to and with the day `until`, oldest month first; the same rows for the same day, always."""
    for month in months_until(until, months):
        for provider in PROVIDERS:
            yield _bill(provider, month, until)


def _bill(provider: str, month: date, until: date) -> Bill:
    last = min(next_month(month) - timedelta(days=1), until)
    usage = used(provider, month, last, until=until)
    charges = [usage_charges(usage), commitment_charges(provider, usage, month, last)]
    billed = sum((total(part, "BilledCost") for part in charges), Decimal(0))
    charges.append(fee_charges(provider, month, until=until, billed=billed))
    return Bill(provider, month, _invoiced(pl.concat(charges), provider, month, until))


def _invoiced(charges: pl.DataFrame, provider: str, month: date, until: date) -> pl.DataFrame:
    """With the number of the invoice, which is a provisional one until the month is over."""
    number = "PROVISIONAL" if next_month(month) > until else "0418"
    return charges.with_columns(InvoiceId=pl.lit(f"{provider.upper()}-{month:%Y%m}-{number}"))
