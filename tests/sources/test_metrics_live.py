"""Metrics of the clouds as live sources: from the schedule to the hours that pages read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.accounts.scope import Scope
from apps.sources import connecting
from apps.sources.models import Source
from apps.utilization.models import Device, HourFact
from apps.utilization.queries import devices_of
from collectors.aws.clients import Aws
from collectors.azure.graph import Graph
from collectors.gcp.monitoring import Monitoring
from collectors.utilization import METRICS
from tests.aws import AwsServer
from tests.azure import CLIENT, SECRET, TENANT, AzureServer, azure, azure_for_all
from tests.gcp import GoogleServer, google, google_for_all, key
from tests.gcp_series import MeasuredSeries
from tests.sources.aws_looks import ACCOUNT, HERE, denied
from tests.sources.aws_measured import MACHINE, every_five, put
from tests.sources.azure_resources import FIRST_SUB, identity, machine
from tests.sources.conftest import SECRETS, look_again, work

__all__ = ["azure", "azure_for_all", "google", "google_for_all", "key"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

NOON = datetime.now(UTC).replace(hour=12, minute=30, second=0, microsecond=0)
TODAY, YESTERDAY = NOON.date(), NOON.date() - timedelta(days=1)
HALF = {"average": 50.0, "maximum": 75.0}


def connect(kind: str, settings: dict[str, Any], secrets: dict[str, str]) -> Source:
    """A source that has not been looked at."""
    return connecting.connect(name=kind, kind=kind, settings=settings, secrets=secrets, months=1, actor=None)


def facts(resource_id: str) -> list[tuple[str, datetime, float, float, float]]:
    """Hours of a resource as they are stored: metric, hour, minutes, average, maximum."""
    names = {metric.number: name for name, metric in METRICS.items()}
    found = HourFact.objects.filter(device__resource_id=resource_id).order_by("hour", "metric")
    return [(names[one.metric], one.hour, one.minutes, round(one.average, 6), round(one.maximum, 6)) for one in found]


def at(hour: int, day: Any = YESTERDAY) -> datetime:
    """An hour of a day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_cloudwatch_is_read_day_by_day_and_again_while_a_day_is_not_settled(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Aws, "now", lambda _: NOON)
    monkeypatch.setattr("collectors.aws.metrics.KEPT", timedelta(days=2))
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, every_five(50.0), day=YESTERDAY)
    source = connect("aws-cloudwatch", {"regions": HERE}, SECRETS)

    done = work(source)

    assert [(run.name, run.status, run.error) for run in done] == [
        ("", "done", ""),
        (f"{ACCOUNT} {YESTERDAY}", "done", ""),
        (f"{ACCOUNT} {TODAY}", "done", ""),  # in which nothing was measured yet
    ]
    assert facts("i-1") == [("cpu", at(10), 60, 0.5, 0.5)]

    assert [run.status for run in look_again(source)] == ["unchanged"]
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {720: 20.0}, day=TODAY)
    monkeypatch.setattr(Aws, "now", lambda _: NOON + timedelta(hours=1))
    assert [(run.name, run.status) for run in look_again(source)] == [("", "done"), (f"{ACCOUNT} {TODAY}", "done")]
    assert facts("i-1")[1:] == [("cpu", at(12, TODAY), 5, 0.2, 0.2)]
    assert Device.objects.get(resource_id="i-1").provider == "AWS"


def test_a_region_that_may_not_be_read_is_a_warning_of_the_run(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aws, "now", lambda _: NOON)
    monkeypatch.setattr("collectors.aws.metrics.KEPT", timedelta(days=1))
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, every_five(50.0), day=TODAY)
    put(aws, "AWS/RDS", "FreeableMemory", {"DBInstanceIdentifier": "orders"}, {600: 1.0}, day=TODAY)
    denied(aws, "rds:DescribeDBInstances")

    *_, run = work(connect("aws-cloudwatch", {"regions": HERE}, SECRETS))

    assert run.status == "done"
    assert run.error.startswith("rds:DescribeDBInstances is missing")
    assert facts("i-1") == [("cpu", at(10, TODAY), 60, 0.5, 0.5)]


def test_azure_monitor_is_read_day_by_day(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Graph, "now", NOON)
    monkeypatch.setattr("collectors.azure.metrics.KEPT", timedelta(days=2))
    azure.subscriptions, azure.resources = {FIRST_SUB: "ml"}, [machine("trainer", "PowerState/running")]
    vm = identity("Microsoft.Compute/virtualMachines", "trainer").lower()
    azure.measured[vm, "Percentage CPU"] = {600: HALF, 605: {}, 610: HALF}
    source = connect("azure-monitor", {"tenant_id": TENANT, "client_id": CLIENT}, {"client_secret": SECRET})

    done = work(source)

    assert [(run.name, run.status) for run in done] == [
        ("", "done"), (YESTERDAY.isoformat(), "done"), (TODAY.isoformat(), "done"),
    ]  # fmt: skip
    assert facts(vm) == [("cpu", at(10), 10, 0.5, 0.75), ("cpu", at(10, TODAY), 10, 0.5, 0.75)]
    assert HourFact.objects.earliest("hour").points == [0.5, None, 0.5, *[None] * 9]
    assert [one.resource_id for one in devices_of([vm], scope=Scope.everything())] == [vm]


def test_cloud_monitoring_is_read_day_by_day(google: GoogleServer, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Monitoring, "now", lambda *_: NOON)
    monkeypatch.setattr("collectors.gcp.metrics.KEPT", timedelta(days=1))
    vm = {"project_id": "northwind-ml", "zone": "europe-west4-a", "instance_id": "42"}
    card = {"gpu_number": "0", "model": "NVIDIA A100", "uuid": "GPU-1"}
    samples = {601: 20.0, 602: 60.0, 660: 80.0}
    google.shelves.series = [MeasuredSeries("northwind-ml", "agent.googleapis.com/gpu/utilization", vm, samples, card)]

    done = work(connect("gcp-monitoring", {"projects": "northwind-ml"}, {"key": key}))

    assert [(run.name, run.status) for run in done] == [("", "done"), (f"northwind-ml {TODAY}", "done")]
    name = "//compute.googleapis.com/projects/northwind-ml/zones/europe-west4-a/instances/42"
    assert facts(name) == [("gpu", at(10, TODAY), 10, 0.6, 0.8)]  # (0.2 + 0.6) / 2 and 0.8; 0.6 is the first's peak
    gpu = Device.objects.get(device="GPU-1")
    assert (gpu.provider, gpu.model, gpu.resource_id) == ("Google Cloud", "NVIDIA A100", name)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("aws-cloudwatch", ["cloudwatch:GetMetricData", "aws-read-role.yaml", "AWS charges for each metric"]),
        ("gcp-monitoring", ["monitoring.timeSeries.list", "gcp-read-role.sh"]),
        ("azure-monitor", ["Monitoring Reader", "azure-read-role.sh"]),
    ],
)
def test_the_form_shows_what_has_to_be_granted(kind: str, said: list[str]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("admin", role=Role.ADMIN))

    page = client.get(f"/sources/connect/{kind}/").content.decode()

    assert [one for one in said if one not in page] == []
