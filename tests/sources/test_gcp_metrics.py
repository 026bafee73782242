"""Cloud Monitoring: what a project has measured on a day becomes hours, with numbers that were worked out by hand."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from werkzeug.wrappers import Response

from apps.core.errors import UserError
from apps.sources.connections import connection
from collectors.connections import Window, kind_of
from collectors.errors import CollectorError, ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.monitoring import Monitoring
from tests.gcp import EMAIL, GoogleServer, google, google_for_all, key
from tests.gcp_apis import api_error
from tests.gcp_series import MeasuredSeries

__all__ = ["google", "google_for_all", "key"]

PROJECT = "northwind-ml"
NOON = datetime(2026, 6, 2, 12, 30, tzinfo=UTC)
VM = {"project_id": PROJECT, "zone": "europe-west4-a", "instance_id": "8234728347"}
VM_ID = f"//compute.googleapis.com/projects/{PROJECT}/zones/europe-west4-a/instances/8234728347"
POD = {"project_id": PROJECT, "cluster_name": "train", "namespace_name": "ml", "pod_name": "a", "container_name": "c"}
CARD = {"gpu_number": "0", "model": "NVIDIA A100", "uuid": "GPU-1"}


REAL_CLOCK = Monitoring.now


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's clock says noon of the day after."""
    monkeypatch.setattr(Monitoring, "now", lambda *_: NOON)


def made(key: str, projects: str = PROJECT) -> Any:
    """A connection with the key of the tests."""
    return connection("gcp-monitoring", {"projects": projects}, {"key": key})


def fetched(key: str, folder: Path, *, day: str = "2026-06-01") -> pl.DataFrame:
    """A day as it is fetched."""
    folder.mkdir(exist_ok=True)
    return pl.read_parquet(made(key).fetch(f"monitoring://{PROJECT}/{day}", folder, lambda _done, _total: None))


def failure(key: str, folder: Path) -> CollectorError:
    """What reading fails with."""
    with pytest.raises(CollectorError) as told:
        fetched(key, folder)
    return told.value


def row(hours: pl.DataFrame, metric: str) -> dict[str, Any]:
    """The one row of a metric."""
    (found,) = hours.filter(metric=metric).rows(named=True)
    return found


def series(type_: str, resource: dict[str, str], samples: dict[int, float], **labels: Any) -> MeasuredSeries:
    """A series of the project, by minutes of the day."""
    return MeasuredSeries(PROJECT, type_, resource, samples, **labels)


def minutes(value: float, *, first: int = 601, last: int = 660) -> dict[int, float]:
    """The same number each minute."""
    return dict.fromkeys(range(first, last + 1), value)


def cpu(samples: dict[int, float], name: str = "node-1") -> MeasuredSeries:
    """Of the machine."""
    return series("compute.googleapis.com/instance/cpu/utilization", VM, samples, metric={"instance_name": name})


def test_means_and_maxima_are_of_the_samples_of_five_minutes(google: GoogleServer, key: str, tmp_path: Path) -> None:
    google.shelves.series = [cpu({**minutes(0.25), 601: 1.0, 602: 0.5, 655: 0.0})]

    hours = fetched(key, tmp_path)

    found = row(hours, "cpu")
    # 10:00 to 10:05 are the samples of the minutes 601 to 605: (1 + 0.5 + 3 x 0.25) / 5; 10:50 to 10:55: 4 x 0.25 / 5
    assert found["points"] == pytest.approx([0.45, *[0.25] * 9, 0.2, 0.25])
    assert found["peaks"] == pytest.approx([1.0, *[0.25] * 11])
    assert found["average"] == pytest.approx((0.45 + 10 * 0.25 + 0.2) / 12)
    assert found["p95"] == pytest.approx(0.25 + 0.45 * 0.2)
    assert (found["maximum"], found["minutes"]) == (1.0, 60)
    assert (found["provider"], found["resource_id"], found["node"]) == ("Google Cloud", VM_ID, "")
    assert found["hour"] == datetime(2026, 6, 1, 10, tzinfo=UTC)


def test_what_was_not_measured_is_a_gap(google: GoogleServer, key: str, tmp_path: Path) -> None:
    google.shelves.series = [cpu(minutes(0.0, first=601, last=605) | minutes(0.5, first=621, last=625))]

    found = row(fetched(key, tmp_path), "cpu")

    assert found["points"] == [0.0, None, None, None, 0.5, *[None] * 7]
    assert (found["minutes"], found["average"]) == (10, 0.25)


def test_traffic_adds_up_over_networks_and_both_ways(google: GoogleServer, key: str, tmp_path: Path) -> None:
    kind = "compute.googleapis.com/instance/network"
    google.shelves.series = [
        series(f"{kind}/received_bytes_count", VM, minutes(600.0), metric={"loadbalanced": "true"}),
        series(f"{kind}/received_bytes_count", VM, minutes(1200.0), metric={"loadbalanced": "false"}),
        series(f"{kind}/sent_bytes_count", VM, minutes(4200.0, last=630)),
    ]

    found = row(fetched(key, tmp_path), "network_bytes_per_second")

    assert found["points"] == [100.0] * 6 + [None] * 6  # (600 + 1,200 + 4,200) bytes a minute, while both are known


