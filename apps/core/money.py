"""The one formatter: money, per cents, changes, counts, sizes, durations, dates and times as people read them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

NO_DATA: Final = "—"
MINUS: Final = "−"
CENT: Final = Decimal("0.01")
SYMBOLS: Final = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "KRW": "₩",
    "ILS": "₪",
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "HKD": "HK$",
    "NZD": "NZ$",
    "SGD": "S$",
}
CURRENCY_NAMES: Final = {
    "USD": "US dollars",
    "EUR": "euros",
    "GBP": "pounds sterling",
    "JPY": "Japanese yen",
    "INR": "Indian rupees",
    "AUD": "Australian dollars",
    "BRL": "Brazilian reais",
    "CAD": "Canadian dollars",
    "CHF": "Swiss francs",
    "CNY": "Chinese yuan",
    "SEK": "Swedish kronor",
}
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(amount: Decimal | None, currency: str) -> str:
    """Money in tables and sentences: `$304,322` from 100 up, `$4.10` below, `< $0.01` below a cent, `$0`, `—`."""
    if amount is None:
        return NO_DATA
    if amount == 0:
        return _signed(amount, currency, "0")
    if abs(amount) < CENT:
        return f"{'<' if amount > 0 else '>'} {_signed(amount, currency, '0.01')}"
    cents = _round(abs(amount), 2)
    return _signed(amount, currency, f"{_round(abs(amount), 0):,}" if cents >= 100 else f"{cents:,}")


def exact_money(amount: Decimal | None, currency: str) -> str:
    """Every digit that the amount has, at least two decimals: `$25,954.9884`. For proofs, not for reading."""
    if amount is None:
        return NO_DATA
    return _signed(amount, currency, _at_least_two_decimals(abs(amount)))


def exact(value: Decimal | None) -> str:
    """Every digit of a number without a currency, such as an exchange rate: `1.0832`."""
    return NO_DATA if value is None else f"{MINUS if value < 0 else ''}{_plain(abs(value))}"


def tile_money(amount: Decimal | None, currency: str) -> str:
    """Money in a tile: like `money`, and `$1.24M` from a million up."""
    if amount is None or abs(amount) < 1_000_000:
        return money(amount, currency)
    unit, name = (Decimal("1e9"), "B") if abs(amount) >= Decimal("1e9") else (Decimal("1e6"), "M")
    return _signed(amount, currency, f"{_round(abs(amount) / unit, 2)}{name}")


def axis_money(amount: Decimal, currency: str) -> str:
    """Money beside a chart's axis, the shortest form: `$0`, `$500`, `$15k`, `$1.2M`."""
    for unit, name in ((Decimal("1e9"), "B"), (Decimal("1e6"), "M"), (Decimal("1e3"), "k")):
        if abs(amount) >= unit:
            return _signed(amount, currency, f"{_plain(_round(abs(amount) / unit, 1))}{name}")
    return _signed(amount, currency, _plain(_round(abs(amount), 2)))


def unit_price(amount: Decimal | None, currency: str, unit: str) -> str:
    """A price for one unit, never rounded to nothing: `$0.0042 / 1k tokens`; three significant digits below 1."""
    if amount is None:
        return NO_DATA
    digits = 2 if amount == 0 or abs(amount) >= 1 else max(2, 2 - amount.adjusted())
    text = _at_least_two_decimals(_round(abs(amount), digits)) if amount else "0"
    return f"{_signed(amount, currency, text)} / {unit}"


def percent(ratio: Decimal | None, *, in_prose: bool = False) -> str:
    """A share: `7.2%` in columns; in prose whole numbers from 10 up: `34%`. `< 0.1%` is never written as 0."""
    if ratio is None:
        return NO_DATA
    value = ratio * 100
    if 0 < abs(value) < Decimal("0.05"):
        return f"{'<' if value > 0 else '>'} {MINUS if value < 0 else ''}0.1%"
    whole = in_prose and abs(value) >= 10
    return f"{MINUS if value < 0 else ''}{_round(abs(value), 0 if whole else 1):,}%"


def points(ratio: Decimal) -> str:
    """A difference of two shares: `+3 points`."""
    value = _round(ratio * 100, 0)
    return f"{MINUS if value < 0 else '+'}{abs(value)} points"


