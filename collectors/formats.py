"""The registry of billing formats: which one a header belongs to, and the one sentence for those that are refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from collectors.aws.columns import CUR_REQUIRED, is_cur_2, squashed
from collectors.aws.costs import CUR_2, CUR_LEGACY, CurCosts
from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.focus.costs import FOCUS_REQUIRED, FocusCosts
from collectors.focus.versions import cost_and_usage_version, other_dataset
from collectors.rows import Adapter


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be imported; `adapter` turns a header of it into what reads its rows."""

    name: str
    adapter: Callable[[Sequence[str]], Adapter]


@dataclass(frozen=True, slots=True)
class _Family:
    """One kind of header: what it must have, spelt by `spell`, and which format of the family it is."""

    name: str
    required: tuple[str, ...]
    spell: Callable[[str], str]
    format: Callable[[Sequence[str]], Format]


def _focus(header: Sequence[str]) -> Format:
    return Format(f"FOCUS {cost_and_usage_version(header)}", FocusCosts)


def _cur(header: Sequence[str]) -> Format:
    return Format(CUR_2 if is_cur_2(header) else CUR_LEGACY, CurCosts)


FAMILIES: Final = (
    _Family("FOCUS", FOCUS_REQUIRED, str.lower, _focus),
    _Family("AWS CUR", CUR_REQUIRED, squashed, _cur),
)

NOT_YET: Final = {
    "an Azure cost export": {"metercategory", "consumedservice"},
    "a Google Cloud billing export": {"service.description", "sku.id"},
    "an Oracle Cloud cost report": {"lineitem/intervalusagestart", "cost/mycost"},
    "an OpenShift usage report": {"report_period_start", "interval_start"},
}
"""Headers that are recognised to say so; lower case."""

SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def recognise(header: Sequence[str], name: str) -> Format:
    """The format of a table by its header alone.

    Raises UnknownFormatError naming the columns that are missed, RefusedFileError for what is known and not imported.
    """
    for family in FAMILIES:
        if not _missing(family, header):
            return family.format(header)
    if dataset := other_dataset(header):
        raise RefusedFileError(f"{name} is a {dataset} file; only Cost and Usage can be imported for now.")
    lower = {column.lower() for column in header}
    for export, columns in NOT_YET.items():
        if columns <= lower:
            raise RefusedFileError(f"{name} is {export}: not supported yet.")
    if separator := _separator(header):
        raise RefusedFileError(f"{name} is separated by {separator}: save it with commas.")
    raise UnknownFormatError(_unknown(header, name))


def _separator(header: Sequence[str]) -> str:
    """What stands between the columns of a known format where commas should, empty when it is not that."""
    for mark, called in SEPARATORS.items():
        columns = [column.strip(' "') for column in ",".join(header).split(mark)]
        if not all(_missing(family, columns) for family in FAMILIES):
            return called
    return ""


def _missing(family: _Family, header: Sequence[str]) -> list[str]:
    present = {family.spell(column) for column in header}
    return [column for column in family.required if family.spell(column) not in present]


def _unknown(header: Sequence[str], name: str) -> str:
    nearest = min(FAMILIES, key=lambda family: len(_missing(family, header)) / len(family.required))
    missing = _missing(nearest, header)
    if len(missing) == len(nearest.required):
        known = ", ".join(family.name for family in FAMILIES)
        return f"{name} has none of the columns of a known billing format ({known})."
    return f"{name} looks most like {nearest.name} but misses {', '.join(missing)}."
