"""What pages say of resources: states as pills, kinds in words, and what changed from one state to the next."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from apps.inventory.models import ResourceState

ICONS: Final = {
    "running": ("good", "play"),
    "attached": ("good", "link"),
    "available": ("good", "check"),
    "starting": ("info", "clock"),
    "stopping": ("info", "clock"),
    "deleting": ("info", "clock"),
    "stopped": ("warn", "pause"),
    "unattached": ("warn", "warn"),
    "failed": ("bad", "oct"),
}
DETAILS: Final = {"vcpus": "vCPUs", "gpus": "GPUs", "gib": "Memory, GiB", "gpu_model": "GPU model"}
MOST_CHANGES: Final = 6


@dataclass(frozen=True, slots=True)
class Pill:
    """A state as it is drawn: never by its colour alone."""

    kind: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A state, and how it differs from the one before; the first has none before it."""

    state: ResourceState
    pill: Pill
    changes: list[str]


def pill_of(state: ResourceState) -> Pill:
    """What a resource does, or that it exists no more."""
    if state.valid_to is not None and state.is_latest:
        return Pill("", "x", f"Closed, was {state.state}")
    kind, icon = ICONS.get(state.state, ("", "help"))
    return Pill(kind, icon, state.state.capitalize())


def kind_of(kind: str) -> str:
    """`node_group` as people write it."""
    return kind.replace("_", " ").capitalize()


def details_of(state: ResourceState) -> list[tuple[str, Any]]:
    """What a provider says besides, by what people call it."""
    return sorted((_detail(key), value) for key, value in state.details.items())


def history_lines(states: Iterable[ResourceState]) -> list[HistoryLine]:
    """The history, newest first as it comes."""
    newest_first = list(states)
    told = [_changes(before, now) for now, before in pairwise(newest_first)] + [["First seen."]]
    return [HistoryLine(now, _was(now), changes) for now, changes in zip(newest_first, told, strict=False)]


def _was(state: ResourceState) -> Pill:
    kind, icon = ICONS.get(state.state, ("", "help"))
    return Pill(kind, icon, state.state.capitalize())


def _changes(before: ResourceState, now: ResourceState) -> list[str]:
    told = list(_told(before, now))
    if len(told) > MOST_CHANGES:
        told = [*told[:MOST_CHANGES], f"and {len(told) - MOST_CHANGES} more."]
    return told


def _told(before: ResourceState, now: ResourceState) -> Iterator[str]:
    if before.valid_to != now.valid_from:
        yield "Came back."
    for name, title in (("state", "State"), ("size", "Size"), ("parent_id", "Belongs to")):
        was, is_ = getattr(before, name), getattr(now, name)
        if was != is_:
            yield f"{title}: {was or 'nothing'} → {is_ or 'nothing'}."
    yield from _changed_keys(lambda key: f"Tag {key}", before.tags, now.tags)
    yield from _changed_keys(_detail, before.details, now.details)


def _changed_keys(name: Callable[[str], str], before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"{name(key)}: {before.get(key, 'none')} → {now.get(key, 'none')}."


def _detail(key: str) -> str:
    return DETAILS.get(key, key.replace("_", " ").capitalize())