@dataclass(frozen=True, slots=True)
class Delta:
    """A change of cost in words: `amount` always, `percent` empty when the base is zero or unknown."""

    amount: str
    percent: str
    direction: str  # more, less or flat: the class that colours it


def delta(now: Decimal | None, before: Decimal | None, currency: str) -> Delta:
    """The change from `before` to `now`: `+$2,436` and `+7.2%`; `—` when either side is unknown."""
    if now is None or before is None:
        return Delta(NO_DATA, "", "flat")
    change = now - before
    if change == 0:
        return Delta(money(change, currency), "", "flat")
    share = percent(change / abs(before)) if before else ""
    return Delta(_plus(change, money(change, currency)), _plus(change, share), "more" if change > 0 else "less")


def number(value: int | Decimal | None) -> str:
    """A count or a quantity with thousands marks: `13,224`."""
    if value is None:
        return NO_DATA
    return f"{MINUS if value < 0 else ''}{abs(value):,}"


def counted(count: int, one: str, many: str = "") -> str:
    """A count and its noun: `1 row`, `13,224 rows`, `2 deliveries`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def size(count: int | None) -> str:
    """Bytes in decimal units: `14 bytes`, `412 kB`, `1.3 GB`."""
    if count is None:
        return NO_DATA
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            value = Decimal(count) / unit
            return f"{_round(value, 0 if value >= 100 else 1)} {name}"
    return counted(count, "byte")


def duration(span: timedelta | None) -> str:
    """The two largest units: `41 s`, `2 min 5 s`, `14 h 10 min`, `3 d 4 h`; tenths below ten seconds."""
    if span is None:
        return NO_DATA
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts = []
    for length, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        whole, rest = divmod(rest, length)
        parts.append((whole, name))
    first = next(index for index, (whole, _) in enumerate(parts) if whole)
    return " ".join(f"{whole} {name}" for whole, name in parts[first : first + 2] if whole)


def ago(moment: datetime, now: datetime) -> str:
    """How long before `now`, in one unit: `just now`, `40 minutes ago`, `3 hours ago`, `12 days ago`."""
    seconds = int((now - moment).total_seconds())
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return f"{counted(seconds // length, name)} ago"
    return "just now"


def day(value: date | None, *, year: bool = False) -> str:
    """A date: `18 Jun`, with the year `18 Jun 2026`."""
    if value is None:
        return NO_DATA
    return f"{value.day} {MONTHS[value.month - 1]}{f' {value.year}' if year else ''}"


def days(first: date, last: date, *, year: bool = False) -> str:
    """A range of days, both included: `1–17 Jun`, `19 May – 17 Jun`, across years `19 Dec 2025 – 3 Jan 2026`."""
    if first == last:
        return day(first, year=year)
    if first.year != last.year:
        return f"{day(first, year=True)} – {day(last, year=True)}"
    if first.month != last.month:
        return f"{day(first)} – {day(last, year=year)}"
    return f"{first.day}–{day(last, year=year)}"


def month(value: date) -> str:
    """A calendar month: `June 2026`."""
    return f"{value:%B} {value.year}"


def time(moment: datetime | None, *, year: bool = False) -> str:
    """A moment in UTC: `18 Jun, 09:00 UTC`; `moment` must be in UTC already."""
    if moment is None:
        return NO_DATA
    return f"{day(moment.date(), year=year)}, {moment:%H:%M} UTC"


def currency_name(currency: str) -> str:
    """What the currency is called in a sentence: `US dollars`; its code where we have no name."""
    return CURRENCY_NAMES.get(currency, currency)


def _signed(amount: Decimal, currency: str, digits: str) -> str:
    """The digits with their currency in front, and a true minus sign before that."""
    symbol = SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{MINUS if amount < 0 else ''}{symbol}{digits}"


def _plus(change: Decimal, text: str) -> str:
    """The text with its plus sign, before the number and not before a `<`."""
    if change < 0 or not text:
        return text
    return f"< +{text[2:]}" if text.startswith("< ") else f"+{text}"


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _plain(value: Decimal) -> str:
    """No trailing zeros and no exponent: 1.20 is 1.2, 15.0 is 15."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _at_least_two_decimals(value: Decimal) -> str:
    whole, _, fraction = f"{value:,f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
