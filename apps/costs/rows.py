"""A cost tree as rows of the explorer's table: nested, opened or closed, with shares, trends and links."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from apps.costs.address import Address, charges_of, drill_down
from apps.costs.dates import GREY, Dates, Key
from apps.costs.dimensions import Dimension
from apps.costs.labels import Namer
from apps.costs.lists import ListError, joined_values, split_values
from apps.costs.queries import CostNode, CostTree

FEW: Final = 64
"""As long as there are no more rows than this with all outermost groups open, they are open."""
MOST_POINTS: Final = 16
"""Points of a trend: it is as wide as a word."""

Path = tuple[str, ...]
"""The keys of a group and of those around it, from the outermost."""


@dataclass(frozen=True, slots=True)
class Row:
    """One group. `series` is the place of its bars in the chart, None when it has none of its own.

    `is_open` says whether the groups in it are shown, None when there are none; `toggle_url` opens or closes it.
    `trend` is the points of a line in a box of 84 by 20.
    """

    depth: int
    text: str
    url: str
    charges_url: str
    cost: Decimal
    previous: Decimal | None
    share: Decimal | None
    colour: str
    series: int | None
    trend: str
    is_open: bool | None
    toggle_url: str

    @property
    def trend_end(self) -> str:
        """The height at which its line ends."""
        return self.trend.rpartition(",")[2]

    @property
    def bar(self) -> Decimal:
        """The share as the length of its bar in per cent: none for credits."""
        return min(max(self.share or Decimal(0), Decimal(0)), Decimal(1)) * 100


@dataclass(frozen=True, slots=True)
class Table:
    """A tree on its way to be rows."""

    tree: CostTree
    group_by: Sequence[Dimension]
    dates: Dates | None
    address: Address
    name: Namer

    def rows(self, nodes: Sequence[CostNode]) -> list[Row]:
        """Rows of these outermost groups, in the order in which they are shown; what is in closed ones is left out."""
        if not self.tree.nodes:
            return [self._everything()]
        opens = sum(1 + len(node.children) for node in self.tree.nodes) <= FEW
        return list(self._rows(nodes, (), toggled_paths(self.address), opens=opens))

    def _rows(self, nodes: Sequence[CostNode], around: Path, toggled: frozenset[Path], *, opens: bool) -> Iterator[Row]:
        for node in nodes:
            path = around if node.key is None else (*around, node.key)
            is_open = (path in toggled) != opens if node.children else None
            toggle = _with_toggled(self.address, toggled ^ {path}) if node.children else ""
            yield self._row(node, around, path, is_open, toggle)
            if is_open:
                yield from self._rows(node.children, path, toggled, opens=False)

    def _row(self, node: CostNode, around: Path, path: Path, is_open: bool | None, toggle_url: str) -> Row:
        depth, asked, total = len(around), self.group_by[: len(path)], self.tree.total.cost
        outermost = path[0] if path else None
        colour, series = self._series(outermost)
        is_rest = node.key is None
        return Row(
            depth=depth,
            text=f"Other ({node.groups:,})" if node.key is None else self.name(asked[-1], node.key),
            url="" if is_rest else drill_down(self.address)(asked, path),
            charges_url="" if is_rest else charges_of(self.address)(asked, path),
            cost=node.cost,
            previous=node.previous,
            share=node.cost / total if total > 0 else None,
            colour=colour,
            series=None if depth else series,
            trend="" if depth else self._trend(outermost),
            is_open=is_open,
            toggle_url=toggle_url,
        )

    def _everything(self) -> Row:
        """The one row of a question that groups by nothing."""
        total = self.tree.total
        return Row(
            depth=0,
            text="All charges",
            url="",
            charges_url=charges_of(self.address)([], []),
            cost=total.cost,
            previous=total.previous,
            share=Decimal(1) if total.cost > 0 else None,
            colour="var(--c1)",
            series=None,
            trend=self._trend(""),
            is_open=None,
            toggle_url="",
        )

    def _series(self, key: Key) -> tuple[str, int | None]:
        """The colour of an outermost group, and the place of its series if it is not one of several in it."""
        for place, one in enumerate(self.dates.series if self.dates else ()):
            if key in one.keys:
                return one.colour, place if len(one.keys - {None}) == 1 or key is None else None
        return ("var(--c1)", None) if self.dates is None else (GREY, None)

    def _trend(self, key: Key) -> str:
        if self.dates is None:
            return ""
        amounts = self.dates.by_key.get(key, ())
        whole = [amount for amount, bucket in zip(amounts, self.dates.counted, strict=False) if not bucket.is_partial]
        return trend(whole)


def trend(amounts: Sequence[Decimal]) -> str:
    """The points of a line through amounts, evenly spaced, in a box of 84 by 20; empty for fewer than two."""
    if len(amounts) < 2:
        return ""
    step = -(-len(amounts) // MOST_POINTS)
    parts = [amounts[start : start + step] for start in range(0, len(amounts), step)]
    means = [sum(part, Decimal(0)) / len(part) for part in parts]
    lowest, span = min(means), max(means) - min(means)
    return " ".join(
        f"{2 + 78 * place / (len(means) - 1):.0f},{17 - 14 * (mean - lowest) / span if span else 10:.1f}"
        for place, mean in enumerate(means)
    )


def toggled_paths(address: Address) -> frozenset[Path]:
    """The groups that are otherwise than they would be by themselves; what cannot be read is none."""
    if not address.get("toggled"):
        return frozenset()
    try:
        return frozenset(tuple(split_values(path)) for path in split_values(address.get("toggled")))
    except ListError:
        return frozenset()


def _with_toggled(address: Address, paths: frozenset[Path]) -> str:
    toggled = joined_values(joined_values(path) for path in sorted(paths))
    return address.with_({"toggled": toggled, "page": address.get("page")}).path()
