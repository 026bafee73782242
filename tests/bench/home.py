"""Where benchmarks keep files and databases between calls, and the servers that they run on."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BENCH = Path(os.environ.get("FINOPS_BENCH", CHECKOUT / ".bench"))
HOME = BENCH / "home"


def environment() -> dict[str, str]:
    """The environment of a `finops` process that works in the benchmarks' home."""
    return {**os.environ, "FINOPS_HOME": str(HOME)}
