"""What each exporter tells a real Prometheus, as hours and tenants computed by hand: one cluster for each case."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from collectors.connections import Allowed, Window
from collectors.exporters.connection import Exporters, Settings
from collectors.prometheus.access import PrometheusSecrets
from tests.prometheus import MINUTE, History, running, utc, with_history
from tests.sources.test_net import HOME

BUSY = "DCGM_FI_PROF_SM_ACTIVE"
GRAPHICS = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
UTIL = "DCGM_FI_DEV_GPU_UTIL"
SENTINEL = 2.0**47
Row = dict[str, Any]
Labels = dict[str, Any]


class Cluster:
    """One cluster of the history: what its exporters told from midnight to 01:59 of 3 June, each minute."""

    def __init__(self, history: History, name: str) -> None:
        self._history = history
        self._name = name

    def say(
        self,
        metric: str,
        value: float,
        first: int = 0,
        last: int = 119,
        *,
        growth: float = 0,
        every: int = 1,
        **labels: str,
    ) -> None:
        """From one minute to another, both included."""
        told = {**labels, "cluster": self._name}
        at = (utc(3) + first * MINUTE, utc(3) + last * MINUTE)
        self._history.add(metric, told, value, *at, growth=growth, every=every * MINUTE)


def gpu(uuid: str, **labels: str) -> Labels:
    """The labels of a GPU as dcgm-exporter writes them."""
    return {"UUID": uuid, "gpu": "0", "modelName": "A100", "Hostname": "n1", **labels}


def pod(name: str) -> Labels:
    """The labels of what holds it."""
    return {"namespace": "ml", "pod": name, "container": "main"}


def _signals(told: Cluster) -> None:
    for metric, value in ((BUSY, 0.4), (GRAPHICS, 0.6), (UTIL, 99)):
        told.say(metric, value, **gpu("GPU-all"))
    told.say(GRAPHICS, 0.6, **gpu("GPU-some"))
    told.say(UTIL, 99, **gpu("GPU-some"))
    told.say(UTIL, 250, **gpu("GPU-odd"))
    told.say(UTIL, SENTINEL, **gpu("GPU-unknown"))
    told.say(UTIL, 80, **gpu("GPU-late"))
    told.say(BUSY, 0.3, 50, **gpu("GPU-late"))


def _memory(told: Cluster) -> None:
    for uuid, reserved in (("GPU-1", True), ("GPU-2", False)):
        told.say("DCGM_FI_DEV_FB_USED", 20_000, **gpu(uuid))
        told.say("DCGM_FI_DEV_FB_FREE", 59_000, **gpu(uuid))
        told.say(UTIL, 50, **gpu(uuid))
        if reserved:
            told.say("DCGM_FI_DEV_FB_RESERVED", 1_000, **gpu(uuid))
    told.say("DCGM_FI_DEV_FB_USED", 512, **gpu("GPU-3"))
    told.say("DCGM_FI_DEV_POWER_USAGE", 61.5, **gpu("GPU-1"))
    told.say("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 0.25, **gpu("GPU-1"))


def _shared(told: Cluster) -> None:
    """GPU-1: two pods for the first hour, three from then on. GPU-2: one after the other."""
    for name, first in (("a", 0), ("b", 0), ("c", 60)):
        told.say(UTIL, 80, first, **gpu("GPU-1", **pod(name)))
    told.say(UTIL, 30, 0, 29, **gpu("GPU-2", **pod("a")))
    told.say(UTIL, 60, 30, 44, **gpu("GPU-2", **pod("b")))
    told.say(UTIL, 0, 45, **gpu("GPU-2"))


def _mig(told: Cluster) -> None:
    for number, profile in (("7", "1g.10gb"), ("9", "3g.40gb")):
        told.say(GRAPHICS, 0.5, **gpu("GPU-1", GPU_I_ID=number, GPU_I_PROFILE=profile, **pod(f"on-{number}")))
    told.say(GRAPHICS, 0.5, **gpu("GPU-30", GPU_I_ID="3", GPU_I_PROFILE="1g.6gb"))


def _spelling(told: Cluster) -> None:
    scraped: Labels = {"namespace": "monitoring", "pod": "dcgm-exporter-x", "container": "exporter", "job": "renamed"}
    renamed: Labels = {f"exported_{name}": value for name, value in pod("a").items()}
    told.say(UTIL, 50, **gpu("GPU-exported", **scraped, **renamed))
    told.say(UTIL, 50, **gpu("GPU-exported-idle", **{**scraped, "pod": "x"}))
    told.say(UTIL, 50, **gpu("GPU-honoured-idle", **{**scraped, "job": "honoured"}))
    old: Labels = {"pod_namespace": "ml", "pod_name": "a", "container_name": "main"}
    told.say(UTIL, 50, **gpu("GPU-old", **{**scraped, "job": "old"}, **old))
    told.say(UTIL, 50, **{**gpu("GPU-hostname", **pod("a")), "Hostname": "", "hostname": "n2"})
    told.say(UTIL, 50, **{**gpu("GPU-instance"), "Hostname": "", "instance": "n3:9400"})
    told.say(UTIL, 50, **{**gpu("GPU-node"), "Hostname": "dcgm-exporter-y", "node": "n1"})
    told.say("kube_node_info", 1, node="n1", provider_id="aws:///eu-central-1a/i-0123456789abcdef0")
    told.say("kube_pod_owner", 1, namespace="ml", pod="a", owner_kind="Job", owner_name="train")
    told.say("kube_pod_labels", 1, namespace="ml", pod="a", label_team="vision")


def _others(told: Cluster) -> None:
    amd: Labels = {"gpu_uuid": "amd-1", "gpu_id": "0", "hostname": "n1", "card_model": "MI300X"}
    told.say("gpu_gfx_activity", 75, gpu_partition_id="0", **amd, **pod("a"))
    told.say("gpu_gfx_activity", 0, gpu_partition_id="1", **amd, **pod("a"))
    told.say("gpu_used_vram", 48_000, **amd)
    told.say("gpu_total_vram", 192_000, **amd)
    told.say("gpu_power_usage", 300, **amd)
    told.say("gpu_package_power", 500, **amd)
    neuron: Labels = {"instance_id": "i-0fedcba9876543210", "instance_name": "trn", "instance": "10.0.0.9:8000"}
    told.say("neuroncore_utilization_ratio", 0.9, neuroncore="3", **neuron)
    tpu: Labels = {"accelerator_id": "tpu-1", "model": "tpu-v5e", "node_name": "n4"}
    told.say("kubernetes_io:node_accelerator_duty_cycle", 20, **tpu)
    held: Labels = {"namespace_name": "ml", "pod_name": "b", "container_name": "main"}
    told.say("kubernetes_io:container_accelerator_duty_cycle", 60, **{**tpu, "accelerator_id": "gpu-9"}, **held)


def _machines(told: Cluster) -> None:
    scraped: Labels = {"instance": "10.0.0.7:9100", "job": "node", "pod": "node-exporter-z"}
    for cpu in ("0", "1"):
        idle = 0.3 if cpu == "0" else 0.9
        told.say("node_cpu_seconds_total", 0, growth=60 * idle, cpu=cpu, mode="idle", **scraped)
        told.say("node_cpu_seconds_total", 0, growth=60 * (1 - idle), cpu=cpu, mode="user", **scraped)
    told.say("node_memory_MemAvailable_bytes", 3e9, **scraped)
    told.say("node_memory_MemTotal_bytes", 4e9, **scraped)
    told.say("node_uname_info", 1, nodename="n7", **scraped)
    told.say("kube_node_info", 1, node="n7", provider_id="gce://proj/zone-b/gke-n7")
    kubelet: Labels = {"instance": "10.0.0.7:10250", "node": "n7"}
    told.say("container_cpu_usage_seconds_total", 0, growth=60, id="/", **kubelet)
    told.say("container_cpu_usage_seconds_total", 0, growth=60, id="/a", pod="a", container="main", **kubelet)
    told.say("machine_cpu_cores", 2, **kubelet)


def _rare(told: Cluster) -> None:
    """GPU-1 is scraped every other minute; GPU-2 climbs by a percent a minute for an hour."""
    told.say(UTIL, 40, 0, 118, every=2, **gpu("GPU-1"))


def _climbing(told: Cluster) -> None:
    told.say(UTIL, 1, 0, 59, growth=1, **gpu("GPU-1", **pod("a")))


CASES = {
    "signals": _signals,
    "memory": _memory,
    "shared": _shared,
    "mig": _mig,
    "spelling": _spelling,
    "others": _others,
    "machines": _machines,
    "rare": _rare,
    "climbing": _climbing,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    history = History()
    for name, case in CASES.items():
        case(Cluster(history, name))
    with running(with_history(history, tmp_path_factory.mktemp("exporters"))) as url:
        yield url


def connect(url: str, cluster: str, **settings: str) -> Exporters:
    """The kind, told of one cluster."""
    given = Settings.model_validate({"url": url, "cluster": cluster, "label": "cluster", **settings})
    return Exporters(given, PrometheusSecrets.model_validate({}), Allowed(networks=HOME))


def fetched(made: Exporters, name: str, folder: Path) -> list[Row]:
    """The rows of one of the files of 3 June."""
    address = next(one.address for one in made.remote(Window(date(2026, 6, 1))) if one.name == f"2026-06-03 {name}")
    (folder / name).mkdir(exist_ok=True)
    return pl.read_parquet(made.fetch(address, folder / name, lambda *_: None)).to_dicts()


@pytest.fixture
def hours(server: str, tmp_path: Path) -> Any:
    """(device, metric) -> its row of the first hour."""

    def ask(cluster: str, hour: int = 0, **settings: str) -> dict[tuple[str | None, str], Row]:
        rows = fetched(connect(server, cluster, **settings), "utilisation", tmp_path)
        return {(row["device"], row["metric"]): row for row in rows if row["hour"] == utc(3, hour)}

    return ask


@pytest.fixture
def tenants(server: str, tmp_path: Path) -> Any:
    """(device, pod) -> its minutes and share in one hour."""

    def ask(cluster: str, hour: int = 0) -> dict[tuple[str, str | None], tuple[float | None, Any]]:
        rows = fetched(connect(server, cluster), "tenancy", tmp_path)
        told = [row for row in rows if row["hour"] == utc(3, hour)]
        return {(row["device"], row["pod"]): (row["minutes"], row["share"]) for row in told}

    return ask


def test_the_best_signal_of_each_gpu_counts_and_is_named(hours: Any) -> None:
    found = {device: (row["average"], row["signal"]) for (device, _), row in hours("signals").items()}

    assert found == {
        "GPU-all": (pytest.approx(0.4), BUSY),
        "GPU-some": (pytest.approx(0.6), GRAPHICS),
        "GPU-odd": (1.0, UTIL),  # 250 percent
        "GPU-late": (pytest.approx(0.8), UTIL),  # for 50 of the 60 minutes there is nothing better
    }
    assert hours("signals", 1)["GPU-late", "gpu"]["signal"] == BUSY


def test_memory_is_a_share_of_used_free_and_reserved(hours: Any) -> None:
    found = hours("memory")

    assert found["GPU-1", "gpu_memory"]["average"] == pytest.approx(20 / 80)
    assert found["GPU-2", "gpu_memory"]["average"] == pytest.approx(20 / 79)
    assert found["GPU-2", "gpu_memory"]["peaks"] == pytest.approx([20 / 79] * 12)
    assert found["GPU-1", "gpu_memory_mib"]["maximum"] == 20_000
    assert ("GPU-3", "gpu_memory") not in found, "how much it has is not told"
    assert found["GPU-3", "gpu_memory_mib"]["average"] == 512
    assert found["GPU-1", "power_watts"]["p95"] == 61.5
    assert found["GPU-1", "tensor"]["average"] == 0.25


def test_a_gpu_that_pods_share_is_one_gpu_and_each_has_its_part(hours: Any, tenants: Any) -> None:
    assert (hours("shared")["GPU-1", "gpu"]["average"], hours("shared")["GPU-1", "gpu"]["minutes"]) == (0.8, 60)
    half, third = Decimal("0.5"), Decimal("0.333333333")
    first, second = tenants("shared"), tenants("shared", 1)
    assert {pod: told for (device, pod), told in first.items() if device == "GPU-1"} == {
        "a": (60, half),
        "b": (60, half),
    }
    assert {pod: told for (device, pod), told in second.items() if device == "GPU-1"} == dict.fromkeys(
        "abc", (60, third)
    )


def test_pods_that_follow_each_other_hold_a_gpu_for_their_minutes_and_then_nobody_does(
    hours: Any, tenants: Any
) -> None:
    first = tenants("shared")
    assert first["GPU-2", "a"] == (30, 1)
    assert first["GPU-2", "b"] == (15, 1)
    assert ("GPU-2", None) not in first, "somebody held it in this hour"
    assert tenants("shared", 1)["GPU-2", None] == (None, None)
    row = hours("shared")["GPU-2", "gpu"]
    assert (row["minutes"], row["average"]) == (60, pytest.approx((30 * 0.3 + 15 * 0.6) / 60))


def test_mig_instances_are_devices_of_their_own_and_parts_of_their_card(hours: Any, tenants: Any) -> None:
    found = {device: (row["parent_device"], row["slices"]) for (device, _), row in hours("mig").items()}

    assert found == {
        "GPU-1/7": ("GPU-1", pytest.approx(Decimal(1) / 7)),
        "GPU-1/9": ("GPU-1", pytest.approx(Decimal(3) / 7)),
        "GPU-30/3": ("GPU-30", Decimal("0.25")),
    }
    assert tenants("mig")["GPU-1/7", "on-7"] == (60, 1)


def test_hosts_and_pods_are_found_however_labels_are_spelt(hours: Any, tenants: Any) -> None:
    nodes = {device: row["node"] for (device, _), row in hours("spelling").items()}
    assert (nodes["GPU-hostname"], nodes["GPU-instance"], nodes["GPU-node"]) == ("n2", "n3", "n1")
    held = dict(tenants("spelling").keys())
    assert held == {
        "GPU-exported": "a",
        "GPU-exported-idle": None,
        "GPU-honoured-idle": None,
        "GPU-old": "a",
        "GPU-hostname": "a",
        "GPU-instance": None,
        "GPU-node": None,
    }


def test_machines_and_workloads_are_named_as_bills_and_clusters_name_them(
    hours: Any, server: str, tmp_path: Path
) -> None:
    assert hours("spelling")["GPU-node", "gpu"]["resource_id"] == "i-0123456789abcdef0"
    rows = fetched(connect(server, "spelling"), "tenancy", tmp_path)
    told = {(row["namespace"], row["workload_kind"], row["workload"], row["container"], row["labels"]) for row in rows}
    assert told == {("ml", "Job", "train", "main", '{"team":"vision"}'), (None,) * 5}


def test_amd_neuron_and_google_are_told_in_the_same_words(hours: Any, tenants: Any) -> None:
    found = hours("others")

    amd = {metric: row["average"] for (device, metric), row in found.items() if device == "amd-1"}
    assert amd == {"gpu": 0.75, "gpu_memory": 0.25, "gpu_memory_mib": 48_000, "power_watts": 500}
    neuron = found["neuroncore-3", "gpu"]
    assert (neuron["average"], neuron["resource_id"], neuron["node"]) == (0.9, "i-0fedcba9876543210", "trn")
    assert (found["tpu-1", "gpu"]["average"], found["gpu-9", "gpu"]["average"]) == (pytest.approx(0.2), 0.6)
    assert tenants("others")["gpu-9", "b"] == (60, 1)
    assert tenants("others")["amd-1", "a"] == (60, 1)


def test_a_machine_has_processors_and_memory_in_use_and_no_tenants(hours: Any, server: str) -> None:
    found = hours("machines", 1)

    assert found[None, "cpu"]["average"] == pytest.approx(0.4)
    assert found[None, "memory"]["average"] == pytest.approx(0.25)
    row = found[None, "cpu"]
    assert (row["node"], row["resource_id"]) == (
        "n7",
        "//compute.googleapis.com/projects/proj/zones/zone-b/instances/gke-n7",
    )
    names = [one.name for one in connect(server, "machines").remote(Window(date(2026, 6, 1)))]
    assert names == ["2026-06-03 utilisation"]


def test_containers_are_not_read_where_node_exporter_tells_of_every_machine(server: str, tmp_path: Path) -> None:
    made = connect(server, "machines")
    rows = fetched(made, "utilisation", tmp_path)

    assert {row["signal"] for row in rows} == {"node_cpu_seconds_total", "node_memory_MemAvailable_bytes"}


def test_what_is_scraped_less_often_than_it_is_looked_at_was_there_all_the_time(hours: Any) -> None:
    row = hours("rare")["GPU-1", "gpu"]
    assert (row["minutes"], row["average"], None in row["points"]) == (60, 0.4, False)


def test_an_hour_is_made_of_every_sample(hours: Any) -> None:
    """1, 2 ... 60 percent: the mean of each five minutes is its third sample."""
    row = hours("climbing")["GPU-1", "gpu"]

    assert (row["average"], row["p95"], row["maximum"]) == pytest.approx((0.305, 0.5705, 0.6))
    assert row["points"] == pytest.approx([0.03 + 0.05 * number for number in range(12)])
    assert row["peaks"] == pytest.approx([0.05 + 0.05 * number for number in range(12)])
    assert ("GPU-1", "gpu") not in hours("climbing", 1)


def test_a_coarser_look_sees_the_last_sample_of_each_step(hours: Any) -> None:
    row = hours("climbing", step="5")["GPU-1", "gpu"]
    assert (row["minutes"], row["maximum"], row["average"]) == (60, 0.6, pytest.approx(0.325))
    assert timedelta(minutes=5) * len(row["points"]) == timedelta(hours=1)
