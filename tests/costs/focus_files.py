"""Bills in, FOCUS files out and read back, and what the specification says about them."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from click.testing import CliRunner
from django.db import connection

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.export import FocusExport, Format
from apps.sources.commands import import_
from tests.costs.conftest import JUNE
from tests.shared import BILLING

EVERYTHING = Scope.everything()
FORMATS = tuple(Format)
WHOLE_YEARS = Period(date(2023, 1, 1), date(2026, 12, 31))
"""Every shared bill is within."""


def specification() -> list[dict[str, str]]:
    """The FOCUS specification's own list of Cost and Usage columns."""
    with (BILLING / "focus-spec/focus_columns.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["dataset"] == "CostAndUsage"]


def written(export: FocusExport, format_: Format = Format.CSV) -> pl.DataFrame:
    """The rows of an export, read back; a csv's as text."""
    data = b"".join(export.chunks(format_))
    if format_ is Format.PARQUET:
        return pl.read_parquet(data)
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    return pl.DataFrame(
        [[text or None for text in row] for row in rows], dict.fromkeys(header, pl.String), orient="row"
    )


def exported(period: Period = JUNE, **options: Any) -> pl.DataFrame:
    """A csv export of everything in the period, as text."""
    return written(FocusExport(period=period, scope=options.pop("scope", EVERYTHING), **options))


def import_bill(path: Path, source: str) -> None:
    """Import through the command line; fails when a row is rejected."""
    with connection.cursor() as cursor:
        # they go with the transaction, which in a test is the whole test
        cursor.execute("DROP TABLE IF EXISTS staged_key, allocated_key, reallocated_key")
    done = CliRunner().invoke(import_, [str(path), "--source", source], catch_exceptions=False)
    assert done.exit_code == 0, done.output
