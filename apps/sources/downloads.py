"""Files that people take away from the ledger."""

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from apps.core.downloads import csv_download
from apps.sources.models import RejectedRow

COLUMNS = ("position", "row", "column", "reason", "billed_cost", "effective_cost", "content")


def rejected_csv(rows: QuerySet[RejectedRow], *, name: str) -> StreamingHttpResponse:
    """The rows as a csv download, streamed."""
    return csv_download(COLUMNS, rows.values_list(*COLUMNS).iterator(chunk_size=2_000), name=name)
