"""A university's GPU cluster as recorded: the shared trace of its jobs as an exporter would have told it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.prometheus import backfill
from tests.shared import SHARED

GPU_HOURS = 2739.3
UTILISATION = 0.7056
"""As the trace's README computes them from its jobs, weighted by GPU-hours."""

END = datetime(2026, 6, 10, 10, 59, tzinfo=UTC)
"""The trace ends here, to the minute as it was recorded: more than three days of it."""

TRACE = SHARED / "data" / "gpu" / "alex_gpu_jobs.csv"
_KEPT = ("DCGM_FI_DEV_GPU_UTIL", "# TYPE DCGM_FI_DEV_GPU_UTIL", "# EOF")
Gap = tuple[datetime, datetime]


def replay(folder: Path, *options: str, without: Gap | None = None) -> Path:
    """A database with the utilisation of the trace, sampled each minute; `without` is when nothing was scraped."""
    tool = SHARED / "tools" / "gpu_trace_to_openmetrics.py"
    words: list[str | Path] = [sys.executable, tool, "alex", TRACE, f"--end={END.timestamp():.0f}", *options]
    text = folder / "gpu.om"
    with (
        text.open("w") as out,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as told,
    ):
        kept = (line for line in told.stdout or () if line.startswith(_KEPT))
        out.writelines(line for line in kept if not (without and _is_in(line, without)))
    backfill(text, folder / "data")
    text.unlink()
    return folder / "data"


def _is_in(line: str, gap: Gap) -> bool:
    return line[0] != "#" and gap[0].timestamp() <= int(line.rsplit(" ", 1)[1]) < gap[1].timestamp()
