"""Reading FOCUS files back, and what the specification says about them."""

import csv
import io
from typing import Any

import polars as pl

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.export import FocusExport, Format
from tests.costs.conftest import JUNE
from tests.shared import BILLING

EVERYTHING = Scope.everything()
FORMATS = tuple(Format)


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
