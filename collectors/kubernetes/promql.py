"""What is asked of Prometheus about a cluster: every expression, with the names of labels made plain."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

RESOURCES: Final = 'resource=~"cpu|memory|(nvidia|amd|gpu_intel)_com_.+"'
ALLOCATABLE: Final = "kube_node_status_allocatable"
POD_INFO: Final = "kube_pod_info"
CPU_USE: Final = "container_cpu_usage_seconds_total"
MEMORY_USE: Final = "container_memory_working_set_bytes"
GPU: Final = "DCGM_FI_DEV_GPU_UTIL"

_PLAIN: Final = ("namespace", "pod", "container", "node")
_OF_CONTAINER: Final = ("namespace", "pod", "container", "resource")
_SHORTEST_RATE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster of a Prometheus: `label` tells it from others there; empty where there is only one."""

    name: str
    label: str = ""

    def select(self, metric: str, *matchers: str) -> str:
        """The cluster's series of a metric."""
        own = [f'{self.label}="{_quoted(self.name)}"'] if self.label else []
        return f"{metric}{{{','.join([*matchers, *own])}}}"

    def pods(self) -> str:
        """Which node each pod is bound to."""
        return _max_by(("namespace", "pod", "node"), self.select(POD_INFO))

    def machines(self) -> str:
        """What the provider calls the machine of each node."""
        return _max_by(("node", "provider_id"), self.select("kube_node_info"))

    def holding(self) -> str:
        """Which pods hold something of the node that they are bound to: those that run, and those that are about to
        (images are pulled, init containers run). Those that ended hold nothing."""
        phases = self.select("kube_pod_status_phase", 'phase=~"Pending|Running"')
        return f"{_max_by(('namespace', 'pod'), phases)} == 1"

    def requests(self) -> str:
        """What each pod asks for, by resource: its containers together, each once, and init containers that go on."""
        asked = _max_by(_OF_CONTAINER, self.select("kube_pod_container_resource_requests", RESOURCES))
        goes_on = self.select("kube_pod_init_container_info", 'restart_policy="Always"')
        names = ("namespace", "pod", "container")
        sidecars = f"{self._init_requests()} and on ({', '.join(names)}) {_max_by(names, goes_on)}"
        return f"sum by (namespace, pod, resource) ({asked} or ({sidecars}))"

    def starting_requests(self) -> str:
        """What each pod asks for to start, by resource: the most of any of its init containers."""
        return f"max by (namespace, pod, resource) ({self._init_requests()})"

    def _init_requests(self) -> str:
        return _max_by(_OF_CONTAINER, self.select("kube_pod_init_container_resource_requests", RESOURCES))

    def cpu_use(self, step: timedelta) -> str:
        """Cores that each pod uses."""
        span = f"[{max(step, _SHORTEST_RATE).total_seconds():.0f}s]"
        return self._of_containers(CPU_USE, lambda selected: f"rate({selected}{span})")

    def memory_use(self) -> str:
        """Bytes that each pod cannot give back."""
        return self._of_containers(MEMORY_USE, str)

    def allocatable(self) -> str:
        """What pods can have of each node, by resource."""
        return _max_by(("node", "resource"), self.select(ALLOCATABLE, RESOURCES))

    def latest(self, metric: str, span: timedelta, labels: Iterable[str] = ()) -> str:
        """What was last said in the time before; all labels where none are named."""
        said = f"last_over_time({self.select(metric)}[{span.total_seconds():.0f}s])"
        return _max_by(labels, said) if labels else plain(said)

    def _of_containers(self, metric: str, of: Callable[[str], str]) -> str:
        """Containers once each, without the sandbox and the group that holds them all; kubelets before 1.16 call the
        label container_name."""
        kinds = ("container", "container_name")
        found = " or ".join(of(self.select(metric, f'{kind}!=""', f'{kind}!="POD"')) for kind in kinds)
        return f"sum by (namespace, pod) ({_max_by(('namespace', 'pod', 'container'), found)})"


def plain(vector: str) -> str:
    """The vector with the labels of the workload under their plain names.

    Prometheus keeps the labels of what it scraped as `exported_pod` when the scrape has a `pod` of its own; before
    Kubernetes 1.16 cAdvisor said `pod_name`. What was scraped counts.
    """
    for name in _PLAIN:
        for source in (f"{name}_name", f"exported_{name}"):
            vector = f'label_replace({vector}, "{name}", "$1", "{source}", "(.+)")'
    return vector


def _max_by(labels: Iterable[str], vector: str) -> str:
    """One series for each set of labels: of replicas that all say the same, one counts."""
    return f"max by ({', '.join(labels)}) ({plain(vector)})"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"")
