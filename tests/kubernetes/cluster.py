"""A day of a small cluster as its exporters told it, with a node that was restarted and two hours without Prometheus.

3 June 2026. Prometheus was down from 20:00 to 22:00. Samples are a minute apart; the last before an absence is of the
54th minute, so that Prometheus, which looks five minutes back, sees nothing any more when the hour is full.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.prometheus import History, utc

GIB = 2**30
DAY = 3
ALL_DAY = ((0, 20), (22, 24))
NIGHT_AND_NOON = ((0, 6), (12, 20), (22, 24))
Hours = tuple[tuple[int, int], ...]
MIDNIGHT = utc(DAY)


def at(hour: int, minute: int = 0, *, base: datetime = MIDNIGHT) -> datetime:
    """A time of the day."""
    return base + timedelta(hours=hour, minutes=minute)


@dataclass
class Told:
    """Exporters of one cluster. `exported` is how labels come when Prometheus has its own of the same name."""

    history: History
    cluster: str = ""
    exported: bool = False
    replicas: int = 1
    base: datetime = MIDNIGHT

    def say(self, metric: str, hours: Hours, value: float = 1.0, **labels: str) -> None:
        """What kube-state-metrics says in these hours: each of its replicas the same."""
        for number in range(self.replicas):
            for first, last in hours:
                until = at(last, -6, base=self.base)
                self.history.add(metric, self._scraped(labels, number), value, at(first, base=self.base), until)

    def node(self, name: str, provider_id: str, hours: Hours, *, gpus: int = 0, **allocatable: float) -> None:
        """A node and what pods can have of it."""
        self.say("kube_node_info", hours, node=name, provider_id=provider_id)
        resources = {**allocatable, **({"nvidia_com_gpu": gpus} if gpus else {}), "pods": 110}
        for resource, value in resources.items():
            self.say("kube_node_status_allocatable", hours, value, node=name, resource=resource)

    def pod(
        self, namespace: str, pod: str, node: str, hours: Hours, *, requests: Mapping[str, float], runs: Hours = ()
    ) -> None:
        """A pod that is known for these hours; it runs in all of them, or in those of `runs`."""
        who = {"namespace": namespace, "pod": pod}
        self.say("kube_pod_info", hours, **who, node=node)
        for resource, value in requests.items():
            labels = {**who, "container": "main", "node": node, "resource": resource}
            self.say("kube_pod_container_resource_requests", hours, value, **labels)
        for first, last in runs or hours:
            self.history.add(
                "kube_pod_status_phase",
                self._scraped({**who, "phase": "Running"}, 0),
                1,
                at(first, base=self.base),
                at(last, -1 if runs else -6, base=self.base),
            )
        if runs:
            ended = runs[-1][1]
            rest = at(hours[-1][1], -6, base=self.base)
            labels = self._scraped({**who, "phase": "Running"}, 0)
            self.history.add("kube_pod_status_phase", labels, 0, at(ended, base=self.base), rest)

    def owner(self, metric: str, namespace: str, kind: str, name: str, **who: str) -> None:
        """Who made something."""
        self.say(metric, ALL_DAY, namespace=namespace, owner_kind=kind, owner_name=name, **who)

    def uses(self, metric: str, value: float, growth: float, first: datetime, last: datetime, **who: str) -> None:
        """What cAdvisor says of a container, and of the group and the sandbox around it, which must not count."""
        name = "container_name" if "pod_name" in who else "container"
        around = {"main": 1.0, "POD": 0.1, "": 1.1}
        for container, share in around.items():
            labels = {**who, name: container} if container else who
            scraped = self._scraped(labels, 0, cadvisor=True)
            self.history.add(metric, scraped, value * share, first, last, growth=growth * share)

    def _scraped(self, labels: Mapping[str, str], replica: int, *, cadvisor: bool = False) -> dict[str, str]:
        shared = {"cluster": self.cluster} if self.cluster else {}
        if not self.exported or cadvisor:
            return {**labels, **shared, "instance": f"ksm-{replica}"}
        own = {"namespace", "pod", "container", "node"}
        renamed = {(f"exported_{name}" if name in own else name): value for name, value in labels.items()}
        scraper = {"namespace": "monitoring", "pod": f"ksm-{replica}", "container": "ksm", "instance": f"ksm-{replica}"}
        return {**scraper, **renamed, **shared}


def tell(told: Told, *, old_cadvisor: bool = False) -> None:
    """The day."""
    told.node("n1", "aws:///eu-central-1a/i-0aaa", ALL_DAY, cpu=4, memory=16 * GIB)
    told.node("n2", "gce://proj/zone-b/gke-n2", NIGHT_AND_NOON, gpus=2, cpu=8, memory=32 * GIB)
    told.pod("shop", "web-1", "n1", ALL_DAY, requests={"cpu": 0.5, "memory": GIB, "ephemeral_storage": 5e9})
    told.pod("shop", "bare", "n1", ((0, 12),), requests={})
    gpu_job = {"cpu": 4, "memory": 8 * GIB, "nvidia_com_gpu": 2}
    told.pod("ml", "train-7-x", "n2", ((12, 20),), requests=gpu_job, runs=((12, 18),))
    told.pod("shop", "waiting", "", ((0, 20),), requests={"cpu": 100})
    told.owner("kube_pod_owner", "shop", "ReplicaSet", "web-abc", pod="web-1")
    told.owner("kube_replicaset_owner", "shop", "Deployment", "web", replicaset="web-abc")
    told.owner("kube_pod_owner", "ml", "Job", "train-7", pod="train-7-x")
    told.owner("kube_job_owner", "ml", "CronJob", "train", job_name="train-7")
    told.owner("kube_pod_owner", "shop", "<none>", "<none>", pod="bare")
    told.say("kube_pod_labels", ALL_DAY, namespace="shop", pod="web-1", label_team="search", label_app="web")
    told.say("kube_node_labels", ALL_DAY, node="n1", label_node_kubernetes_io_instance_type="m7i.xlarge")
    _use(told, "pod_name" if old_cadvisor else "pod")


def _use(told: Told, pod: str) -> None:
    """web-1: a quarter of a core until noon, a whole one from then on, and 2 GiB; bare: half a GiB."""
    web, bare = {"namespace": "shop", pod: "web-1"}, {"namespace": "shop", pod: "bare"}
    cpu, memory = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
    told.uses(cpu, 0, 15, at(0, base=told.base), at(12, base=told.base), **web)
    for first, last in ((12, 20), (22, 24)):
        seconds = 10_800 + 3_600 * (first - 12) + 60
        told.uses(
            cpu, seconds, 60, at(first, 1 if first == 12 else 0, base=told.base), at(last, -6, base=told.base), **web
        )
    for first, last in ALL_DAY:
        told.uses(memory, 2 * GIB, 0, at(first, base=told.base), at(last, -6, base=told.base), **web)
    told.uses(memory, GIB / 2, 0, at(0, base=told.base), at(12, -6, base=told.base), **bare)
