"""Who holds what of a node, in a real Prometheus: pods that start, end or are thrown out, and nodes made anew."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.cluster import GIB, Told, at
from tests.kubernetes.test_usage import connect, rows_of
from tests.prometheus import History, running, with_history

HOURS = ((0, 24),)
Row = dict[str, Any]


class Day:
    """What kube-state-metrics says from one hour of 3 June to another."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def say(self, metric: str, first: int, last: int, value: float = 1, **labels: str) -> None:
        """Samples of each minute, the last six minutes before `last`."""
        self._told.say(metric, ((first, last),), value, **labels)

    def pod(self, name: str, *phases: tuple[str, int, int], cpu: float = 0, node: str = "n1", owner: str = "") -> None:
        """A pod of the namespace shop in its phases; it is known as long as it is in one."""
        first, last = phases[0][1], phases[-1][2]
        self.say("kube_pod_info", first, last, namespace="shop", pod=name, node=node)
        for phase, begun, over in phases:
            # kube-state-metrics says 0 of every other phase
            for other in ("Pending", "Running", "Succeeded", "Failed"):
                said = {"namespace": "shop", "pod": name, "phase": other}
                self._told.history.add("kube_pod_status_phase", said, other == phase, at(begun), at(over, -1))
        if cpu:
            self.asks(name, cpu, first, last)
        if owner:
            who = {"namespace": "shop", "pod": name, "owner_kind": owner, "owner_name": f"{name}-owner"}
            self.say("kube_pod_owner", first, last, **who)

    def asks(self, pod: str, cpu: float, first: int, last: int, *, container: str = "main", init: bool = False) -> None:
        """What a container asks for."""
        metric = f"kube_pod{'_init' if init else ''}_container_resource_requests"
        self.say(metric, first, last, cpu, namespace="shop", pod=pod, container=container, resource="cpu")


def _pods(day: Day) -> None:
    day.pod("daemon", ("Running", 0, 24), cpu=1, owner="DaemonSet")
    day.pod("waiting", ("Pending", 0, 24), cpu=64, node="")
    day.pod("pulling", ("Pending", 2, 5), ("Running", 5, 8), cpu=2)
    day.pod("done", ("Running", 0, 3), ("Succeeded", 3, 24), cpu=4, owner="Job")
    day.pod("evicted", ("Running", 0, 6), ("Failed", 6, 24), cpu=4)
    day.pod("starter", ("Pending", 10, 11), ("Running", 11, 12), cpu=0.5)
    for container, cpu in (("first", 3), ("second", 1)):
        day.asks("starter", cpu, 10, 12, container=container, init=True)
    day.pod("mesh", ("Running", 10, 12), cpu=1)
    day.asks("mesh", 0.25, 10, 12, container="proxy", init=True)
    day.asks("mesh", 0.5, 10, 12, container="setup", init=True)
    goes_on = {"namespace": "shop", "pod": "mesh", "container": "proxy", "restart_policy": "Always"}
    day.say("kube_pod_init_container_info", 10, 12, **goes_on)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """n1 is one machine until noon and another from then on; n2 learns its id after an hour; n3 has none."""
    history = History()
    told = Told(history)
    day = Day(told)
    for first, last, machine in ((0, 12, "i-0aaa"), (12, 24, "i-0bbb")):
        day.say("kube_node_info", first, last, node="n1", provider_id=f"aws:///eu-central-1a/{machine}")
    day.say("kube_node_info", 0, 1, node="n2", provider_id="")
    day.say("kube_node_info", 1, 24, node="n2", provider_id="gce://proj/zone-b/gke-n2")
    day.say("kube_node_info", 0, 24, node="n3", provider_id="aws:///eu-central-1a/0123/fargate-ip-10-0-0-7.internal")
    for node in ("n1", "n2", "n3"):
        for resource, amount in (("cpu", 8), ("memory", 32 * GIB)):
            day.say("kube_node_status_allocatable", 0, 24, amount, node=node, resource=resource)
    _pods(day)
    with running(with_history(history, tmp_path_factory.mktemp("holding"))) as url:
        yield url


@pytest.fixture
def rows(server: str, tmp_path: Path) -> list[dict[str, str]]:
    """The day."""
    return rows_of(connect(server, label=""), "2026-06-03", tmp_path)


def hours(rows: list[dict[str, str]], pod: str) -> tuple[Decimal, Decimal]:
    """For how long a pod held something, and the core hours that it asked for."""
    mine = [row for row in rows if row["pod"] == pod]
    return sum(Decimal(row["hours"]) for row in mine), sum(Decimal(row["cpu_request_core_hours"]) for row in mine)


def test_a_pod_holds_what_it_asks_for_from_when_it_is_bound_until_it_ends(rows: list[dict[str, str]]) -> None:
    """Images that are pulled keep others out as well; what is done, thrown out or not bound keeps nobody out."""
    assert hours(rows, "pulling") == (6, 12)
    assert hours(rows, "done") == (3, 12)
    assert hours(rows, "evicted") == (6, 24)
    assert hours(rows, "waiting") == (0, 0)
    assert hours(rows, "daemon") == (24, 24)


def test_init_containers_ask_for_the_most_of_any_and_those_that_go_on_for_more(rows: list[dict[str, str]]) -> None:
    assert hours(rows, "starter") == (2, 6), "3 cores to start, half of one then: 3 are kept"
    assert hours(rows, "mesh") == (2, Decimal("2.5")), "1 and a quarter beside it; half a core to set up is less"


def test_a_node_made_anew_under_its_old_name_is_two_machines(rows: list[dict[str, str]]) -> None:
    nodes = {(row["node"], row["resource_id"]): Decimal(row["hours"]) for row in rows if not row["pod"]}
    google = "//compute.googleapis.com/projects/proj/zones/zone-b/instances/gke-n2"

    assert nodes == {("n1", "i-0aaa"): 12, ("n1", "i-0bbb"): 12, ("n2", google): 24, ("n3", ""): 24}
    daemon = {row["resource_id"]: Decimal(row["hours"]) for row in rows if row["pod"] == "daemon"}
    assert daemon == {"i-0aaa": 12, "i-0bbb": 12}


def test_workloads_of_these_are_told(rows: list[dict[str, str]]) -> None:
    kinds = {row["pod"]: row["workload_kind"] for row in rows if row["pod"]}
    assert (kinds["daemon"], kinds["done"], kinds["mesh"]) == ("DaemonSet", "Job", "Pod")
    assert not any(json.loads(row["labels"] or "{}") for row in rows), "without an allow-list there are no labels"
