"""Commands for costs: exchange rates, FOCUS files; whoever may run them on the machine is the system, not a user."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.accounts.models import Organisation
from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.costs.export import FocusExport, Tell
from apps.costs.export_file import check_target, write_file
from apps.costs.focus import Version
from apps.costs.parameters import Parameters
from apps.costs.queries import freshness
from apps.costs.rates import import_rates

CONSOLE = Console(stderr=True)


@click.group()
def rates() -> None:
    """Exchange rates."""


@rates.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(file: Path, as_json: bool) -> None:
    """Set the rates of FILE: a CSV with the columns currency, reporting_currency, month, rate."""
    try:
        # utf-8-sig: spreadsheets put a mark in front
        lines = file.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read as UTF-8 text: {error}") from error
    done = import_rates(lines=lines, file_name=file.name, actor=None)
    if as_json:
        click.echo(json.dumps({"file": str(file), **asdict(done)}))
    else:
        click.echo(f"{file.name}: {done.added} added, {done.changed} changed, {done.unchanged} unchanged.")


@click.group()
def export() -> None:
    """Costs as files."""


@export.command("focus")
@click.option("--start", required=True, help="First day, YYYY-MM-DD.")
@click.option("--end", required=True, help="Last day, included.")
@click.option(
    "--version", default=Version.V1_2.value, show_default=True, type=click.Choice([one.value for one in Version])
)
@click.option(
    *("-o", "--output"),
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .csv or .parquet.",
)
@click.option("--filter", "filters", multiple=True, metavar="DIM=A,B", help="Only charges with one of the values.")
@click.option("--exclude", "excludes", multiple=True, metavar="DIM=A,B", help="No charges with one of the values.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def focus(
    *,
    start: str,
    end: str,
    version: str,
    output: Path,
    filters: tuple[str, ...],
    excludes: tuple[str, ...],
    force: bool,
) -> None:
    """Write what was charged from START to END as a FOCUS Cost and Usage file, amounts as billed.

    Dimensions and values are those of the API: service=EC2,S3 or tag:env=prod.
    """
    format_ = check_target(output, force=force)
    given = MultiValueDict({"start": [start], "end": [end]})
    for word, texts in (("filter", filters), ("exclude", excludes)):
        for text in texts:
            dimension, equals, values = text.partition("=")
            if not equals:
                raise UserError(f"--{word} {text}: write a dimension and its values, like service=EC2,S3.")
            given.appendlist(f"{word}[{dimension}]", values)
    parameters, today = Parameters(given), timezone.now().date()
    found = FocusExport(
        period=parameters.period(today, Organisation.current()),
        scope=Scope.everything(),
        filters=parameters.filters(),
        version=Version(version),
    )
    if not found.rows:
        newest = freshness(today=today, scope=Scope.everything()).day
        known = f"The newest day with costs is {newest}." if newest else "No bill has been imported yet."
        raise UserError(f"There is nothing to export: no charge from {start} to {end} matches. {known}")
    with _progress(output.name, found.rows) as tell:
        size = write_file(found.chunks(format_, tell), output)
    click.echo(f"{output}: {found.rows:,} rows, FOCUS {version}, {size:,} bytes")


@contextmanager
def _progress(name: str, rows: int) -> Iterator[Tell]:
    """A bar on standard error with rows and time left."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=CONSOLE, transient=True) as bar:
        task = bar.add_task(name, total=rows)
        yield lambda done: bar.update(task, completed=done)