def test_gpus_of_the_ops_agent_are_devices(google: GoogleServer, key: str, tmp_path: Path) -> None:
    bytes_used = "agent.googleapis.com/gpu/memory/bytes_used"
    google.shelves.series = [
        series("agent.googleapis.com/gpu/utilization", VM, minutes(40.0), metric=CARD),
        series(bytes_used, VM, minutes(10.0 * 2**30), metric={**CARD, "memory_state": "used"}),
        series(bytes_used, VM, minutes(30.0 * 2**30), metric={**CARD, "memory_state": "free"}),
        series("agent.googleapis.com/memory/percent_used", VM, minutes(75.0), metric={"state": "used"}),
        series("agent.googleapis.com/memory/percent_used", VM, minutes(5.0), metric={"state": "cached"}),
    ]

    hours = fetched(key, tmp_path)

    gpu = row(hours, "gpu")
    assert (gpu["device"], gpu["device_model"], gpu["resource_id"]) == ("GPU-1", "NVIDIA A100", VM_ID)
    assert gpu["average"] == pytest.approx(0.4)
    assert row(hours, "gpu_memory")["average"] == 0.25
    assert row(hours, "gpu_memory_mib")["average"] == 10240
    assert row(hours, "memory")["average"] == 0.75


def test_gpus_of_gke_are_found_on_the_machine_of_their_node(google: GoogleServer, key: str, tmp_path: Path) -> None:
    kind, card = "kubernetes.io/container/accelerator", {"accelerator_id": "GPU-7", "make": "nvidia", "model": "l4"}
    on = {"metric": card, "system": {"node_name": "node-1"}}
    google.shelves.series = [
        cpu(minutes(0.1)),
        series(f"{kind}/duty_cycle", POD, minutes(80.0, last=630), is_whole_number=True, **on),
        series(f"{kind}/duty_cycle", {**POD, "pod_name": "b"}, minutes(40.0, first=631), is_whole_number=True, **on),
        series(f"{kind}/memory_used", POD, minutes(6.0), **on),
        series(f"{kind}/memory_total", POD, minutes(24.0), **on),
    ]

    hours = fetched(key, tmp_path)

    gpu = row(hours, "gpu")
    assert {name: gpu[name] for name in ("cluster", "node", "device", "resource_id")} == {
        "cluster": "train", "node": "node-1", "device": "GPU-7", "resource_id": VM_ID,
    }  # fmt: skip
    assert gpu["points"] == pytest.approx([0.8] * 6 + [0.4] * 6)
    assert row(hours, "gpu_memory")["average"] == 0.25


def test_endpoints_and_databases_go_by_the_names_of_inventories(google: GoogleServer, key: str, tmp_path: Path) -> None:
    endpoint = {"resource_container": PROJECT, "location": "europe-west4", "endpoint_id": "99"}
    kind = "aiplatform.googleapis.com/prediction/online"
    database = {"project_id": PROJECT, "region": "europe-west4", "database_id": f"{PROJECT}:orders"}
    google.shelves.series = [
        series(f"{kind}/accelerator/duty_cycle", endpoint, minutes(0.5), metric={"deployed_model_id": "1"}),
        series(f"{kind}/accelerator/duty_cycle", endpoint, minutes(0.25), metric={"deployed_model_id": "2"}),
        series(f"{kind}/prediction_count", endpoint, minutes(120.0)),
        series("cloudsql.googleapis.com/database/cpu/utilization", database, minutes(0.125)),
    ]

    hours = fetched(key, tmp_path)

    gpu, cpu = row(hours, "gpu"), row(hours, "cpu")
    assert gpu["average"] == 0.375
    assert gpu["resource_id"] == f"//aiplatform.googleapis.com/projects/{PROJECT}/locations/europe-west4/endpoints/99"
    assert row(hours, "requests_per_second")["average"] == 2
    assert cpu["resource_id"] == f"//cloudsql.googleapis.com/projects/{PROJECT}/instances/orders"


def test_pages_follow_each_other(google: GoogleServer, key: str, tmp_path: Path) -> None:
    machines = [{**VM, "instance_id": str(number)} for number in range(5)]  # the server gives two a page
    kind = "compute.googleapis.com/instance/cpu/utilization"
    google.shelves.series = [
        series(kind, of, minutes(0.5), metric={"instance_name": f"m{number}"}) for number, of in enumerate(machines)
    ]

    assert fetched(key, tmp_path)["resource_id"].n_unique() == 5


