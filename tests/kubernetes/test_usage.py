"""A day of a cluster from a real Prometheus: hours, requests and use computed by hand."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from collectors.connections import Allowed, Window
from collectors.errors import NotReadyError
from collectors.kubernetes.connection import KubernetesCluster, Settings
from collectors.kubernetes.machines import resource_id
from collectors.kubernetes.usage import gpus_of
from collectors.prometheus.access import PrometheusSecrets
from tests.kubernetes.cluster import Told, tell
from tests.prometheus import History, running, with_history
from tests.sources.test_net import HOME

LONG_AGO = Window(date(2026, 6, 1))
NODES = {
    "n1": {"hours": 22, "cpu_core_hours": 88, "memory_gib_hours": 352, "gpu_hours": 0, "resource_id": "i-0aaa"},
    "n2": {
        "hours": 16,  # 6 before it went away, 8 after it came back, 2 after Prometheus did
        "cpu_core_hours": 128,
        "memory_gib_hours": 512,
        "gpu_hours": 32,
        "resource_id": "//compute.googleapis.com/projects/proj/zones/zone-b/instances/gke-n2",
    },
}
PODS = {
    # 264 looks of 5 minutes. Use: 144 looks at a quarter of a core, 118 at a whole one (95 before Prometheus went
    # down, 23 after), and two at which a rate has only one sample. The larger: 118 x 1 + 146 x 0.5 = 191 twelfths.
    "web-1": {
        "hours": 22,
        "cpu_request_core_hours": 11,
        "cpu_used_core_hours": "12.833333333",
        "cpu_core_hours": "15.916666667",
        "memory_request_gib_hours": 22,
        "memory_used_gib_hours": 44,
        "memory_gib_hours": 44,
        "gpu_hours": 0,
        "workload": "Deployment web",
        "node": "n1",
    },
    # it asks for nothing, and no use of processors is known
    "bare": {
        "hours": 12,
        "cpu_request_core_hours": 0,
        "cpu_used_core_hours": 0,
        "cpu_core_hours": 0,
        "memory_request_gib_hours": 0,
        "memory_used_gib_hours": 6,
        "memory_gib_hours": 6,
        "gpu_hours": 0,
        "workload": "Pod bare",
        "node": "n1",
    },
    # it is known until 20:00 and ran until 18:00
    "train-7-x": {
        "hours": 6,
        "cpu_request_core_hours": 24,
        "cpu_used_core_hours": 0,
        "cpu_core_hours": 24,
        "memory_request_gib_hours": 48,
        "memory_used_gib_hours": 0,
        "memory_gib_hours": 48,
        "gpu_hours": 12,
        "workload": "CronJob train",
        "node": "n2",
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same day of three clusters: scraped as it is meant, twice and with renamed labels, and by old kubelets."""
    history = History()
    tell(Told(history, cluster="plain"))
    tell(Told(history, cluster="twice", exported=True, replicas=2))
    tell(Told(history, cluster="old"), old_cadvisor=True)
    with running(with_history(history, tmp_path_factory.mktemp("clusters"))) as url:
        yield url


def connect(url: str, cluster: str = "plain", *, label: str = "cluster", **settings: str) -> KubernetesCluster:
    """A connection to a cluster in it."""
    given = Settings(url=url, cluster=cluster, label=label, **settings)
    return KubernetesCluster(given, PrometheusSecrets(), Allowed(networks=HOME))


def rows_of(made: KubernetesCluster, name: str, folder: Path) -> list[dict[str, str]]:
    """What a delivery's file holds."""
    path = made.fetch(f"prometheus://{made.settings.cluster}/{name}", folder, lambda _done, _total: None)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def told(row: dict[str, str], expected: dict[str, Any]) -> dict[str, Any]:
    """The row in the words of what is expected of it."""
    values: dict[str, Any] = {**row, "workload": f"{row['workload_kind']} {row['workload']}"}
    return {name: type_of(values[name], wanted) for name, wanted in expected.items()}


def type_of(text: str, wanted: object) -> object:
    return text if isinstance(wanted, str) and not wanted[0].isdecimal() else Decimal(text)


def exact(expected: dict[str, Any]) -> dict[str, Any]:
    return {
        name: Decimal(value) if not isinstance(value, str) or value[0].isdecimal() else value
        for name, value in expected.items()
    }


