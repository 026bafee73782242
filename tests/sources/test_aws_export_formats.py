"""Every format that AWS exports, in both layouts of each, from a bucket to the last digit of its total."""

import csv
import gzip
import io
from decimal import Decimal

import pytest

from apps.sources.models import Delivery
from collectors.aws.columns import squashed
from tests.aws import Bucket
from tests.shared import BILLING, expected_totals
from tests.sources.conftest import connect, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

PERIODS = {"2026-05": "20260501-20260601", "2026-06": "20260601-20260701"}
RUN = "b96a03dc-c4a0-4ecf-92db-c998f5e6fc2e"
CURS = (
    ("nise/aws/May-2026.csv.gz", "2026-05"),
    ("nise/aws/June-2026.csv.gz", "2026-06"),
    ("nise/aws/June-2026-finalized.csv.gz", "2026-06"),
)
FOCUS = "focus-1.2-generated/focus_1_2_cost_and_usage_aws.csv.gz"
both_layouts = pytest.mark.parametrize("run", ["", RUN], ids=["overwrite", "create new"])


def check(name: str, format_: str) -> None:
    """What was loaded is that format, and all of it."""
    connected = connect()
    work(connected)

    delivery = Delivery.objects.get()
    expected = expected_totals()[name]
    assert (delivery.format, delivery.rows_loaded, delivery.rows_rejected) == (format_, expected["rows"], 0)
    assert stored() == Decimal(expected["billed"])
    assert stored("effective_cost") == Decimal(expected["effective"])


@pytest.mark.parametrize(("name", "month"), CURS)
@both_layouts
def test_a_legacy_report_adds_up(bucket: Bucket, name: str, month: str, run: str) -> None:
    bucket.legacy(PERIODS[month], {"cur-00001.csv.gz": (BILLING / name).read_bytes()}, run=run)

    check(name, "AWS CUR")


@both_layouts
def test_a_focus_export_adds_up(bucket: Bucket, run: str) -> None:
    bucket.data_export("2026-05", {"focus-00001.csv.gz": (BILLING / FOCUS).read_bytes()}, run=run)

    check(FOCUS, "FOCUS 1.2")


@both_layouts
def test_a_cur_2_export_in_chunks_adds_up(bucket: Bucket, run: str) -> None:
    """The same report as Data Exports write it: columns with underscores, tags as one column of JSON."""
    name, month = CURS[1]
    rows = list(csv.DictReader(io.StringIO(gzip.decompress((BILLING / name).read_bytes()).decode())))
    half = len(rows) // 2
    bucket.data_export(
        month, {"cur-00001.csv.gz": _as_cur_2(rows[:half]), "cur-00002.csv.gz": _as_cur_2(rows[half:])}, run=run
    )

    check(name, "AWS CUR 2.0")


def _as_cur_2(rows: list[dict[str, str]]) -> bytes:
    columns = {name: squashed(name) for name in rows[0] if not name.startswith("resourceTags/")}
    text = io.StringIO()
    writer = csv.DictWriter(text, [*columns.values(), "resource_tags"])
    writer.writeheader()
    for row in rows:
        writer.writerow({**{new: row[old] for old, new in columns.items()}, "resource_tags": "{}"})
    return gzip.compress(text.getvalue().encode())
