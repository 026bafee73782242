"""Files that people take away from the ledger."""

import csv
from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from apps.sources.models import RejectedRow

COLUMNS = ("position", "row", "column", "reason", "billed_cost", "effective_cost", "content")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rejected_csv(rows: QuerySet[RejectedRow], *, name: str) -> StreamingHttpResponse:
    """The rows as a csv download, streamed; text from the bill cannot act as a spreadsheet formula."""
    return StreamingHttpResponse(
        _lines(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(rows: QuerySet[RejectedRow]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows.values_list(*COLUMNS).iterator(chunk_size=2_000):
        yield writer.writerow([_harmless(value) for value in row])


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


class _Echo:
    """A file whose `write` hands the line back: csv.writer needs one."""

    def write(self, line: str) -> str:
        return line
