"""What runs on the demo's Kubernetes clusters: pods on machines of its fleet, as a Prometheus would tell of them."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from typing import Any, Final

from apps.demo.lines import digest
from apps.demo.tables import Row, rows
from apps.demo.usage import used

DAYS: Final = 40
"""The last ones: somewhat more than a Prometheus usually keeps, so that the last 30 days are whole."""

ALLOCATABLE: Final = Decimal("0.95")  # the rest is the system's
ROLLOUT: Final = 9  # days after which pods of a workload are replaced
_THOUSANDTH: Final = Decimal("0.001")

Machine = Mapping[str, Any]


def cluster_usage(until: date) -> Iterator[dict[str, object]]:
    """The rows of collectors.kubernetes_usage up to and with a day: as long as each machine's bill says that it ran."""
    first = until - timedelta(days=DAYS - 1)
    pods = {key: list(some) for key, some in groupby(rows("pods"), key=lambda row: (row["provider"], row["machine"]))}
    for provider in dict.fromkeys(provider for provider, _ in pods):
        for day in used(provider, first, until, until=until).iter_rows(named=True):
            if there := pods.get((provider, _group_of(day))):
                yield from _node_day(day, there)


def _group_of(line: Machine) -> str:
    """What a machine of the bill is one of: gateway-07 of gateway; empty for a line that is no machine."""
    head, _, number = line["ResourceName"].rpartition("-")
    return head if number.isdecimal() and "InstanceType" in (line["SkuPriceDetails"] or "") else ""


def _node_day(line: Machine, pods: list[Row]) -> Iterator[dict[str, object]]:
    hours, size = Decimal(line["used"]), json.loads(line["SkuPriceDetails"])
    node = {
        "cluster": pods[0]["cluster"],
        "node": line["ResourceName"],
        "resource_id": line["ResourceId"].rpartition("/")[2] if line["provider"] == "aws" else line["ResourceId"],
        "day": line["day"],
        "hours": hours,
    }
    yield node | {
        "cpu_core_hours": size["CoreCount"] * hours * ALLOCATABLE,
        "memory_gib_hours": size["MemorySize"] * hours * ALLOCATABLE,
        "gpu_hours": size.get("GpuCount", 0) * hours,
    }
    for pod in pods:
        for number in range(int(pod["count"])):
            yield node | _pod(pod, node["node"], line["day"], number) | _amounts(pod, node["node"], line["day"], hours)


def pod_name(workload: str, node: str, day: date, number: int) -> str:
    """What the workload's pod of that number on a node is called on a day."""
    return f"{workload}-{digest(workload, node, str(number), str(day.toordinal() // ROLLOUT))[:9]}"


def _pod(pod: Row, node: str, day: date, number: int) -> dict[str, object]:
    labels = {"app": pod["workload"]} | ({"team": pod["team"]} if pod["team"] else {})
    return {
        "namespace": pod["namespace"],
        "workload_kind": pod["kind"],
        "workload": pod["workload"],
        "pod": pod_name(pod["workload"], node, day, number),
        "labels": labels,
    }


def _amounts(pod: Row, node: str, day: date, hours: Decimal) -> dict[str, object]:
    """What it asked for, and what it used: around the workload's usual part of that, each day another."""
    noise = int(digest(pod["workload"], node, day.isoformat())[:4], 16) % 21 - 10
    part = Decimal(int(pod["used"]) + noise) / 100
    asked = {name: _rounded(Decimal(pod[name]) * hours) for name in ("cpu", "memory")}
    taken = {name: _rounded(amount * part) for name, amount in asked.items()}
    return {
        "cpu_request_core_hours": asked["cpu"],
        "cpu_used_core_hours": taken["cpu"],
        "cpu_core_hours": max(asked["cpu"], taken["cpu"]),
        "memory_request_gib_hours": asked["memory"],
        "memory_used_gib_hours": taken["memory"],
        "memory_gib_hours": max(asked["memory"], taken["memory"]),
        "gpu_hours": int(pod["gpus"]) * hours,
    }


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_THOUSANDTH, ROUND_HALF_EVEN)
