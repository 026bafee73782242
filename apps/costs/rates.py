"""Exchange rates: setting and deleting one, and importing a file of them; the audit event is in the transaction."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts import audit
from apps.accounts.models import User
from apps.core.errors import UserError
from apps.core.locks import hold
from apps.core.periods import PeriodError, parse_day
from apps.costs.models import ExchangeRate

FIELDS: Final = ("currency", "reporting_currency", "month", "rate")
MAX_DECIMALS: Final = 18
MAX_WHOLE_DIGITS: Final = 20
_LOCK: Final = "exchange rates"
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_MONTH: Final = re.compile(r"([0-9]{4}-[0-9]{2})(-01)?")


class RateError(UserError):
    """A rate that cannot be used; `field` names what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `currency` is worth `rate` of `reporting_currency` in the calendar month that begins on `month`."""

    currency: str
    reporting_currency: str
    month: date
    rate: Decimal

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> "Rate":
        """A rate from FIELDS as text; a month is `2026-06` or `2026-06-01`. Raises RateError."""
        rate = cls(
            _currency(fields["currency"], "currency"),
            _currency(fields["reporting_currency"], "reporting_currency"),
            _month(fields["month"]),
            _positive(fields["rate"]),
        )
        if rate.currency == rate.reporting_currency:
            raise RateError("The same currency needs no rate.", field="reporting_currency")
        return rate

    @property
    def name(self) -> str:
        """What the rate is of: `EUR/USD 2026-06`."""
        return f"{self.currency}/{self.reporting_currency} {self.month:%Y-%m}"


@dataclass(frozen=True, slots=True)
class ImportedRates:
    """What an import did: how many rates are new, have another value now, or were there already."""

    added: int
    changed: int
    unchanged: int


def rates() -> QuerySet[ExchangeRate]:
    """Every exchange rate, newest month first. They are no team's, so everybody may see them."""
    return ExchangeRate.objects.order_by("-month", "currency", "reporting_currency")


@transaction.atomic
def set_rate(*, rate: Rate, actor: User | None, remote_address: str = "") -> ExchangeRate:
    """Make this the rate of its currencies and month; costs are converted by it from the next answer on."""
    hold(_LOCK)
    _write([rate], action="exchange_rate.set", target=f"exchange_rate:{rate.name}", actor=actor, address=remote_address)
    return ExchangeRate.objects.get(
        currency=rate.currency, reporting_currency=rate.reporting_currency, month=rate.month
    )


@transaction.atomic
def delete_rate(*, exchange_rate: ExchangeRate, actor: User | None, remote_address: str = "") -> None:
    """Delete a rate; costs of its month can no longer be converted."""
    hold(_LOCK)
    rate = _rate_of(exchange_rate)
    exchange_rate.delete()
    audit.record(
        actor=actor,
        action="exchange_rate.deleted",
        target=f"exchange_rate:{rate.name}",
        before={rate.name: rate.rate},
        remote_address=remote_address,
    )


@transaction.atomic
def import_rates(
    *, lines: Iterable[str], file_name: str, actor: User | None, remote_address: str = ""
) -> ImportedRates:
    """Set the rates of a CSV file with the columns FIELDS; all of them or, when a row is wrong, none.

    Importing the same file again changes nothing. Raises RateError that names the file, the row and the field.
    """
    read = list(_read(lines, file_name))
    hold(_LOCK)
    return _write(
        read,
        action="exchange_rates.imported",
        target=f"exchange_rates:{file_name}",
        actor=actor,
        address=remote_address,
    )


def _write(wanted: list[Rate], *, action: str, target: str, actor: User | None, address: str) -> ImportedRates:
    """Write what differs, with one audit event for it; the caller holds the lock."""
    before = {rate.name: rate.rate for rate in map(_rate_of, ExchangeRate.objects.all())}
    differing = [rate for rate in wanted if before.get(rate.name) != rate.rate]
    ExchangeRate.objects.bulk_create(
        [ExchangeRate(**{field: getattr(rate, field) for field in FIELDS}) for rate in differing],
        update_conflicts=True,
        unique_fields=["currency", "reporting_currency", "month"],
        update_fields=["rate"],
    )
    changed = {rate.name: before[rate.name] for rate in differing if rate.name in before}
    if differing:
        after = {rate.name: rate.rate for rate in differing}
        audit.record(
            actor=actor, action=action, target=target, before=changed or None, after=after, remote_address=address
        )
    return ImportedRates(len(differing) - len(changed), len(changed), len(wanted) - len(differing))


def _rate_of(row: ExchangeRate) -> Rate:
    return Rate(row.currency, row.reporting_currency, row.month, row.rate)


def _read(lines: Iterable[str], file_name: str) -> Iterator[Rate]:
    reader = csv.DictReader(lines, strict=True)
    _check_header(reader.fieldnames, file_name)
    seen: dict[str, int] = {}
    for number, row in enumerate(_rows(reader, file_name), start=1):
        rate = _parse_row(row, f"{file_name}, row {number}")
        if rate.name in seen:
            raise RateError(f"{file_name}, row {number}: {rate.name} was given in row {seen[rate.name]} already.")
        seen[rate.name] = number
        yield rate


def _rows(reader: "csv.DictReader[str]", file_name: str) -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:
        raise RateError(f"{file_name}, line {reader.line_num}: this is no CSV ({error}).") from None


def _check_header(names: Iterable[str] | None, file_name: str) -> None:
    if sorted(names or ()) != sorted(FIELDS):
        found = ", ".join(names or ()) or "nothing"
        raise RateError(f"{file_name}, row 0: the header has to name {', '.join(FIELDS)}; it names {found}.")


def _parse_row(row: Mapping[Any, Any], where: str) -> Rate:
    if None in row or None in row.values():
        raise RateError(f"{where}: it has to have {len(FIELDS)} fields.")
    try:
        return Rate.parse({field: row[field].strip() for field in FIELDS})
    except RateError as error:
        raise RateError(f"{where}, {error.field}: {error}", field=error.field) from None


def _currency(text: str, field: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise RateError(f"{text!r} is not a currency. Use its ISO 4217 code, like EUR.", field=field)
    return text


def _month(text: str) -> date:
    match = _MONTH.fullmatch(text)
    try:
        if match:
            return parse_day(f"{match[1]}-01", "month")
    except PeriodError as error:
        raise RateError(f"{text!r} is not a month. {error}", field="month") from None
    raise RateError(f"{text!r} is not a month. Write it as YYYY-MM, like 2026-06.", field="month")


def _positive(text: str) -> Decimal:
    rate = Decimal(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else Decimal(0)
    if rate <= 0:
        raise RateError(f"{text!r} is not a positive decimal number, like 1.0832.", field="rate")
    whole, _, decimals = text.partition(".")
    if len(whole.lstrip("0")) > MAX_WHOLE_DIGITS or len(decimals.rstrip("0")) > MAX_DECIMALS:
        message = f"{text} has more than {MAX_WHOLE_DIGITS} digits before or {MAX_DECIMALS} after the point."
        raise RateError(message, field="rate")
    return rate
