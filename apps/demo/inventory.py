"""What the demo organisation has: its fleet as an inventory tells of it, on a few days of the last month."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from apps.demo.lines import DAYS_OF_A_MONTH, lines
from apps.demo.tables import find, rows

SNAPSHOTS: Final = ((30, time(12)), (12, time(12)), (5, time(20)), (0, time(20)))
"""Days before the last one, oldest first, and the time (UTC) at which the inventory was read."""
EVENING: Final = time(18)
"""From then on machines that keep office hours are stopped."""
DETAILS: Final = {"CoreCount": "vcpus", "MemorySize": "gib", "GpuCount": "gpus", "x_GpuModel": "gpu_model"}

Line = Mapping[str, Any]


def snapshots(until: date) -> Iterator[tuple[datetime, list[dict[str, object]]]]:
    """When the inventory was read, and the rows of collectors.resources that it held then."""
    for age, clock in SNAPSHOTS:
        yield datetime.combine(until - timedelta(days=age), clock, UTC), list(_existing(age, clock))


def _existing(age: int, clock: time) -> Iterator[dict[str, object]]:
    kinds = {(row["provider"], row["type"]): row["kind"] for row in rows("resources")}
    told: set[str] = set()
    fleet = [line for line in lines().iter_rows(named=True) if line["to_age"] <= age <= line["from_age"]]
    machines = {line["ResourceName"]: line["ResourceId"] for line in fleet}
    for line in fleet:
        kind = kinds.get((line["provider"], line["ResourceType"]), "")
        if kind and line["ResourceId"] not in told:
            told.add(line["ResourceId"])
            yield _row(line, kind, machines.get(line["ResourceName"].removesuffix("-disk"), ""), clock)


def _row(line: Line, kind: str, machine: str, clock: time) -> dict[str, object]:
    return {
        "provider": find("providers", slug=line["provider"])["name"],
        "sub_account_id": line["SubAccountId"],
        "sub_account_name": line["SubAccountName"],
        "region_id": line["RegionId"],
        "resource_id": line["ResourceId"],
        "resource_name": line["ResourceName"],
        "kind": kind,
        "resource_type": line["ResourceType"],
        "size": _size(line, kind),
        "state": _state(line, kind, clock),
        "parent_id": machine if kind == "disk" and not _is_unattached(line) else None,
        "tags": json.loads(line["Tags"] or "{}"),
        "details": _details(line),
        "listing": f"{line['SubAccountId']}/{line['ResourceType']}",
    }


def _state(line: Line, kind: str, clock: time) -> str:
    if kind == "disk":
        return "unattached" if _is_unattached(line) else "attached"
    if kind in ("machine", "notebook"):
        return "stopped" if line["rhythm"] == "office" and clock > EVENING else "running"
    return "available"


def _is_unattached(line: Line) -> bool:
    return bool(line["ResourceName"].startswith("unattached"))


def _size(line: Line, kind: str) -> str:
    if kind == "disk":
        return f"{round(line['quantity'] * DAYS_OF_A_MONTH / 1000)} GB"
    return str(_price_details(line).get("InstanceType", ""))


def _details(line: Line) -> dict[str, object]:
    known = _price_details(line)
    details: dict[str, object] = {name: known[key] for key, name in DETAILS.items() if key in known}
    return details | ({"zone": line["AvailabilityZone"]} if line["AvailabilityZone"] else {})


def _price_details(line: Line) -> dict[str, object]:
    return dict(json.loads(line["SkuPriceDetails"] or "{}"))