@pytest.mark.parametrize("cluster", ["plain", "twice", "old"])
def test_a_day_is_told_to_the_hour_however_labels_are_called_and_whoever_says_it_twice(
    server: str, cluster: str, tmp_path: Path
) -> None:
    rows = rows_of(connect(server, cluster), "2026-06-03", tmp_path)

    nodes = {row["node"]: row for row in rows if not row["pod"]}
    pods = {row["pod"]: row for row in rows if row["pod"]}
    assert {name: told(row, NODES[name]) for name, row in nodes.items()} == {k: exact(v) for k, v in NODES.items()}
    assert {name: told(row, PODS[name]) for name, row in pods.items()} == {k: exact(v) for k, v in PODS.items()}
    assert {(row["cluster"], row["day"]) for row in rows} == {(cluster, "2026-06-03")}


def test_labels_of_pods_and_nodes_are_kept(server: str, tmp_path: Path) -> None:
    rows = {row["pod"] or row["node"]: row for row in rows_of(connect(server), "2026-06-03", tmp_path)}

    assert json.loads(rows["web-1"]["labels"]) == {"app": "web", "team": "search"}
    assert json.loads(rows["n1"]["labels"]) == {"node_kubernetes_io_instance_type": "m7i.xlarge"}
    assert rows["bare"]["labels"] == ""


def test_clusters_in_one_prometheus_are_told_apart_by_their_label(server: str, tmp_path: Path) -> None:
    """Without it all that Prometheus knows is one cluster, in which the same pod is one pod."""
    rows = rows_of(connect(server, "all", label=""), "2026-06-03", tmp_path)

    assert {row["cluster"] for row in rows} == {"all"}
    assert {row["pod"] for row in rows if row["pod"]} == set(PODS)
    with pytest.raises(NotReadyError, match="has no node of elsewhere on 2026-06-03"):
        rows_of(connect(server, "elsewhere"), "2026-06-03", tmp_path)


def test_a_coarser_look_sees_the_same_hours(server: str, tmp_path: Path) -> None:
    rows = {row["pod"] or row["node"]: row for row in rows_of(connect(server, step="60"), "2026-06-03", tmp_path)}

    assert [Decimal(rows[name]["hours"]) for name in ("n1", "n2", "web-1", "train-7-x")] == [22, 16, 22, 6]


def test_every_day_that_prometheus_knows_is_listed_once_and_what_is_over_never_changes(server: str) -> None:
    made = connect(server)

    found = list(made.remote(LONG_AGO))

    assert [(one.name, one.fingerprint, one.billing_period) for one in found] == [
        ("resources", "", None),
        ("2026-06-03", "complete", date(2026, 6, 1)),
    ]
    assert [one.name for one in made.remote(Window(date(2026, 7, 1)))] == ["resources"]


