"""Lists that people take away as csv files: streamed, and harmless to a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from django.http import StreamingHttpResponse

from apps.core.exact import exact_text

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_download(columns: Sequence[str], rows: Iterable[Sequence[object]], *, name: str) -> StreamingHttpResponse:
    """The rows as the csv download `name`, streamed; text that somebody else wrote cannot act as a formula."""
    return StreamingHttpResponse(
        csv_lines(columns, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The head and the rows, line by line."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_written(value) for value in row])


def harmless(value: object) -> object:
    """Text that a spreadsheet would take for a formula with an apostrophe before it; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _written(value: object) -> object:
    """Amounts with every digit that counts, and harmless text."""
    return exact_text(value) if isinstance(value, Decimal) else harmless(value)


class _Echo:
    """A file whose `write` hands the line back: csv.writer needs one."""

    def write(self, line: str) -> str:
        return line
