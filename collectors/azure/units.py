"""Units of measure of Azure meters: `10K`, `100 Hours`, `1/Month` as how many of which unit a price is for."""

import re
from typing import Final

_UNIT: Final = re.compile(r"(\d[\d,]*)\s*([KMB](?![A-Za-z]))?\s*(/?)\s*(.*)", re.DOTALL)
_FACTORS: Final = {None: 1, "K": 10**3, "M": 10**6, "B": 10**9}
_LARGEST_BLOCK: Final = 10**12
_PLURALS: Final = {
    name.lower(): plural
    for name, plural in (
        ("", "Units"),
        ("Unit", "Units"),
        ("Second", "Seconds"),
        ("Minute", "Minutes"),
        ("Hour", "Hours"),
        ("Day", "Days"),
        ("Month", "Months"),
        ("Year", "Years"),
        ("User", "Users"),
        ("Transaction", "Transactions"),
        ("Request", "Requests"),
        ("Operation", "Operations"),
    )
}


def block_size(unit: str) -> str | None:
    """How many units one priced unit is, as text: `10K` -> 10000; None where the unit names no number."""
    match = _UNIT.fullmatch(unit.strip())
    if match is None:
        return None
    size = int(match[1].replace(",", "")) * _FACTORS[match[2]]
    return str(size) if 0 < size < _LARGEST_BLOCK else None


def consumed_unit(unit: str) -> str | None:
    """What is counted: `100 Hours` -> Hours, `10K` -> Units, `1/Month` -> Units/Month."""
    match = _UNIT.fullmatch(unit.strip())
    if match is None or block_size(unit) is None:
        return unit.strip() or None
    name = match[4].strip()
    if match[3]:
        return f"Units/{name}"
    return _PLURALS.get(name.lower(), name)


def pricing_unit(unit: str) -> str | None:
    """What a price is for, in FOCUS's form: `10K` -> 10000 Units, `1 Hour` -> Hours."""
    counted, size = consumed_unit(unit), block_size(unit)
    return counted if size in (None, "1") else f"{size} {counted}"
