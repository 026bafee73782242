"""Azure Monitor: what subscriptions have measured on a day becomes hours, with numbers that were worked out by hand."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from werkzeug.wrappers import Request, Response

from apps.sources.connections import connection
from collectors.azure.graph import Graph
from collectors.azure.monitor import AT_ONCE
from collectors.azure.sign_in import SignIn
from collectors.connections import Connection, Window, kind_of
from collectors.errors import CollectorError, ProviderRefusedError, ProviderUnavailableError
from tests.azure import CLIENT, SECRET, TENANT, AzureServer, arm_error, azure, azure_for_all
from tests.azure_metrics import metrics_batch
from tests.sources.azure_resources import FIRST_SUB, SECOND_SUB, WORKSPACES, identity, machine, resource

__all__ = ["azure", "azure_for_all"]

NOON = datetime(2026, 6, 2, 12, 30, tzinfo=UTC)
VM = identity("Microsoft.Compute/virtualMachines", "trainer").lower()
REAL_CLOCK = Graph.now
SERVERS = "Microsoft.Sql/servers/databases"


@pytest.fixture(autouse=True)
def _noon(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's clock says noon of the day after; there are two subscriptions."""
    monkeypatch.setattr(Graph, "now", NOON)
    azure.subscriptions = {FIRST_SUB: "ml", SECOND_SUB: "web"}


def made(**settings: str) -> Connection:
    """A connection that signs in as the application of the tests."""
    words = {"tenant_id": TENANT, "client_id": CLIENT, **settings}
    return connection("azure-monitor", words, {"client_secret": SECRET})


def fetched(folder: Path, of: Connection | None = None, *, day: str = "2026-06-01") -> pl.DataFrame:
    """A day as it is fetched."""
    folder.mkdir(exist_ok=True)
    return pl.read_parquet((of or made()).fetch(f"monitor://{day}", folder, lambda _done, _total: None))


def failure(folder: Path) -> CollectorError:
    """What reading fails with."""
    with pytest.raises(CollectorError) as told:
        fetched(folder)
    return told.value


def row(hours: pl.DataFrame, metric: str) -> dict[str, Any]:
    """The one row of a metric."""
    (found,) = hours.filter(metric=metric).rows(named=True)
    return found


def told(azure: AzureServer, of: str, name: str, numbers: Mapping[int, Mapping[str, float]]) -> None:
    """What Azure Monitor knows of a metric, by minutes of the day."""
    azure.measured[of.lower(), name] = {minute: dict(said) for minute, said in numbers.items()}


def test_averages_and_maxima_are_those_of_azure_and_null_is_a_gap(azure: AzureServer, tmp_path: Path) -> None:
    azure.resources = [machine("trainer", "PowerState/running")]
    usual = {minute: {"average": 20.0, "maximum": 30.0} for minute in range(600, 655, 5)}
    told(azure, VM, "Percentage CPU", {**usual, 610: {}, 655: {"average": 80.0, "maximum": 95.0}})

    hours = fetched(tmp_path)

    cpu = row(hours, "cpu")
    assert cpu["points"] == pytest.approx([0.2, 0.2, None, *[0.2] * 8, 0.8])
    assert cpu["peaks"] == pytest.approx([0.3, 0.3, None, *[0.3] * 8, 0.95])
    assert cpu["average"] == pytest.approx((10 * 0.2 + 0.8) / 11)
    assert cpu["p95"] == pytest.approx(0.2 + 0.5 * 0.6)  # rank 9.5 of 0 to 10
    assert (cpu["maximum"], cpu["minutes"]) == (pytest.approx(0.95), 55)
    assert (cpu["provider"], cpu["resource_id"], cpu["signal"]) == ("Microsoft", VM, "Percentage CPU")
    assert hours.height == 1


