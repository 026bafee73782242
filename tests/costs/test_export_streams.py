"""Large FOCUS files: read from the database as they are written, in bounded memory, as far as somebody reads."""

from collections.abc import Iterator
from datetime import date

import polars as pl
import psutil
import pytest
from django.db import connection

from apps.core.errors import UserError
from apps.core.parquet import ROW_GROUP, parquet_chunks
from apps.costs.export import FocusExport, Format
from tests.costs.conftest import JUNE, Ledger, owned
from tests.costs.focus_files import EVERYTHING, FORMATS

MANY = 200_000
WIDE = "a description that makes rows wide, so that all of them together would not fit " * 10


@pytest.fixture
def many(ledger: Ledger) -> None:
    """200,000 facts of 400 charge keys, about 220 MB of csv."""
    ledger(*(owned(date(2026, 6, 1), "1", resource_id=f"i-{place}", charge_description=WIDE) for place in range(400)))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO costs_dailycharge"
            " (statement_id, key_id, day, billed_cost, effective_cost, row_count, first_row)"
            " SELECT statement_id, key_id, day, n * 0.01, n * 0.01, 1, n"
            " FROM costs_dailycharge CROSS JOIN generate_series(1, %s) n",
            [MANY // 400 - 1],
        )


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("format_", FORMATS)
def test_200_000_charges_are_streamed_in_bounded_memory(format_: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.parquet.ROW_GROUP", 5_000)  # memory is some row groups, however many there are
    export = FocusExport(period=JUNE, scope=EVERYTHING)
    assert export.rows == MANY
    read: list[int] = [0]
    process = psutil.Process()
    before = peak = process.memory_info().rss
    size, first = 0, -1

    for chunk in export.chunks(format_, tell=read.append):
        first = read[-1] if first < 0 else first
        size += len(chunk)
        peak = max(peak, process.memory_info().rss)

    assert (read[-1], read) == (MANY, sorted(read))
    assert first < MANY / 2  # the first bytes were here before the rest was read
    assert peak - before < 140_000_000
    assert format_ is Format.PARQUET or size > 180_000_000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format_", FORMATS)
def test_a_reader_who_goes_away_stops_the_reading(format_: Format, many: None) -> None:
    read: list[int] = [0]
    chunks = FocusExport(period=JUNE, scope=EVERYTHING).chunks(format_, tell=read.append)

    next(chunks)
    chunks.close()  # type: ignore[attr-defined]

    assert read[-1] < MANY
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM costs_dailycharge")
        assert cursor.fetchone() == (MANY,)


def test_what_fails_while_a_parquet_file_is_written_reaches_its_reader() -> None:
    schema = pl.Schema({"n": pl.Int64()})

    def frames() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"n": range(ROW_GROUP)}, schema)
        raise UserError("the database went away")

    with pytest.raises(UserError, match="the database went away"):
        list(parquet_chunks(frames(), schema))


def test_frames_become_one_parquet_file() -> None:
    schema = pl.Schema({"n": pl.Int64()})
    frames = (pl.DataFrame({"n": range(10_000)}, schema) for _ in range(30))

    data = b"".join(parquet_chunks(frames, schema))

    assert pl.read_parquet(data).height == 300_000
    assert pl.read_parquet(data)["n"].sum() == 30 * sum(range(10_000))
