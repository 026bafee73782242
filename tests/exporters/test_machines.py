"""What node exporter and cAdvisor tell a real Prometheus of machines, as hours computed by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.test_exporters import Cluster, Labels, Row, connect, fetched
from tests.prometheus import History, running, utc, with_history

GIB = 2**30


def _traffic(told: Cluster) -> None:
    """eth0 600 bytes a second in and 60 out, from 00:30 on anew from zero; a card of Azure below another eth0."""
    n7, n8, n9 = (Labels(instance=f"n{number}:9100") for number in (7, 8, 9))
    for way, growth in (("receive", 36_000), ("transmit", 3_600)):
        counter = f"node_network_{way}_bytes_total"
        told.say(counter, 9e9, 0, 29, growth=growth, device="eth0", **n7)
        told.say(counter, growth, 30, growth=growth, device="eth0", **n7)
        for device in ("lo", "veth3f2a", "docker0", "br-0a1b", "cni0", "cali12ab", "eni0123456789a", "bond0", "eth0.7"):
            told.say(counter, 0, growth=6e6, device=device, **n7)
        for device in ("eth0", "enP5s1"):
            told.say(counter, 0, growth=6_000, device=device, **n8)
        told.say(counter, 0, growth=12_000, device="enP2s2", **n9)
    told.say("node_memory_MemAvailable_bytes", 1, **n7)
    for way in ("read", "written"):
        counter = f"node_disk_{way}_bytes_total"
        for device in ("nvme0n1", "sda", "dm-0", "md127", "loop3", "zram0"):
            told.say(counter, 0, growth=60_000, device=device, **n7)


def _cadvisor(told: Cluster) -> None:
    """n1 has node exporter too, n2 the whole machine, scraped by two jobs, n3 pods alone; n4 pods, and no size."""
    for node in ("n1", "n2", "n3", "n4"):
        scraped: Labels = {"node": node, "instance": f"10.0.0.{node[1]}:10250", "job": "kubelet"}
        for name, cores in (("a", 0.5), ("b", 1.5)):
            who: Labels = {"namespace": "ml", "pod": name, "container": "main", "id": f"/kubepods/{name}", **scraped}
            told.say("container_cpu_usage_seconds_total", 0, growth=60 * cores, cpu="total", **who)
            told.say("container_memory_working_set_bytes", 2 * GIB, **who)
            sandbox: Labels = {**who, "container": "POD", "id": f"/kubepods/{name}/sandbox"}
            told.say("container_memory_working_set_bytes", 2 * GIB, **sandbox)
        if node in ("n1", "n2"):
            for job in ("kubelet", "again"):
                whole: Labels = {**scraped, "id": "/", "job": job}
                told.say("container_cpu_usage_seconds_total", 0, growth=60 * 3, cpu="total", **whole)
                told.say("container_memory_working_set_bytes", 2_048 * GIB, **whole)
                told.say("machine_cpu_cores", 4, **{**scraped, "job": job})
                told.say("machine_memory_bytes", 4_096 * GIB, **{**scraped, "job": job})
    for kind, cores, size in (("capacity", 8, 16 * GIB), ("allocatable", 6, 8 * GIB)):
        labels: Labels = {"node": "n3", "instance": "ksm:8080"}
        told.say(f"kube_node_status_{kind}", cores, resource="cpu", unit="core", **labels)
        told.say(f"kube_node_status_{kind}", size, resource="memory", unit="byte", **labels)
    exporter: Labels = {"instance": "10.0.0.1:9100"}
    told.say("node_cpu_seconds_total", 0, growth=60 * 0.9, cpu="0", mode="idle", **exporter)
    told.say("node_memory_MemAvailable_bytes", 3e9, **exporter)
    told.say("node_memory_MemTotal_bytes", 4e9, **exporter)
    told.say("kube_node_info", 1, node="n1", internal_ip="10.0.0.1", provider_id="aws:///a/i-0123456789abcdef0")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    history = History()
    _traffic(Cluster(history, "traffic"))
    _cadvisor(Cluster(history, "cadvisor"))
    with running(with_history(history, tmp_path_factory.mktemp("machines"))) as url:
        yield url


@pytest.fixture
def machines(server: str, tmp_path: Path) -> Any:
    """(node, metric) -> its row of the second hour."""

    def ask(cluster: str, hour: int = 1) -> dict[tuple[str, str], Row]:
        rows = fetched(connect(server, cluster), "utilisation", tmp_path)
        return {(row["node"], row["metric"]): row for row in rows if row["hour"] == utc(3, hour)}

    return ask


def test_bytes_of_a_machine_are_those_of_its_cards_and_disks_both_ways_and_once(machines: Any) -> None:
    """Not of loopback, containers' ends, bonds and VLANs; nor of what lies on other disks."""
    found = {key: row["average"] for key, row in machines("traffic").items()}

    assert found == {
        ("n7", "network_bytes_per_second"): pytest.approx(660),
        ("n8", "network_bytes_per_second"): pytest.approx(200),
        ("n9", "network_bytes_per_second"): pytest.approx(400),
        ("n7", "disk_bytes_per_second"): pytest.approx(4_000),
    }


def test_a_counter_that_begins_anew_is_no_leap(machines: Any) -> None:
    """At 00:30 it falls from nine thousand million to 36,000, as after a restart."""
    row = machines("traffic", 0)["n7", "network_bytes_per_second"]

    assert row["maximum"] == pytest.approx(660)
    assert row["signal"] == "node_network_receive_bytes_total, node_network_transmit_bytes_total"


def test_machines_without_node_exporter_are_told_by_cadvisor_the_whole_machine_before_its_pods(machines: Any) -> None:
    found = {key: (pytest.approx(row["average"]), row["signal"]) for key, row in machines("cadvisor").items()}

    cpu, memory = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
    assert found == {
        ("n1", "cpu"): (pytest.approx(0.1), "node_cpu_seconds_total"),
        ("n1", "memory"): (pytest.approx(0.25), "node_memory_MemAvailable_bytes"),
        ("n2", "cpu"): (pytest.approx(3 / 4), f'{cpu}{{id="/"}}'),
        ("n2", "memory"): (pytest.approx(0.5), f'{memory}{{id="/"}}'),
        ("n3", "cpu"): (pytest.approx(2 / 8), cpu),
        ("n3", "memory"): (pytest.approx(4 / 16), memory),
    }
    assert machines("cadvisor")["n1", "cpu"]["resource_id"] == "i-0123456789abcdef0", "known by its address"
