"""GPUs as their page lists them: the heatmap as a table, idle and half-used ones, and the signals behind them."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Final, Self

from django.urls import reverse

from apps.core import money as formatter
from apps.core.periods import Period
from apps.inventory.models import Resource
from apps.utilization.models import Device, Tenancy
from apps.utilization.queries import Gpu, Granularity, Heatmap, HeatmapRow, Money, Reason, Unmatched
from apps.utilization.views.controls import METRICS, Kind, PageAddress

LEVELS: Final = 5
NOT_HELD: Final = 0.05
"""A GPU that was held for less than this share of its hours is nobody's."""
IDLE: Final = 0.95
"""One that did nothing in more than this share of the hours in which it was held is idle."""
HALF: Final = 0.5
"""One that computed less than this share of the time is half used."""
STRONG: Final = {
    "DCGM_FI_PROF_SM_ACTIVE": "how much of each GPU's cores computed",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": "how long each GPU's engine computed",
}
WEAK: Final = "weak signal: how long something ran, however little of a GPU it used"
SHORT_ID: Final = 12

Places = Mapping[str, tuple[str, str]]
"""Names and addresses of resources, by every id that they go by."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of the heatmap: `level` 0 to 5 is its shade; without a level there was no measurement."""

    level: int | None
    text: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """A GPU or a node, with a cell for each column and the mean of those that there are."""

    name: str
    url: str
    detail: str
    cells: list[Cell]
    mean: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The heatmap as a table: heads of groups of columns with their widths, heads of columns, and rows."""

    title: str
    unit: str
    groups: list[tuple[str, int]]
    columns: list[str]
    rows: list[GridRow]
    by_node: bool
    by_hour: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A GPU of the list: what is wrong with it, and what that costs a day."""

    gpu: Gpu
    name: str
    url: str
    detail: str
    state: str  # "Idle", "Half used", "Unallocated"
    css: str  # of the pill
    is_shared: bool
    money: list[tuple[str, Decimal, Decimal]]  # currency, cost a day, of which nothing came
    reason: Reason | None

    @property
    def use(self) -> str:
        """The mean use, in per cent."""
        return _share(self.gpu.gpu)

    @property
    def p95(self) -> str:
        """The highest 95th percentile of a day, in per cent."""
        return _share(self.gpu.gpu_p95)

    @property
    def memory(self) -> str:
        """Memory in use, in per cent."""
        return formatter.NO_DATA if self.gpu.gpu_memory is None else _share(self.gpu.gpu_memory)

    @property
    def hours(self) -> str:
        """Hours in which it was measured."""
        return formatter.number(round(self.gpu.hours))

    @property
    def idle_hours(self) -> str:
        """Hours in which it was held and did nothing, and those in which nobody held it."""
        return formatter.number(round(self.gpu.idle_hours + self.gpu.hours - self.gpu.allocated_hours))

    def placed(self, places: Places, in_turns: Container[int]) -> Self:
        """The same by the name of its machine, with the way to it, and whether it is one of those shared `in_turns`."""
        name, url = places.get(self.gpu.device.resource_id, ("", ""))
        called = self.name or name or self.gpu.device.resource_id
        return replace(self, name=called, url=url, is_shared=self.gpu.device.pk in in_turns)


def grid(drawn: Heatmap, rows: Sequence[HeatmapRow], places: Places, address: PageAddress) -> Grid:
    """The rows of one page of the heatmap; shades of what has no natural end reach to the highest value of all."""
    highest = 1.0
    if drawn.unit != "ratio":
        highest = max((value for row in drawn.rows for value in row.values if value is not None), default=1.0) or 1.0
    by_hour = drawn.granularity is Granularity.HOUR
    heads = [f"{at:%H}" if by_hour else f"{at.day}" for at in drawn.columns]
    named = [formatter.day(at.date()) if by_hour else f"{at:%b %Y}" for at in drawn.columns]
    return Grid(
        title=METRICS[drawn.metric],
        unit="%" if drawn.unit == "ratio" else drawn.unit,
        groups=[(name, len(list(some))) for name, some in groupby(named)],
        columns=heads,
        rows=[_row(row, highest, drawn.unit, places, address) for row in rows],
        by_node=bool(rows) and rows[0].device_id is None,
        by_hour=by_hour,
    )


def in_order(rows: Sequence[HeatmapRow], places: Places) -> list[HeatmapRow]:
    """The rows by cluster, what belongs to none last, and in it by name."""
    return sorted(rows, key=lambda row: (not row.cluster, row.cluster, _label(row, places), row.device))


def _label(row: HeatmapRow, places: Places) -> str:
    return row.node or places.get(row.resource_id, ("", ""))[0] or row.resource_id or row.device


