"""Single values: exact decimals, UTC times, canonical JSON."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.values import dump_json, load_object, parse_decimals, parse_times, read_json, read_tags

WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


def decimals(*texts: object, nulls: tuple[str, ...] = ()) -> list[Decimal | None]:
    return parse_decimals(pl.Series("x", texts), nulls).values.to_list()


def reason(text: str) -> str:
    parsed = parse_decimals(pl.Series("x", [text, "1"]), ["NULL"])
    assert parsed.reasons is not None
    assert parsed.values.to_list() == [None, 1]
    return str(parsed.reasons[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", "0.1"),
        (" 2.5\t", "2.5"),
        ("2.323760000E-9", "2.32376E-9"),
        ("1e+3", "1000"),
        ("-0.00", "0"),
        ("+1.", "1"),
        (".5", "0.5"),
        ("999999999999.999999999999999999", "999999999999.999999999999999999"),
        ("0.1234567890123456785000000000", "0.123456789012345678"),
        ("0.1234567890123456795", "0.123456789012345680"),
        ("0.12345678901234567850000001", "0.123456789012345679"),
    ],
)
def test_numbers_are_read_exactly_and_rounded_half_to_even(text: str, value: str) -> None:
    """Quirk 23: up to 28 decimals, E-notation."""
    assert decimals(text) == [Decimal(value)]


def test_rounded_values_are_counted() -> None:
    texts = ["1.5", "0.1234567890123456785", "0.1234567890123456785", "1e-19", "1.5000000000000000000000", "1e-18"]
    assert parse_decimals(pl.Series("x", texts), []).rounded == 3


@pytest.mark.parametrize(
    "text", ["1,000.00", "NaN", "inf", "-Infinity", "abc", "1_000", "0x10", "$5", "1 000", "(5)", "٣"]
)
def test_what_is_no_number_is_told(text: str) -> None:
    assert reason(text) == f"is not a number: {text!r}"


@pytest.mark.parametrize(
    "text",
    ["1000000000000", "-1e12", "9e19", "100000000000000000000", "1e20", "-1e400", "999999999999.9999999999999999999"],
)
def test_what_is_too_large_is_told(text: str) -> None:
    assert reason(text) == f"is too large: {text!r}"


def test_nothing_is_not_zero() -> None:
    """Quirk 22: NULL, empty and missing are null; 0 stays 0."""
    assert decimals("NULL", "", "  ", None, "0", nulls=("NULL",)) == [None, None, None, None, 0]


def test_doubles_are_read_by_their_shortest_text() -> None:
    """Quirk 23: 0.1 is a tenth, not 0.1000000000000000055511151231257827."""
    assert decimals(0.1, 8e-07, 1e11, 123456789.123) == [
        Decimal("0.1"),
        Decimal("0.0000008"),
        Decimal(10) ** 11,
        Decimal("123456789.123"),
    ]
    parsed = parse_decimals(pl.Series("x", [float("nan"), float("inf")]), [])
    assert parsed.reasons is not None
    assert parsed.reasons.to_list() == ["is not a number: 'NaN'", "is not a number: 'inf'"]


def test_decimals_of_another_scale_keep_their_value() -> None:
    """Quirk 23: DECIMAL(38, 28) of Parquet."""
    wide = pl.Series("x", [Decimal("1.0000000000000000005000000001")], dtype=pl.Decimal(38, 28))
    parsed = parse_decimals(wide, [])
    assert parsed.values.to_list() == [Decimal("1.000000000000000001")]
    assert parsed.rounded == 1


@given(st.decimals(-(10**12) + 1, 10**12 - 1, allow_nan=False), st.sampled_from(["{}", "{:E}", " {:f} "]))
@example(Decimal("0.0000000000000000025"), "{}")
@example(Decimal("-0.0000000000000000015"), "{}")
def test_every_decimal_is_read_as_python_rounds_it(value: Decimal, style: str) -> None:
    expected = value.quantize(Decimal("1e-18"), context=WIDE)
    parsed = parse_decimals(pl.Series("x", [style.format(value)]), [])
    assert parsed.values.to_list() == [expected]
    assert parsed.rounded == (1 if expected != value else 0)


@given(st.text(alphabet="0123456789+-.eE_, ", max_size=12))
def test_no_odd_text_is_taken_for_another_number(text: str) -> None:
    """Whatever is accepted is what Python's own strict reader makes of it."""
    parsed = parse_decimals(pl.Series("x", [text], dtype=pl.String), [])
    (value,) = parsed.values.to_list()
    if value is not None:
        assert value == Decimal(text.strip()).quantize(Decimal("1e-18"), context=WIDE)
        assert "_" not in text
    else:
        assert text.strip() == "" or parsed.reasons is not None


