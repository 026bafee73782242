"""Runs of one export: told to keep them, Azure puts each into a folder or file named by a GUID beside the older ones.

Only the newest run of a period counts: the older ones say less of the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

_PERIOD: Final = re.compile(r"\d{8}-\d{8}")
GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Runs:
    """Files that are not to be loaded, and why; folders of periods of which nobody can tell the newest run."""

    older: dict[Path, str]
    problems: dict[Path, str]
    left_out: frozenset[Path]


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    files: tuple[Path, ...]
    time: float


def find_runs(files: Iterable[Path], manifests: Mapping[Path, datetime | None]) -> Runs:
    """What is older than the newest run of its export and period.

    `manifests` say when their run was started; where they do not, the files' own times tell. A manifest in the folder
    of the period itself says which run counts, so that nothing there is decided here.
    """
    older: dict[Path, str] = {}
    problems: dict[Path, str] = {}
    unclear: set[Path] = set()
    for period, runs in _grouped(files, {path.parent for path in manifests}):
        *others, newest = sorted((_run(*run, manifests) for run in runs.items()), key=lambda run: run.time)
        if equal := [run for run in others if run.time == newest.time]:
            problems[period] = (
                f"{period} holds the runs {equal[0].name} and {newest.name}, and nothing tells which is newer:"
                " name the files of the one that counts."
            )
            unclear |= {file for run in (*others, newest) for file in run.files}
        else:
            told = f"belongs to an older run of the export: {newest.name} is the newest"
            older |= {file: told for run in others for file in run.files}
    return Runs(older, problems, frozenset(older.keys() | unclear))


def _grouped(files: Iterable[Path], decided: set[Path]) -> Iterator[tuple[Path, dict[str, list[Path]]]]:
    """For each export's folder of a period, the files of its runs by their GUIDs."""
    exports: dict[tuple[Path, str], dict[str, list[Path]]] = {}
    for file in files:
        period = next((folder for folder in file.parents if _PERIOD.fullmatch(folder.name)), None)
        if period is None or period in decided:
            continue
        for part in file.relative_to(period).parts:
            if run := GUID.search(part):
                exports.setdefault((period, GUID.sub("*", part)), {}).setdefault(run[0].lower(), []).append(file)
                break
    yield from ((period, runs) for (period, _), runs in exports.items())


def _run(name: str, files: Iterable[Path], manifests: Mapping[Path, datetime | None]) -> _Run:
    found = tuple(files)
    started = [time.timestamp() for file in found if (time := manifests.get(file))]
    return _Run(name, found, max(started or [file.stat().st_mtime for file in found]))