def test_memory_is_what_is_not_available_and_traffic_a_rate(azure: AzureServer, tmp_path: Path) -> None:
    azure.resources = [machine("trainer", "PowerState/running")]
    told(azure, VM, "Available Memory Percentage", {600: {"average": 75.0, "minimum": 40.0}})
    told(azure, VM, "Network In Total", {600: {"total": 3000.0}, 605: {"total": 300.0}})
    told(azure, VM, "Network Out Total", {600: {"total": 6000.0}})

    hours = fetched(tmp_path)

    memory, network = row(hours, "memory"), row(hours, "network_bytes_per_second")
    assert (memory["average"], memory["maximum"]) == (0.25, 0.6)
    assert network["points"][:2] == [30.0, None]


def test_endpoints_and_databases_are_measured_by_their_own_metrics(azure: AzureServer, tmp_path: Path) -> None:
    names = ("ws", "chat", "blue")
    azure.resources = [
        resource(f"{WORKSPACES}/onlineEndpoints/deployments", *names),
        resource(f"{WORKSPACES}/onlineEndpoints", *names[:2]),
        resource(SERVERS, "s", "orders", subscription=SECOND_SUB),
    ]
    blue, chat = (str(one["id"]) for one in azure.resources[:2])
    told(azure, blue, "GpuUtilizationPercentage", {600: {"average": 50.0, "maximum": 90.0}})
    told(azure, chat, "RequestsPerMinute", {600: {"average": 30.0, "maximum": 60.0}})
    told(azure, str(azure.resources[2]["id"]), "cpu_percent", {600: {"average": 12.5, "maximum": 25.0}})

    hours = fetched(tmp_path)

    assert {one["metric"]: (one["resource_id"], one["average"], one["maximum"]) for one in hours.rows(named=True)} == {
        "gpu": (blue.lower(), 0.5, 0.9),
        "requests_per_second": (chat.lower(), 0.5, 1.0),
        "cpu": (str(azure.resources[2]["id"]).lower(), 0.125, 0.25),
    }


def test_fifty_resources_of_a_type_region_and_subscription_are_a_question(
    azure: AzureServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure, "graph_page", 100)
    azure.resources = [
        *(machine(f"m{number:03}", "") for number in range(AT_ONCE + 5)),
        machine("north", "", location="northeurope"),
        machine("web", "", subscription=SECOND_SUB),
    ]
    for one in azure.resources:
        told(azure, str(one["id"]), "Percentage CPU", {600: {"average": 1.0, "maximum": 1.0}})

    hours = fetched(tmp_path)

    assert hours["resource_id"].n_unique() == AT_ONCE + 7
    assert sum("metrics:getBatch" in asked for asked in azure.asked) == 4
    assert sum(asked.startswith("/northeurope/") for asked in azure.asked) == 1


def test_days_are_offered_as_long_as_they_are_kept(azure: AzureServer) -> None:
    found = list(made().remote(Window(date(2025, 1, 1))))

    assert (found[0].name, found[-1].name) == ("2026-03-02", "2026-06-02")
    assert [one.fingerprint for one in found[-2:]] == ["complete", "until 2026-06-02T12:00Z"]


