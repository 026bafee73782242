"""The page of GPUs, and the use of a resource: the numbers of the queries, no more than a reader may see, and light."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Role, Team
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.inventory.models import Resource
from apps.utilization.queries import DEFINITION, By, Gpus, fleet, gpu_costs
from tests.costs.conftest import load, owned
from tests.inventory.conftest import after, machine
from tests.inventory.conftest import load as load_resources
from tests.utilization.conftest import DAY, held, hour, load_hours, load_tenancy

Browser = Callable[..., Client]
JUNE = "start=2026-06-01&end=2026-06-02"
PERIOD = Period(date(2026, 6, 1), date(2026, 6, 2))
ALL = Scope.everything()
SECOND = "GPU-2"
WEAK = "DCGM_FI_DEV_GPU_UTIL"


@pytest.fixture
def gpus(db: None) -> None:
    """Two days of a node with a GPU that a pod of "ml" half uses and one that nobody holds, and an idle notebook."""
    for slug in ("ml", "ads", "ops"):
        Team.objects.create(slug=slug, name=slug.title())
    days = (PERIOD.first, PERIOD.last)
    load([owned(day, "240", "ops", resource_id="i-1") for day in days])
    load([owned(day, "24", "ads", resource_id="nb-1") for day in days], source="notebooks")
    seen = range(48)
    load_hours(
        *(hour(at, average=0.5, maximum=0.9) for at in seen),
        *(hour(at, metric="gpu_memory", average=0.25) for at in seen),
        *(hour(at, device=SECOND, average=0.0) for at in seen),
        *(
            hour(at, cluster="", node="", resource_id="nb-1", device="", average=0.0, device_model="A10G", signal=WEAK)
            for at in seen
        ),
    )
    load_tenancy(*(held(at) for at in seen))


def page(client: Client, query: str = JUNE) -> dict[str, Any]:
    answer = client.get(f"/gpus/?{query}")
    assert answer.status_code == 200
    contexts: Any = answer.context
    whole = {name: value for context in contexts for name, value in context.flatten().items()}
    return whole | {"html": answer.content.decode()}


def test_tiles_days_teams_and_list_are_what_the_queries_say(browser_of: Browser, gpus: None) -> None:
    shown = page(browser_of(Role.FINANCE))

    (one,) = shown["shown"]
    (whole,) = gpu_costs(PERIOD, Gpus(), scope=ALL)
    assert one.money == whole.money
    assert one.money.used + one.money.idle + one.money.unallocated == one.money.cost == Decimal(528)
    assert one.allocated == one.money.used + one.money.idle
    assert sum(money.cost for _, money in one.days) == sum(row.money.cost for row in one.teams) == one.money.cost
    by_team = {row.keys: row.money for row in gpu_costs(PERIOD, Gpus(), by=(By.TEAM,), scope=ALL)}
    assert {("ml",): "Ml", ("ads",): "Ads", ("ops",): "Ops"}.keys() == by_team.keys()
    assert {row.name: row.money for row in one.teams} == {keys[0].title(): money for keys, money in by_team.items()}
    assert DEFINITION in shown["html"]


def test_idle_and_half_used_gpus_come_dearest_first_with_their_cost_a_day(browser_of: Browser, gpus: None) -> None:
    lines = page(browser_of(Role.FINANCE))["lines"]

    assert [(line.state, line.gpu.device.device, line.money) for line in lines] == [
        ("Unallocated", SECOND, [("USD", Decimal(120), Decimal(120))]),
        ("Idle", "", [("USD", Decimal(24), Decimal(24))]),
    ]  # the third computes half of the time


def test_signals_are_told_and_the_weak_one_is_called_weak(browser_of: Browser, gpus: None) -> None:
    shown = page(browser_of(Role.FINANCE))

    assert [(name, count) for name, _, count in shown["signals"]] == [("DCGM_FI_PROF_SM_ACTIVE", 2), (WEAK, 1)]
    assert "weak signal" in shown["signals"][1][1]


def test_the_heatmap_has_a_row_for_each_gpu_and_a_cell_for_each_hour(browser_of: Browser, gpus: None) -> None:
    grid = page(browser_of(Role.FINANCE))["grid"]

    assert (len(grid.columns), grid.groups) == (48, [("1 Jun", 24), ("2 Jun", 24)])
    assert [(row.name, row.detail, row.mean) for row in grid.rows] == [
        ("n1", "GPU-1 · A100", "50"),
        ("n1", "GPU-2 · A100", "0"),
        ("nb-1", "A10G", "0"),
    ]
    assert {(cell.level, cell.text) for cell in grid.rows[0].cells} == {(3, "50")}


def test_hours_without_a_measurement_are_no_zeros(browser_of: Browser, gpus: None) -> None:
    grid = page(browser_of(Role.FINANCE), "start=2026-06-01&end=2026-06-03&by=node")["grid"]

    assert [row.name for row in grid.rows] == ["n1", "nb-1"]
    assert {(cell.level, cell.text) for cell in grid.rows[1].cells[48:]} == {(None, "—")}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cluster=c", [SECOND, "GPU-1"]),
        ("model=A10G", [""]),
        ("team=ml", ["GPU-1"]),
        ("resource_id=nb-1", [""]),
        ("search=gpu-2", [SECOND]),
        ("cluster=c&model=A10G", []),
    ],
)
def test_filters_of_the_address_leave_out_the_others(
    browser_of: Browser, gpus: None, query: str, found: list[str]
) -> None:
    shown = page(browser_of(Role.FINANCE), f"{JUNE}&{query}")

    assert sorted(one.device.device for one in shown["found"]) == sorted(found)
    if not found:
        assert "No GPU matches these filters" in shown["html"]
        assert "Remove “Model A10G”" in shown["html"]


@pytest.mark.parametrize("name", ["team", "model", "cluster", "node", "search"])
def test_whatever_an_address_says_is_a_value_and_never_part_of_a_statement(
    browser_of: Browser, gpus: None, name: str
) -> None:
    client = browser_of(Role.FINANCE)
    for path in ("/gpus/", "/api/v1/gpus/"):
        answer = client.get(path, {name: "a\n; SELECT 1/0 --"})
        assert answer.status_code == 200, answer.content


def test_a_metric_that_nothing_measures_says_so_and_an_unknown_one_is_left_out(browser_of: Browser, gpus: None) -> None:
    client = browser_of(Role.FINANCE)

    assert [row.mean for row in page(client, f"{JUNE}&metric=gpu_memory")["grid"].rows] == ["25"]
    assert "Nothing tells of power" in page(client, f"{JUNE}&metric=power_watts")["html"]
    wrong = page(client, f"{JUNE}&metric=cpu&page=x")
    assert "metric was ignored" in wrong["problems"][0]
    assert wrong["grid"].title == "Utilisation"


def test_a_lead_sees_the_gpus_and_the_money_of_the_own_teams_alone(browser_of: Browser, gpus: None) -> None:
    client = browser_of(Role.ENGINEERING_LEAD, "ml")
    shown = page(client)

    (one,) = shown["shown"]
    (own,) = gpu_costs(PERIOD, Gpus(), scope=Scope(("ml",)))
    assert one.money == own.money
    assert one.money.cost == Decimal(240)
    assert [gpu.device.device for gpu in shown["found"]] == ["GPU-1"]
    assert shown["known"].teams == {"ml": "Ml"}
    assert "nb-1" not in shown["html"]
    assert page(client, f"{JUNE}&team=ads")["found"] == []


def test_mig_slices_and_gpus_shared_in_turns_have_their_own_lists(browser_of: Browser, gpus: None) -> None:
    half = Decimal("0.5")
    part = {"parent_device": "GPU-3", "slices": half}
    load_hours(*(hour(at, device="GPU-3/1", average=0.1, **part) for at in range(48)))
    load_hours(*(hour(at, device="GPU-4", average=0.2) for at in range(48)))
    load_tenancy(
        *(held(at, device="GPU-4", pod=pod, share=half) for at in range(48) for pod in ("a", "b")),
        *(held(at, device="GPU-3/1", pod="c") for at in range(48)),
    )
    client = browser_of(Role.FINANCE)

    slices = page(client, f"{JUNE}&kind=slice")["lines"]
    shared = page(client, f"{JUNE}&kind=shared")["lines"]

    assert [(line.gpu.device.device, "1/2 of the card" in line.detail) for line in slices] == [("GPU-3/1", True)]
    assert [(line.gpu.device.device, line.is_shared) for line in shared] == [("GPU-4", True)]
    whole = {line.gpu.device.device for line in page(client, f"{JUNE}&kind=card")["lines"]}
    assert whole == {SECOND, ""}


def test_what_cannot_be_joined_is_told_with_its_reason(browser_of: Browser, gpus: None) -> None:
    load_hours(*(hour(at, resource_id="i-9", node="n9", device="GPU-9") for at in range(3)))

    shown = page(browser_of(Role.FINANCE))

    ((sentence, count, some),) = shown["not_billed"]
    assert (count, some[0].node) == (1, "n9")
    assert "No charge of this period names its machine" in sentence
    assert sentence in shown["html"]


def test_the_download_has_every_gpu_and_adds_up_to_the_page(browser_of: Browser, gpus: None) -> None:
    client = browser_of(Role.FINANCE)
    answer = client.get(f"/gpus/table.csv?{JUNE}")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]

    assert answer.headers["Content-Disposition"] == 'attachment; filename="gpus_2026-06-01_2026-06-02.csv"'
    assert len(rows) == len(fleet(PERIOD, Gpus(), scope=ALL)) == 3
    (whole,) = gpu_costs(PERIOD, Gpus(), scope=ALL)
    for name in ("cost", "used", "idle", "unallocated"):
        assert sum(Decimal(row[name]) for row in rows) == getattr(whole.money, name)


def test_without_any_gpu_the_page_says_what_to_connect(browser_of: Browser) -> None:
    html = page(browser_of(Role.ADMIN))["html"]

    assert "No GPU is measured yet" in html
    assert "/sources/connect/" in html


def test_more_gpus_take_more_pages_and_no_more_queries(browser_of: Browser, gpus: None) -> None:
    client = browser_of(Role.FINANCE)
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    load_hours(*(hour(at, device=f"GPU-{number}", average=0.1) for number in range(100, 190) for at in (0, 1)))
    with CaptureQueriesContext(connection) as many:
        shown = page(client, f"{JUNE}&by=gpu&page=2&list=2")

    assert len(many) <= len(few)
    assert (shown["grid_page"].number, shown["list_page"].number) == (2, 2)
    assert (len(shown["grid"].rows), shown["grid_page"].paginator.count) == (40, 93)
    assert len(shown["html"]) < 150_000
    assert page(client)["grid"].by_node is False
    load_hours(*(hour(0, device=f"GPU-{number}") for number in range(200, 210)))
    assert page(client)["grid"].by_node is True


@pytest.fixture
def measured(db: None) -> Resource:
    """A machine of the inventory, measured on two of the last days."""
    load_resources(machine("i-1"), machine("i-2"), machine("b-1", kind="bucket"), at=after(0))
    yesterday = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    ago = (yesterday - DAY) // timedelta(hours=1)
    load_hours(
        *(hour(ago - 24 * days, average=0.2, p95=0.6, maximum=0.8) for days in (0, 3)),
        *(hour(ago - 24 * days, device=SECOND, average=0.4) for days in (0, 3)),
        hour(ago, metric="gpu_memory", average=0.3),
    )
    return Resource.objects.get(resource_id="i-1")


def test_a_resource_tells_how_busy_it_was_beside_its_cost(browser_of: Browser, measured: Resource) -> None:
    answer = browser_of(Role.FINANCE).get(f"/resources/{measured.pk}/")

    use = answer.context["use"]
    known = [row for row in use.days if row[1] != "—"]
    assert [row[1:] for row in known] == [("30%", "60%", "80%")] * 2
    assert [(row.title, row.average, row.maximum) for row in use.rows] == [
        ("GPU", "30%", "80%"),
        ("GPU memory", "30%", "30%"),
    ]
    assert use.device_count == 2
    assert "measured on 2 days of" in use.says


def test_a_resource_that_nothing_measures_says_what_to_connect(browser_of: Browser, measured: Resource) -> None:
    client = browser_of(Role.ADMIN)
    other = client.get(f"/resources/{Resource.objects.get(resource_id='i-2').pk}/")
    bucket = client.get(f"/resources/{Resource.objects.get(resource_id='b-1').pk}/")

    assert "No utilisation is collected for this resource" in other.content.decode()
    assert "utilisation" not in bucket.content.decode()  # nothing measures a bucket


def test_the_overview_tells_idle_gpu_cost_by_team_and_leads_to_the_gpus(browser_of: Browser, gpus: None) -> None:
    answer = browser_of(Role.FINANCE).get("/?month=2026-06&team=")

    (block,) = answer.context["page"].blocks
    (whole,) = gpu_costs(Period(PERIOD.first, block_end(answer)), Gpus(), scope=ALL)
    idle = block.idle
    assert idle.cost == idle.gpus.cost == whole.money.idle + whole.money.unallocated == Decimal(408)
    assert (idle.gpus.measured, idle.machines) == (whole.money.cost, None)
    assert [(row.name, row.cost) for row in idle.rows] == [
        ("Ops", Decimal(240)),
        ("Ml", Decimal(120)),
        ("Ads", Decimal(48)),
    ]
    assert idle.rows[0].url == f"/gpus/?start=2026-06-01&end={block_end(answer)}&team=ops"
    assert all(row.trend for row in idle.rows)
    assert idle.url in answer.content.decode().replace("&amp;", "&")


def block_end(answer: Any) -> date:
    """The last day that the overview counts."""
    end: date = answer.context["shown"].period.last
    return end


def test_idle_cost_is_compared_only_with_days_that_were_measured(browser_of: Browser, gpus: None) -> None:
    client = browser_of(Role.FINANCE)

    (block,) = client.get("/?month=2026-06&team=").context["page"].blocks

    assert (block.idle.previous, block.idle.since) == (None, PERIOD.first)
    assert {row.previous for row in block.idle.rows} == {None}


def test_a_lead_finds_the_idle_cost_of_the_own_team_alone_on_the_overview(browser_of: Browser, gpus: None) -> None:
    load([owned(PERIOD.last, "1", "ml", resource_id="other")], source="more")
    answer = browser_of(Role.ENGINEERING_LEAD, "ml").get("/?month=2026-06")

    (block,) = answer.context["page"].blocks
    assert [(row.name, row.cost) for row in block.idle.rows] == [("Ml", Decimal(120))]
    assert "team=ops" not in answer.content.decode()
