"""What a cluster consists of now, as rows of RESOURCES: its nodes, their GPUs, and what runs on them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from collectors.kubernetes.machines import resource_id
from collectors.kubernetes.promql import GPU, Cluster
from collectors.kubernetes.usage import POD, amounts
from collectors.kubernetes.workloads import Pod, Workloads, read_workloads
from collectors.prometheus.client import Prometheus

PROVIDER: Final = "Kubernetes"
LOOK_BACK: Final = timedelta(hours=1)
INSTANCE_TYPES: Final = ("node_kubernetes_io_instance_type", "beta_kubernetes_io_instance_type")
REGIONS: Final = ("topology_kubernetes_io_region", "failure_domain_beta_kubernetes_io_region")
ZONES: Final = ("topology_kubernetes_io_zone", "failure_domain_beta_kubernetes_io_zone")
GPU_HOSTS: Final = ("Hostname", "hostname", "node")
OF_ONE_POD: Final = ("pod_template_hash", "controller_revision_hash", "statefulset_kubernetes_io_pod_name")
"""Labels that tell pods of one workload apart."""

Row = Mapping[str, object]


def read_inventory(prometheus: Prometheus, cluster: Cluster, at: datetime) -> Iterator[Row]:
    """Everything that was seen in the hour before; each kind is a listing, whose end is told."""
    workloads = read_workloads(prometheus, cluster, at=at, span=LOOK_BACK)
    listings = {
        "node": _nodes(prometheus, cluster, workloads, at),
        "gpu": _gpus(prometheus, cluster, at),
        "workload": _workloads(prometheus, cluster, workloads, at),
    }
    for kind, rows in listings.items():
        shared = {
            "provider": PROVIDER,
            "sub_account_id": cluster.name,
            "kind": kind,
            "listing": f"kubernetes/{cluster.name}/{kind}",
        }
        yield from ({**shared, **row} for row in rows)
        yield shared


def _nodes(prometheus: Prometheus, cluster: Cluster, workloads: Workloads, at: datetime) -> Iterator[Row]:
    found = prometheus.query(cluster.latest("kube_node_status_allocatable", LOOK_BACK, ("node", "resource")), at)
    for row in amounts(found.frame("node", "resource"), ("node",)).sort("node").iter_rows(named=True):
        node = row["node"]
        labels = workloads.node_labels.get(node, {})
        details = {"cores": f"{row['cpu']:g}", "gib": f"{row['memory']:.1f}", "gpus": f"{row['gpu']:g}"}
        yield {
            "resource_id": _address(cluster, "nodes", node),
            "resource_name": node,
            "resource_type": "Kubernetes node",
            "region_id": _first(labels, REGIONS),
            "size": _first(labels, INSTANCE_TYPES),
            "state": "running",
            "parent_id": resource_id(workloads.provider_ids.get(node, "")) or None,
            "tags": labels,
            "details": details | ({"zone": zone} if (zone := _first(labels, ZONES)) else {}),
        }


def _gpus(prometheus: Prometheus, cluster: Cluster, at: datetime) -> Iterator[Row]:
    """As dcgm-exporter names them; with older labels for the host."""
    names = ("UUID", "modelName", "gpu", *GPU_HOSTS)
    found = prometheus.query(cluster.latest(GPU, LOOK_BACK, names), at).frame(*names)
    for row in (
        found.filter(pl.col("UUID").is_not_null()).sort("UUID").unique("UUID", keep="first").iter_rows(named=True)
    ):
        host = _first(row, GPU_HOSTS)
        yield {
            "resource_id": row["UUID"],
            "resource_name": f"{host} GPU {row['gpu']}" if host and row["gpu"] else row["UUID"],
            "resource_type": "GPU",
            "size": row["modelName"],
            "state": "running",
            "parent_id": _address(cluster, "nodes", host) if host else None,
        }


def _workloads(prometheus: Prometheus, cluster: Cluster, workloads: Workloads, at: datetime) -> Iterator[Row]:
    pods = prometheus.query(cluster.latest("kube_pod_info", LOOK_BACK, (*POD, "node")), at).frame(*POD, "node")
    found: dict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    for namespace, pod in sorted(pods.filter(pl.col("node").fill_null("") != "").select(POD).unique().rows()):
        found[namespace, *workloads.of((namespace, pod))].append((namespace, pod))
    for (namespace, kind, name), members in sorted(found.items()):
        yield {
            "resource_id": _address(cluster, namespace, kind, name),
            "resource_name": name,
            "resource_type": kind,
            "state": "running",
            "tags": _common([workloads.pod_labels.get(pod, {}) for pod in members]),
            "details": {"namespace": namespace, "pods": str(len(members))},
        }


def _common(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What all pods of a workload have."""
    first, *others = labels
    return {
        name: value
        for name, value in first.items()
        if name not in OF_ONE_POD and all(other.get(name) == value for other in others)
    }


def _first(row: Mapping[str, str | None], names: Sequence[str]) -> str | None:
    return next((value for name in names if (value := row.get(name))), None)


def _address(cluster: Cluster, *parts: str) -> str:
    return "/".join(("kubernetes:/", cluster.name, *parts))
