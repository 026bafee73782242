"""Where the shared sample data lies: beside the checkout, or beside a folder that holds it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

SHARED = next(
    folder / "shared" for folder in Path(__file__).resolve().parents if (folder / "shared" / "contract.md").exists()
)
BILLING = SHARED / "data" / "billing"


@cache
def expected_totals() -> dict[str, Any]:
    """Rows and sums of every sample file, computed by others: file -> {rows, billed, effective ...}."""
    totals: dict[str, Any] = json.loads((BILLING / "expected_totals.json").read_text())
    return totals
