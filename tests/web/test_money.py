"""The formatter: every line of the table in the design's section on words and numbers, and its edges."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.core import money

D = Decimal
NARROW = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (None, "USD", "—"),
        (D(0), "USD", "$0"),
        (D("0E-18"), "USD", "$0"),
        (D("0.000000000000000001"), "USD", "< $0.01"),
        (D("-0.004"), "USD", "> −$0.01"),
        (D("0.01"), "USD", "$0.01"),
        (D("0.995"), "USD", "$1.00"),
        (D("4.1"), "USD", "$4.10"),
        (D("99.994"), "USD", "$99.99"),
        (D("99.995"), "USD", "$100"),
        (D("100.495"), "USD", "$100"),
        (D("304322.17"), "USD", "$304,322"),
        (D("-3433.4"), "USD", "−$3,433"),
        (D("25954.9884"), "EUR", "€25,955"),
        (D("12"), "CAD", "CA$12.00"),
        (D("12"), "CHF", f"CHF{NARROW}12.00"),
    ],
)
def test_money_reads_the_same_everywhere(amount, currency, text):
    assert money.money(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "—"),
        (D(0), "$0.00"),
        (D("25954.988400000000000000"), "$25,954.9884"),
        (D("-0.000000000000000001"), "−$0.000000000000000001"),
        (D("1E+3"), "$1,000.00"),
        (D("1234567.5"), "$1,234,567.50"),
    ],
)
def test_exact_money_keeps_every_digit(amount, text):
    assert money.exact_money(amount, "USD") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "—"),
        (D("999999.4"), "$999,999"),
        (D("1240118.22"), "$1.24M"),
        (D("-2500000000"), "−$2.50B"),
        (D("4.1"), "$4.10"),
    ],
)
def test_a_million_and_more_is_short_in_a_tile(amount, text):
    assert money.tile_money(amount, "USD") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (D(0), "$0"),
        (D("0.5"), "$0.5"),
        (D(500), "$500"),
        (D(15000), "$15k"),
        (D(1200000), "$1.2M"),
        (D(-20000), "−$20k"),
    ],
)
def test_an_axis_takes_the_shortest_form(amount, text):
    assert money.axis_money(amount, "USD") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "—"),
        (D(0), "$0 / hour"),
        (D("0.0042"), "$0.0042 / hour"),
        (D("0.00042"), "$0.00042 / hour"),
        (D("0.123456"), "$0.123 / hour"),
        (D("0.1"), "$0.10 / hour"),
        (D("5290"), "$5,290.00 / hour"),
        (D("3.06"), "$3.06 / hour"),
    ],
)
def test_a_unit_price_never_rounds_to_nothing(amount, text):
    assert money.unit_price(amount, "USD", "hour") == text


@pytest.mark.parametrize(
    ("ratio", "in_columns", "in_prose"),
    [
        (None, "—", "—"),
        (D(0), "0.0%", "0.0%"),
        (D("0.072"), "7.2%", "7.2%"),
        (D("0.3461"), "34.6%", "35%"),
        (D("0.0001"), "< 0.1%", "< 0.1%"),
        (D("0.00049"), "< 0.1%", "< 0.1%"),
        (D("0.0005"), "0.1%", "0.1%"),
        (D("-0.0001"), "> −0.1%", "> −0.1%"),
        (D("-0.239"), "−23.9%", "−24%"),
        (D(1), "100.0%", "100%"),
        (D(12), "1,200.0%", "1,200%"),
    ],
)
def test_per_cents_have_one_decimal_in_columns_and_are_whole_from_ten_in_prose(ratio, in_columns, in_prose):
    assert (money.percent(ratio), money.percent(ratio, in_prose=True)) == (in_columns, in_prose)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (D(36467), D(34031), money.Delta("+$2,436", "+7.2%", "more")),
        (D(10905), D(14338), money.Delta("−$3,433", "−23.9%", "less")),
        (D(5), D(5), money.Delta("$0", "", "flat")),
        (D(5), D(0), money.Delta("+$5.00", "", "more")),
        (D(-5), D(-10), money.Delta("+$5.00", "+50.0%", "more")),
        (D("10.001"), D(10), money.Delta("< +$0.01", "< +0.1%", "more")),
        (D(5), None, money.Delta("—", "", "flat")),
        (None, D(5), money.Delta("—", "", "flat")),
    ],
)
def test_a_change_has_a_sign_and_no_per_cent_without_a_base(now, before, expected):
    assert money.delta(now, before, "USD") == expected


def test_points_are_not_per_cents():
    assert (money.points(D("0.03")), money.points(D("-0.034"))) == ("+3 points", "−3 points")


def test_counts_have_thousands_marks_and_their_noun():
    assert money.number(13224) == "13,224"
    assert money.number(-2) == "−2"
    assert money.number(None) == "—"
    assert money.counted(1, "row") == "1 row"
    assert money.counted(0, "row") == "0 rows"
    assert money.counted(2, "delivery", "deliveries") == "2 deliveries"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "—"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (412_300, "412 kB"),
        (772_000_000, "772 MB"),
        (1_300_000_000, "1.3 GB"),
    ],
)
def test_sizes_are_decimal(count, text):
    assert money.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (-3, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (41, "41 s"),
        (125, "2 min 5 s"),
        (51_000, "14 h 10 min"),
        (3600, "1 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_show_their_two_largest_units(seconds, text):
    assert money.duration(None if seconds is None else timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 6, 1), date(2026, 6, 17), "1–17 Jun"),
        (date(2026, 5, 19), date(2026, 6, 17), "19 May – 17 Jun"),
        (date(2025, 12, 19), date(2026, 1, 3), "19 Dec 2025 – 3 Jan 2026"),
        (date(2026, 6, 1), date(2026, 6, 1), "1 Jun"),
    ],
)
def test_a_range_of_days_says_each_part_once(first, last, text):
    assert money.days(first, last) == text


def test_dates_and_times_read_day_first_in_utc():
    at = datetime(2026, 6, 18, 9, 0, tzinfo=UTC)
    assert money.day(at.date()) == "18 Jun"
    assert money.day(at.date(), year=True) == "18 Jun 2026"
    assert money.day(None) == "—"
    assert money.days(date(2026, 6, 1), date(2026, 6, 17), year=True) == "1–17 Jun 2026"
    assert money.month(at.date()) == "June 2026"
    assert money.time(at) == "18 Jun, 09:00 UTC"
    assert money.time(None) == "—"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (20, "just now"),
        (60, "1 minute ago"),
        (2400, "40 minutes ago"),
        (7300, "2 hours ago"),
        (12 * 86400, "12 days ago"),
    ],
)
def test_ages_use_one_unit(seconds, text):
    now = datetime(2026, 6, 18, 9, 0, tzinfo=UTC)
    assert money.ago(now - timedelta(seconds=seconds), now) == text


def test_a_currency_without_a_name_is_called_by_its_code():
    assert (money.currency_name("USD"), money.currency_name("XAU")) == ("US dollars", "XAU")
