"""CSV as the world writes it, and what is refused."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import csv_table
from collectors.csv_table import CsvTable
from collectors.errors import RefusedFileError
from tests.collectors.bills import FOCUS_ROW, csv_text, focus, read

HEADER, ROW = csv_text([focus()]).splitlines()


def write(folder: Path, content: str | bytes, name: str = "bill.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(content: bytes) -> CsvTable:
    stream = io.BytesIO(content)
    return CsvTable("bill.csv", stream, stream.tell)


def rows_of(content: bytes) -> list[tuple[str | None, ...]]:
    """All records of a CSV text, short ones filled up, without their numbers."""
    read_table = table(content)
    frames = [batch.frame for batch in read_table.batches(range(len(read_table.header)), 1000)]
    return [row[1:] for frame in frames for row in frame.select("row", *map(str, range(len(read_table.header)))).rows()]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("second_bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_boms_and_line_ends_do_not_matter(tmp_path: Path, bom: str, second_bom: str, newline: str) -> None:
    """Quirks 14, 15."""
    bill = read(write(tmp_path, newline.join([bom + HEADER, second_bom + ROW, ROW, ""])))
    assert bill.rows_read == bill.charges["row_count"].sum() == 2
    assert bill.charges["resource_id"].unique().to_list() == ["i-1"]


def test_quoted_commas_newlines_and_quotes_are_data(tmp_path: Path) -> None:
    """Quirk 16."""
    nasty = 'cold, "archive"\r\nsecond line\n'
    assert read(write(tmp_path, csv_text([focus(ResourceId=nasty)]))).charge["resource_id"] == nasty


def test_rows_shorter_than_the_header_lack_their_last_values(tmp_path: Path) -> None:
    """Quirk 15."""
    short = ROW.removesuffix(",i-1")
    bill = read(write(tmp_path, f"{HEADER}\n{short}\n{ROW}\n"))
    assert set(bill.charges["resource_id"]) == {None, "i-1"}


@pytest.mark.parametrize("extra", [",more", ",,more", ',"x,y"', ",,,,,,z"])
def test_rows_longer_than_the_header_are_rejected_and_never_cut(tmp_path: Path, extra: str) -> None:
    bill = read(write(tmp_path, f"{HEADER}\n{ROW}\n{ROW}{extra}\n{ROW}\n"))
    row, column, reason = bill.fault
    assert (row, column) == (2, "")
    assert f"but the header names {len(FOCUS_ROW)}" in reason
    assert json.loads(bill.rejected["content"][0]) == next(csv.reader([ROW + extra]))
    assert bill.rows_read == 3
    assert bill.charges["row_count"].sum() == 2


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    bill = read(write(tmp_path, f"\n{HEADER}\n\n{ROW}\n\n\n{focus_line(BilledCost='x')}\n\n"))
    assert bill.rows_read == 2
    assert bill.fault[0] == 2


def focus_line(**changes: str) -> str:
    return csv_text([focus(**changes)]).splitlines()[1]


def test_a_row_of_commas_is_a_row_without_values(tmp_path: Path) -> None:
    bill = read(write(tmp_path, f"{HEADER}\n{',' * (len(FOCUS_ROW) - 1)}\n"))
    assert bill.fault == (1, "BillingAccountId", "is empty")


@pytest.mark.parametrize("text", [HEADER, HEADER + "\n", HEADER + "\r\n", "\ufeff" + HEADER + "\n"])
def test_a_header_alone_is_a_bill_of_nothing(tmp_path: Path, text: str) -> None:
    """Quirk 52."""
    bill = read(write(tmp_path, text))
    assert (bill.format, bill.rows_read, bill.charges.height, bill.rejected.height) == ("FOCUS 1.0", 0, 0, 0)


def test_a_header_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "LONGEST_RECORD", 1 << 20)
    monkeypatch.setattr(csv_table, "BLOCK_BYTES", 1 << 18)
    for endless in ("x" * (1 << 21), '"' + "\n" * (1 << 21), '"' * (1 << 21)):
        with pytest.raises(RefusedFileError, match="row 1 is longer than 1 MB"):
            read(write(tmp_path, endless))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"   "])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RefusedFileError, match="is empty: it has not even a header"):
        read(write(tmp_path, content))


def test_other_encodings_are_refused_with_the_row(tmp_path: Path) -> None:
    content = f"{HEADER}\n{ROW}\n{focus_line(ResourceId='café')}\n"
    with pytest.raises(RefusedFileError, match="is not UTF-8 text: byte 0xe9 near row 2; save it as UTF-8"):
        read(write(tmp_path, content.encode("latin-1")))
    with pytest.raises(RefusedFileError, match="is UTF-16 text; save it as UTF-8"):
        read(write(tmp_path, content.encode("utf-16")))


def test_lines_that_end_in_cr_alone_are_refused_and_not_lost(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="ends its lines with CR alone"):
        read(write(tmp_path, f"{HEADER}\r{ROW}\r"))


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('1,5" disk,3\n2,6" disk,4', [("1", '5" disk', "3"), ("2", '6" disk', "4")]),
        ('1,say "hi" you,3\n2,x,4', [("1", 'say "hi" you', "3"), ("2", "x", "4")]),
        ('1,"x"y,3\n2,x,4', [("1", "xy", "3"), ("2", "x", "4")]),
    ],
)
def test_quotes_inside_values_are_read_as_python_reads_them(line: str, fields: list[tuple[str, ...]]) -> None:
    read_table = table(f"a,b,c\n{line}\n".encode())
    (batch,) = read_table.batches([0, 1, 2], 1000)
    assert batch.frame.select("0", "1", "2").rows() == fields


def test_nul_characters_stay_visible(tmp_path: Path) -> None:
    bill = read(write(tmp_path, csv_text([focus(ResourceId="a\0b", Extra="c\0d")])))
    assert bill.charge["resource_id"] == "a\ufffdb"
    assert bill.charge["x_columns"] == '{"Extra":"c\ufffdd"}'


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="ends inside a quoted value after row"):
        read(write(tmp_path, f'{HEADER}\n{ROW}\n"{ROW}\n'))


def test_a_record_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "LONGEST_RECORD", 1 << 20)
    monkeypatch.setattr(csv_table, "BLOCK_BYTES", 1 << 18)
    with pytest.raises(RefusedFileError, match="row 1 is longer than 1 MB; look for a quotation mark"):
        read(write(tmp_path, f'{HEADER}\n"' + "x\n" * (1 << 21)))


def test_a_truncated_gzip_stream_says_how_far_it_was_read(tmp_path: Path) -> None:
    lines = "".join(focus_line(ResourceId=f"i-{number * 7919 % 100_003}") + "\n" for number in range(20_000))
    packed = gzip.compress(f"{HEADER}\n{lines}".encode())
    path = write(tmp_path, packed[: len(packed) * 3 // 4], "bill.csv.gz")
    with pytest.raises(RefusedFileError, match=r"bill\.csv\.gz is damaged or truncated: .* after row 1[\d,]+ \("):
        read(path)


def test_a_damaged_gzip_stream_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(f"{HEADER}\n{ROW}\n".encode()))
    packed[-6] ^= 255
    with pytest.raises(RefusedFileError, match="is damaged or truncated"):
        read(write(tmp_path, bytes(packed), "bill.csv.gz"))


def test_what_is_packed_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    assert read(write(tmp_path, gzip.compress(f"{HEADER}\n{ROW}\n".encode()), "bill.csv")).rows_read == 1
    assert read(write(tmp_path, f"{HEADER}\n{ROW}\n", "bill.csv.gz")).rows_read == 1


def test_a_file_is_read_as_a_stream() -> None:
    """Quirk 9: the first batch of a long file comes when a small part of it has been read."""
    stream = io.BytesIO(b"a,b\n" + b"1,2\n" * 20_000_000)
    batch = next(CsvTable("bill.csv", stream, stream.tell).batches([0, 1], 1000))
    assert batch.bytes_read == stream.tell() < 2 * csv_table.BLOCK_BYTES


def test_rows_are_numbered_through_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "BLOCK_BYTES", 64)
    monkeypatch.setattr(csv_table, "PIECE_BYTES", 16)
    content = b"a,b\n" + b"".join(b'%d,"x\n,y"\n' % number for number in range(1, 200))
    batches = list(table(content).batches([0], 7))
    numbers = [row for batch in batches for row in batch.frame.select("row", "0").rows()]
    assert numbers == [(number, str(number)) for number in range(1, 200)]
    assert all(batch.frame.height <= 7 for batch in batches)


FIELDS = st.text(alphabet=st.sampled_from(list("ab,\"\n\r é\u2028\ufeff;\t'\\")), max_size=6)


@given(
    st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(FIELDS, min_size=width, max_size=width), max_size=20)),
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
    st.integers(16, 200),
)
@settings(max_examples=300, deadline=None)
def test_what_pythons_writer_wrote_reads_back_equal(
    rows: list[list[str]], style: tuple[str, int], block_bytes: int
) -> None:
    """All but a lone carriage return at the end of a line, which that writer leaves unquoted when lines end in LF."""
    width = len(rows[0]) if rows else 2
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=style[0], quoting=style[1])  # type: ignore[arg-type]
    writer.writerows([[f"column {number}" for number in range(width)], *(["row", *row[1:]] for row in rows)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_table, "BLOCK_BYTES", block_bytes)
        patch.setattr(csv_table, "PIECE_BYTES", 16)
        found = rows_of(text.getvalue().encode())
    assert found == [("row", *(field or None for field in row[1:])) for row in rows]


def test_lines_that_say_nothing_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be a row with room for every column: blank lines that pack to nothing once took gigabytes."""
    monkeypatch.setattr(csv_table, "MOST_CELLS", 1_000)
    frames: list[int] = []
    parse = CsvTable._parse

    def measured(self: CsvTable, block: bytes, first_row: int) -> csv_table._Parsed:
        parsed = parse(self, block, first_row)
        frames.append(block.count(b"\n") * len(self.header))
        return parsed

    monkeypatch.setattr(CsvTable, "_parse", measured)
    lines = [b"1,2,3,4", b"\n" * 5_000, b'5,"6\n\n7",8,9', b"a\n" * 5_000, b"\r\n" * 5_000, b"10,11,12,13"]

    rows = rows_of(b"a,b,c,d\n" + b"\n".join(lines))

    assert [row for row in rows if row != ("a", None, None, None)] == [
        ("1", "2", "3", "4"),
        ("5", "6\n\n7", "8", "9"),
        ("10", "11", "12", "13"),
    ]
    assert len(rows) == 5_003
    assert max(frames) <= 1_000


