"""Figures of charts: what Plotly accepts, money by the one formatter, and nothing drawn where there is nothing."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.charts import (
    MOST_ROWS,
    Scale,
    bar_trace,
    figure,
    line_trace,
    money_axis,
    month_lines,
    stack_ends,
    total_trace,
    with_note,
)

DAYS = [date(2026, 5, 30) + timedelta(days=number) for number in range(4)]
AMOUNTS = [Decimal("6347.126"), Decimal("0.004"), None, Decimal("-3.1")]
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=6)


def bars(**options):
    return bar_trace("Research", DAYS, AMOUNTS, currency="USD", colour="var(--c1)", **options)


def test_plotly_accepts_every_kind_of_trace_and_the_axis():
    made = figure(
        [
            bars(partial=True, links=["/costs/?a", "", "/costs/?c", "/costs/?d"]),
            line_trace("Budget", DAYS, AMOUNTS, currency="EUR", colour="var(--c2)", dash="dash"),
            total_trace(DAYS, AMOUNTS, currency="USD"),
        ],
        {"yaxis": money_axis([Decimal(12), Decimal(-3)], "USD"), "shapes": month_lines(DAYS[0], DAYS[-1])},
    )
    # colour names are turned into colours by the page, so the check sees colours
    checked = go.Figure(str_replaced(made["data"]), str_replaced(made["layout"]))
    assert [trace.name for trace in checked.data] == ["Research", "Budget", "Total"]
    go.Layout(str_replaced(made["narrow"]))


def str_replaced(value):
    """The same with a colour for every token name."""
    if isinstance(value, dict):
        return {key: str_replaced(one) for key, one in value.items()}
    if isinstance(value, list):
        return [str_replaced(one) for one in value]
    return "rgb(1,2,3)" if isinstance(value, str) and value.startswith("var(--") else value


def test_texts_are_money_as_the_tables_write_it():
    assert bars()["hovertext"] == ["$6,347", "< $0.01", "", "−$3.10"]
    assert bars()["y"] == [6347.13, 0.004, None, -3.1]


def test_a_bar_of_zero_is_no_bar_and_no_row_but_a_line_goes_through_it():
    zero = [Decimal(0), Decimal(1)]
    assert bar_trace("a", DAYS[:2], zero, currency="USD", colour="var(--c1)")["y"] == [None, 1]
    assert line_trace("a", DAYS[:2], zero, currency="USD", colour="var(--c1)")["y"] == [0, 1]


def test_only_the_last_bar_of_a_partial_trace_is_hatched():
    assert bars(partial=True)["marker"]["pattern"]["shape"] == ["", "", "", "/"]
    assert "pattern" not in bars()["marker"]
    some = bars(partial=[True, False, False, True])
    assert some["marker"]["pattern"]["shape"] == ["/", "", "", "/"]


def test_bars_that_may_still_change_are_hatched_more_densely_than_those_that_are_not_whole():
    pattern = bars(partial=True, unsettled=[False, False, True, False])["marker"]["pattern"]
    assert pattern["shape"] == ["", "", "/", "/"]
    assert pattern["solidity"][2] > pattern["solidity"][3]
    assert "pattern" not in bars(unsettled=[False] * 4)["marker"]


def test_a_note_stands_behind_the_words_of_the_points_that_it_is_about():
    plain = bars()
    noted = with_note(plain, [True, True, False, True], "may still change")
    changed = [now != then for now, then in zip(noted["hovertext"], plain["hovertext"], strict=True)]
    assert changed == [bool(text) and number != 2 for number, text in enumerate(plain["hovertext"])]
    assert {**noted, "hovertext": plain["hovertext"]} == plain


def test_evenly_spaced_dates_are_a_start_and_a_step_and_others_a_list():
    assert (bars()["x0"], bars()["dx"]) == ("2026-05-30", 86_400_000)
    months = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    trace = bar_trace("a", months, AMOUNTS[:3], currency="USD", colour="var(--c1)")
    assert trace["x"] == ["2026-01-01", "2026-02-01", "2026-03-01"]


def test_more_rows_than_can_be_read_at_once_are_refused():
    figure([bars()] * MOST_ROWS)
    with pytest.raises(ValueError, match="Sum all but 9 as Other"):
        figure([bars()] * (MOST_ROWS + 1))


def test_stacks_reach_above_zero_and_below_it():
    assert stack_ends([[Decimal(30), Decimal(-10)], [Decimal(10), None]]) == [40, 0, 0, -10]


def test_the_axis_has_round_amounts_and_room_for_everything():
    axis = money_axis(stack_ends([[Decimal(19592), Decimal(17354)]]), "USD")
    assert axis["ticktext"] == ["$0", "$5k", "$10k", "$15k", "$20k"]
    assert axis["range"] == [0, 20600]
    assert money_axis([], "EUR")["ticktext"][0] == "€0"
    assert money_axis([Decimal(-8), Decimal(8)], "USD")["range"][0] < -8


@given(st.lists(MONEY, min_size=1, max_size=40))
def test_every_axis_holds_zero_and_all_amounts_in_at_most_seven_even_steps(amounts):
    scale = Scale.of(amounts)
    assert scale.lowest <= min(0, *amounts, 0) <= max(0, *amounts, 0) <= scale.highest
    assert Decimal(0) in scale.lines
    assert 2 <= len(scale.lines) <= 8
    assert {later - earlier for earlier, later in pairwise(scale.lines)} == {scale.step}


def test_months_are_parted_between_their_bars():
    (line,) = month_lines(date(2026, 5, 19), date(2026, 6, 17))
    assert line["x0"] == line["x1"] == "2026-05-31T12:00"
    assert month_lines(date(2026, 6, 1), date(2026, 6, 30)) == []
