"""Template doors to the formatter of apps.core.money, and the icons; no formatting of its own."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import money as formatter

register = template.Library()
register.filter("number", formatter.number)
register.filter("size", formatter.size)
register.filter("exact", formatter.exact)
register.filter("month", formatter.month)
register.filter("duration", formatter.duration)
register.filter("percent", formatter.percent)
register.filter("exact_money", formatter.exact_money)
register.filter("currency_name", formatter.currency_name)


@register.filter
def file_name(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rsplit("/", 1)[-1]


@register.filter
def day(value: date | None, year: bool = False) -> str:
    """A date: `18 Jun`; with the argument True its year too."""
    return formatter.day(value, year=year)


@register.simple_tag
def money(amount: Decimal | None, currency: str, tile: bool = False) -> SafeString:
    """An amount as people read it, with every digit of it on hover and in the `value` attribute."""
    shown = formatter.tile_money(amount, currency) if tile else formatter.money(amount, currency)
    if amount is None:
        return format_html("{}", shown)
    exact = formatter.exact_money(amount, currency)
    return format_html('<data value="{}" title="{}">{}</data>', f"{amount:f}", exact, shown)


@register.simple_tag
def plain_money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount with its exact value on hover alone: for tables with very many amounts."""
    if not amount:
        return format_html("{}", formatter.money(amount, currency))
    return format_html(
        '<span title="{}">{}</span>', formatter.exact_money(amount, currency), formatter.money(amount, currency)
    )


@register.simple_tag
def brief_money(amount: Decimal | None, currency: str) -> str:
    """An amount and nothing else: for tables by date, whose exact amounts are in the export."""
    return formatter.money(amount, currency)


@register.simple_tag
def delta(now: Decimal | None, before: Decimal | None, currency: str) -> SafeString:
    """A coloured change of cost with its sign; exact on hover."""
    change = formatter.delta(now, before, currency)
    exact = "" if now is None or before is None else formatter.exact_money(now - before, currency)
    return format_html('<span class="delta {}" title="{}">{}</span>', change.direction, exact, change.amount)


@register.simple_tag
def delta_percent(now: Decimal | None, before: Decimal | None, currency: str) -> str:
    """The same change as a share of `before`; empty when that is zero or unknown."""
    return formatter.delta(now, before, currency).percent


@register.simple_tag
def counted(count: int, one: str, many: str = "") -> str:
    """A count and its noun: `1 row`, `13,224 rows`."""
    return formatter.counted(count, one, many)


@register.simple_tag
def days(first: date, last: date, year: bool = False) -> str:
    """A range of days, both included: `1–17 Jun`."""
    return formatter.days(first, last, year=year)


@register.simple_tag
def moment(at: datetime | None, year: bool = False) -> SafeString:
    """A time in UTC, with its year and age on hover: `18 Jun, 09:00 UTC`; `year` shows it at once."""
    if at is None:
        return format_html("{}", formatter.NO_DATA)
    at = at.astimezone(UTC)
    title = f"{formatter.time(at, year=True)}, {formatter.ago(at, timezone.now())}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), title, formatter.time(at, year=year))


@register.simple_tag
def clock(at: datetime | None) -> SafeString:
    """A time of day, with its date unless it is today's: UTC, or with scripts in the reader's zone; exact on hover."""
    if at is None:
        return format_html("{}", formatter.NO_DATA)
    at, now = at.astimezone(UTC), timezone.now()
    shown = f"{at:%H:%M} UTC" if at.date() == now.date() else formatter.time(at)
    title = f"{formatter.time(at, year=True)}, {formatter.ago(at, now)}"
    return format_html('<time data-clock datetime="{}" title="{}">{}</time>', at.isoformat(), title, shown)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A line icon of static/icons.svg; decoration only, so it always stands beside a word or a label."""
    return format_html('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name)


@register.inclusion_tag("parts/field.html")
def field(bound: Any, wide: bool = False) -> dict[str, Any]:
    """A form field with its label, help and errors."""
    return {"field": bound, "wide": wide}