def test_rows_that_are_all_too_long_are_handed_on_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "BLOCK_BYTES", 64)
    monkeypatch.setattr(csv_table, "PIECE_BYTES", 64)
    batches = list(table(b"a,b\n" + b"1,2,3\n" * 1_000).batches([0], 50))
    assert sum(len(batch.long_rows) for batch in batches) == 1_000
    assert max(len(batch.long_rows) for batch in batches) < 100


def test_a_header_with_more_columns_than_any_bill_is_refused(tmp_path: Path) -> None:
    header = ",".join([HEADER, *(f"x_{number}" for number in range(5_000))])
    with pytest.raises(RefusedFileError, match="has more than 5,000 columns"):
        read(write(tmp_path, f"{header}\n{ROW}\n"))


@pytest.mark.parametrize("rows_before", [0, 5, 200_000])  # at the start, in the middle of a block, in a later one
@pytest.mark.parametrize("size", [1_000_000, 1_100_000])
def test_a_row_may_have_a_megabyte_wherever_it_lies(rows_before: int, size: int) -> None:
    half = size // 2
    content = b"a,b\n" + b"1,some text of a charge and more of it\n" * rows_before
    content += b"x" * half + b',"' + b"y" * half + b'"\n' + b"1,2\n" * 10
    batches = table(content).batches([0], 10_000)

    if size <= csv_table.LONGEST_RECORD:
        assert sum(batch.frame.height for batch in batches) == rows_before + 11
        return
    with pytest.raises(RefusedFileError, match=f"bill.csv: row {rows_before + 1:,} is longer than 1 MB"):
        list(batches)
