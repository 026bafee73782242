"""Whose series it is: exporters' labels for host, device and pod, in all their spellings, made into one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from collectors.kubernetes.machines import resource_id
from collectors.mig import slices

Labels = Mapping[str, str | None]

_HOST: Final = (
    *("Hostname", "hostname", "exported_node", "node", "node_name", "kubernetes_node", "nodename"),
    "kubernetes_io_hostname",
)
_OF_SCRAPER: Final = ("instance_name", "instance")
"""Labels of last resort: who was scraped."""

_UUID: Final = ("UUID", "gpu_uuid", "accelerator_id")
_NUMBER: Final = {"neuroncore": "neuroncore-", "gpu": "gpu-", "gpu_id": "gpu-"}
_MODEL: Final = ("modelName", "card_model", "model", "instance_type")
_NAMESPACE: Final = ("exported_namespace", "pod_namespace", "namespace_name", "namespace")
_POD: Final = ("exported_pod", "pod_name", "pod")
_CONTAINER: Final = ("exported_container", "container_name", "container")
_EXPORTERS_POD: Final = re.compile(r"(dcgm|metrics)-exporter|neuron-monitor")
"""Pods of exporters: Prometheus names the pod that it scraped where a series names none."""

_INSTANCE: Final = re.compile(r"i-[0-9a-f]{8,}")
_PORT: Final = re.compile(r":\d+$")


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, a MIG instance, or (without `device`) a machine; empty where nothing is told."""

    node: str
    resource_id: str
    device: str
    parent_device: str
    device_model: str
    slices: Decimal


@dataclass(frozen=True, slots=True)
class Tenant:
    """A container on a device."""

    namespace: str
    pod: str
    container: str


@dataclass(frozen=True, slots=True)
class Hosts:
    """What is known of nodes: their provider ids, and the names of machines by their address or what is scraped."""

    provider_ids: Mapping[str, str]
    names: Mapping[str, str]

    def node(self, labels: Labels) -> str:
        """The node of a series; of several names one that a node of the cluster has."""
        told = [labels[name] for name in _HOST if labels.get(name)]
        scraped = labels.get("instance") or ""
        told += [
            self.names.get(scraped),
            self.names.get(_PORT.sub("", scraped)),
            *(_PORT.sub("", labels.get(name) or "") for name in _OF_SCRAPER),
        ]
        found = [name for name in told if name]
        return next((name for name in found if name in self.provider_ids), found[0] if found else "")

    def resource_id(self, node: str, labels: Labels) -> str:
        """The machine as bills name it; empty where nothing tells."""
        instance = labels.get("instance_id") or ""
        return resource_id(self.provider_ids.get(node, "")) or (instance if _INSTANCE.fullmatch(instance) else "")


def device_of(labels: Labels, hosts: Hosts, *, is_machine: bool) -> Device:
    """What a series tells of. A MIG instance is a device of its own, named after its card."""
    node = hosts.node(labels)
    machine = hosts.resource_id(node, labels)
    if is_machine:
        return Device(node, machine, "", "", "", Decimal(1))
    numbers = (f"{text}{labels[name]}" for name, text in _NUMBER.items() if labels.get(name))
    card = _first(labels, _UUID) or next(numbers, "")
    instance, part = labels.get("GPU_I_ID"), slices(labels.get("GPU_I_PROFILE") or "")
    model = _first(labels, _MODEL)
    if not instance:
        return Device(node, machine, card, "", model, Decimal(1))
    share = Decimal(part[0]) / part[1] if part else Decimal(1)
    return Device(node, machine, f"{card}/{instance}", card, model, share)


def jobs_with_exported_labels(series: Sequence[Labels]) -> frozenset[str | None]:
    """Scrape jobs whose pods come as `exported_pod`: their `pod` is the exporter's own in every series."""
    return frozenset(labels.get("job") for labels in series if labels.get("exported_pod"))


def tenant_of(labels: Labels, exported: frozenset[str | None]) -> Tenant | None:
    """Who holds the device of a series; None where nobody does."""
    names = _POD[:1] if labels.get("job") in exported else _POD
    pod = _first(labels, names)
    is_told = any(labels.get(name) for name in _POD[:2])
    if not pod or (not is_told and _EXPORTERS_POD.search(pod)):
        return None
    return Tenant(_first(labels, _NAMESPACE), pod, _first(labels, _CONTAINER))


def _first(labels: Labels, names: Sequence[str]) -> str:
    return next((value for name in names if (value := labels.get(name))), "")
