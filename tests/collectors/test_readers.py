"""Zip archives and Parquet files, and the damage that they come with."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from collectors import readers
from collectors.billing import read_delivery
from collectors.errors import RefusedFileError
from collectors.files import FoundDelivery
from tests.collectors.bills import csv_text, cur, focus, read, write_csv

FOCUS_TEXT = csv_text([focus(), focus()])


def write_zip(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def parquet_bytes(rows: int = 2) -> bytes:
    file = io.BytesIO()
    pl.DataFrame([focus(BilledCost="2")] * rows).write_parquet(file, row_group_size=10)
    return file.getvalue()


def test_every_member_of_a_zip_is_read_and_rows_are_numbered_through(tmp_path: Path) -> None:
    """Quirk 52."""
    members: dict[str, str | bytes] = {
        "a.csv": FOCUS_TEXT,
        "folder/b.csv.gz": gzip.compress(FOCUS_TEXT.encode()),
        "c.parquet": parquet_bytes(),
        "d.csv": csv_text([focus(BilledCost="x")]),
        "README.txt": "hello",
        "__MACOSX/a.csv": b"\0",
    }
    bill = read(write_zip(tmp_path / "bill.zip", members))
    assert bill.rows_read == 7
    assert bill.fault[0] == 7
    assert sorted(bill.charges["first_row"]) == [1, 3, 5]


def test_member_names_are_never_written_to(tmp_path: Path) -> None:
    target = tmp_path / "evil.csv"
    path = write_zip(tmp_path / "bill.zip", {"../evil.csv": FOCUS_TEXT, str(target): FOCUS_TEXT})
    assert read(path).rows_read == 4
    assert not target.exists()
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["bill.zip"]


@pytest.mark.parametrize("members", [{}, {"README.txt": "hello"}, {"inner.zip": b"PK\x03\x04"}])
def test_a_zip_without_a_bill_is_refused(tmp_path: Path, members: dict[str, str | bytes]) -> None:
    with pytest.raises(RefusedFileError, match="holds no CSV or Parquet file"):
        read(write_zip(tmp_path / "bill.zip", members))


@pytest.mark.parametrize("keep", [10, 100, -30])
def test_a_truncated_zip_is_refused(tmp_path: Path, keep: int) -> None:
    path = write_zip(tmp_path / "bill.zip", {"a.csv": FOCUS_TEXT * 100})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RefusedFileError, match=r"bill\.zip is a damaged or truncated zip archive"):
        read(path)


def test_a_damaged_member_is_refused_by_name(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bill.zip", {"a.csv": FOCUS_TEXT * 100})
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(RefusedFileError, match=r"bill\.zip"):
        read(path)


def bomb() -> bytes:
    return (FOCUS_TEXT + "\n" * 2_000_000).encode()


@pytest.mark.parametrize("packed", ["bill.zip", "bill.csv.gz"])
def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: str) -> None:
    monkeypatch.setattr(readers, "HARMLESS_BYTES", 1 << 20)
    path = tmp_path / packed
    if packed.endswith("zip"):
        write_zip(path, {"a.csv": bomb()})
    else:
        path.write_bytes(gzip.compress(bomb()))
    with pytest.raises(
        RefusedFileError, match="unpacks to more than 300 times its size: refused as a possible zip bomb"
    ):
        read(path)


def test_a_packed_parquet_bomb_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "HARMLESS_BYTES", 1 << 20)
    with pytest.raises(RefusedFileError, match="possible zip bomb"):
        read(write_zip(tmp_path / "bill.zip", {"a.parquet": b"\0" * 3_000_000}))


@pytest.mark.parametrize("damage", ["cut", "flip", "foot"])
def test_damaged_parquet_is_refused(tmp_path: Path, damage: str) -> None:
    content = bytearray(parquet_bytes(1000))
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[200:400] = bytes(byte ^ 255 for byte in content[200:400])
    else:
        content[-200:-100] = b"\xff" * 100
    path = tmp_path / "bill.parquet"
    path.write_bytes(bytes(content))
    with pytest.raises(RefusedFileError, match=r"bill\.parquet is (not a whole Parquet file|damaged after row)"):
        read(path)


def test_parquet_without_rows_is_a_bill_of_nothing(tmp_path: Path) -> None:
    """Quirk 52."""
    pl.DataFrame([focus()]).clear().write_parquet(tmp_path / "bill.parquet")
    bill = read(tmp_path / "bill.parquet")
    assert (bill.format, bill.rows_read, bill.charges.height) == ("FOCUS 1.0", 0, 0)


def test_ids_that_are_numbers_in_parquet_are_texts(tmp_path: Path) -> None:
    """Quirk 44."""
    numbers = {"BillingAccountId": 123456789012, "SubAccountId": 42.0, "ResourceId": "007"}
    pl.DataFrame([{**focus(), **numbers}]).write_parquet(tmp_path / "bill.parquet")
    charge = read(tmp_path / "bill.parquet").charge
    assert (charge["billing_account_id"], charge["sub_account_id"], charge["resource_id"]) == (
        "123456789012",
        "42",
        "007",
    )


def test_parquet_is_read_in_slices_across_row_groups(tmp_path: Path) -> None:
    rows = [focus(ResourceId=f"i-{number}") for number in range(95)]
    pl.DataFrame(rows).write_parquet(tmp_path / "bill.parquet", row_group_size=10)
    batches = list(read_delivery(FoundDelivery(tmp_path, (tmp_path / "bill.parquet",)), batch_rows=7))
    assert [batch.rows_read for batch in batches] == [7] * 13 + [4, 0]
    found = pl.concat(batch.charges for batch in batches).select("first_row", "resource_id").sort("first_row")
    assert found.rows() == [(number + 1, f"i-{number}") for number in range(95)]


def test_folders_named_like_partitions_add_no_columns(tmp_path: Path) -> None:
    folder = tmp_path / "BillingCurrency=EUR"
    folder.mkdir()
    pl.DataFrame([focus()]).write_parquet(folder / "bill.parquet")
    assert read(folder / "bill.parquet").charge["billing_currency"] == "USD"


def test_a_file_that_vanished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="does not exist"):
        read(tmp_path / "gone.csv")


def test_files_of_another_format_cannot_hide_in_a_delivery(tmp_path: Path) -> None:
    first, second = write_csv(tmp_path / "a.csv", focus()), write_csv(tmp_path / "b.csv", cur())
    with pytest.raises(RefusedFileError, match=r"b\.csv is AWS CUR, but the delivery starts with FOCUS 1\.0"):
        read(first, second)


def test_chunks_may_differ_in_their_columns(tmp_path: Path) -> None:
    """Quirk 12."""
    first = write_csv(tmp_path / "a.csv", cur({"resourceTags/user:app": "x"}))
    second = write_csv(tmp_path / "b.csv", cur({"resourceTags/user:team": "y"}))
    assert set(read(first, second).charges["tags"]) == {'{"app":"x"}', '{"team":"y"}'}


def test_every_batch_says_which_file_its_rows_are_of(tmp_path: Path) -> None:
    files = (write_csv(tmp_path / "a.csv", focus()), write_csv(tmp_path / "b.csv", focus(), focus()))
    rows = {0: 0, 1: 0}
    for batch in read_delivery(FoundDelivery(files[0], files)):
        rows[batch.file_index] += batch.rows_read
    assert rows == {0: 1, 1: 2}


def test_progress_counts_the_bytes_of_all_files(tmp_path: Path) -> None:
    files = (write_csv(tmp_path / "a.csv.gz", *[focus()] * 50), tmp_path / "b.parquet")
    files[1].write_bytes(parquet_bytes(95))
    total = sum(file.stat().st_size for file in files)
    batches = list(read_delivery(FoundDelivery(files[0], files), batch_rows=10))
    read_bytes = [batch.bytes_read for batch in batches]
    assert read_bytes == sorted(read_bytes)
    assert read_bytes[-1] == total
    assert {batch.bytes_total for batch in batches} == {total}


def test_what_is_packed_twice_is_refused_with_what_to_do(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "inner.zip", {"a.csv": FOCUS_TEXT})
    for content, kind in (
        (archive.read_bytes(), "a zip archive"),
        (parquet_bytes(), "Parquet"),
        (gzip.compress(FOCUS_TEXT.encode()), "gzip"),
    ):
        path = tmp_path / "bill.csv.gz"
        path.write_bytes(gzip.compress(content))
        with pytest.raises(RefusedFileError, match=rf"bill\.csv\.gz holds {kind} where CSV should be: unpack it once"):
            read(path)


def test_a_text_that_a_parquet_file_keeps_once_and_repeats_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pl.DataFrame([focus(ChargeDescription="x" * 1_000_000)] * 300).write_parquet(path)
    assert path.stat().st_size < 100_000
    with pytest.raises(RefusedFileError, match="more than 256 MB of text in the 300 rows after row 0"):
        read(path)


def test_a_parquet_file_or_json_lines_with_more_columns_than_any_bill_is_refused(tmp_path: Path) -> None:
    wide = focus() | {f"x_{number}": "1" for number in range(5_000)}
    pl.DataFrame([wide]).write_parquet(tmp_path / "wide.parquet")
    (tmp_path / "wide.json").write_text(json.dumps({"billing_account_id": "1", "usage_start_time": "1"} | wide))
    for name in ("wide.parquet", "wide.json"):
        with pytest.raises(RefusedFileError, match="has more than 5,000 columns"):
            read(tmp_path / name)
