"""What dimensions, values and reasons are called on pages and in the API."""

from collections.abc import Mapping
from typing import Final

from apps.clusters.dimensions import Key
from apps.clusters.queries import Reason

LABELS: Final = {
    "namespace": "Namespace",
    "workload": "Workload",
    "pod": "Pod",
    "team": "Team",
    "cluster": "Cluster",
    "node": "Node",
}
NEXT: Final = {"cluster": "namespace", "namespace": "workload", "workload": "pod", "team": "namespace", "node": "pod"}
"""What to group by after choosing one value of a dimension; a pod consists of nothing more."""

REASONS: Final = {
    Reason.NO_MACHINE: "The node says no machine of a known cloud (its provider id is empty or a private one).",
    Reason.NEVER_BILLED: "No bill that was imported has a charge for this machine: is its account's bill a source?",
    Reason.NOT_YET: "The bill of these days has not come yet.",
    Reason.NOT_BILLED: "The bills have no charge for this machine on these days.",
}


def label(key: Key) -> str:
    """What the dimension is called: `Namespace`, `Label: app`."""
    return f"Label: {key.label}" if key.label else LABELS[key.name]


def value_name(key: Key, value: str, teams: Mapping[str, str]) -> str:
    """What a value is called; having none has a name too."""
    if key.name == "team":
        return teams.get(value, value) if value else "Unallocated"
    if value:
        return value
    return f"No label {key.label}" if key.label else f"No {LABELS[key.name].lower()}"
