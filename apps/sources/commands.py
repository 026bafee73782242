"""`finops import`: bills from files, folders and manifests, with progress; one line a delivery."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from apps.accounts.scope import Scope
from apps.sources import services
from apps.sources.ledger import Progress as Tell
from apps.sources.models import Delivery
from apps.sources.queries import DeliveryReport, report
from collectors.files import discover

CONSOLE = Console(stderr=True)
FORMATS = {"focus": "FOCUS", "aws-cur": "AWS CUR"}


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--source", default=services.DEFAULT_SOURCE, show_default=True, help="Whose older bills these replace.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["auto", *FORMATS]),
    default="auto",
    show_default=True,
    help="auto: what the header says; else whatever is something other is rejected.",
)
@click.option("--force", is_flag=True, help="Load a bill again although the same content was loaded before.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, nothing else, on standard output.")
def import_(paths: tuple[Path, ...], source: str, format_: str, force: bool, as_json: bool) -> None:
    """Import billing files: FOCUS 1.0 to 1.4 and AWS Cost and Usage Reports, as csv, csv.gz, zip or parquet.

    PATHS are files, folders or manifests; formats are read from the headers. The exit code is 0 only when nothing
    was rejected.
    """
    services.note_interrupted()
    found = discover(paths)
    for skipped in found.ignored:
        CONSOLE.print(f"Not a bill: {skipped.path} ({skipped.reason})", style="dim", markup=False, highlight=False)
    clean = True
    for one in found.deliveries:
        with _progress(str(one.path)) as tell:
            received = services.import_bill(
                one,
                source=source,
                actor=None,
                origin=Delivery.Origin.COMMAND_LINE,
                expected=FORMATS.get(format_, ""),
                force=force,
                progress=tell,
            )
        told = report(received.delivery.pk, scope=Scope.everything())
        click.echo(json.dumps(as_line(told, received)) if as_json else as_sentence(told, received))
        clean = clean and told.is_clean
    sys.exit(0 if clean else 1)


def as_line(told: DeliveryReport, received: services.Received) -> dict[str, Any]:
    """What a program wants to know of an import; costs are exact decimal text, null where currencies differ."""
    entry = told.delivery
    only = told.totals[0] if len(told.totals) == 1 else None
    return {
        "delivery": entry.pk,
        "path": entry.path,
        "format": entry.format,
        "billing_periods": [str(period) for period in told.billing_periods],
        "rows_read": entry.rows_read,
        "rows_loaded": entry.rows_loaded,
        "rows_rejected": entry.rows_rejected,
        "billed_cost": _plain(only and only.billed_cost),
        "effective_cost": _plain(only and only.effective_cost),
        "currency": only and only.currency,
        "totals": [
            {
                "currency": total.currency,
                "billed_cost": _plain(total.billed_cost),
                "effective_cost": _plain(total.effective_cost),
            }
            for total in told.totals
        ],
        "status": "unchanged" if received.unchanged else entry.status,
        "reconciled": told.is_reconciled,
        "error": entry.error,
    }


def as_sentence(told: DeliveryReport, received: services.Received) -> str:
    """What a person wants to know of an import."""
    entry = told.delivery
    status = "unchanged" if received.unchanged else entry.status
    sums = "; ".join(
        f"billed {_plain(total.billed_cost)}, effective {_plain(total.effective_cost)} {total.currency}"
        for total in told.totals
    )
    parts = [
        f"{status}: {entry.path}",
        entry.format,
        f"{entry.rows_loaded:,} of {entry.rows_read:,} rows",
        f"{entry.rows_rejected:,} rejected" if entry.rows_rejected else "",
        sums,
        "reconciled" if told.is_reconciled else "",
        entry.error,
    ]
    return " | ".join(filter(None, parts))


def _plain(amount: Any) -> str | None:
    """Exact decimal text without an exponent and without trailing zeros."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@contextmanager
def _progress(path: str) -> Iterator[Tell]:
    """A bar on standard error with rows, MB and time left."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=CONSOLE, transient=True) as bar:
        task = bar.add_task(Path(path).name, rows=0, total=None)

        def tell(entry: Delivery) -> None:
            bar.update(task, completed=entry.bytes_read, total=entry.bytes_total, rows=entry.rows_read)

        yield tell
