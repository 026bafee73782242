"""What the cost of a cluster can be told apart by, and which part of that a node itself knows."""

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from apps.core.errors import UserError
from apps.costs.selection import Placeholders

LABEL: Final = "label:"
_NODE: Final = {"cluster": sql.SQL("n.cluster"), "node": sql.SQL("n.node")}
_POD: Final = {
    "namespace": sql.SQL("p.namespace"),
    "workload": sql.SQL("p.workload_kind || '/' || p.workload"),
    "pod": sql.SQL("p.pod"),
    "team": sql.SQL("coalesce(p.team, '')"),
}
NAMES: Final = (*_POD, *_NODE)
MOST: Final = 3
LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class Key:
    """One dimension, or with `label:` a label of pods as Prometheus writes it. Raises UserError for what is neither."""

    name: str

    def __post_init__(self) -> None:
        if self.name in NAMES or (self.label and len(self.label) <= LONGEST_KEY and self.label.isprintable()):
            return
        raise UserError(f"{self.name[:80]!r} is no dimension. Use {', '.join(NAMES)} or label:KEY.", field="group_by")

    @property
    def label(self) -> str:
        """The label that it is; empty for a dimension."""
        return self.name.removeprefix(LABEL) if self.name.startswith(LABEL) else ""

    @property
    def is_of_nodes(self) -> bool:
        """Whether a node has it too, so that what is idle of it can be told apart by it."""
        return self.name in _NODE

    def of_pod(self, placeholders: Placeholders) -> sql.Composable:
        """Its value of the pod `p` on the node day `n`; the empty text for none."""
        if self.label:
            return sql.SQL("coalesce(p.labels ->> {}, '')").format(placeholders.add(self.label))
        return {**_NODE, **_POD}[self.name]

    def of_node(self) -> sql.Composable:
        """Its value of what is idle on the node day `n`; null where only pods have one."""
        return _NODE.get(self.name, sql.SQL("NULL"))
