"""Every GPU with how busy it was in a period, who held it, and what it cost."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.utilization.models import Device
from apps.utilization.queries.money import By, CostRow, Money, gpu_costs
from apps.utilization.queries.seen import Granularity, facts, teams_of
from apps.utilization.queries.which import Gpus, devices
from collectors.utilization import METRICS


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, a MIG slice, or something with GPUs that are not told apart, over a period; hours are of the device.

    Ratios are weighted by observed time; `gpu_p95` is the highest of a day. A metric that nothing told of is None.
    """

    device: Device
    signal: str  # what `gpu` rests on
    gpu: float
    gpu_p95: float
    gpu_maximum: float
    gpu_memory: float | None
    gpu_memory_mib: float | None  # the most that was in use
    power_watts: float | None
    hours: float  # observed
    allocated_hours: float
    idle_hours: float  # of those allocated, in which it did nothing
    last_seen: datetime
    teams: tuple[str, ...]  # of the pods that held it
    holders: tuple[str, ...]  # "namespace/workload", the longest first, at most three
    money: tuple[Money, ...]  # one a currency; none where nothing was billed, or another source counts


def fleet(
    period: Period, which: Gpus, *, currency: str = "", costs: Iterable[CostRow] | None = None, scope: Scope
) -> list[Gpu]:
    """The GPUs that were measured in the period, by cluster, node and device; three statements whatever their number.

    A reader with teams gets the GPUs that their pods held or whose machine is theirs: of the former the hours in which
    these pods held them, and of the money their part; so does whoever asks for a team. `costs` are the rows by device
    of the same question, where they are known already. Raises MissingRateError.
    """
    found = {one.pk: one for one in devices(which, scope=scope).order_by("cluster", "node", "resource_id", "device")}
    told = facts(Granularity.DAY, period, list(found), metrics=_NUMBERS, teams=teams_of(which.team, scope))
    asked = {"teams": None, "owned": [], **told.parameters, **_NUMBERS}
    with connection.cursor() as cursor:
        cursor.execute(read_sql("utilization", "fleet").format(days=told.table), asked)
        columns = [column.name for column in cursor.description]
        rows = {row[0]: dict(zip(columns[1:], row[1:], strict=True)) for row in cursor.fetchall()}
    if costs is None:
        costs = gpu_costs(period, which, by=(By.DEVICE,), currency=currency, scope=scope)
    money = by_device(costs)
    return [_gpu(device, rows[pk], money.get(pk, ())) for pk, device in found.items() if pk in rows]


def by_device(rows: Iterable[CostRow]) -> dict[int | None, tuple[Money, ...]]:
    """Rows by device as a table; None is what no device was measured for."""
    found: dict[int | None, list[Money]] = defaultdict(list)
    for row in rows:
        found[row.keys[0]].append(row.money)
    return {device: tuple(money) for device, money in found.items()}


def _gpu(device: Device, facts: dict[str, Any], money: tuple[Money, ...]) -> Gpu:
    lists: dict[str, Any] = {name: tuple(facts[name] or ()) for name in ("teams", "holders")}
    return Gpu(device=device, money=money, **facts | lists)


_NUMBERS: Final = {name: METRICS[name].number for name in ("gpu", "gpu_memory", "gpu_memory_mib", "power_watts")}
