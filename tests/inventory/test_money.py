"""Cost and idle cost of resources: on their list in any order, in the API, on their pages, and on the overview."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Organisation, Role, Team
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.models import ExchangeRate
from apps.dashboards.resource_costs import costs_of
from apps.dashboards.resource_list import RANKINGS, Ranked
from apps.inventory.models import Resource
from apps.utilization.queries import DEFINITION, RESOURCE_DEFINITION, Gpus, gpu_costs, machine_costs
from tests.costs.conftest import api, load, owned
from tests.inventory.conftest import after, machine
from tests.inventory.conftest import load as load_resources
from tests.utilization.conftest import hour, load_hours
from tests.web.conftest import browser_of, person

__all__ = ["api", "browser_of", "person"]
Api = Callable[..., APIClient]
Browser = Callable[..., Client]
ALL = Scope.everything()
TODAY = datetime(2026, 7, 10, 8, tzinfo=timezone.get_default_timezone())
JULY = Period(date(2026, 7, 1), date(2026, 7, 9))
LAST = JULY.last
CPU = {"metric": "cpu", "device": None, "cluster": "", "node": "", "device_model": None, "signal": "CPUUtilization"}


def measured(name: str, average: float, day: date = LAST, **columns: Any) -> dict[str, Any]:
    """An hour of a resource on that day."""
    at = datetime.combine(day, datetime.min.time(), TODAY.tzinfo)
    return hour(resource_id=name, average=average, **CPU | {"hour": at} | columns)


def text_of(html: str) -> str:
    """What people read of it."""
    return re.sub(r"<[^>]+>", "", html)


@pytest.fixture
def estate(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 10 July: machines that are busy, idle, with a GPU, and not measured, and a disk without a charge."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: TODAY)
    for slug in ("ml", "ops"):
        Team.objects.create(slug=slug, name=slug)
    names = ("busy", "gpu", "idle", "unseen")
    load_resources(
        *(machine(name, tags={"team": "ml" if name == "idle" else "ops"}) for name in names),
        machine("vol", kind="disk"),
        at=after(-40),
    )
    teams = {"idle": "ml", "unseen": ""}
    costs = {"busy": "200", "gpu": "300", "idle": "100", "unseen": "7.25"}
    for name, cost in costs.items():
        load([owned(LAST, cost, teams.get(name, "ops"), resource_id=name)], source=f"bill-{name}")
    load_hours(
        measured("busy", 0.75),
        measured("idle", 0.01),
        measured("gpu", 0.5, metric="gpu", device="GPU-1", device_model="A100"),
    )


def listed(caller: APIClient, query: str) -> list[dict[str, Any]]:
    answer = caller.get(f"/api/v1/resources/?{query}")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("cost", ["unseen", "idle", "busy", "gpu", "vol"]),
        ("-cost", ["gpu", "busy", "idle", "unseen", "vol"]),
        ("idle_cost", ["busy", "idle", "gpu", "unseen", "vol"]),
        ("-idle_cost", ["gpu", "idle", "busy", "unseen", "vol"]),
    ],
)
def test_resources_are_sorted_by_cost_and_by_idle_cost(
    estate: None, api: Api, browser_of: Browser, order: str, names: list[str]
) -> None:
    assert [row["resource_id"] for row in listed(api(), f"order_by={order}")] == names

    page = browser_of(Role.FINANCE).get(f"/resources/?order_by={order}")
    assert [line.state.resource.name for line in page.context["lines"]] == names
    (head,) = [column for column in page.context["columns"] if column.sorted]
    assert head.sorted == ("descending" if order.startswith("-") else "ascending")
    turned = order.removeprefix("-") if order.startswith("-") else f"-{order}"
    assert head.url == f"?order_by={turned}"


def test_the_api_says_cost_idle_cost_and_currency(estate: None, api: Api) -> None:
    caller = api()
    told = {row["resource_id"]: (row["cost"], row["idle_cost"], row["currency"]) for row in listed(caller, "")}

    assert told == {
        "busy": ("200", "50", "USD"),
        "gpu": ("300", "150", "USD"),
        "idle": ("100", "99", "USD"),
        "unseen": ("7.25", None, "USD"),
        "vol": (None, None, None),
    }
    one = caller.get(f"/api/v1/resources/{Resource.objects.get(name='idle').pk}/").json()
    assert (one["cost"], one["idle_cost"], one["currency"]) == ("100", "99", "USD")
    before = {row["resource_id"]: row["cost"] for row in listed(caller, "as_of=2026-07-08")}
    assert before == dict.fromkeys(told)


def test_a_lead_finds_the_money_of_the_own_teams_alone(estate: None, api: Api, browser_of: Browser) -> None:
    load([owned(LAST, "40", "ops", resource_id="idle")], source="more")
    rows = listed(api(Role.ENGINEERING_LEAD, "ml"), "order_by=-cost")
    assert [(row["resource_id"], row["cost"], row["idle_cost"]) for row in rows] == [("idle", "100", "99")]

    found = browser_of(Role.ENGINEERING_LEAD, "ml", username="lead").get(f"/resources/{rows[0]['id']}/")
    assert found.context["used"]["USD"].money.cost == Decimal(100)


def test_amounts_without_a_rate_are_as_billed_and_never_added_up(estate: None, api: Api) -> None:
    Organisation.objects.update_or_create(defaults={"reporting_currency": "USD"})
    load([owned(LAST, "1000", "ops", resource_id="vol", billing_currency="EUR")], source="euros")
    caller = api()
    rows = listed(caller, "order_by=-cost")
    assert [(row["resource_id"], row["currency"]) for row in rows] == [
        ("gpu", "USD"),
        ("busy", "USD"),
        ("idle", "USD"),
        ("unseen", "USD"),
        ("vol", "EUR"),
    ]
    load([owned(LAST, "1", "ops", resource_id="vol")], source="dollars")
    (both,) = [row for row in listed(caller, "") if row["resource_id"] == "vol"]
    assert (both["cost"], both["idle_cost"], both["currency"]) == (None, None, None)

    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month=JULY.first, rate=Decimal("1.5"))
    assert next((row["resource_id"], row["cost"]) for row in listed(caller, "order_by=-cost")) == ("vol", "1501")


def test_an_unknown_order_is_told_and_left_out(estate: None, browser_of: Browser) -> None:
    page = browser_of(Role.FINANCE).get("/resources/?order_by=idle")
    assert "idle_cost" in page.context["problem"]
    assert [line.state.resource.name for line in page.context["lines"]] == ["busy", "gpu", "idle", "unseen", "vol"]


def test_too_many_to_be_sorted_by_cost_are_in_the_order_of_names_and_it_is_said_why(
    estate: None, api: Api, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few_at_once(*asked: Any, **more: Any) -> Any:
        with monkeypatch.context() as lowered:
            lowered.setattr("apps.costs.queries.answer.MAX_ROWS", 3)
            return costs_of(*asked, **more)

    monkeypatch.setitem(RANKINGS, "cost", few_at_once)

    answer = api().get("/api/v1/resources/?order_by=-cost")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "order_by")
    page = browser_of(Role.FINANCE).get("/resources/?order_by=-cost")
    assert page.context["problem"].startswith("order_by: More than")
    assert "limit" not in page.context["problem"]
    assert [line.state.resource.name for line in page.context["lines"]] == ["busy", "gpu", "idle", "unseen", "vol"]
    assert [column.title for column in page.context["columns"] if column.sorted] == ["Resource"]


def test_pages_of_thousands_in_the_order_of_cost_hold_each_resource_once(
    db: None, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: TODAY)
    costs = {f"r-{number:04}": str(number * 7 % 50) for number in range(2_200)}
    load_resources(*(machine(name) for name in costs), at=after(-40))
    load([owned(LAST, cost, resource_id=name) for name, cost in costs.items()])
    caller = api()

    rows = [row for page in range(1, 6) for row in listed(caller, f"order_by=-cost&page_size=500&page={page}")]

    expected = sorted(costs, key=lambda name: (-int(costs[name]), name))
    assert [row["resource_id"] for row in rows] == expected
    assert caller.get("/api/v1/resources/?order_by=-cost&page=99").status_code == 404


@pytest.mark.parametrize("order", ["", "-cost", "-idle_cost"])
def test_the_list_takes_as_many_queries_for_one_as_for_sixty(
    db: None, browser_of: Browser, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: TODAY)
    client, counts = browser_of(Role.FINANCE), []
    for day, many in enumerate((1, 60)):
        names = [f"i-{number}" for number in range(many)]
        load_resources(*map(machine, names), at=after(day - 40))
        load([owned(LAST, "3", resource_id=name) for name in names])
        load_hours(*(measured(name, 0.5) for name in names))
        with CaptureQueriesContext(connection) as asked:
            assert len(client.get(f"/resources/?order_by={order}").context["lines"]) == min(many, 50)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 24


def test_states_are_read_one_by_one_too(estate: None, browser_of: Browser) -> None:
    page = browser_of(Role.FINANCE).get("/resources/?order_by=-cost").context["page"]
    rows = page.paginator.object_list
    assert isinstance(rows, Ranked)
    assert rows[1].resource.name == "busy"


@pytest.mark.parametrize(
    ("name", "says", "definition"),
    [
        ("busy", "Used $150 + Idle $50.00 = $200. It did nothing in 0 of 1 hours", RESOURCE_DEFINITION),
        ("idle", "Used $1.00 + Idle $99.00 = $100. It did nothing in 1 of 1 hours", RESOURCE_DEFINITION),
        ("gpu", "Used $150 + Idle $150 = $300.", DEFINITION),
    ],
)
def test_the_page_of_a_resource_says_what_of_its_cost_was_used(
    estate: None, browser_of: Browser, name: str, says: str, definition: str
) -> None:
    html = browser_of(Role.FINANCE).get(f"/resources/{Resource.objects.get(name=name).pk}/").content.decode()
    assert says in text_of(html)
    assert definition in html


def test_a_resource_that_nothing_measures_has_no_parts(estate: None, browser_of: Browser) -> None:
    page = browser_of(Role.FINANCE).get(f"/resources/{Resource.objects.get(name='unseen').pk}/")
    assert page.context["used"] == {}
    assert "What idle cost is" not in page.content.decode()


def test_the_overview_adds_up_idle_gpus_and_idle_machines_by_team(estate: None, browser_of: Browser) -> None:
    answer = browser_of(Role.FINANCE).get("/?month=2026-07&team=")
    (block,) = answer.context["page"].blocks
    idle = block.idle

    (gpus,) = gpu_costs(JULY, Gpus(), scope=ALL)
    (machines,) = machine_costs(JULY, scope=ALL)
    assert idle.gpus.cost == gpus.money.idle + gpus.money.unallocated == 150
    assert idle.machines.cost == machines.money.idle == 149
    assert (idle.machines.measured, idle.machines.unmeasured) == (300, Decimal("7.25"))
    assert idle.cost == 299 == sum(row.cost for row in idle.rows)
    assert [(row.name, row.gpus, row.machines) for row in idle.rows] == [("ops", 150, 50), ("ml", 0, 99)]
    assert all(row.trend for row in idle.rows)
    assert idle.url == idle.machines.url == "/resources/?order_by=-idle_cost"
    assert idle.rows[1].url == "/resources/?order_by=-idle_cost&team=ml"
    html = text_of(answer.content.decode())
    assert DEFINITION in html
    assert RESOURCE_DEFINITION in html
    assert "Machines and databases: $149, 49.7% of what is measured; $7.25 is not." in html


def test_the_overview_of_a_team_has_its_own_idle_cost_alone(estate: None, browser_of: Browser) -> None:
    lead = browser_of(Role.ENGINEERING_LEAD, "ml").get("/?month=2026-07").context["page"].blocks[0].idle
    chosen = browser_of(Role.FINANCE, username="f").get("/?month=2026-07&team=ml").context["page"].blocks[0].idle

    for idle in (lead, chosen):
        assert (idle.gpus, idle.cost, [row.name for row in idle.rows]) == (None, 99, ["ml"])


def test_machines_are_compared_only_with_days_that_were_measured(estate: None, browser_of: Browser) -> None:
    june = [date(2026, 6, 1) + timedelta(days=number) for number in range(9)]
    load([owned(day, "10", "ml", resource_id="idle") for day in june], source="june")
    load([owned(day, "20", "ops", resource_id="gpu") for day in june], source="june-gpu")
    load_hours(*(measured("idle", 0.5, day) for day in june))
    client = browser_of(Role.FINANCE)
    ((before,), team) = client.get("/?month=2026-07&team=").context["page"].blocks, "/?month=2026-07&team=ml"
    assert (before.idle.previous, before.idle.since) == (None, LAST)  # the GPU was not measured then

    (alone,) = client.get(team).context["page"].blocks
    assert (alone.idle.previous, alone.idle.since) == (Decimal(45), None)
    assert [row.previous for row in alone.idle.rows] == [Decimal(45)]


def test_without_any_measurement_the_overview_has_no_idle_cost(
    db: None, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: TODAY)
    load_resources(machine("i-1"), at=after(-40))
    load([owned(LAST, "10", resource_id="i-1")])
    (block,) = browser_of(Role.FINANCE).get("/?month=2026-07&team=").context["page"].blocks
    assert block.idle is None
