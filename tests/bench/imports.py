"""How fast bills come in, end to end: `finops import` as its own process, from the file to committed facts."""

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.bench import cur
from tests.bench.home import BENCH, environment

MILLION = 1_000_000


def import_parquet() -> tuple[float, str]:
    """Rows a second of a 5-million-line hourly CUR month in Parquet."""
    seconds, _ = _import(_file("parquet", 5 * MILLION))
    return round(5 * MILLION / seconds), "rows/s"


def import_csvgz() -> tuple[float, str]:
    """Rows a second of the same month as csv.gz."""
    seconds, _ = _import(_file("csv.gz", 5 * MILLION))
    return round(5 * MILLION / seconds), "rows/s"


def import_memory_1m() -> tuple[float, str]:
    """Peak memory of the import process at 1 million lines."""
    return round(_import(_file("parquet", MILLION))[1]), "MB"


def import_memory_5m() -> tuple[float, str]:
    """Peak memory of the import process at 5 million lines."""
    return round(_import(_file("parquet", 5 * MILLION))[1]), "MB"


def reimport() -> tuple[float, str]:
    """Seconds until the command has found a 5-million-line month unchanged, interpreter start included."""
    path = _file("parquet", 5 * MILLION)
    _import(path)
    seconds, _ = run_import(path)
    return round(seconds, 3), "s"


def _file(kind: str, rows: int) -> Path:
    path = BENCH / f"cur-{rows // MILLION}m.{kind}"
    if not path.exists():
        draft = path.with_suffix(".draft")
        (cur.write_parquet if kind == "parquet" else cur.write_csv_gz)(draft, rows)
        draft.rename(path)
    return path


@cache
def _import(path: Path) -> tuple[float, float]:
    """Seconds and peak MB of one import."""
    return run_import(path, "--force")


def run_import(path: Path, *options: str) -> tuple[float, float]:
    """Seconds and peak MB of `finops import`; raises where it did not load the file."""
    before = time.perf_counter()
    finops = Path(sys.executable).with_name("finops")
    child = subprocess.Popen(
        [finops, "import", path, "--source", path.name, "--json", *options], stdout=subprocess.PIPE, env=environment()
    )
    assert child.stdout is not None
    line = json.loads(child.stdout.read())
    _, status, usage = os.wait4(child.pid, 0)
    is_bill = line["billed_cost"] is not None
    if status != 0 or (is_bill and not line["reconciled"]):
        raise RuntimeError(f"the import failed: {line}")
    return time.perf_counter() - before, usage.ru_maxrss / 1024