def test_the_same_day_is_the_same_file(server: str, tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        rows_of(connect(server), "2026-06-03", folder)

    assert (first / "kubernetes_usage.csv").read_bytes() == (second / "kubernetes_usage.csv").read_bytes()


@pytest.mark.parametrize(
    ("provider_id", "machine"),
    [
        ("aws:///us-east-1a/i-0123456789abcdef0", "i-0123456789abcdef0"),
        ("aws:///us-east-1a/fargate-ip-10-0-0-7.ec2.internal", ""),
        ("gce://proj/eu-a/gke-1", "//compute.googleapis.com/projects/proj/zones/eu-a/instances/gke-1"),
        (
            "azure:///subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm1",
            "/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm1",
        ),
        (
            "azure:///subscriptions/S/resourceGroups/R/providers/Microsoft.Compute/virtualMachineScaleSets/a/virtualMachines/3",
            "/subscriptions/s/resourcegroups/r/providers/microsoft.compute/virtualmachinescalesets/a",
        ),
        ("ocid1.instance.oc1.iad.abc", "ocid1.instance.oc1.iad.abc"),
        ("kind://docker/kind/worker", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_provider_ids_lead_to_machines_as_bills_name_them(provider_id: str, machine: str) -> None:
    assert resource_id(provider_id) == machine


@pytest.mark.parametrize(
    ("resource", "gpus"),
    [
        ("nvidia_com_gpu", 1),
        ("amd_com_gpu", 1),
        ("nvidia_com_gpu_shared", 1),
        ("nvidia_com_mig_3g_40gb", 3 / 7),
        ("nvidia_com_mig_1g_6gb", 1 / 4),
        ("nvidia_com_gpumem", 0),
        ("memory", 0),
    ],
)
def test_a_slice_of_a_gpu_is_its_part_of_one(resource: str, gpus: float) -> None:
    assert gpus_of(resource) == gpus


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("cluster", "", "Cluster is needed"),
        ("label", "a-b", "no label of Prometheus"),
        ("step", "7", "Write one of 1, 2, 5"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_by_field(field: str, value: str, says: str) -> None:
    given = {"url": "https://prometheus.example.com", "cluster": "prod", field: value}

    with pytest.raises(ValidationError, match=says):
        Settings.model_validate(given)


@pytest.fixture(scope="module")
def today() -> datetime:
    """The midnight (UTC) before now."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, today: datetime) -> Iterator[str]:
    """A cluster that is being scraped, without cAdvisor: a node and a pod from yesterday's midnight up to now."""
    history, yesterday = History(), today - timedelta(days=1)
    minutes = int((datetime.now(UTC) - today).total_seconds() // 60)
    for metric, labels in (
        ("kube_node_info", {"node": "n1", "provider_id": "aws:///eu-central-1a/i-0aaa"}),
        ("kube_node_status_allocatable", {"node": "n1", "resource": "cpu"}),
        ("kube_pod_info", {"namespace": "shop", "pod": "web-1", "node": "n1"}),
        ("kube_pod_labels", {"namespace": "shop", "pod": "web-1", "label_team": "search"}),
        ("DCGM_FI_DEV_GPU_UTIL", {"UUID": "GPU-1", "gpu": "0", "modelName": "NVIDIA A100", "Hostname": "n1"}),
    ):
        history.add(metric, {**labels, "instance": "ksm-0"}, 4, yesterday, today + timedelta(minutes=minutes))
    with running(with_history(history, tmp_path_factory.mktemp("live"))) as url:
        yield url


def test_the_test_of_a_connection_says_what_each_part_is_good_for(live: str) -> None:
    checks = list(connect(live, "prod", label="").check())

    assert [check.ok for check in checks] == [True] * 5
    assert [check.says for check in checks][1:] == [
        "nodes in the last day: 1",
        "pods in the last day: 1; their labels are known",
        "no container_cpu_usage_seconds_total: shares go by what pods ask for, until cAdvisor is scraped",
        "known of 1 of 1 nodes, such as i-0aaa",
    ]


def test_a_wrong_label_fails_the_test_with_what_to_do(live: str) -> None:
    checks = list(connect(live, "prod", label="cluster").check())

    assert [check.ok for check in checks] == [True, False]
    assert checks[-1].says == (
        'Prometheus has no kube_node_status_allocatable{cluster="prod"} of the last day: have kube-state-metrics'
        " installed and scraped, or correct the label."
    )


def test_what_there_is_now_is_nodes_gpus_and_workloads(live: str, tmp_path: Path) -> None:
    rows = rows_of(connect(live, "prod", label=""), "resources", tmp_path)

    found = {(row["kind"], row["resource_id"]): row for row in rows}
    node = found["node", "kubernetes://prod/nodes/n1"]
    assert (node["provider"], node["parent_id"], json.loads(node["details"])["cores"]) == ("Kubernetes", "i-0aaa", "4")
    gpu = found["gpu", "GPU-1"]
    assert (gpu["size"], gpu["parent_id"]) == ("NVIDIA A100", "kubernetes://prod/nodes/n1")
    work = found["workload", "kubernetes://prod/shop/Pod/web-1"]
    assert (json.loads(work["tags"]), json.loads(work["details"])) == (
        {"team": "search"},
        {"namespace": "shop", "pods": "1"},
    )
    ends = {row["listing"] for row in rows if not row["resource_id"]}
    assert ends == {f"kubernetes/prod/{kind}" for kind in ("node", "gpu", "workload")}


def test_a_day_that_is_not_over_is_collected_again_with_every_hour(live: str, today: datetime, tmp_path: Path) -> None:
    made = connect(live, "prod", label="")
    now = made._prometheus.now()

    marks = {one.name: one.fingerprint for one in made.remote(Window(today.date() - timedelta(days=3)))}

    if now.hour == 0:
        assert today.date().isoformat() not in marks
        with pytest.raises(NotReadyError, match="has no full hour yet"):
            rows_of(made, today.date().isoformat(), tmp_path)
        return
    assert marks[today.date().isoformat()] == f"until {now:%Y-%m-%dT%H}:00Z"
    assert marks[(today.date() - timedelta(days=1)).isoformat()] == "complete"
    (node,) = (row for row in rows_of(made, today.date().isoformat(), tmp_path) if not row["pod"])
    assert Decimal(node["hours"]) == now.hour, "full hours alone"


def test_without_cadvisor_shares_go_by_requests_and_that_is_said(live: str, today: datetime, tmp_path: Path) -> None:
    made = connect(live, "prod", label="")
    if made._prometheus.now().hour == 0:
        pytest.skip("nothing of today is complete in the first hour of a day")

    rows_of(made, today.date().isoformat(), tmp_path)

    assert made.warnings[0].startswith("Prometheus has no container_cpu_usage_seconds_total of these pods")
