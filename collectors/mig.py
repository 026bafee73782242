"""MIG: which part of its card an instance is, by the name of its profile."""

import re
from typing import Final

_PROFILE: Final = re.compile(r"(\d+)g[._](\d+)gb.*")
_SLICES: Final = 7
_OF_FOUR: Final = {"1_6", "2_12", "4_24", "1_24", "2_48", "4_96"}
"""Profiles of the cards that are cut into four: A30, RTX PRO 6000."""


def slices(profile: str) -> tuple[int, int] | None:
    """How many slices of how many a profile is: "1g.10gb" and, as resources spell it, "1g_10gb"; None for no profile.

    Slices as in NVIDIA's MIG user guide, "Supported MIG profiles".
    """
    found = _PROFILE.fullmatch(profile)
    if not found:
        return None
    whole = 4 if "_".join(found.groups()) in _OF_FOUR else _SLICES
    return int(found[1]), whole
