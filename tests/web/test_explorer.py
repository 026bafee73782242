"""The cost explorer: tiles, rows, chart and export add up, per currency, within the reader's scope and lightly."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organisation, Role
from apps.accounts.services import create_team
from apps.costs.models import ExchangeRate
from tests.web.explorer import JUNE, outermost, shown, texts

D = date(2026, 6, 3)

TOTAL = Decimal("78.06") + Decimal("13.2") - Decimal("0.5")


@pytest.mark.parametrize("granularity", ["none", "day", "week", "month"])
@pytest.mark.parametrize("limit", [1, 5, 50])
def test_tile_rows_dates_chart_and_export_add_up_to_the_same_total(browser_of, services, granularity, limit):
    client = browser_of(Role.VIEWER)
    answer = client.get(f"/costs/?{JUNE}&granularity={granularity}&group_by=service&limit={limit}")
    (one,) = answer.context["shown"]
    assert one.total.cost == TOTAL
    assert sum(row.cost for row in one.rows) == TOTAL
    assert len(one.rows) == min(limit + 1, 12)
    assert sum(row.share for row in one.rows) == pytest.approx(1)
    if granularity != "none":
        assert sum(bucket.total for bucket in one.dates.buckets) == TOTAL
        assert sum(series.total for series in one.dates.series) == TOTAL
        bars = [trace for trace in one.figure["data"] if trace["type"] == "bar"]
        assert sum(y or 0 for bar in bars for y in bar["y"]) == pytest.approx(float(TOTAL))
    table = next(url for name, url in answer.context["exports"] if name == "This table, CSV")
    lines = list(csv.DictReader(io.StringIO(b"".join(client.get(f"{table}&header=no").streaming_content).decode())))
    assert sum(Decimal(line["cost"]) for line in lines if line["row"] != "total") == TOTAL
    (exported,) = [Decimal(line["cost"]) for line in lines if line["row"] == "total"]
    assert exported == TOTAL


def test_the_rest_is_named_other_with_its_number_and_leads_nowhere(browser_of, services):
    other = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=service&limit=5").rows[-1]
    assert other.text == "Other (7)"
    assert other.url == other.charges_url == ""


def test_the_chart_has_seven_colours_then_what_has_no_value_then_the_others_in_grey(browser_of, spend):
    spend(
        *(
            (D, str(number), {"service_name": f"S{number}" if number else None})
            for number in (9, 8, 7, 6, 5, 4, 3, 2, 1)
        )
    )
    spend((D, "50", {"service_name": None}), source="nameless")
    one = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=service&granularity=day&order_by=key")
    named = [(series.name, series.colour) for series in one.dates.series]
    assert named[0] == ("S9", "var(--c1)")
    assert named[6] == ("S3", "var(--c7)")
    assert named[7:] == [("No service", "var(--c-other)"), ("Other (2)", "var(--c-other)")]
    colours = {row.text: (row.colour, row.series) for row in one.rows}
    assert colours["S9"] == ("var(--c1)", 0)
    assert colours["S1"] == ("var(--c-other)", None)


def test_one_group_too_many_for_a_colour_keeps_its_name(browser_of, spend):
    spend(*((D, str(number), {"service_name": f"S{number}"}) for number in range(1, 9)))
    one = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=service&granularity=day")
    assert one.dates.series[-1].name == "S1"


def test_choosing_a_row_adds_a_filter_and_goes_one_step_deeper(browser_of, services):
    client = browser_of(Role.VIEWER)
    row = shown(client, f"/costs/?{JUNE}&group_by=service").rows[0]
    drilled = parse_qs(urlsplit(row.url).query)
    assert drilled["filter[service]"] == ["Service 12"]
    assert drilled["group_by"] == ["sku"]
    assert shown(client, row.url).total.cost == row.cost


def test_the_charges_behind_a_row_add_up_to_it_and_name_their_delivery_and_row(browser_of, services):
    client = browser_of(Role.VIEWER)
    row = shown(client, f"/costs/?{JUNE}&group_by=service").rows[0]
    page = client.get(row.charges_url).context["page"]
    assert sum(charge.effective_cost for charge in page) == row.cost == Decimal("13.105")
    assert [charge.first_row for charge in page] == [12, 24]


@pytest.mark.parametrize("value", ["", 'cold, "archive"', "a,b", "R&D = 50%", "größe/λ"])
def test_any_value_survives_the_address(browser_of, spend, value):
    spend((D, "2.5", {"tags": {"env": value} if value else None}), (D, "1", {"tags": {"env": "other"}}))
    client = browser_of(Role.VIEWER)
    row = shown(client, f"/costs/?{JUNE}&group_by=tag:env").rows[0]
    assert row.cost == Decimal("2.5")
    assert shown(client, row.url).total.cost == Decimal("2.5")


def test_currencies_stand_apart_and_are_never_added(browser_of, spend):
    spend((D, "10", {}), (D, "7", {"billing_currency": "EUR"}))
    answer = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service&granularity=day")
    assert [(one.currency, one.total.cost) for one in answer.context["shown"]] == [("EUR", 7), ("USD", 10)]
    assert 'id="chart-EUR"' in answer.content.decode()
    assert 'id="chart-USD"' in answer.content.decode()


def test_a_missing_rate_is_said_and_amounts_stay_as_billed(browser_of, spend):
    spend((D, "10", {}), (D, "7", {"billing_currency": "EUR"}))
    Organisation.objects.create(reporting_currency="USD")
    client = browser_of(Role.ADMIN)
    answer = client.get(f"/costs/?{JUNE}")
    assert "No exchange rate EUR to USD for June 2026." in answer.content.decode()
    assert [one.currency for one in answer.context["shown"]] == ["EUR", "USD"]
    assert "No exchange rate EUR to USD for June 2026." in client.get("/settings/exchange-rates/").content.decode()
    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month=date(2026, 6, 1), rate=Decimal("1.1"))
    (converted,) = client.get(f"/costs/?{JUNE}").context["shown"]
    assert converted.total.cost == Decimal("17.7")
    assert "No exchange rate" not in client.get("/settings/exchange-rates/").content.decode()


def test_charges_for_longer_than_a_day_and_unpriced_ones_are_pointed_out(browser_of, spend):
    month = {
        "charge_period_start": datetime(2026, 6, 1, tzinfo=UTC),
        "charge_period_end": datetime(2026, 7, 1, tzinfo=UTC),
    }
    spend((date(2026, 6, 1), "30", month), (D, "5", {"list_cost": None}))
    client = browser_of(Role.VIEWER)
    assert "charges for longer than a day" in client.get(f"/costs/?{JUNE}&granularity=day").content.decode()
    assert "have no such price" in client.get(f"/costs/?{JUNE}&metric=list").content.decode()


def test_teams_stand_under_their_names_in_rows_chart_and_filters(browser_of, spend):
    create_team(slug="ml", name="Machine learning", actor=None)
    spend((D, "10", {"team": "ml"}), (D, "5", {}))
    answer = browser_of(Role.FINANCE).get(f"/costs/?{JUNE}&group_by=team&granularity=day&filter[team]=ml,")
    (one,) = answer.context["shown"]
    assert [row.text for row in one.rows] == ["Machine learning", "Unallocated"]
    assert [trace["name"] for trace in one.figure["data"]][:2] == ["Machine learning", "Unallocated"]
    assert [chip.values for chip in answer.context["chips"]] == ["Machine learning, Unallocated"]


def test_an_engineering_lead_sees_their_teams_alone(browser_of, spend):
    spend((D, "10", {"team": "ml"}), (D, "99", {"team": "web"}), (D, "5", {}))
    client = browser_of(Role.ENGINEERING_LEAD, "ml")
    one = shown(client, f"/costs/?{JUNE}&group_by=team,service&granularity=day")
    assert one.total.cost == sum(bucket.total for bucket in one.dates.buckets) == 10
    assert texts(one) == ["ml", "  Compute"]
    assert shown(client, f"/costs/?{JUNE}&filter[team]=ml").total.cost == 10
    assert client.get(f"/costs/?{JUNE}&filter[team]=web").context["shown"] == []
    charges = client.get(f"/costs/charges/?{JUNE}").context["page"]
    assert [charge.effective_cost for charge in charges] == [10]
    picker = client.get(f"/costs/?{JUNE}&pick=team").context["picker"]
    assert [one.value for one in picker.values] == ["ml"]


def test_fifty_rows_of_three_levels_over_thirty_days_stay_light(browser_of, spend):
    client = browser_of(Role.VIEWER)
    address = "/costs/?start=2026-06-01&end=2026-06-30&granularity=day&group_by=service,region,sku&compare=previous"

    def queries_and_bytes():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        return len(queries), len(answer.content), answer.context["shown"][0]

    spend((D, "1", {"service_name": "S", "region_id": "eu", "sku_id": "k"}))
    spend((D, "1", {"service_name": "T", "region_id": "eu", "sku_id": "k"}), source="many")
    few, _, _ = queries_and_bytes()
    spend(
        *(
            (
                date(2026, 6, 1) + timedelta(days=day),
                f"{number}.{day:02}123456789",
                {
                    "service_name": f"Some cloud service {number}",
                    "region_id": f"region-{part}",
                    "sku_id": f"sku-{part}",
                },
            )
            for number in range(60)
            for part in range(3)
            for day in range(0, 30, 3)
        ),
        source="many",
    )
    many, size, one = queries_and_bytes()
    assert len(outermost(one)) == 51
    assert many <= few
    assert size <= 150_000


@pytest.fixture
def hundreds(spend):
    """A quarter of days of 230 services in two regions."""
    spend(
        *(
            (date(2026, 4, 1) + timedelta(days=day), f"{number}.{day:02}123456789", service(number, day % 2))
            for number in range(230)
            for day in range(0, 91, 13)
        )
    )


def service(number, region):
    return {"service_name": f"Some cloud service {number:03}", "region_id": f"region-{region}"}


def test_two_hundred_rows_are_read_page_by_page_and_the_page_stays_light(browser_of, hundreds):
    client = browser_of(Role.VIEWER)
    address = "/costs/?start=2026-04-01&end=2026-06-30&granularity=day&group_by=service&compare=previous&limit=200"
    first = client.get(address)
    one = first.context["shown"][0]
    assert len(first.content) <= 150_000
    assert (len(outermost(one)), one.listed, one.total.groups) == (50, 200, 230)
    pages = [shown(client, f"{address}&page={number}") for number in range(1, 6)]
    rows = [row for page in pages[:4] for row in page.rows]
    assert [len(page.rows) for page in pages] == [50, 50, 50, 51, 51]  # there is no fifth, so the last is shown
    assert sum(row.cost for row in rows) == one.total.cost
    assert (rows[-1].text, len({row.text for row in rows})) == ("Other (30)", 201)


def test_charges_tell_who_sees_some_teams_alone_nothing_of_deliveries(browser_of, spend):
    spend((D, "1", {"team": "ml"}), source="secret-stream")
    path = f"/costs/charges/?{JUNE}"
    assert "secret-stream" in browser_of(Role.VIEWER).get(path).content.decode()
    page = browser_of(Role.ENGINEERING_LEAD, "ml").get(path)
    assert [charge.effective_cost for charge in page.context["page"]] == [1]
    assert "secret-stream" not in page.content.decode()
    assert "Delivery" not in page.content.decode()
