"""Matches what was spent with what was used: how many tokens a line of costs is for, where that is beyond doubt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

TOKENS: Final = "Tokens"


@dataclass(frozen=True, slots=True)
class Spent:
    """A line of costs as far as it says what was used: of which model, by whom, which type of token."""

    day: date
    by: Mapping[str, str | None]
    token_type: str | None


@dataclass(frozen=True, slots=True)
class Used:
    """A line of usage: tokens by type, None where they cannot be told."""

    day: date
    by: Mapping[str, str | None]
    tokens: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What costs and usage are matched by: all of `strict`, and of `loose` what both of them state."""

    strict: tuple[str, ...]
    loose: tuple[str, ...] = ()


def count_tokens(spent: Sequence[Spent], used: Sequence[Used], dimensions: Dimensions) -> list[int | None]:
    """How many tokens each line of costs is for; None where usage does not say so beyond doubt.

    It does when it states the model and whose it is, where costs do, and when one line of costs alone can be meant.
    """
    stated_by_costs = {name for line in spent for name, value in line.by.items() if value}
    stated_by_usage = {name for line in used for name, value in line.by.items() if value}
    both = stated_by_costs & stated_by_usage
    if "model" not in both or not stated_by_costs & {*dimensions.strict} <= stated_by_usage:
        return [None] * len(spent)
    names = [name for name in (*dimensions.strict, *dimensions.loose) if name in both]
    known = _add_up(used, names)
    keys = [(line.day, line.token_type, *(line.by.get(name) for name in names)) for line in spent]
    lines = Counter(keys)
    return [known.get(key) if lines[key] == 1 else None for key in keys]


def _add_up(used: Sequence[Used], names: Sequence[str]) -> dict[tuple[object, ...], int | None]:
    total: dict[tuple[object, ...], int | None] = {}
    for line in used:
        for token_type, tokens in line.tokens.items():
            key = (line.day, token_type, *(line.by.get(name) for name in names))
            before = total.get(key, 0)
            total[key] = None if tokens is None or before is None else before + tokens
    return total
