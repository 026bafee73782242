"""One day of a cluster as rows of KUBERNETES_USAGE: what pods asked for and used, interval by interval, summed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

from collectors.kubernetes.machines import resource_id
from collectors.kubernetes.promql import CPU_USE, MEMORY_USE, Cluster
from collectors.kubernetes.workloads import Workloads, read_workloads
from collectors.mig import slices
from collectors.prometheus.client import Prometheus

GIB: Final = 2.0**30
POD: Final = ("namespace", "pod")
DIGITS: Final = Decimal("0.000000001")
_WHOLE_GPU: Final = re.compile(r"(nvidia|amd)_com_gpu(_shared)?|gpu_intel_com_(i915|xe)")
_MIG: Final = "nvidia_com_mig_"

_AMOUNTS: Final = ("cpu_request", "cpu_used", "cpu", "memory_request", "memory_used", "memory", "gpu")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day, or as much of it as is over, and how far apart its points are."""

    start: datetime
    end: datetime
    step: timedelta

    @property
    def hours_a_point(self) -> float:
        """What a point stands for: the time up to the next."""
        return self.step / timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """The rows of a day, and what was missed although it could be told without."""

    rows: list[Mapping[str, object]]
    missing: tuple[str, ...]


def read_usage(prometheus: Prometheus, cluster: Cluster, stretch: Stretch) -> Usage:
    """Every node and pod that was seen in the stretch. What was not scraped is not there: gaps count nothing."""
    machines = _machines(prometheus, cluster, stretch)
    nodes = _nodes(prometheus, cluster, stretch, machines)
    pods, missing = _pods(prometheus, cluster, stretch, machines)
    span = stretch.end - stretch.start
    workloads = read_workloads(prometheus, cluster, at=stretch.end - timedelta(seconds=1), span=span)
    given = {"cluster": cluster.name, "day": stretch.start.date()}
    rows = [*_node_rows(nodes, workloads), *_pod_rows(pods, workloads)]
    return Usage([{**given, **row} for row in rows], missing)


def gpus_of(resource: str) -> float:
    """How many GPUs one of this resource is; 0 for what is no GPU. A slice (MIG) is its part of one."""
    if _WHOLE_GPU.fullmatch(resource):
        return 1.0
    found = slices(resource.removeprefix(_MIG)) if resource.startswith(_MIG) else None
    return found[0] / found[1] if found else 0.0