@given(st.floats(-1e12, 1e12, exclude_min=True, exclude_max=True))
def test_every_double_is_read_as_its_shortest_text(value: float) -> None:
    assert decimals(value) == [Decimal(repr(value)).quantize(Decimal("1e-18"), context=WIDE)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-01",
        "2026-06-01 00:00:00",
        "2026-06-01T00:00:00Z",
        "2026-06-01T00:00Z",
        "2026-06-01T00:00:00.000Z",
        "2026-06-01 00:00:00+00:00",
        "2026-06-01 00:00:00 +0000 UTC",
        "2026-06-01 00:00:00 UTC",
        "2026-06-01T02:00:00+02:00",
        "2026-05-31T19:30:00-0430",
        " 2026-06-01T00:00:00Z ",
    ],
)
def test_the_same_moment_in_every_spelling(text: str) -> None:
    """Quirk 40."""
    assert parse_times(pl.Series("x", [text]), []).values.to_list() == [datetime(2026, 6, 1, tzinfo=UTC)]


@pytest.mark.parametrize("offset", ["", "Z", "+09:00", "-0430", "+00:00"])
def test_a_date_as_stated_does_not_move_with_its_offset(offset: str) -> None:
    parsed = parse_times(pl.Series("x", [f"2026-06-01T00:00:00{offset}"]), [], as_stated=True)
    assert parsed.values.to_list() == [datetime(2026, 6, 1, tzinfo=UTC)]
    assert parsed.reasons is None


def test_a_timestamp_as_stated_is_that_of_its_zone() -> None:
    local = datetime(2026, 6, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    parsed = parse_times(pl.Series("x", [local]), [], as_stated=True)
    assert parsed.values.to_list() == [datetime(2026, 6, 1, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("06/01/2026", "is not a time like 2026-06-01T00:00:00Z"),
        ("yesterday", "is not a time like"),
        ("2026-02-30", "is not a time that exists"),
        ("2026-06-01T25:00:00Z", "is not a time that exists"),
        ("1999-12-31", "lies outside the years 2000 to 2100"),
        ("2101-01-01", "lies outside the years 2000 to 2100"),
        ("20260601", "is not a time like"),
    ],
)
def test_times_that_cannot_be_are_told(text: str, reason: str) -> None:
    parsed = parse_times(pl.Series("x", [text, "2026-06-01"]), [])
    assert parsed.reasons is not None
    assert str(parsed.reasons[0]).startswith(reason)
    assert parsed.reasons[1] is None
    assert parsed.values[0] is None


def test_timestamps_of_parquet_become_utc() -> None:
    naive = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - as Parquet gives it
    local = naive.replace(tzinfo=ZoneInfo("America/New_York"))
    utc = naive.replace(tzinfo=UTC)
    assert parse_times(pl.Series("x", [naive], dtype=pl.Datetime("ns")), []).values.to_list() == [utc]
    assert parse_times(pl.Series("x", [local]), []).values.to_list() == [utc + timedelta(hours=4)]
    assert parse_times(pl.Series("x", [date(2026, 6, 1)]), []).values.to_list() == [utc - timedelta(hours=12)]
    odd = parse_times(pl.Series("x", [naive.replace(year=1970)]), [])
    assert odd.values.to_list() == [None]
    assert odd.reasons is not None


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - the zone is the next argument
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_offsets_are_taken_off(time: datetime, zone: timezone) -> None:
    moment = time.replace(tzinfo=zone)
    assert parse_times(pl.Series("x", [moment.isoformat()]), []).values.to_list() == [moment.astimezone(UTC)]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('{"b": "2", "a": "1"}', {"a": "1", "b": "2"}),
        ('[{"key": "a", "value": "1"}, {"key": "b", "value": null}]', {"a": "1", "b": True}),
        ('"a": "1","b": "2"', {"a": "1", "b": "2"}),
        ('{"App": "x", "app": "X"}', {"App": "x", "app": "X"}),
        ('{"DevRel\\\\redbull-team": "a.b/c"}', {"DevRel\\redbull-team": "a.b/c"}),
        ('{"owner": "", "team": null, "n": 3}', {"owner": True, "team": True, "n": 3}),
        ('{"": "x", "a": "1"}', {"a": "1"}),
        ('[{"key": "", "value": "x"}, {"key": "a", "value": "1"}]', {"a": "1"}),
        ("not json", {"x_text": "not json"}),
        ('["a", "b"]', {"x_text": '["a", "b"]'}),
        ('{"a": NaN, "b": 1e999}', {"a": "NaN", "b": "1e999"}),
        ('{"a": "x\\u0000y\\ud800"}', {"a": "x\ufffdy\ufffd"}),
        ('{"a": "\\\\u0000"}', {"a": "\\u0000"}),
    ],
)
def test_tags_in_every_shape_become_one_object(text: str, tags: dict[str, object]) -> None:
    """Quirks 17, 18, 19, 20."""
    assert read_tags(text) == json.dumps(tags, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"": "x"}'])
def test_no_tags_are_null(text: str) -> None:
    assert read_tags(text) is None


def test_json_that_is_too_deep_is_kept_as_text() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert load_object(deep) == {"x_text": deep}
    nested = '{"a":' * 5000 + "1" + "}" * 5000
    assert load_object(nested) == {"x_text": nested}


@given(st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4))))
def test_equal_objects_are_equal_texts(value: dict[str, object]) -> None:
    shuffled = json.dumps(dict(reversed(value.items())), indent=2)
    assert read_json(shuffled) == dump_json(value)