def test_a_metric_that_nobody_has_written_is_no_fault(google: GoogleServer, key: str, tmp_path: Path) -> None:
    unknown = api_error(404, "NOT_FOUND", "Cannot find metric(s) that match type = agent.googleapis.com/gpu")
    google.shelves.series = [cpu(minutes(0.5))]
    google.spoil(times=99, path="agent.googleapis.com", answer=lambda _: unknown)

    assert fetched(key, tmp_path)["metric"].to_list() == ["cpu"]


def test_a_project_that_is_taken_away_meanwhile_has_not_been_idle(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    """The address of the question names metrics, too: what Google says counts."""
    google.spoil(times=99, path="/timeSeries", answer=lambda _: api_error(404, "NOT_FOUND", "Not found: the project"))

    assert str(failure(key, tmp_path)) == "Check how the project is spelt."


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ([], "Cloud Monitoring answered something else than series."),
        (None, "Cloud Monitoring answered something else than series."),
        ({"timeSeries": None}, "Cloud Monitoring answered something else than series."),
        (
            {"timeSeries": [], "executionErrors": [{"code": 14, "message": "a part failed"}]},
            "Cloud Monitoring could not read all that it was asked for: a part of it.",
        ),
        (
            {"timeSeries": [], "unreachable": ["europe-west4"]},
            "Cloud Monitoring could not read all that it was asked for: europe-west4.",
        ),
        ({"nextPageToken": "again"}, "Google Cloud answers with the same pages again and again."),
    ],
)
def test_half_an_answer_puts_the_day_off(
    google: GoogleServer, key: str, tmp_path: Path, page: object, said: str
) -> None:
    answer = Response(json.dumps(page), 200, {"Content-Type": "application/json"})
    google.spoil(times=99, path="/timeSeries", answer=lambda _: answer)
    told = failure(key, tmp_path)

    assert isinstance(told, ProviderUnavailableError)
    assert str(told) == said


def test_a_day_is_read_to_its_last_full_hour_and_offered_while_it_is_kept(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    google.shelves.series = [cpu(minutes(0.5, first=601, last=760))]

    assert fetched(key, tmp_path, day="2026-06-02")["hour"].dt.hour().to_list() == [10, 11]
    found = list(made(key, f"{PROJECT}, other-project").remote(Window(date(2025, 1, 1))))
    assert [one.name for one in found[:2]] == [f"{PROJECT} 2026-04-22", "other-project 2026-04-22"]
    assert found[-1].fingerprint == "until 2026-06-02T12:00Z"
    assert {one.fingerprint for one in found[:-2]} == {"complete"}


def test_a_connection_test_reads_each_project_and_names_what_is_missing(
    google: GoogleServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Monitoring, "now", REAL_CLOCK)
    assert [(one.step, one.ok, one.says) for one in made(key).check()] == [
        ("Sign in to Google Cloud", True, EMAIL),
        (f"Read metrics of {PROJECT}", True, "machines measured in the last hour: 0"),
    ]
    denied = api_error(
        403, "PERMISSION_DENIED", "Permission monitoring.timeSeries.list denied (or the resource may not exist)."
    )
    google.spoil(times=9, path="/timeSeries", answer=lambda _: denied)
    *_, failed = made(key).check()
    assert not failed.ok
    assert "The permission monitoring.timeSeries.list is missing: grant the role of deploy/gcp-read" in failed.says


def test_a_quota_is_waited_for_and_an_api_that_is_off_is_named(google: GoogleServer, key: str, tmp_path: Path) -> None:
    busy = api_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "RATE_LIMIT_EXCEEDED")
    google.spoil(times=9, path="/timeSeries", answer=lambda _: busy)
    assert isinstance(failure(key, tmp_path), ProviderUnavailableError)

    google.spoils.clear()
    off = api_error(
        403, "PERMISSION_DENIED", "not used before", "SERVICE_DISABLED", service="monitoring.googleapis.com",
        consumer="projects/123",
    )  # fmt: skip
    google.spoil(times=9, path="/timeSeries", answer=lambda _: off)
    told = failure(key, tmp_path)
    assert isinstance(told, ProviderRefusedError)
    assert "The Cloud Monitoring API is not enabled in 123: enable it (gcloud services enable monitoring" in str(told)


@pytest.mark.parametrize("typed", ["", "Project One!", "folders/marketing"])
def test_what_is_typed_wrong_is_named(typed: str) -> None:
    with pytest.raises(UserError, match="no id of a project"):
        connection("gcp-monitoring", {"projects": typed}, {})


def test_the_policy_lets_metrics_be_read_in_each_project_and_nothing_else() -> None:
    policy = kind_of("gcp-monitoring").policy({"projects": "one-project, other-project; rm"})
    assert "for project in one-project rm; do" not in policy
    assert "for project in one-project" in policy
    assert policy.count("--permissions=monitoring.timeSeries.list,monitoring.metricDescriptors.list --stage=GA") == 1