def test_the_clock_is_that_of_azure(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Graph, "now", REAL_CLOCK)
    graph = Graph(SignIn(TENANT, CLIENT, SECRET))
    assert graph.subscriptions() == azure.subscriptions

    assert abs(graph.now - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_may_not_be_read_is_said_and_the_rest_is_read(azure: AzureServer, tmp_path: Path) -> None:
    azure.resources = [machine("trainer", ""), machine("web", "", subscription=SECOND_SUB)]
    told(azure, VM, "Percentage CPU", {600: {"average": 1.0, "maximum": 1.0}})
    azure.spoil(times=9, path=f"{SECOND_SUB}/metrics", answer=arm_error(403, "AuthorizationFailed"))
    of = made()

    hours = fetched(tmp_path, of)

    assert hours["resource_id"].to_list() == [VM]
    (warning,) = of.warnings
    assert warning.startswith(f"The role Monitoring Reader is missing: assign it on the subscription {SECOND_SUB}.")
    assert warning.endswith(" microsoft.compute/virtualmachines in westeurope is left out.")


def test_a_metric_that_azure_could_not_read_is_said(azure: AzureServer, tmp_path: Path) -> None:
    azure.resources = [machine("trainer", ""), machine("web", "", subscription=SECOND_SUB)]
    told(azure, VM, "Percentage CPU", {600: {"average": 1.0, "maximum": 1.0}})

    def fail(request: Request) -> Response:
        return Response(
            metrics_batch(request, {}).get_data().replace(b'"Success"', b'"Throttled"'),
            headers={"Content-Type": "application/json"},
        )

    azure.spoil(times=9, path=f"{SECOND_SUB}/metrics", answer=fail)
    of = made()

    assert fetched(tmp_path, of)["resource_id"].to_list() == [VM]
    (warning,) = of.warnings
    assert warning == (
        "Azure Monitor could not tell all metrics (Throttled): some of microsoft.compute/virtualmachines in westeurope"
        " are left out."
    )


def test_who_may_read_nothing_is_refused_with_the_role(azure: AzureServer, tmp_path: Path) -> None:
    azure.resources = [machine("trainer", "")]
    azure.spoil(times=9, path="metrics:getBatch", answer=arm_error(403, "AuthorizationFailed"))
    refused = failure(tmp_path)
    assert isinstance(refused, ProviderRefusedError)
    assert refused.permission == "Monitoring Reader"
    assert [(one.step, one.ok) for one in made().check()][-1] == ("Read metrics", False)

    azure.subscriptions.clear()
    assert "The role Monitoring Reader is missing: assign it on a subscription." in str(failure(tmp_path))


def test_a_subscription_that_was_named_and_has_no_role_is_a_warning(azure: AzureServer, tmp_path: Path) -> None:
    del azure.subscriptions[SECOND_SUB]
    of = made(subscriptions=f"{FIRST_SUB}, {SECOND_SUB}")
    fetched(tmp_path, of)
    assert list(of.warnings) == [
        f"The role Monitoring Reader is missing on the subscription {SECOND_SUB}: what is in it is not measured."
    ]


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (arm_error(429, "TooManyRequests", **{"Retry-After": "40"}), 40),
        (arm_error(500, "InternalError"), None),
        (lambda _: Response("<html>", 200, {"Content-Type": "text/html"}), None),
        (lambda _: Response('{"values": [{"value": 5}]}', 200, {"Content-Type": "application/json"}), None),
        (lambda _: Response('{"values": ["x"]}', 200, {"Content-Type": "application/json"}), None),
        (lambda _: Response("{}", 200, {"Content-Type": "application/json"}), None),
    ],
    ids=["throttled", "fault", "page", "nonsense", "text", "nothing"],
)
def test_what_azure_cannot_answer_now_is_asked_for_later(
    azure: AzureServer, tmp_path: Path, answer: Any, wait: float | None
) -> None:
    azure.resources = [machine("trainer", "")]
    azure.spoil(times=9, path="metrics:getBatch", answer=answer)

    problem = failure(tmp_path)

    assert isinstance(problem, ProviderUnavailableError)
    assert problem.retry_after == wait


def test_a_connection_test_reads_one_of_each_type(azure: AzureServer) -> None:
    azure.resources = [machine("trainer", ""), machine("idle", "")]
    assert [(one.step, one.ok, one.says) for one in made().check()] == [
        ("Sign in to Azure", True, f"application {CLIENT}"),
        ("List the subscriptions", True, "ml, web."),
        ("Read metrics", True, "metrics of 2 resources"),
    ]


def test_the_policy_grants_reading_metrics_and_nothing_else() -> None:
    policy = kind_of("azure-monitor").policy({"subscriptions": f"{FIRST_SUB}, x; rm", "client_id": CLIENT})
    assert policy.count('--role "Monitoring Reader"') == policy.count("role assignment create") == 1
    assert f"for subscription in {FIRST_SUB}; do" in policy
