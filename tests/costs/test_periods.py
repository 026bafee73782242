"""Periods: words, dates, month edges and leap years."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.periods import MAX_DAYS, PERIOD_NAMES, Period, PeriodError, parse_day


@pytest.mark.parametrize(
    ("name", "today", "first", "last"),
    [
        ("mtd", "2026-06-18", "2026-06-01", "2026-06-17"),
        ("mtd", "2026-06-02", "2026-06-01", "2026-06-01"),
        ("mtd", "2026-06-01", "2026-06-01", "2026-05-31"),
        ("ytd", "2026-06-18", "2026-01-01", "2026-06-17"),
        ("ytd", "2026-01-01", "2026-01-01", "2025-12-31"),
        ("last_month", "2026-06-18", "2026-05-01", "2026-05-31"),
        ("last_month", "2026-01-31", "2025-12-01", "2025-12-31"),
        ("last_month", "2024-03-31", "2024-02-01", "2024-02-29"),
        ("last_month", "2026-03-01", "2026-02-01", "2026-02-28"),
        ("last_7d", "2026-03-03", "2026-02-24", "2026-03-02"),
        ("last_30d", "2024-03-01", "2024-01-31", "2024-02-29"),
        ("last_90d", "2026-01-01", "2025-10-03", "2025-12-31"),
        ("this_quarter", "2026-06-18", "2026-04-01", "2026-06-17"),
        ("this_quarter", "2026-01-02", "2026-01-01", "2026-01-01"),
        ("this_quarter", "2026-04-01", "2026-04-01", "2026-03-31"),
        ("last_quarter", "2026-06-18", "2026-01-01", "2026-03-31"),
        ("last_quarter", "2026-02-28", "2025-10-01", "2025-12-31"),
        ("last_quarter", "2026-10-01", "2026-07-01", "2026-09-30"),
        ("fytd", "2026-06-18", "2026-01-01", "2026-06-17"),
    ],
)
def test_a_word_means_days_that_are_complete(name: str, today: str, first: str, last: str) -> None:
    period = Period.named(name, today=date.fromisoformat(today))

    assert (period.first, period.last) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("month", "today", "first", "last"),
    [
        (4, "2026-06-18", "2026-04-01", "2026-06-17"),
        (4, "2026-03-31", "2025-04-01", "2026-03-30"),
        (4, "2026-04-01", "2026-04-01", "2026-03-31"),
        (12, "2026-01-05", "2025-12-01", "2026-01-04"),
    ],
)
def test_a_fiscal_year_begins_in_the_month_that_the_organisation_says(
    month: int, today: str, first: str, last: str
) -> None:
    period = Period.named("fytd", today=date.fromisoformat(today), fiscal_year_start=month)

    assert (str(period.first), str(period.last)) == (first, last)


@pytest.mark.parametrize(
    ("first", "last", "months", "outside"),
    [
        ("2026-06-01", "2026-06-30", ("2026-06-01", "2026-06-30"), []),
        ("2026-06-01", "2026-06-29", None, [("2026-06-01", "2026-06-29")]),
        ("2026-06-02", "2026-06-30", None, [("2026-06-02", "2026-06-30")]),
        ("2026-06-02", "2026-07-30", None, [("2026-06-02", "2026-07-30")]),
        ("2026-05-31", "2026-07-01", ("2026-06-01", "2026-06-30"), [("2026-05-31", "2026-05-31"), ("2026-07-01",) * 2]),
        ("2024-02-01", "2024-02-29", ("2024-02-01", "2024-02-29"), []),
        ("2024-02-01", "2024-02-28", None, [("2024-02-01", "2024-02-28")]),
        ("2026-02-01", "2026-02-28", ("2026-02-01", "2026-02-28"), []),
        ("2025-12-15", "2027-01-31", ("2026-01-01", "2027-01-31"), [("2025-12-15", "2025-12-31")]),
    ],
)
def test_a_period_is_whole_months_and_the_days_around_them(
    first: str, last: str, months: tuple[str, str] | None, outside: list[tuple[str, str]]
) -> None:
    period = Period.parse(first, last)

    assert period.whole_months() == (months and Period.parse(*months))
    assert period.days_outside_months() == tuple(Period.parse(*days) for days in outside)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 800))
def test_no_day_is_lost_or_counted_twice_when_a_period_is_split(first: date, length: int) -> None:
    period = Period(first, date.fromordinal(first.toordinal() + length))
    parts = [*period.days_outside_months(), *filter(None, [period.whole_months()])]

    days = sorted(day for part in parts for day in range(part.first.toordinal(), part.last.toordinal() + 1))
    assert days == list(range(period.first.toordinal(), period.last.toordinal() + 1))


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 800))
def test_cut_by_month_every_day_is_in_one_part_of_one_month(first: date, length: int) -> None:
    period = Period(first, date.fromordinal(first.toordinal() + length))
    parts = list(period.by_month())

    assert all((part.first.year, part.first.month) == (part.last.year, part.last.month) for part in parts)
    days = [day for part in parts for day in range(part.first.toordinal(), part.last.toordinal() + 1)]
    assert days == list(range(period.first.toordinal(), period.last.toordinal() + 1))


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 800))
def test_the_previous_period_is_as_long_and_ends_on_the_day_before(first: date, length: int) -> None:
    period = Period(first, date.fromordinal(first.toordinal() + length))
    previous = period.previous()

    assert previous.days == period.days
    assert previous.last.toordinal() + 1 == period.first.toordinal()


def test_a_period_without_a_complete_day_has_no_parts() -> None:
    empty = Period.named("mtd", today=date(2026, 6, 1))

    assert (empty.days, empty.whole_months(), empty.days_outside_months()) == (0, None, ())


@pytest.mark.parametrize(
    ("start", "end", "field", "words"),
    [
        ("2026-02-29", "2026-03-01", "start", "'2026-02-29' is not a date"),
        ("2026-03-01", "March", "end", "'March' is not a date"),
        ("20260301", "2026-03-02", "start", "Write it as YYYY-MM-DD"),
        ("2026-03-01T00:00", "2026-03-02", "start", "not a date"),
        ("٢٠٢٦-03-01", "2026-03-02", "start", "not a date"),
        ("0001-01-01", "2026-03-02", "start", "years from 1970"),
        ("2026-03-01", "9999-12-31", "end", "years from 1970"),
        ("2026-03-02", "2026-03-01", "end", "before the start"),
        ("2020-01-01", "2026-01-01", "end", f"at most {MAX_DAYS:,}"),
    ],
)
def test_a_bad_date_is_named_with_its_parameter(start: str, end: str, field: str, words: str) -> None:
    with pytest.raises(PeriodError, match=words) as refused:
        Period.parse(start, end)
    assert refused.value.field == field


def test_errors_of_a_comparison_name_its_own_parameters() -> None:
    with pytest.raises(PeriodError) as refused:
        Period.parse("2020-01-01", "2026-01-01", names=("compare_start", "compare_end"))
    assert refused.value.field == "compare_end"


def test_the_longest_period_is_allowed() -> None:
    assert Period(date(2020, 1, 1), date.fromordinal(date(2020, 1, 1).toordinal() + MAX_DAYS - 1)).days == MAX_DAYS


def test_an_unknown_word_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(PeriodError, match=", ".join(PERIOD_NAMES)) as refused:
        Period.named("yesterday", today=date(2026, 6, 18))
    assert refused.value.field == "period"


def test_a_day_is_read_from_its_iso_form_alone() -> None:
    assert parse_day("2024-02-29", "start") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("first", "last", "months", "before_first", "before_last"),
    [
        ("2026-06-01", "2026-06-17", 1, "2026-05-01", "2026-05-17"),
        ("2026-06-01", "2026-06-30", 1, "2026-05-01", "2026-05-31"),
        ("2026-03-01", "2026-03-31", 1, "2026-02-01", "2026-02-28"),
        ("2026-01-01", "2026-03-31", 12, "2025-01-01", "2025-03-31"),
        ("2026-03-15", "2026-03-31", 1, "2026-02-15", "2026-02-28"),
        ("2024-02-29", "2024-02-29", 12, "2023-02-28", "2023-02-28"),
        ("2026-01-10", "2026-01-20", 1, "2025-12-10", "2025-12-20"),
        ("2026-06-01", "2026-05-31", 1, "2026-05-01", "2026-04-30"),
    ],
)
def test_the_same_days_some_months_earlier_stay_whole_months_where_they_are(
    first: str, last: str, months: int, before_first: str, before_last: str
) -> None:
    earlier = Period(date.fromisoformat(first), date.fromisoformat(last)).earlier(months)

    assert (str(earlier.first), str(earlier.last)) == (before_first, before_last)
