"""Files of utilisation and of tenancy: the same from csv and Parquet, and faults by row, column and reason."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from collectors.billing import detect
from collectors.files import FoundDelivery
from collectors.records import RecordSet, read_records, write_frame, write_records
from collectors.tenancy import TENANCY
from collectors.utilization import METRICS, UTILIZATION, hourly
from tests.utilization.conftest import DAY, frame, held, hour

POINTS = [0.1, None, 0.3, *[None] * 9]


def read(path: Path, records: RecordSet = UTILIZATION) -> tuple[pl.DataFrame, pl.DataFrame]:
    batches = list(read_records(FoundDelivery(path, (path,)), records))
    return pl.concat([one.records for one in batches]), pl.concat([one.rejected for one in batches])


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = [hour(points=POINTS, peaks=[0.9] * 12, slices=Decimal("0.142857142857142857")), hour(1, minutes=0.5)]
    from_csv, rejected = read(write_records(UTILIZATION, rows, tmp_path))
    from_parquet, also_rejected = read(write_frame(UTILIZATION, frame(UTILIZATION, rows), tmp_path))

    assert rejected.is_empty()
    assert also_rejected.is_empty()
    assert from_csv.equals(from_parquet)
    assert dict(from_csv.schema) == dict(UTILIZATION.schema)
    assert from_csv["points"].to_list() == [POINTS, None]


def test_hours_of_points_can_be_written_as_they_are(tmp_path: Path) -> None:
    points = pl.DataFrame(
        {
            "resource_id": "i-1",
            "metric": "gpu",
            "at": pl.datetime_range(DAY, DAY + timedelta(hours=2), "1m", closed="left", eager=True),
        }
    ).with_columns(value=pl.lit(0.25))
    records, rejected = read(write_frame(UTILIZATION, hourly(points, 60), tmp_path))

    assert rejected.is_empty()
    assert records.select("hour", "minutes", "average").rows() == [
        (DAY, 60.0, 0.25),
        (DAY + timedelta(hours=1), 60.0, 0.25),
    ]


def test_a_file_is_recognised_by_its_header(tmp_path: Path) -> None:
    path = write_records(UTILIZATION, [hour()], tmp_path)
    assert detect(FoundDelivery(path, (path,))).name == "Utilisation"
    path = write_records(TENANCY, [held()], tmp_path)
    assert detect(FoundDelivery(path, (path,))).name == "GPU tenancy"


@pytest.mark.parametrize(
    ("told", "column", "reason"),
    [
        ({"metric": "gpus"}, "metric", "is none of gpu, gpu_memory"),
        ({"average": "much"}, "average", "is not a number: much"),
        ({"average": "nan"}, "average", "is not a number: nan"),
        ({"average": -0.1}, "average", "is negative"),
        ({"average": 1e19, "metric": "power_watts"}, "average", "is too large"),
        ({"average": ""}, "average", "is empty"),
        ({"average": 1.5}, "maximum", "is a ratio and above 1"),
        ({"maximum": 0.4}, "maximum", "is below what it tops"),
        ({"hour": datetime(2026, 6, 1, 0, 30, tzinfo=UTC)}, "hour", "is no full hour"),
        ({"minutes": 0}, "minutes", "is not above 0 and up to 60"),
        ({"minutes": 61}, "minutes", "is not above 0 and up to 60"),
        ({"slices": 2}, "slices", "is not above 0 and up to 1"),
        ({"points": [0.1]}, "points", "has not 12 numbers"),
        ({"points": ["a"] * 12}, "points", "is no JSON list of numbers"),
        ({"points": "[1,"}, "points", "is no JSON list of numbers"),
        ({"peaks": [-1] * 12}, "peaks", "is no JSON list of numbers that are not negative"),
        ({"resource_id": "", "node": "", "device": ""}, "resource_id", "names nothing"),
    ],
)
def test_a_row_with_a_fault_is_rejected_with_column_and_reason(
    told: dict[str, Any], column: str, reason: str, tmp_path: Path
) -> None:
    records, rejected = read(write_records(UTILIZATION, [hour(), {**hour(), **_with_top(told)}, hour(1)], tmp_path))

    assert records.height == 2
    row, at, why = rejected.select("row", "column", "reason").row(0)
    assert (row, at) == (2, column)
    assert why.startswith(reason)


def _with_top(told: dict[str, Any]) -> dict[str, Any]:
    """A fault of the average alone, where that is what is tried."""
    top = told.get("average")
    return ({"p95": top, "maximum": top} if isinstance(top, float) else {}) | told


@pytest.mark.parametrize(
    ("told", "column", "reason"),
    [
        ({"share": Decimal(2)}, "share", "is above 1"),
        ({"minutes": 61}, "minutes", "is above 60"),
        ({"minutes": None}, "minutes", "is empty, although a pod is named"),
        ({"namespace": None}, "namespace", "is empty, although a pod is named"),
        ({"device": None}, "device", "is empty"),
    ],
)
def test_a_holder_that_cannot_be_is_rejected(told: dict[str, Any], column: str, reason: str, tmp_path: Path) -> None:
    nobody = held(1, namespace=None, pod=None, workload=None, container=None, minutes=None, share=None)
    records, rejected = read(write_records(TENANCY, [held(), held(2) | told, nobody], tmp_path), TENANCY)

    assert records["pod"].to_list() == ["train-0", None]
    assert rejected.select("row", "column", "reason").rows() == [(2, column, reason)]


def test_a_column_that_the_set_does_not_have_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colour"):
        write_frame(UTILIZATION, pl.DataFrame({"colour": ["red"]}), tmp_path)


def test_every_metric_has_a_number_of_its_own_for_ever() -> None:
    numbers = {name: metric.number for name, metric in METRICS.items()}
    assert numbers == {
        "gpu": 1,
        "gpu_memory": 2,
        "gpu_memory_mib": 3,
        "power_watts": 4,
        "tensor": 5,
        "cpu": 6,
        "memory": 7,
        "network_bytes_per_second": 8,
        "disk_bytes_per_second": 9,
        "requests_per_second": 10,
    }
