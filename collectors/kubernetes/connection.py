"""A cluster behind a Prometheus: lists the days that it has, fetches one as rows of usage, and what there is now."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field

from collectors.connections import (
    KUBERNETES,
    Allowed,
    Check,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.kubernetes.cluster import DAY, HOUR, ClusterConnection, ClusterSettings, midnight
from collectors.kubernetes.inventory import read_inventory
from collectors.kubernetes.machines import resource_id
from collectors.kubernetes.promql import ALLOCATABLE, CPU_USE, POD_INFO
from collectors.kubernetes.usage import Stretch, read_usage
from collectors.kubernetes_usage import KUBERNETES_USAGE
from collectors.records import write_records
from collectors.resources import RESOURCES
from collectors.transfer import check_space

SETTLED: Final = HOUR
"""How long after a day's end its last samples may come."""

STEPS: Final = ("1", "2", "5", "10", "15", "30", "60")
RESOURCES_NAME: Final = "resources"
_EXPORTERS: Final = """\
# kube-state-metrics: publish the labels that tell whose a pod is, and of which size a node is
--metric-labels-allowlist=pods=[*],nodes=[node.kubernetes.io/instance-type,topology.kubernetes.io/region]
# with its Helm chart (or kube-state-metrics in the values of kube-prometheus-stack)
metricLabelsAllowlist:
  - pods=[*]
  - nodes=[node.kubernetes.io/instance-type,topology.kubernetes.io/region]
"""


class Settings(ClusterSettings):
    """Which cluster, of which Prometheus."""

    steps: ClassVar = STEPS
    step: str = Field(
        "5",
        title="Minutes between two points",
        description=f"At how many minutes' distance requests and use are compared: {', '.join(STEPS)}.",
    )


class KubernetesCluster(ClusterConnection):
    """Usage of one cluster by pod and day, and what it consists of."""

    kind: ClassVar = "kubernetes"
    title: ClassVar = "Kubernetes cluster"
    help: ClassVar = (
        "What pods ask for and use of their nodes, from kube-state-metrics and cAdvisor in Prometheus, so that the bill"
        " of each node can be divided among them."
    )
    brings: ClassVar = KUBERNETES
    Settings: ClassVar = Settings
    exporters: ClassVar = _EXPORTERS

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._missing: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What Prometheus warned of, and what was not there to be asked for."""
        missing = (
            f"Prometheus has no {metric} of these pods: their shares go by what they asked for alone."
            for metric in self._missing
        )
        return (*super().warnings, *missing)

    def check(self) -> Iterator[Check]:
        """Reach Prometheus, then find what the division of a node's bill is made of."""
        yield from try_steps(
            [
                ("Reach Prometheus", self._reach),
                ("Find the nodes", self._find_nodes),
                ("Find the pods", self._find_pods),
                ("Find what pods use", self._find_use),
                ("Find the machines behind the nodes", self._find_machines),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """What there is now, then every day of which Prometheus has nodes. A day that is over never changes."""
        now = self._prometheus.now()
        yield RemoteDelivery(RESOURCES_NAME, self._address(RESOURCES_NAME), "")
        few, every = self._cluster.select(ALLOCATABLE, 'resource="cpu"'), self._cluster.select(ALLOCATABLE)
        for day in sorted(self._days({few}, {every}, window.first, now)):
            is_over = now >= midnight(day) + DAY + SETTLED
            mark = "complete" if is_over else f"until {now:%Y-%m-%dT%H}:00Z"
            yield RemoteDelivery(day.isoformat(), self._address(day.isoformat()), mark, day.replace(day=1))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A day up to the last full hour, or what there is now, as a file of records."""
        check_space(folder, 0)
        name = address.rpartition("/")[2]
        now = self._prometheus.now()
        if name == RESOURCES_NAME:
            path = write_records(RESOURCES, read_inventory(self._prometheus, self._cluster, now), folder)
        else:
            path = self._fetch_day(date.fromisoformat(name), now, folder)
        progress(path.stat().st_size, path.stat().st_size)
        return path

    def _fetch_day(self, day: date, now: datetime, folder: Path) -> Path:
        start = midnight(day)
        end = min(start + DAY, now.replace(minute=0, second=0, microsecond=0))
        if end <= start:
            raise NotReadyError(f"{day} has no full hour yet.")
        stretch = Stretch(start, end, timedelta(minutes=int(self.settings.step)))
        usage = read_usage(self._prometheus, self._cluster, stretch)
        if not usage.rows:
            raise NotReadyError(f"Prometheus has no node of {self._cluster.name} on {day} any more.")
        self._missing = usage.missing
        return write_records(KUBERNETES_USAGE, usage.rows, folder)

    def _find_nodes(self) -> str:
        nodes = self._count(ALLOCATABLE, "node")
        if not nodes:
            raise ProviderRefusedError(self._nothing(ALLOCATABLE, "have kube-state-metrics installed and scraped"))
        return f"nodes in the last day: {nodes:,}"

    def _find_pods(self) -> str:
        pods, labelled = self._count(POD_INFO, "namespace", "pod"), self._count("kube_pod_labels", "namespace", "pod")
        if not pods:
            raise ProviderRefusedError(self._nothing(POD_INFO, "have kube-state-metrics list pods"))
        told = "their labels are known" if labelled else "without labels: --metric-labels-allowlist=pods=[*] adds them"
        return f"pods in the last day: {pods:,}; {told}"

    def _find_use(self) -> str:
        pods = self._count(CPU_USE, "namespace", "pod")
        return (
            f"known of pods: {pods:,}"
            if pods
            else f"no {CPU_USE}: shares go by what pods ask for, until cAdvisor is scraped"
        )

    def _find_machines(self) -> str:
        span = self._cluster.latest("kube_node_info", DAY, ("node", "provider_id"))
        found = self._prometheus.query(span, self._prometheus.now()).frame("provider_id")["provider_id"]
        known = [machine for text in found.drop_nulls() if (machine := resource_id(text))]
        if not known:
            return "none of the nodes has a provider id of a known cloud: their bills cannot be found"
        return f"known of {len(known):,} of {len(found):,} nodes, such as {known[0]}"

    def _count(self, metric: str, *labels: str) -> int:
        promql = f"count({self._cluster.latest(metric, DAY, labels)})"
        values = self._prometheus.query(promql, self._prometheus.now()).points["value"]
        return int(values[0]) if len(values) else 0

    def _nothing(self, metric: str, what_to_do: str) -> str:
        return f"Prometheus has no {self._cluster.select(metric)} of the last day: {what_to_do}, or correct the label."

    def _address(self, name: str) -> str:
        return f"prometheus://{self._cluster.name}/{name}"
