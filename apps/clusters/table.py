"""The lines of an answer as a table: groups dearest first, the rest beyond a limit as one, idle last."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from apps.clusters.queries import ClusterCosts, ClusterLine, add_up


@dataclass(frozen=True, slots=True)
class Row:
    """A group's cost over all days of the answer, or of one. The rest sums several `groups`; its keys are None."""

    keys: tuple[str | None, ...]
    day: date | None
    currency: str
    cost: Decimal
    is_idle: bool
    groups: int
    cpu_core_hours: Decimal
    memory_gib_hours: Decimal
    gpu_hours: Decimal

    @property
    def is_rest(self) -> bool:
        """Whether it is what lies beyond the limit."""
        return self.groups > 1


def table(costs: ClusterCosts, *, limit: int | None, by_day: bool = False) -> list[Row]:
    """Rows currency by currency; with `by_day` also day by day, where the limit counts over all days."""
    rows: list[Row] = []
    for currency in costs.currencies:
        lines = [line for line in costs.lines if line.currency == currency]
        ranked = _ranked(line for line in lines if not line.is_idle)
        first = set(ranked if limit is None else ranked[:limit])
        for day, of_day in _days(lines, by_day=by_day):
            rows += _of_day(of_day, day, ranked, first)
    return rows


def _days(lines: Sequence[ClusterLine], *, by_day: bool) -> Iterator[tuple[date | None, list[ClusterLine]]]:
    if not by_day:
        yield None, list(lines)
        return
    ordered = sorted(lines, key=lambda line: line.day or date.min)
    yield from ((day, list(some)) for day, some in groupby(ordered, key=lambda line: line.day))


def _ranked(lines: Iterable[ClusterLine]) -> list[tuple[str | None, ...]]:
    """Groups, dearest first."""
    costs: dict[tuple[str | None, ...], list[Decimal]] = {}
    for line in lines:
        costs.setdefault(line.keys, []).append(line.cost)
    totals = {keys: add_up(parts) for keys, parts in costs.items()}
    return sorted(totals, key=lambda keys: (-totals[keys], [key or "" for key in keys]))


def _of_day(
    lines: Sequence[ClusterLine],
    day: date | None,
    ranked: Sequence[tuple[str | None, ...]],
    first: set[tuple[str | None, ...]],
) -> Iterator[Row]:
    groups: dict[tuple[str | None, ...], list[ClusterLine]] = {}
    idle: dict[tuple[str | None, ...], list[ClusterLine]] = {}
    for line in lines:
        (idle if line.is_idle else groups).setdefault(line.keys, []).append(line)
    for keys in ranked:
        if keys in first and keys in groups:
            yield _row(keys, day, groups[keys], 1)
    beyond = [keys for keys in groups if keys not in first]
    if beyond:
        rest = [line for keys in beyond for line in groups[keys]]
        keys = beyond[0] if len(beyond) == 1 else (None,) * len(beyond[0])
        yield _row(keys, day, rest, len(beyond))
    for keys in sorted(idle, key=lambda keys: [key or "" for key in keys]):
        yield _row(keys, day, idle[keys], 1)


def _row(keys: tuple[str | None, ...], day: date | None, lines: Sequence[ClusterLine], groups: int) -> Row:
    return Row(
        keys=keys,
        day=day,
        currency=lines[0].currency,
        cost=add_up(line.cost for line in lines),
        is_idle=lines[0].is_idle,
        groups=groups,
        cpu_core_hours=add_up(line.cpu_core_hours for line in lines),
        memory_gib_hours=add_up(line.memory_gib_hours for line in lines),
        gpu_hours=add_up(line.gpu_hours for line in lines),
    )
