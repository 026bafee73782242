"""`finops import`: bills from files, folders and manifests, with progress; one line a delivery."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import structlog
from django.db import DatabaseError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.sources import services
from apps.sources.ledger import Progress as Tell
from apps.sources.ledger import explain
from apps.sources.models import Delivery
from apps.sources.queries import counted_twice, replaced_by, report
from collectors.errors import CollectorError
from collectors.files import FoundDelivery, discover

CONSOLE = Console(stderr=True)
log = structlog.get_logger(__name__)
GOOD = ("loaded", "unchanged")
TWO_VIEWS = " An actual and an amortised export are two views of one bill: load one of them."
NOTHING: Mapping[str, Any] = {
    "delivery": None,
    "format": "",
    "billing_periods": [],
    **dict.fromkeys(("rows_read", "rows_loaded", "rows_rejected"), 0),
    **dict.fromkeys(("billed_cost", "effective_cost", "currency")),
    "totals": [],
    "reconciled": False,
    "replaces": [],
    "also_in": [],
}
FORMATS = {
    "focus": "FOCUS",
    "aws-cur": "AWS CUR",
    "azure": "Azure",
    "gcp": "Google Cloud",
    "oci": "OCI",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "resources": "Resources",
    "prices": "List prices",
    "kubernetes": "Kubernetes usage",
    "utilization": "Utilisation",
    "tenancy": "GPU tenancy",
}


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
    """Import billing files: FOCUS 1.0 to 1.4, exports of AWS, Azure, Google Cloud and Oracle, as csv, csv.gz, zip or
    parquet, and saved answers of the OpenAI and Anthropic cost APIs as JSON. Likewise resources, list prices, usage of
    Kubernetes clusters, utilisation, and who held GPUs.

    PATHS are files, folders or manifests; formats are read from what is in them. The exit code is 0 only when nothing
    was rejected.
    """
    services.note_interrupted()
    found = discover(paths)
    for skipped in found.ignored:
        _note(f"Not a bill: {skipped.path} ({skipped.reason})")
    if not found.deliveries:
        raise UserError(f"No bill was found under {', '.join(map(str, paths))}.")
    lines = []
    for one in found.deliveries:
        lines.append(_import_one(one, source=source, expected=FORMATS.get(format_, ""), force=force))
        click.echo(json.dumps(lines[-1]) if as_json else as_sentence(lines[-1]))
    _note_replaced(lines)
    _note_counted_twice(lines)
    sys.exit(0 if all(line["status"] in GOOD and line["rows_rejected"] == 0 for line in lines) else 1)


def _import_one(one: FoundDelivery, *, source: str, expected: str, force: bool) -> dict[str, Any]:
    """Import one bill and tell how it went; one that breaks off must not keep the others from coming in."""
    try:
        with _progress(str(one.path)) as tell:
            received = services.import_bill(
                one,
                source=source,
                actor=None,
                origin=Delivery.Origin.COMMAND_LINE,
                expected=expected,
                force=force,
                progress=tell,
            )
    except UserError:
        raise
    except CollectorError as error:
        return {**NOTHING, "path": str(one.path), "status": "rejected", "error": str(error)}
    except Exception as error:
        if not isinstance(error, OSError | DatabaseError):
            log.exception("import broke off", path=str(one.path))
        return {**NOTHING, "path": str(one.path), "status": "failed", "error": explain(error)}
    return as_line(one, received)


def _note(text: str) -> None:
    CONSOLE.print(text, style="dim", markup=False, highlight=False)


def _note_replaced(lines: Sequence[Mapping[str, Any]]) -> None:
    """Bills of one call that replace each other may be meant (month to date, then the month), or be parts of one."""
    paths = {line["delivery"]: line["path"] for line in lines if line["status"] == "loaded"}
    for line in lines:
        for number in line["replaces"] if line["status"] == "loaded" else ():
            if number in paths:
                _note(
                    f"{line['path']} has replaced {paths[number]}: both are bills of one account and billing period."
                    " Were they parts of one bill, join them or give them a manifest."
                    f"{TWO_VIEWS if line['format'].startswith('Azure') else ''}"
                )


def _note_counted_twice(lines: Sequence[Mapping[str, Any]]) -> None:
    """Sources never replace each other: meant for different bills, they add up."""
    for line in lines:
        if line["also_in"]:
            _note(
                f"{line['path']} brings costs of days, accounts and services that {_listed(line)} brings too."
                " If both say the same, import under one --source, so that the newer replaces the older."
                f"{TWO_VIEWS if line['format'].startswith('Azure') else ''}"
            )


def _listed(line: Mapping[str, Any]) -> str:
    return ", ".join(f"source {name}" for name in line["also_in"])


def as_line(one: FoundDelivery, received: services.Received) -> dict[str, Any]:
    """What a program wants to know of an import; costs are exact decimal text, null where currencies differ."""
    told = report(received.delivery.pk, scope=Scope.everything())
    entry = told.delivery
    only = told.totals[0] if len(told.totals) == 1 else None
    return {
        "delivery": entry.pk,
        "path": str(one.path),
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
        "replaces": sorted({old.delivery_id for _, old in replaced_by(told, scope=Scope.everything()) if old}),
        "also_in": [] if received.unchanged else counted_twice(told, scope=Scope.everything()),  # told when it came
        "error": entry.error,
    }


def as_sentence(line: Mapping[str, Any]) -> str:
    """What a person wants to know of an import."""
    sums = "; ".join(
        f"billed {total['billed_cost']}, effective {total['effective_cost']} {total['currency']}"
        for total in line["totals"]
    )
    parts = [
        f"{line['status']}: {line['path']}",
        line["format"],
        f"{line['rows_loaded']:,} of {line['rows_read']:,} rows",
        f"{line['rows_rejected']:,} rejected" if line["rows_rejected"] else "",
        sums,
        "reconciled" if line["reconciled"] else "",
        f"replaces delivery {', '.join(map(str, line['replaces']))}" if line["replaces"] else "",
        line["error"],
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
