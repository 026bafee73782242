"""Bars without script: whole, in proportion, credits below zero, and a scale of round numbers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.costs.bars import bars
from apps.costs.queries import CostTotal
from apps.costs.sections import Bucket, Line, Section
from apps.sources.models import Delivery
from apps.sources.progress import Progress

D = Decimal


def section(*columns, partial=None):
    """A section with a bucket for each column of costs; `partial` is the index of the one that is not over."""
    total = sum((cost for column in columns for cost in column if cost), D(0))
    lines = tuple(
        Line((), D(0), None, None, f"var(--c{index + 1})", "") for index in range(len(columns[0]) if columns else 0)
    )
    buckets = tuple(
        Bucket(
            first=date(2026, 6, 1) + timedelta(days=index),
            costs=tuple(column),
            total=sum((cost for cost in column if cost), D(0)),
            bar=D(0),
            is_partial=index == partial,
            url="",
        )
        for index, column in enumerate(columns)
    )
    return Section("USD", lines, buckets, CostTotal("USD", total, None, None, None, D(0), len(lines)))


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (D(895), ["$0", "$250", "$500", "$750", "$1k"]),
        (D(1000), ["$0", "$250", "$500", "$750", "$1k"]),
        (D("0.07"), ["$0", "$0.02", "$0.04", "$0.06", "$0.08"]),
        (D(12611), ["$0", "$5k", "$10k", "$15k"]),
    ],
)
def test_the_scale_has_round_numbers_and_holds_the_highest_bar(highest, ticks):
    picture = bars(section([highest], [D(0)]))
    assert [tick.text for tick in picture.ticks] == ticks
    assert all(one.y >= 0 and one.y + one.height <= 100 for one in picture.rectangles)


def test_parts_stand_on_each_other_in_proportion():
    first, second = bars(section([D(30), D(10)], [None, D(0)])).rectangles
    assert (first.x, first.y, first.height) == (1, D(25), D(75))
    assert (second.x, second.y, second.height) == (1, D(0), D(25))
    assert (first.colour, second.colour) == ("var(--c1)", "var(--c2)")


def test_credits_hang_below_zero():
    picture = bars(section([D(30), D(-10)], [D(10), D(0)]))
    assert [tick.text for tick in picture.ticks] == ["−$10", "$0", "$10", "$20", "$30"]
    cost, credit, _ = picture.rectangles
    assert cost.y + cost.height == credit.y == D(75)


def test_a_bucket_that_is_not_over_is_marked():
    assert bars(section([D(1)], [D(1)], [D(1)], partial=2)).partial_x == 20
    assert bars(section([D(1)], [D(1)])).partial_x is None


def test_nothing_but_zeros_still_has_an_axis():
    picture = bars(section([D(0)], [D(0)]))
    assert picture.rectangles == []
    assert picture.ticks[0].text == "$0"


@pytest.mark.parametrize("count", [0, 1, 131])
def test_too_few_or_too_many_bars_are_not_drawn(count):
    assert bars(section(*([D(1)] for _ in range(count)))) is None


@pytest.mark.parametrize(
    ("seconds", "read", "left"),
    [
        (1, 10, "Reading."),
        (60, 0, "Reading."),
        (60, 25, "About 3 min left."),
        (60, 99, "About 10 s left."),
        (60, 100, "Read. Writing to the database."),
    ],
)
def test_the_time_left_is_told_once_it_can_be_told(seconds, read, left):
    began = datetime(2026, 6, 1, tzinfo=UTC)
    delivery = Delivery(status="loading", bytes_read=read, bytes_total=100, received_at=began)
    assert Progress.of(delivery, now=began + timedelta(seconds=seconds)).left == left


def test_a_delivery_that_waits_says_so():
    waiting = Progress.of(
        Delivery(status="queued", bytes_total=5_000_000, received_at=datetime(2026, 6, 1, tzinfo=UTC))
    )
    assert (waiting.is_open, waiting.permille, waiting.read) == (True, 0, "5.0 MB waiting")
