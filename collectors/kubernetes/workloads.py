"""What belongs to what in a cluster: pods to their workloads, nodes to their machines, both with their labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collectors.kubernetes.promql import Cluster
from collectors.prometheus.client import Prometheus

LABEL: Final = "label_"
_NONE: Final = ("", "<none>", None)

Pod = tuple[str, str]
Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Workloads:
    """Everything by (namespace, pod) or by node. Labels are as Prometheus has them: letters, digits, underscores."""

    owners: Mapping[Pod, Owner]
    pod_labels: Mapping[Pod, Mapping[str, str]]
    provider_ids: Mapping[str, str]
    node_labels: Mapping[str, Mapping[str, str]]

    def of(self, pod: Pod) -> Owner:
        """Kind and name of a pod's workload: what made it, and what made that; a pod by itself is its own."""
        return self.owners.get(pod, ("Pod", pod[1]))


def read_workloads(prometheus: Prometheus, cluster: Cluster, *, at: datetime, span: timedelta) -> Workloads:
    """As was last said in the `span` before `at`."""

    def ask(metric: str, *labels: str) -> list[tuple[str | None, ...]]:
        found = prometheus.query(cluster.latest(metric, span, labels), at)
        return found.frame(*labels).select(labels).rows()

    owner = ("owner_kind", "owner_name")
    replica_sets = _owners(ask("kube_replicaset_owner", "namespace", "replicaset", *owner))
    jobs = _owners(ask("kube_job_owner", "namespace", "job_name", *owner))
    pods = _owners(ask("kube_pod_owner", "namespace", "pod", *owner))
    above = {"ReplicaSet": replica_sets, "Job": jobs}
    owners = {pod: above.get(kind, {}).get((pod[0], name), (kind, name)) for pod, (kind, name) in pods.items()}
    labels = {
        key: _labels(prometheus, cluster.latest(metric, span), at, names)
        for key, metric, names in (
            ("pods", "kube_pod_labels", ("namespace", "pod")),
            ("nodes", "kube_node_labels", ("node",)),
        )
    }
    return Workloads(
        owners=owners,
        pod_labels={(key[0], key[1]): said for key, said in labels["pods"].items()},
        provider_ids=read_provider_ids(prometheus, cluster, at=at, span=span),
        node_labels={key[0]: said for key, said in labels["nodes"].items()},
    )


def read_provider_ids(prometheus: Prometheus, cluster: Cluster, *, at: datetime, span: timedelta) -> dict[str, str]:
    """What the provider calls each node, as was last said in the `span` before `at`."""
    names = ("node", "provider_id")
    found = prometheus.query(cluster.latest("kube_node_info", span, names), at)
    return {node: text for node, text in found.frame(*names).select(names).sort(names).rows() if node and text}


def _owners(rows: Iterable[tuple[str | None, ...]]) -> dict[Pod, Owner]:
    """By (namespace, name); what nothing owns is not in it."""
    return {
        (str(namespace), str(name)): (str(kind), str(owner))
        for namespace, name, kind, owner in sorted(rows, key=str)
        if kind not in _NONE and owner not in _NONE
    }


def _labels(
    prometheus: Prometheus, promql: str, at: datetime, keys: tuple[str, ...]
) -> dict[tuple[str, ...], dict[str, str]]:
    """The labels of each thing, without `label_`; of several sets in one day, which is first in the alphabet last."""
    found = prometheus.query(promql, at).labels
    names = [name for name in found.columns if name.startswith(LABEL)]
    missing = [key for key in keys if key not in found.columns]
    if missing or not names:
        return {}
    rows = sorted(found.select(*keys, *names).iter_rows(named=True), key=str)
    return {
        tuple(str(row[key]) for key in keys): {name.removeprefix(LABEL): row[name] for name in names if row[name]}
        for row in rows
    }