def amounts(frame: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Values by `resource` as columns `cpu` (cores), `memory` (GiB) and `gpu`, one row for each of the keys."""
    known = frame.with_columns(
        pl.col("resource").replace_strict(
            {name: gpus_of(name) for name in frame["resource"].drop_nulls().unique()},
            default=0.0,
            return_dtype=pl.Float64,
        ).alias("gpus"),
        _amount().alias("value"),
    )  # fmt: skip
    return known.group_by(keys).agg(
        cpu=pl.col("value").filter(resource="cpu").sum(),
        memory=pl.col("value").filter(resource="memory").sum() / GIB,
        gpu=(pl.col("value") * pl.col("gpus")).sum(),
    )


def _amount() -> pl.Expr:
    """A value as so much of something: NaN, infinity and what is below nothing are nothing."""
    value = pl.col("value")
    return pl.when(value.is_finite() & (value > 0)).then(value).otherwise(0.0)


def _machines(prometheus: Prometheus, cluster: Cluster, stretch: Stretch) -> pl.DataFrame:
    """`node`, `time` and `machine`: a node's name may be given to another machine in the middle of a day.

    For a few minutes both are seen under it: the newer one counts.
    """
    found = prometheus.range(cluster.machines(), stretch.start, stretch.end, stretch.step)
    told = found.frame("node", "provider_id").drop_nulls("node")
    ids = {text: resource_id(text or "") for text in told["provider_id"].unique()}
    machine = pl.col("provider_id").replace_strict(ids, return_dtype=pl.String, default="")
    named = told.with_columns(machine=machine, since=pl.col("time").min().over("node", "provider_id"))
    known = named.filter(pl.col("machine") != "")  # a new node learns its id after some minutes
    newest = known.sort("since", "machine").unique(["node", "time"], keep="last")
    return newest.select("node", "time", "machine").sort("time")


def _on_machines(points: pl.DataFrame, machines: pl.DataFrame) -> pl.DataFrame:
    """Points of nodes with the `machine` that a node was then: as it was told before, or where it was not, after."""
    sorted_points = points.sort("time")
    before = sorted_points.join_asof(machines, on="time", by="node", strategy="backward", check_sortedness=False)
    after = sorted_points.join_asof(machines, on="time", by="node", strategy="forward", check_sortedness=False)
    machine = before["machine"].fill_null(after["machine"]).fill_null("")
    return sorted_points.with_columns(machine.alias("machine"))


def _nodes(prometheus: Prometheus, cluster: Cluster, stretch: Stretch, machines: pl.DataFrame) -> pl.DataFrame:
    found = prometheus.range(cluster.allocatable(), stretch.start, stretch.end, stretch.step)
    points = _on_machines(amounts(found.frame("node", "resource"), ("node", "time")), machines)
    return points.group_by("node", "machine").agg(
        hours=pl.len() * stretch.hours_a_point,
        **{name: pl.col(name).sum() * stretch.hours_a_point for name in ("cpu", "memory", "gpu")},
    )


def _pods(
    prometheus: Prometheus, cluster: Cluster, stretch: Stretch, machines: pl.DataFrame
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """What pods asked for and used in the time in which they ran, and the metrics of which there is nothing."""

    def ask(promql: str, *labels: str) -> pl.DataFrame:
        return prometheus.range(promql, stretch.start, stretch.end, stretch.step).frame(*labels)

    points = _bound(ask(cluster.pods(), *POD, "node"), ask(cluster.holding(), *POD))
    requests = _larger(
        *(
            amounts(ask(promql, *POD, "resource"), (*POD, "time"))
            for promql in (cluster.requests(), cluster.starting_requests())
        )
    )
    uses = {
        "cpu_used": (CPU_USE, ask(cluster.cpu_use(stretch.step), *POD), 1.0),
        "memory_used": (MEMORY_USE, ask(cluster.memory_use(), *POD), GIB),
    }
    points = points.join(requests.rename({"cpu": "cpu_request", "memory": "memory_request"}), [*POD, "time"], "left")
    for name, (_, used, unit) in uses.items():
        value = (_amount() / unit).alias(name)
        points = points.join(used.select(*POD, "time", value), [*POD, "time"], "left")
    missing = tuple(metric for metric, used, _ in uses.values() if used.is_empty() and points.height)
    return _summed(_on_machines(points, machines), stretch), missing


def _larger(requests: pl.DataFrame, starting: pl.DataFrame) -> pl.DataFrame:
    """Of each resource what its containers, or what one of its init containers asks for: so much is kept for the pod
    as long as it is on its node."""
    return pl.concat([requests, starting]).group_by(*POD, "time").agg(pl.col("cpu", "memory", "gpu").max())


def _bound(pods: pl.DataFrame, holding: pl.DataFrame) -> pl.DataFrame:
    """Which node a pod holds something of at each point; where phases are not scraped, every pod that has a node.

    A pod that was made anew on another node is for a few minutes seen on both: the newer one counts.
    """
    bound = pods.filter(pl.col("node").fill_null("") != "").drop("value")
    if holding.height:
        bound = bound.join(holding.select(*POD, "time"), [*POD, "time"], "semi")
    since = pl.col("time").min().over(*POD, "node")
    return bound.with_columns(since.alias("since")).sort("since", "node").unique([*POD, "time"], keep="last")


def _summed(points: pl.DataFrame, stretch: Stretch) -> pl.DataFrame:
    zero = points.with_columns(
        pl.col("cpu_request", "cpu_used", "memory_request", "memory_used", "gpu").cast(pl.Float64).fill_null(0.0)
    )
    larger = zero.with_columns(
        cpu=pl.max_horizontal("cpu_request", "cpu_used"), memory=pl.max_horizontal("memory_request", "memory_used")
    )
    return larger.group_by("node", "machine", *POD).agg(
        hours=pl.len() * stretch.hours_a_point,
        **{name: pl.col(name).sum() * stretch.hours_a_point for name in _AMOUNTS},
    )


def _node_rows(nodes: pl.DataFrame, workloads: Workloads) -> Iterator[Mapping[str, object]]:
    for row in nodes.sort("node", "machine").iter_rows(named=True):
        yield {
            "node": row["node"],
            "resource_id": row["machine"] or None,
            "labels": workloads.node_labels.get(row["node"]),
            "hours": _decimal(row["hours"]),
            "cpu_core_hours": _decimal(row["cpu"]),
            "memory_gib_hours": _decimal(row["memory"]),
            "gpu_hours": _decimal(row["gpu"]),
        }


def _pod_rows(pods: pl.DataFrame, workloads: Workloads) -> Iterator[Mapping[str, object]]:
    for row in pods.sort("node", "machine", *POD).iter_rows(named=True):
        pod = (row["namespace"], row["pod"])
        kind, name = workloads.of(pod)
        yield {
            "node": row["node"],
            "resource_id": row["machine"] or None,
            "namespace": row["namespace"],
            "workload_kind": kind,
            "workload": name,
            "pod": row["pod"],
            "labels": workloads.pod_labels.get(pod),
            **_usage_columns(row),
        }


def _usage_columns(row: Mapping[str, Any]) -> dict[str, Decimal]:
    return {
        "hours": _decimal(row["hours"]),
        "cpu_request_core_hours": _decimal(row["cpu_request"]),
        "cpu_used_core_hours": _decimal(row["cpu_used"]),
        "cpu_core_hours": _decimal(row["cpu"]),
        "memory_request_gib_hours": _decimal(row["memory_request"]),
        "memory_used_gib_hours": _decimal(row["memory_used"]),
        "memory_gib_hours": _decimal(row["memory"]),
        "gpu_hours": _decimal(row["gpu"]),
    }


def _decimal(value: float) -> Decimal:
    """Prometheus keeps doubles: nine decimals of an hour are more than it knows."""
    return Decimal(value).quantize(DIGITS)
