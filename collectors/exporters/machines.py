"""What is asked for about machines: node exporter, and of nodes that have none what cAdvisor says of them."""

from typing import Final

from collectors.exporters.signals import Exporter, Look, Signal

NO_INTERFACE: Final = (
    "lo|veth.*|docker.*|br-.*|virbr.*|vnet.*|lxc.*|cni.*|cali.*|flannel.*|cilium.*|weave.*|kube-.*|nodelocaldns|azv.*"
    "|gke[0-9a-f]{11}|eni[0-9a-f]{11}|vxlan.*|geneve.*|genev_.*|gre.*|erspan.*|sit.*|tunl.*|ip6tnl.*|ipip.*|tun.*|tap.*"
    "|wg.*|ovs-.*|dummy.*|ifb.*|bond.*|team.*|macvlan.*|ipvlan.*|.+[.@].+"
)
"""Loopback, ends and bridges of containers, tunnels; bonds and VLANs, whose bytes their cards count as well."""

VIRTUAL_FUNCTION: Final = "enP[0-9]+s[0-9]+.*"
"""With Azure's accelerated networking a card below eth0, whose bytes eth0 counts; elsewhere a card like any other."""

NO_DISK: Final = "dm-.*|md.*|bcache.*|drbd.*|zd[0-9].*|loop.*|z?ram.*|sr[0-9].*|fd[0-9].*"
"""What lies on other disks, which count the same bytes (device mapper, RAID), or in memory."""

SCRAPED: Final = ("node", "instance", "kubernetes_io_hostname", "instance_id")
"""Labels by which the machine of a cAdvisor is known."""

_SCRAPED: Final = ", ".join(SCRAPED)

_ROOT: Final = 'id="/"'
_CONTAINERS: Final = ('container!=""', 'container!="POD"')
_OF_CONTAINERS: Final = ("id", "name", "image", "namespace", "pod", "container", "cpu")
_CPU: Final = "container_cpu_usage_seconds_total"
_MEMORY: Final = "container_memory_working_set_bytes"


def _cpu(look: Look) -> str:
    idle = look.rate("node_cpu_seconds_total", 'mode="idle"')
    return f"1 - avg without (cpu, mode) ({idle})"


def _memory(look: Look) -> str:
    return f"1 - {look.gauge('node_memory_MemAvailable_bytes')} / {look.gauge('node_memory_MemTotal_bytes')}"


def _network(look: Look) -> str:
    cards, others = f'device!~"{NO_INTERFACE}|{VIRTUAL_FUNCTION}"', f'device=~"{VIRTUAL_FUNCTION}"'
    ways = [f"node_network_{way}_bytes_total" for way in ("receive", "transmit")]
    return " + ".join(f"({_summed(look, way, cards)} or {_summed(look, way, others)})" for way in ways)


def _disk(look: Look) -> str:
    ways = [f"node_disk_{way}_bytes_total" for way in ("read", "written")]
    return " + ".join(_summed(look, way, f'device!~"{NO_DISK}"') for way in ways)


def _summed(look: Look, counter: str, matcher: str) -> str:
    return f"sum without (device) ({look.rate(counter, matcher)})"


def _cores_of_all(look: Look) -> str:
    """Of everything on the machine; where two jobs scrape it, once."""
    return f"max by ({_SCRAPED}) (sum without (cpu) ({look.rate(_CPU, _ROOT)}))"


def _bytes_of_all(look: Look) -> str:
    return f"max by ({_SCRAPED}) ({look.gauge(_MEMORY, _ROOT)})"


def _cores_of_pods(look: Look) -> str:
    each = f"max by ({_SCRAPED}, id) (sum without (cpu) ({look.rate(_CPU, *_CONTAINERS)}))"
    return f"sum by ({_SCRAPED}) ({each})"


def _bytes_of_pods(look: Look) -> str:
    return f"sum by ({_SCRAPED}) (max by ({_SCRAPED}, id) ({look.gauge(_MEMORY, *_CONTAINERS)}))"


def _capacity(look: Look, resource: str, machine: str) -> str:
    """What the machine says of itself, and its node of it; the largest counts."""
    sizes = (f"kube_node_status_{kind}" for kind in ("capacity", "allocatable"))
    told = [look.cluster.select(size, f'resource="{resource}"') for size in sizes]
    return " or ".join([look.cluster.select(machine), *told])


def _cores(look: Look) -> str:
    return _capacity(look, "cpu", "machine_cpu_cores")


def _bytes(look: Look) -> str:
    return _capacity(look, "memory", "machine_memory_bytes")


NODE_EXPORTER: Final = Exporter(
    "node exporter",
    (
        Signal("cpu", "node_cpu_seconds_total", promql=_cpu, only=('mode="idle"', 'cpu="0"')),
        Signal("memory", "node_memory_MemAvailable_bytes", promql=_memory),
        Signal(
            "network_bytes_per_second",
            "node_network_receive_bytes_total",
            promql=_network,
            only=(f'device!~"{NO_INTERFACE}"',),
            parts=("device",),
            name="node_network_receive_bytes_total, node_network_transmit_bytes_total",
        ),
        Signal(
            "disk_bytes_per_second",
            "node_disk_read_bytes_total",
            promql=_disk,
            only=(f'device!~"{NO_DISK}"',),
            parts=("device",),
            name="node_disk_read_bytes_total, node_disk_written_bytes_total",
        ),
    ),
)
CADVISOR: Final = Exporter(
    "cAdvisor",
    (
        Signal("cpu", _CPU, promql=_cores_of_all, capacity=_cores, only=(_ROOT,), name=f"{_CPU}{{{_ROOT}}}"),
        Signal("cpu", _CPU, promql=_cores_of_pods, capacity=_cores, only=_CONTAINERS, parts=_OF_CONTAINERS),
        Signal("memory", _MEMORY, promql=_bytes_of_all, capacity=_bytes, only=(_ROOT,), name=f"{_MEMORY}{{{_ROOT}}}"),
        Signal("memory", _MEMORY, promql=_bytes_of_pods, capacity=_bytes, only=_CONTAINERS, parts=_OF_CONTAINERS),
    ),
    machine=SCRAPED,
)
"""Asked of machines of which node exporter says nothing. What pods use leaves out what runs beside them."""

ONE_A_MACHINE: Final = ("node_memory_MemAvailable_bytes", "machine_memory_bytes")
"""By which one sees that node exporter, or cAdvisor, was there."""