def _row(row: HeatmapRow, highest: float, unit: str, places: Places, address: PageAddress) -> GridRow:
    _, url = places.get(row.resource_id, ("", ""))
    label = _label(row, places)
    known = [value for value in row.values if value is not None]
    if row.device_id is None and row.node:
        url = address.path(node=row.node, by="gpu", page="", list="")
    told = [short(row.device), row.model] if row.device_id else [row.cluster]
    return GridRow(
        name=label,
        url=url,
        detail=" · ".join(filter(None, told)),
        cells=[_cell(value, highest, unit) for value in row.values],
        mean=_text(sum(known) / len(known), unit) if known else formatter.NO_DATA,
    )


def _share(value: float) -> str:
    return f"{value * 100:.0f}%"


def _cell(value: float | None, highest: float, unit: str) -> Cell:
    if value is None:
        return Cell(None, formatter.NO_DATA)
    return Cell(min(int(value / highest * (LEVELS + 1)), LEVELS), _text(value, unit))


def _text(value: float, unit: str) -> str:
    return f"{value * 100:.0f}" if unit == "ratio" else f"{value:.0f}"


def short(device: str) -> str:
    """A UUID by its beginning, with the instance of a slice: GPU-1a2b3c4d/7."""
    card, _, instance = device.partition("/")
    return f"{card[:SHORT_ID]}{f'/{instance}' if instance else ''}"


def places_of(resource_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Names and addresses of these resources, as far as the inventory knows them."""
    found = {}
    for pk, resource_id, aliases, name in Resource.objects.filter(resource_id__in=set(resource_ids)).values_list(
        "pk", "resource_id", "aliases", "name"
    ):
        for called in (resource_id, *aliases):
            found[called] = (name, reverse("resource", args=[pk]))
    return found


def lines(found: Sequence[Gpu], period: Period, reasons: Mapping[int, Reason]) -> list[Line]:
    """The GPUs that are idle, half used or nobody's; those that cost most for nothing first."""
    told = [(one, *state) for one in found if (state := _state(one))]
    picked = [_line(one, state, css, period, reasons.get(one.device.pk)) for one, state, css in told]
    return sorted(picked, key=lambda line: (-sum(lost for _, _, lost in line.money), line.name, line.detail))


def of_kind(found: Sequence[Gpu], kind: Kind, in_turns: Container[int]) -> list[Gpu]:
    """The GPUs of a kind; `in_turns` are those that pods share in turns."""
    if kind is Kind.CARD:
        return [one for one in found if not one.device.card_id and one.device.pk not in in_turns]
    if kind is Kind.SLICE:
        return [one for one in found if one.device.card_id]
    if kind is Kind.SHARED:
        return [one for one in found if one.device.pk in in_turns]
    return list(found)


def shared_in_turns(found: Sequence[Gpu], period: Period) -> set[int]:
    """GPUs of which, on the last day of the period, pods had less than the whole at a time."""
    first = datetime.combine(period.last, time(), UTC)
    on_that_day = Tenancy.objects.filter(hour__gte=first, hour__lt=first + timedelta(days=1), share__lt=1)
    ids = on_that_day.filter(device__in=[one.device.pk for one in found]).order_by().values_list("device_id", flat=True)
    return set(ids.distinct())


def signals(found: Sequence[Gpu]) -> list[tuple[str, str, int]]:
    """What the utilisation of GPUs rests on: the signals, what they say, for how many GPUs; weak ones last, as one."""
    counted = Counter(one.signal or "a signal without a name" for one in found)
    weak = [name for name in counted if name not in STRONG]
    told = [(name, says, counted[name]) for name, says in STRONG.items() if counted[name]]
    return [*told, *([(", ".join(sorted(weak)), WEAK, sum(counted[name] for name in weak))] if weak else [])]


def without_money(missing: Sequence[Unmatched]) -> list[tuple[str, int, list[Unmatched]]]:
    """Devices without cost, by reason: the sentence, how many there are, and the first of them."""
    found = sorted((one for one in missing if one.device_id), key=lambda one: one.reason)
    groups = [(reason, list(some)) for reason, some in groupby(found, key=lambda one: one.reason)]
    return [(reason.sentence, len(some), some[:10]) for reason, some in groups]


def _state(one: Gpu) -> tuple[str, str] | None:
    if one.allocated_hours < NOT_HELD * one.hours:
        return "Unallocated", ""
    if one.idle_hours > IDLE * one.allocated_hours:
        return "Idle", "bad"
    return ("Half used", "warn") if one.gpu < HALF else None


def _line(one: Gpu, state: str, css: str, period: Period, reason: Reason | None) -> Line:
    device = one.device
    told = [short(device.device), device.model, _slice(device)]
    return Line(
        gpu=one,
        name=device.node,
        url="",
        detail=" · ".join(filter(None, told)),
        state=state,
        css=css,
        is_shared=False,
        money=[_per_day(money, period) for money in one.money],
        reason=reason,
    )


def _slice(device: Device) -> str:
    if not device.card_id:
        return ""
    part = Fraction(device.slices).limit_denominator(8)
    return f"MIG slice, {part.numerator}/{part.denominator} of the card"


def _per_day(money: Money, period: Period) -> tuple[str, Decimal, Decimal]:
    days = max(period.days, 1)
    return money.currency, money.cost / days, (money.idle + money.unallocated) / days
