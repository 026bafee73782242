"""Cost over time in the explorer: its bars, what is partial, and its figure."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import plotly.graph_objects as go
import pytest
from django.utils import timezone

from apps.accounts.models import Role
from apps.costs.models import Statement
from tests.web.explorer import JUNE, shown
from tests.web.test_charts import str_replaced

D = date(2026, 6, 3)


def test_today_is_hatched_and_in_no_total(browser_of, spend):
    today = timezone.now().date()
    spend(
        (today - timedelta(days=2), "10", {}),
        (today - timedelta(days=1), "20", {}),
        (today, "3", {}),
    )
    answer = browser_of(Role.VIEWER).get("/costs/?period=last_7d&granularity=day&group_by=service")
    (one,) = answer.context["shown"]
    assert one.total.cost == sum(row.cost for row in one.rows) == 30
    assert one.mean == Decimal(30) / 7
    assert (one.dates.peak.first, one.dates.peak.total) == (today - timedelta(days=1), 20)
    last = one.dates.buckets[-1]
    assert (last.first, last.total, last.is_so_far) == (today, 3, True)
    assert sum(bucket.total for bucket in one.dates.counted) == sum(one.total for one in one.dates.series) == 30
    bar = one.figure["data"][0]
    assert bar["y"][-3:] == [10, 20, 3]
    pattern = bar["marker"]["pattern"]
    assert pattern["shape"][-2:] == ["/", "/"]  # yesterday may still change, which looks otherwise
    assert pattern["solidity"][-2] > pattern["solidity"][-1]
    assert "Today is partial and not in the totals" in answer.content.decode()
    assert "so far, in no total" in answer.content.decode()


def test_days_that_may_still_change_are_hatched_named_and_in_every_total(browser_of, spend):
    today = timezone.now().date()
    days = [today - timedelta(days=number) for number in range(5, 0, -1)]
    spend(*((day, "10", {"provider_name": "AWS"}) for day in days))
    spend(*((day, "1", {"provider_name": "Oracle"}) for day in days), source="oci")
    Statement.objects.filter(source="oci").update(loaded_at=timezone.now() + timedelta(days=9))  # long settled
    client = browser_of(Role.VIEWER)
    address = "/costs/?period=last_7d&granularity=day&group_by=provider"
    answer = client.get(address)
    (one,) = answer.context["shown"]
    assert [bucket.may_change for bucket in one.dates.buckets] == [False] * 5 + [True] * 2
    assert not one.dates.has_partial
    assert one.total.cost == 55
    total = one.figure["data"][-1]
    assert total["hovertext"][-3:] == ["$11.00", "$11.00, may still change", "$11.00, may still change"]
    assert one.figure["data"][0]["marker"]["pattern"]["shape"] == [""] * 5 + ["/"] * 2
    html = answer.content.decode()
    assert "May still change" in html
    assert html.count('<span class="sub">may still change</span>') == 2
    only_oracle = client.get(f"{address}&filter[provider]=Oracle")
    assert not only_oracle.context["shown"][0].dates.has_unsettled
    assert "May still change" not in only_oracle.content.decode()


def test_a_month_that_is_over_and_whose_last_days_may_change_is_marked_and_a_partial_one_is_partial(
    browser_of, spend, monkeypatch
):
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 7, 1, 9, tzinfo=UTC))
    spend((date(2026, 6, 30), "5", {}), (date(2026, 5, 3), "7", {}))
    Statement.objects.update(loaded_at=timezone.now())
    one = shown(browser_of(Role.VIEWER), "/costs/?start=2026-05-01&end=2026-07-01&granularity=month")
    looks = [(bucket.first.month, bucket.is_partial, bucket.may_change) for bucket in one.dates.buckets]
    assert looks[:2] == [(5, False, False), (6, False, True)]
    assert all(partial and not may_change for _, partial, may_change in looks[2:])


def test_a_week_that_the_period_cuts_is_hatched_and_never_the_highest(browser_of, spend):
    spend((date(2026, 6, 2), "90", {}), (date(2026, 6, 10), "5", {}), (date(2026, 6, 18), "7", {}))
    one = shown(browser_of(Role.VIEWER), "/costs/?start=2026-06-02&end=2026-06-18&granularity=week")
    assert [(bucket.first.day, bucket.total, bucket.is_partial) for bucket in one.dates.buckets] == [
        (1, 90, True),
        (8, 5, False),
        (15, 7, True),
    ]
    assert one.dates.peak.total == 5


def test_the_dates_below_weeks_are_their_first_days(browser_of, spend):
    spend((date(2026, 6, 10), "5", {}))
    one = shown(browser_of(Role.VIEWER), "/costs/?start=2026-05-04&end=2026-07-12&granularity=week")
    axis = one.figure["layout"]["xaxis"]
    assert (axis["tick0"], axis["dtick"]) == ("2026-05-04", 2 * 7 * 24 * 3600 * 1000)


def test_more_days_than_bars_can_show_are_drawn_by_week_and_add_up(browser_of, spend):
    spend(*((date(2026, 1, 1) + timedelta(days=number), "1.5", {}) for number in range(181)))
    answer = browser_of(Role.VIEWER).get("/costs/?start=2026-01-01&end=2026-06-30&granularity=day")
    (one,) = answer.context["shown"]
    assert one.title == "Weekly cost"
    assert "Drawn by week" in answer.content.decode()
    assert sum(bucket.total for bucket in one.dates.buckets) == one.total.cost == Decimal("271.5")


def test_five_years_are_drawn_by_month(browser_of, spend):
    spend((date(2022, 1, 5), "1", {}), (D, "2", {}))
    one = shown(browser_of(Role.VIEWER), "/costs/?start=2022-01-01&end=2026-06-30&granularity=day")
    assert (one.title, len(one.dates.buckets)) == ("Monthly cost", 54)
    assert sum(bucket.total for bucket in one.dates.buckets) == 3


def test_credits_go_below_zero(browser_of, spend):
    spend((D, "10", {}), (D, "-4", {"service_name": "Credits"}))
    one = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&granularity=day&group_by=service")
    axis = one.figure["layout"]["yaxis"]
    assert axis["range"][0] < -4
    assert axis["range"][1] > 10


@pytest.mark.parametrize("granularity", ["day", "week", "month"])
def test_plotly_accepts_the_figure_and_it_is_light(browser_of, spend, granularity):
    spend(
        *(
            (date(2026, 4, 1) + timedelta(days=day), f"{number}123.37", {"service_name": f"Service {number}"})
            for number in range(1, 13)
            for day in range(91)
        )
    )
    address = f"/costs/?start=2026-04-01&end=2026-06-30&granularity={granularity}&group_by=service"
    figure = shown(browser_of(Role.VIEWER), address).figure
    go.Figure(str_replaced(figure["data"]), str_replaced(figure["layout"]))
    assert len(json.dumps(figure)) <= 30_000
    assert [trace["name"] for trace in figure["data"]][-2:] == ["Other (5)", "Total"]


def test_a_bar_leads_to_its_days(browser_of, services):
    client = browser_of(Role.VIEWER)
    one = shown(client, f"/costs/?{JUNE}&granularity=week&group_by=service")
    meta = one.figure["data"][-1]["meta"]
    assert shown(client, meta["links"][1].join(meta["around"])).total.cost == one.dates.buckets[1].total


def test_a_group_that_only_today_has_is_in_the_rest_of_today(browser_of, spend):
    today = timezone.now().date()
    spend((today - timedelta(days=1), "20", {}), (today, "3", {}), (today, "5", {"service_name": "Brand new"}))
    one = shown(browser_of(Role.VIEWER), "/costs/?period=last_7d&granularity=day&group_by=service")
    assert [(series.name, series.amounts[-1]) for series in one.dates.series] == [("Compute", 3), ("Other", 5)]
    assert one.dates.buckets[-1].total == 8
    assert one.total.cost == 20
