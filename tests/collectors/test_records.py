"""Record sets: what is written is read again, whatever it is packed in, and what cannot be read is never lost."""

import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.charges import REJECTED_SCHEMA
from collectors.errors import RefusedFileError
from collectors.files import FoundDelivery
from collectors.kubernetes_usage import KUBERNETES_USAGE
from collectors.prices import PRICES
from collectors.records import RecordSet, read_records, write_records
from collectors.resources import RESOURCES

MACHINE: dict[str, object] = {
    "provider": "AWS",
    "sub_account_id": "111122223333",
    "sub_account_name": "Northwind research",
    "region_id": "eu-central-1",
    "resource_id": "i-0abc",
    "aliases": ["arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc"],
    "resource_name": "trainer, 1",
    "kind": "machine",
    "resource_type": "EC2 instance",
    "size": "p4d.24xlarge",
    "state": "running",
    "created_at": datetime(2026, 6, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))),
    "parent_id": None,
    "tags": {"team": "search", "Name": "trainer 1"},
    "details": {"zone": "eu-central-1a", "vcpus": 96},
    "listing": "111122223333/eu-central-1/ec2:instance",
}


def read(*paths: Path, records: RecordSet = RESOURCES) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All records and all rejected rows of one delivery."""
    batches = list(read_records(FoundDelivery(paths[0], paths), records))
    return pl.concat([one.records for one in batches]), pl.concat([one.rejected for one in batches])


def as_csv(folder: Path, *rows: dict[str, object]) -> Path:
    return write_records(RESOURCES, rows, folder)


def only_fault(rejected: pl.DataFrame) -> tuple[int, str, str]:
    assert rejected.height == 1
    row, column, reason = rejected.select("row", "column", "reason").row(0)
    return row, column, reason


def test_what_is_written_is_read_again_with_the_types_of_the_set(tmp_path: Path) -> None:
    records, rejected = read(as_csv(tmp_path, MACHINE))
    assert dict(records.schema) == dict(RESOURCES.schema)
    assert records.row(0, named=True) == MACHINE | {
        "created_at": datetime(2026, 6, 1, 10, 30, tzinfo=UTC),
        "aliases": '["arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc"]',
        "tags": '{"Name":"trainer 1","team":"search"}',
        "details": '{"vcpus":96,"zone":"eu-central-1a"}',
    }
    assert rejected.is_empty()
    assert dict(rejected.schema) == dict(REJECTED_SCHEMA)


PRICE: dict[str, object] = {
    "provider": "AWS",
    "sku_id": "M5",
    "list_unit_price": Decimal("0.115"),
    "pricing_unit": "Hours",
    "pricing_currency": "USD",
}


@pytest.mark.parametrize(
    ("records", "row", "column"),
    [
        *((RESOURCES, MACHINE, column) for column in ("provider", "resource_id", "kind")),
        *((PRICES, PRICE, column) for column in PRICE),
    ],
)
def test_what_every_row_needs_is_missed_by_name(
    tmp_path: Path, records: RecordSet, row: dict[str, object], column: str
) -> None:
    kept, rejected = read(write_records(records, [row, row | {column: None}], tmp_path), records=records)

    assert kept.height == 1
    assert only_fault(rejected) == (2, column, "is empty")


def test_the_same_rows_are_the_same_bytes_in_whatever_order_their_tags_come(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    turned = MACHINE | {"tags": {"Name": "trainer 1", "team": "search"}}
    assert as_csv(tmp_path, MACHINE).read_bytes() == as_csv(tmp_path / "again", turned).read_bytes()


def test_a_column_that_the_set_does_not_have_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colour"):
        as_csv(tmp_path, MACHINE | {"colour": "red"})


def _plain(folder: Path, text: str) -> Path:
    (folder / "resources.csv").write_text(text)
    return folder / "resources.csv"


def _gzipped(folder: Path, text: str) -> Path:
    (folder / "resources.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder / "resources.csv.gz"


def _zipped(folder: Path, text: str) -> Path:
    with zipfile.ZipFile(folder / "resources.zip", "w") as archive:
        archive.writestr("resources.csv", text)
    return folder / "resources.zip"


def _parquet(folder: Path, text: str) -> Path:
    frame = pl.read_csv(text.encode(), infer_schema=False).with_columns(
        pl.col("created_at").str.to_datetime(time_zone="UTC")
    )
    frame.write_parquet(folder / "resources.parquet")
    return folder / "resources.parquet"


def _json_lines(folder: Path, text: str) -> Path:
    del text
    row = {name: value for name, value in MACHINE.items() if value is not None}
    (folder / "resources.json").write_text(json.dumps(row | {"created_at": "2026-06-01T10:30:00Z"}) + "\n")
    return folder / "resources.json"


@pytest.mark.parametrize("pack", [_plain, _gzipped, _zipped, _parquet, _json_lines])
def test_every_packing_says_the_same(pack: Callable[[Path, str], Path], tmp_path: Path) -> None:
    plain, _ = read(as_csv(tmp_path, MACHINE))
    packed, rejected = read(pack(tmp_path, (tmp_path / "resources.csv").read_text()))
    assert rejected.is_empty()
    assert packed["details"].item().replace('"96"', "96") == plain["details"].item()  # JSON lines keep digits as text
    assert packed.drop("details").rows() == plain.drop("details").rows()


def test_people_may_write_names_with_blanks_and_a_column_for_each_tag(tmp_path: Path) -> None:
    text = "Provider,Resource ID,Kind,tags.team,tags.cost center\nAWS, i-1 ,Machine,search,\n"
    records, rejected = read(_plain(tmp_path, text))
    assert rejected.is_empty()
    row = records.row(0, named=True)
    assert (row["resource_id"], row["kind"], row["tags"]) == ("i-1", "machine", '{"team":"search"}')


@pytest.mark.parametrize(
    ("fault", "column", "reason"),
    [
        ({"kind": "maschine"}, "kind", "is none of machine, disk"),
        ({"state": "on"}, "state", "is none of running, stopped"),
        ({"created_at": "yesterday"}, "created_at", "is not a time like 2026-06-01T00:00:00Z: 'yesterday'"),
        ({"tags": "team=search"}, "tags", "is no JSON object"),
        ({"tags": ["search"]}, "tags", "is no JSON object"),
        ({"aliases": "arn"}, "aliases", "is no JSON list of texts"),
        ({"aliases": [1]}, "aliases", "is no JSON list of texts"),
        ({"resource_id": "i" * 601}, "resource_id", "is longer than 600 characters"),
        ({"provider": None}, "provider", "is empty"),
        ({"resource_id": None}, "resource_id", "is empty"),
    ],
)
def test_a_row_with_a_fault_is_rejected_whole_with_column_and_reason(
    fault: dict[str, object], column: str, reason: str, tmp_path: Path
) -> None:
    records, rejected = read(as_csv(tmp_path, MACHINE, MACHINE | fault, MACHINE | {"resource_id": "i-2"}))
    assert records["resource_id"].to_list() == ["i-0abc", "i-2"]
    row, at, why = only_fault(rejected)
    assert (row, at) == (2, column)
    assert why.startswith(reason)
    assert json.loads(rejected["content"].item())["resource_name"] == "trainer, 1"
    assert rejected.select("billed_cost", "effective_cost").row(0) == (Decimal(0), Decimal(0))


def test_a_row_with_too_many_fields_is_rejected(tmp_path: Path) -> None:
    records, rejected = read(_plain(tmp_path, "provider,resource_id,kind\nAWS,i-1,machine\nAWS,i-2,machine,odd\n"))
    assert records["resource_id"].to_list() == ["i-1"]
    assert only_fault(rejected) == (2, "", "has 4 fields, but the header names 3")
    assert rejected["billed_cost"].item() == 0


def test_the_end_of_a_listing_names_no_resource(tmp_path: Path) -> None:
    end = {"provider": "AWS", "listing": "111122223333/eu-central-1/ec2:volume"}
    records, rejected = read(as_csv(tmp_path, MACHINE, end))
    assert rejected.is_empty()
    assert records.select("resource_id", "listing").row(1) == (None, "111122223333/eu-central-1/ec2:volume")


def test_values_in_a_row_without_a_resource_id_are_not_taken_for_the_end_of_a_listing(tmp_path: Path) -> None:
    _, rejected = read(as_csv(tmp_path, {"provider": "AWS", "listing": "a", "resource_name": "trainer"}))
    assert only_fault(rejected) == (1, "resource_id", "is empty")


def test_rows_are_numbered_through_the_members_of_an_archive(tmp_path: Path) -> None:
    header = "provider,resource_id,kind\n"
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", header + "AWS,i-1,machine\nAWS,i-2,machine\n")
        archive.writestr("b.csv", header + "AWS,i-3,odd\n")
    _, rejected = read(tmp_path / "two.zip")
    assert rejected["row"].to_list() == [3]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("provider,resource_id,kind,sate", "have no column 'sate'"),
        ("provider,resource_id,kind,Kind", "names Kind twice"),
        ("provider,resource_id", "misses kind"),
        ("provider,resource_id,kind,tags,tags.team", "both tags and tags.team"),
    ],
)
def test_a_header_that_would_lose_something_is_refused(header: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match=sentence):
        read(_plain(tmp_path, f"{header}\nAWS,i-1,machine,,\n"))


def test_prices_are_exact_and_never_negative(tmp_path: Path) -> None:
    price: dict[str, object] = {
        "provider": "AWS",
        "sku_id": "ABC",
        "list_unit_price": Decimal("0.000000000000000001"),
        "pricing_unit": "Hrs",
        "pricing_currency": "USD",
        "valid_from": date(2026, 6, 1),
        "term": "1 year",
    }
    path = write_records(
        PRICES, [price, price | {"list_unit_price": Decimal(-1)}, price | {"term": "2 years"}], tmp_path
    )
    records, rejected = read(path, records=PRICES)
    assert records.select("list_unit_price", "valid_from", "tier_start").rows() == [
        (Decimal("0.000000000000000001"), date(2026, 6, 1), None)
    ]
    assert rejected.select("row", "column", "reason").rows() == [
        (2, "list_unit_price", "is negative"),
        (3, "term", "is none of 1 year, 3 years, 5 years: 2 years"),
    ]


def test_usage_of_a_node_itself_names_no_pod(tmp_path: Path) -> None:
    node = {"cluster": "c", "node": "n", "day": date(2026, 6, 1), "hours": 24, "cpu_core_hours": Decimal(192)}
    path = write_records(KUBERNETES_USAGE, [node | {"memory_gib_hours": Decimal("768.5")}, node], tmp_path)
    records, rejected = read(path, records=KUBERNETES_USAGE)
    assert records.select("namespace", "memory_gib_hours").row(0) == (None, Decimal("768.5"))
    assert only_fault(rejected) == (2, "memory_gib_hours", "is empty")


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.dictionaries(texts, texts, max_size=4), texts.filter(lambda text: len(text) <= 600))
def test_any_text_and_any_tags_survive(tmp_path_factory: Any, tags: dict[str, str], name: str) -> None:
    path = as_csv(tmp_path_factory.mktemp("records"), MACHINE | {"tags": tags, "resource_name": name})
    records, rejected = read(path)
    assert rejected.is_empty()
    row = records.row(0, named=True)
    assert (json.loads(row["tags"] or "{}"), row["resource_name"]) == (tags, name)
