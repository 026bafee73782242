"""What the invented company consists of: the tables in data/, read once."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data"

Row = Mapping[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """The rows of data/<name>.csv, every value as text."""
    with (DATA / f"{name}.csv").open(newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def by(name: str, *columns: str) -> Mapping[tuple[str, ...], Row]:
    """The rows of data/<name>.csv by the values of `columns`."""
    return {tuple(row[column] for column in columns): row for row in rows(name)}


def find(name: str, **values: str) -> Row:
    """The one row of data/<name>.csv with these values."""
    return by(name, *values)[tuple(values.values())]
