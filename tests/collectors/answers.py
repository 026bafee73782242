"""Answers of OpenAI's cost and usage APIs for tests, and where the saved ones lie."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collectors.files import discover
from tests.collectors.bills import Bill, read_found

PAYLOADS = Path(__file__).with_name("payloads")
OPENAI = (PAYLOADS / "openai-costs.json", PAYLOADS / "openai-usage-completions.json")
ANTHROPIC = (PAYLOADS / "anthropic-cost-report.jsonl", PAYLOADS / "anthropic-usage-report.json")
"""Costs, and the usage beside them."""

DAY = 86_400
JUNE = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())


def line(value: object = 1.5, currency: object = "usd", **more: object) -> dict[str, object]:
    """A line of costs."""
    return {"object": "organization.costs.result", "amount": {"value": value, "currency": currency}, **more}


def use(model: str = "gpt-5", **more: object) -> dict[str, object]:
    """A line of usage."""
    counts = {"input_tokens": 100, "input_cached_tokens": 40, "output_tokens": 7}
    return {"object": "organization.usage.completions.result", "model": model, **counts, **more}


def page(*days: Iterable[Mapping[str, object]], first: int = 1, has_more: bool = False) -> dict[str, Any]:
    """A page of whole days of June from `first` on, each with its lines."""
    starts = (JUNE + DAY * (first - 1 + number) for number in range(len(days)))
    buckets = [
        {"object": "bucket", "start_time": start, "end_time": start + DAY, "results": list(results)}
        for start, results in zip(starts, days, strict=True)
    ]
    return {"object": "page", "data": buckets, "has_more": has_more, "next_page": "page_A" if has_more else None}


def save(path: Path, *pages: object) -> Path:
    """Pages in a file: one as it is, several as a list."""
    path.write_text(json.dumps(pages[0] if len(pages) == 1 else pages))
    return path


def of(*paths: Path) -> Bill:
    """What the one delivery under some paths says."""
    (found,) = discover(paths).deliveries
    return read_found(found)
