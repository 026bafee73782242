"""Commands for costs: exchange rates; whoever may run them on the machine is the system, not a user."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from apps.core.errors import UserError
from apps.costs.rates import import_rates


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
