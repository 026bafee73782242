"""Whatever the charges: the pages of the explorer's rows and its bars add up to what Python alone makes of them."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, localcontext
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Role
from apps.core.periods import Period
from apps.costs.queries import Granularity
from tests.costs.conftest import load
from tests.costs.made_up import EXAMPLES, bills, bucket, by_currency, expected, periods, rolled_back
from tests.web.explorer import outermost

ADDRESSES = st.fixed_dictionaries(
    {
        "granularity": st.sampled_from([one.value for one in Granularity]),
        "group_by": st.sampled_from(["service", "team", "tag:env", "resource", "team,service", "region,tag:env,team"]),
        "currency": st.sampled_from(["billing", "USD"]),
        "compare": st.sampled_from(["", "previous", "last_month"]),
        "limit": st.sampled_from(["1", "2", "50"]),
        "order_by": st.sampled_from(["-cost", "cost", "key", "-key"]),
        "metric": st.sampled_from(["effective", "billed"]),
    }
)


def pages_of(client, address):
    """What each page shows, by currency; rows on them are those of their own."""
    found = [client.get(address)]
    last = max((one.page.paginator.num_pages for one in found[0].context["shown"]), default=0)
    found += [client.get(f"{address}&page={number}") for number in range(2, last + 1)]
    shown = defaultdict(list)
    for number, answer in enumerate(found, start=1):
        assert answer.status_code == 200, answer.headers.get("Location")
        for one in answer.context["shown"]:
            if one.page.number == number:  # a currency with fewer pages shows its last one
                shown[one.currency].append(one)
    return found[0].context["query"], shown


@pytest.mark.django_db
@EXAMPLES  # every example loads a bill and reads several pages
@given(bills, periods, ADDRESSES, st.integers(-1, 1))
def test_all_pages_of_rows_and_all_bars_add_up_to_the_total(browser_of_viewer, bill, period, asked, days_after):
    today = period.last + timedelta(days=days_after)
    now = datetime.combine(today, time(12), UTC)
    words = {"start": period.first, "end": period.last, **{name: text for name, text in asked.items() if text}}
    with (
        rolled_back(),
        patch("django.utils.timezone.now", lambda: now),
        patch("apps.costs.views.explorer.ROWS_PER_PAGE", 2),
        localcontext() as exact,
    ):
        exact.prec = 200
        load([dict(row) for row in bill])
        query, shown = pages_of(browser_of_viewer, f"/costs/?{urlencode(words, safe=',:')}")
        outer = replace(query, group_by=query.group_by[:1])
        of_period = expected(bill, outer, query.period, timedelta(0))
        before = expected(bill, outer, query.compare, timedelta(0)) if query.compare else {}

        totals = by_currency({**{key: Decimal(0) for key in before}, **of_period})
        assert {currency: pages[0].total.cost for currency, pages in shown.items()} == totals
        for currency, pages in shown.items():
            rows = [row for one in pages for row in outermost(one)]
            assert sum(row.cost for row in rows) == totals[currency]
            assert sum(row.previous or 0 for row in rows) == by_currency(before).get(currency, 0)
            told = [row for row in rows if row.url]
            assert len({row.text for row in told}) == len(told) == pages[0].listed
            if pages[0].dates:
                bars_hold(pages[0], query, totals[currency], bars_of(bill, query, query.period, currency))
                of_today = bars_of(bill, query, Period(today, today), currency).get(today)
                is_apart = days_after == 1 and query.granularity is Granularity.DAY and of_today is not None
                so_far = [one.total for one in pages[0].dates.buckets if one.is_so_far]
                assert so_far == ([of_today] if is_apart else [])


def bars_of(bill, query, period, currency):
    """Sums of one currency by date."""
    sums = defaultdict(Decimal)
    for (of, _, day), amount in expected(bill, replace(query, group_by=()), period, timedelta(0)).items():
        if of == currency:
            sums[day] += amount
    return sums


def bars_hold(one, query, total, sums):
    """Every bar is the sum of its days, and of the series in it."""
    coarse = replace(query, granularity=one.dates.granularity)
    assert {bar.first: bar.total for bar in one.dates.counted if bar.total} == {
        day: amount for day, amount in sums.items() if amount
    } or one.dates.is_coarser
    assert all(bar.first == bucket(bar.first, coarse) for bar in one.dates.counted)
    for bar, amounts in one.dates.lines:
        assert sum(amount or 0 for amount in amounts) == bar.total
    assert sum(bar.total for bar in one.dates.counted) == sum(each.total for each in one.dates.series) == total


@pytest.fixture
def browser_of_viewer(browser_of):
    """Somebody who sees everything."""
    return browser_of(Role.VIEWER)
