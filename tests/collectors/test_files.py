"""Which files make up a delivery: manifests, chunks, folders with other things in them."""

import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from collectors.billing import read_delivery
from collectors.errors import RefusedFileError
from collectors.files import discover, find_deliveries, hash_delivery
from tests.collectors.bills import csv_text, cur, names_of, read_found
from tests.shared import BILLING

BILL = csv_text([cur()])
PERIOD = "exports/cur/20260601-20260701"


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """A copy of a bucket as AWS lays it out: the manifest at the top of the period and inside the assembly."""
    copy = Path(shutil.copytree(BILLING / "nise/aws-s3-layout-mtd", tmp_path / "bucket"))
    for path in [copy, *copy.rglob("*")]:  # the original may be read-only
        path.chmod(0o755)
    return copy


def put(path: Path, text: str = BILL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def put_manifest(path: Path, *keys: str, **more: str) -> Path:
    return put(path, json.dumps({"reportKeys": keys, **more}))


def test_a_manifest_and_its_copy_in_the_assembly_are_one_delivery(bucket: Path) -> None:
    found = discover([bucket])
    (delivery,) = found.deliveries
    assert names_of(delivery.files) == ["June-2026-cur.csv.gz"]
    assert delivery.manifest == delivery.path
    assert delivery.problem == ""
    assert [file.reason for file in found.ignored] == ["is a copy or an older run of the manifest in the folder above"]
    assert read_found(delivery).rows_read == 6384


def test_files_of_older_assemblies_are_not_loaded(bucket: Path) -> None:
    """Quirks 7, 8: "create new" keeps the folders of older runs, each with a manifest of its own."""
    period = bucket / "finops/cur/20260601-20260701"
    stale = put(period / "0000-old/cur-00001.csv.gz")
    put_manifest(period / "0000-old/cur-Manifest.json", "finops/cur/20260601-20260701/0000-old/cur-00001.csv.gz")
    partial = put(period / "June-2026-cur.csv.gz.part.csv")
    found = discover([bucket])
    assert [names_of(delivery.files) for delivery in found.deliveries] == [["June-2026-cur.csv.gz"]]
    reasons = {file.path: file.reason for file in found.ignored}
    assert reasons[stale] == reasons[partial] == "is not listed in the manifest: stale or incomplete"


def test_a_listed_file_that_is_missing_refuses_the_delivery(bucket: Path) -> None:
    """Quirk 7."""
    next(bucket.rglob("*.gz")).unlink()
    (delivery,) = find_deliveries([bucket])
    assert "lists finops/cur/20260601-20260701/b96a03dc" in delivery.problem
    assert delivery.problem.endswith("which is missing.")
    with pytest.raises(RefusedFileError, match="which is missing"):
        list(read_delivery(delivery))


def test_all_chunks_of_a_manifest_are_one_delivery_in_their_order(tmp_path: Path) -> None:
    """Quirk 52."""
    names = [f"cur-{number:05}.csv.gz" for number in (1, 2, 10)]
    for name in names:
        put(tmp_path / PERIOD / "run1" / name)
    put_manifest(tmp_path / PERIOD / "cur-Manifest.json", *(f"{PERIOD}/run1/{name}" for name in names))
    (delivery,) = find_deliveries([tmp_path])
    assert names_of(delivery.files) == names
    assert read_found(delivery).rows_read == 3


def test_parquet_of_the_legacy_report_lies_beside_the_manifests_folder(tmp_path: Path) -> None:
    key = "exports/cur/cur/year=2026/month=6/cur-00001.snappy.parquet"
    put(tmp_path / key)
    put_manifest(tmp_path / PERIOD / "cur-Manifest.json", key)
    (delivery,) = find_deliveries([tmp_path])
    assert delivery.files == (tmp_path / key,)


def test_data_exports_name_their_files_by_s3_address(tmp_path: Path) -> None:
    data = tmp_path / "exports/bill/data/BILLING_PERIOD=2026-06"
    put(data / "2026-06-20T00-abc/bill-00001.csv.gz")
    stale = put(data / "2026-06-19T00-xyz/bill-00001.csv.gz")
    address = "s3://bucket/exports/bill/data/BILLING_PERIOD=2026-06/2026-06-20T00-abc/bill-00001.csv.gz"
    manifest = tmp_path / "exports/bill/metadata/BILLING_PERIOD=2026-06/bill-Manifest.json"
    put(manifest, json.dumps({"dataFiles": [address], "executionId": "abc"}))
    found = discover([tmp_path])
    assert [delivery.path for delivery in found.deliveries] == [manifest]
    assert [file.path for file in found.ignored] == [stale]


def test_a_manifest_that_is_named_finds_its_files_above_and_beside(bucket: Path, tmp_path: Path) -> None:
    (delivery,) = find_deliveries([bucket / "finops/cur/20260601-20260701/cur-Manifest.json"])
    assert names_of(delivery.files) == ["June-2026-cur.csv.gz"]
    put(tmp_path / "flat/cur-00001.csv")
    (flat,) = find_deliveries([put_manifest(tmp_path / "flat/cur-Manifest.json", f"{PERIOD}/run/cur-00001.csv")])
    assert flat.files == (tmp_path / "flat/cur-00001.csv",)


@pytest.mark.parametrize("key", ["../../secret.csv", "a/../../secret.csv", "/../secret.csv", ""])
def test_a_manifest_cannot_point_outside_its_folders(tmp_path: Path, key: str) -> None:
    put(tmp_path / "secret.csv")
    put_manifest(tmp_path / "bucket/a/cur-Manifest.json", key)
    (delivery,) = find_deliveries([tmp_path / "bucket"])
    assert delivery.files == ()
    assert "which is missing" in delivery.problem


def test_a_manifest_in_a_folder_looks_no_further_up_than_the_folder(tmp_path: Path) -> None:
    put(tmp_path / "other/bill.csv")
    put_manifest(tmp_path / "bucket/a/cur-Manifest.json", "other/bill.csv")
    (delivery,) = find_deliveries([tmp_path / "bucket"])
    assert "which is missing" in delivery.problem


@pytest.mark.parametrize("text", ['{"reportKeys": ["a.cs', '{"reportKeys": []}', "[" * 100_000, ""])
def test_half_a_manifest_refuses_the_delivery(tmp_path: Path, text: str) -> None:
    """Quirk 7: the manifest is written last; half of one means that the delivery is not there yet."""
    put(tmp_path / "cur-Manifest.json", text)
    (delivery,) = find_deliveries([tmp_path])
    assert "is not whole JSON" in delivery.problem or "lists no files" in delivery.problem


def test_other_json_and_other_files_in_a_folder_are_ignored_with_a_reason(tmp_path: Path) -> None:
    """Quirk 9: JSON lies among the CSV files."""
    for name in ("README.md", "manifest.json", "notes.txt", ".hidden.csv", "bill.csv.crdownload"):
        put(tmp_path / name, "{}")
    put(tmp_path / "bill.csv")
    found = discover([tmp_path])
    assert [delivery.path.name for delivery in found.deliveries] == ["bill.csv"]
    assert {file.path.name: file.reason for file in found.ignored} == dict.fromkeys(
        ("README.md", "manifest.json", "notes.txt", ".hidden.csv", "bill.csv.crdownload"), "is no billing file"
    )


def test_azure_manifests_list_blobs(tmp_path: Path) -> None:
    """Quirk 10: each run is a folder with a manifest; files that it does not list are not loaded."""
    put(tmp_path / "export/run/part_0_0001.csv")
    put(tmp_path / "export/run/left-over.csv")
    put(tmp_path / "export/run/manifest.json", json.dumps({"blobs": [{"blobName": "export/run/part_0_0001.csv"}]}))
    (delivery,) = find_deliveries([tmp_path])
    assert names_of(delivery.files) == ["part_0_0001.csv"]


RUNS = [f"{number}f2c1b9e-0000-4000-8000-00000000000{number}" for number in range(3)]


def put_run(folder: Path, run: str, submitted: str = "", parts: int = 1) -> list[Path]:
    """A run of an Azure export in a folder of its own; with a manifest when it says when it was submitted."""
    files = [put(folder / run / f"part_{number}_0001.csv", BILL + run) for number in range(parts)]
    if submitted:
        blobs = [{"blobName": f"export/{folder.name}/{run}/{file.name}"} for file in files]
        put(folder / run / "manifest.json", json.dumps({"blobs": blobs, "runInfo": {"submittedTime": submitted}}))
    return files


def test_of_an_exports_runs_the_newest_counts(tmp_path: Path) -> None:
    """Quirk 10: a re-run writes a new folder and nothing removes the old one, whatever their GUIDs sort like."""
    june, may = tmp_path / "export/20260601-20260630", tmp_path / "export/20260501-20260531"
    old = put_run(june, RUNS[2], "2026-06-05T22:43:06.4Z", parts=2)
    new = put_run(june, RUNS[0], "2026-06-05T22:43:06.45Z")
    other = put_run(may, RUNS[1], "2026-06-01T00:00:00Z")
    found = discover([tmp_path])
    assert [list(delivery.files) for delivery in found.deliveries] == [other, new]
    reasons = {file.path: file.reason for file in found.ignored}
    assert reasons.keys() == {*old, old[0].parent / "manifest.json"}
    assert set(reasons.values()) == {f"belongs to an older run of the export: {RUNS[0]} is the newest"}


def test_runs_without_manifests_are_told_by_the_times_of_their_files(tmp_path: Path) -> None:
    """Quirk 10: exports from before manifests put the GUID into the name of the file."""
    folder = tmp_path / "export/20260601-20260630"
    for day, run in ((3, RUNS[0]), (9, RUNS[1]), (6, RUNS[2])):
        os.utime(put(folder / f"Monthly_{run}.csv", BILL + run), (day, day))
    put(folder / "Daily.csv")
    assert [delivery.path.name for delivery in find_deliveries([tmp_path])] == ["Daily.csv", f"Monthly_{RUNS[1]}.csv"]


def test_runs_of_which_nothing_tells_the_newest_refuse_the_period(tmp_path: Path) -> None:
    folder = tmp_path / "export/20260601-20260630"
    for run in RUNS[:2]:
        for file in put_run(folder, run):
            os.utime(file, (1, 1))
    (delivery,) = find_deliveries([tmp_path])
    assert delivery.files == ()
    assert delivery.problem == (
        f"{folder} holds the runs {RUNS[0]} and {RUNS[1]}, and nothing tells which is newer:"
        " name the files of the one that counts."
    )
    (named,) = find_deliveries([folder / RUNS[1] / "part_0_0001.csv"])
    assert named.problem == ""


def test_a_manifest_above_the_runs_decides_whatever_is_newest(tmp_path: Path) -> None:
    """Quirk 8: AWS says at the top of the period which assembly counts."""
    folder = tmp_path / "exports/cur/20260601-20260701"
    for day, run in enumerate(RUNS[:2], start=1):
        os.utime(put(folder / run / "cur-00001.csv.gz", BILL + run), (day, day))
    put_manifest(folder / "cur-Manifest.json", f"exports/cur/20260601-20260701/{RUNS[0]}/cur-00001.csv.gz")
    (delivery,) = find_deliveries([tmp_path])
    assert delivery.files == (folder / RUNS[0] / "cur-00001.csv.gz",)


@pytest.mark.parametrize(
    "names",
    [
        ("cur-00001.csv.gz", "cur-00002.csv.gz"),
        ("part_0_0001.csv", "part_1_0001.csv"),
        ("export-000000000000.csv", "export-000000000001.csv"),
        ("focus_part1.csv", "focus_part2.csv", "focus_part3.csv"),
        ("bill.part-0001.parquet", "bill.part-0002.parquet"),
    ],
)
def test_chunks_of_one_export_are_one_delivery(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Quirk 52."""
    for name in names:
        put(tmp_path / name)
    (delivery,) = find_deliveries([tmp_path])
    assert names_of(delivery.files) == list(names)


@pytest.mark.parametrize(
    "names",
    [
        ("costreport_2026-05.csv", "costreport_2026-06.csv"),
        ("bill-20260501.csv", "bill-20260601.csv"),
        ("May-2026.csv", "June-2026.csv"),
        ("bill-123456789012.csv", "bill-210987654321.csv"),
        ("bill.csv", "bill.csv.gz"),
        ("bill_1.csv", "bill_2.csv"),
    ],
)
def test_months_and_accounts_are_deliveries_of_their_own(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        put(tmp_path / name)
    assert sorted(delivery.path.name for delivery in find_deliveries([tmp_path])) == sorted(names)


def test_a_gap_between_chunks_refuses_the_delivery(tmp_path: Path) -> None:
    for number in (1, 3):
        put(tmp_path / f"cur-{number:05}.csv")
    (delivery,) = find_deliveries([tmp_path])
    assert delivery.problem == f"{tmp_path} lacks chunk 2 of cur*.csv."


def test_what_is_named_and_cannot_be_a_bill_is_a_problem(tmp_path: Path) -> None:
    note = put(tmp_path / "note.txt", "hello")
    unknown, missing = find_deliveries([note, tmp_path / "gone.csv"])
    assert unknown.problem.startswith(f"{note} is no billing file: expected .csv")
    assert missing.problem == f"{tmp_path / 'gone.csv'} does not exist."
    other = put(tmp_path / "manifest.json", '{"name": "web app"}')
    assert "no manifest of a billing export" in find_deliveries([other])[0].problem


def test_the_same_file_named_twice_is_one_delivery(tmp_path: Path) -> None:
    path = put(tmp_path / "bill.csv")
    assert len(find_deliveries([path, tmp_path, path])) == 1


def test_an_empty_folder_holds_no_deliveries(tmp_path: Path) -> None:
    assert find_deliveries([tmp_path]) == []


def test_a_folder_may_have_characters_that_mean_something_in_patterns(tmp_path: Path) -> None:
    path = put(tmp_path / "BILLING_PERIOD=2026-06 [x]*?" / "bill [1].csv")
    (delivery,) = find_deliveries([tmp_path])
    assert read_found(delivery).rows_read == 1
    assert delivery.path == path


def test_digests_are_those_of_the_content_alone(tmp_path: Path) -> None:
    """Quirk 11: the very same file comes twice, under another name."""
    first, second = put(tmp_path / "a.csv"), put(tmp_path / "b.csv")
    one, other = (hash_delivery(delivery) for delivery in find_deliveries([first, second]))
    assert one == other
    assert one.delivery == one.files[0] == hashlib.sha256(BILL.encode()).hexdigest()


def test_the_digest_of_chunks_does_not_depend_on_their_names(tmp_path: Path) -> None:
    for folder, texts in (("x", ("1", "2")), ("y", ("2", "1")), ("z", ("1", "3"))):
        for number, text in enumerate(texts, start=1):
            put(tmp_path / folder / f"cur-0000{number}.csv", BILL + text)
    x, y, z = (hash_delivery(delivery).delivery for delivery in find_deliveries([tmp_path]))
    assert x == y != z


def test_sample_files_that_came_twice_have_equal_digests() -> None:
    """Quirk 11."""
    name = "202605_2026-05-01_to_2026-06-01.csv.gz"
    twice = find_deliveries([BILLING / "nise/gcp" / name, BILLING / "nise/gcp-mtd" / name])
    assert len({hash_delivery(delivery).delivery for delivery in twice}) == 1


def test_a_pipe_is_refused_and_never_opened(tmp_path: Path) -> None:
    for name in ("bill.csv", "cur-Manifest.json"):
        os.mkfifo(tmp_path / name)
        (delivery,) = find_deliveries([tmp_path / name])
        assert delivery.problem == f"{tmp_path / name} is a pipe or a device: save what it gives to a file."
        assert delivery.files == ()


def test_links_to_nothing_and_pipes_in_a_folder_are_ignored_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    found = discover([tmp_path])
    assert found.deliveries == ()
    reasons = {file.path.name: file.reason for file in found.ignored}
    assert reasons == {"gone.csv": "is a link to nothing", "pipe.csv": "is no plain file"}


@pytest.mark.parametrize("key", ["near/secret.csv", "other/secret.csv", "x/near/other/secret.csv"])
def test_a_manifest_that_is_named_reaches_only_folders_that_are_called_alike(tmp_path: Path, key: str) -> None:
    put(tmp_path / "near/other/secret.csv")
    put(tmp_path / "other/secret.csv")
    (delivery,) = find_deliveries([put_manifest(tmp_path / "work/june/cur-Manifest.json", key)])
    assert delivery.files == ()
    assert delivery.problem.endswith(f"lists {key}, which is missing.")


@pytest.mark.parametrize("synced", [0, 1])
def test_a_manifest_that_is_named_finds_data_exports_from_wherever_they_were_copied(
    tmp_path: Path, synced: int
) -> None:
    """The whole bucket, or the folder of the export alone."""
    parts = ("exports", "bill", "data", "BILLING_PERIOD=2026-06", "bill-00001.csv.gz")
    data = put(tmp_path.joinpath(*parts[synced:]))
    manifest = tmp_path.joinpath(*parts[synced:2], "metadata", parts[3], "bill-Manifest.json")
    put(manifest, json.dumps({"dataFiles": [f"s3://bucket/{'/'.join(parts)}"]}))
    (delivery,) = find_deliveries([manifest])
    assert [file.resolve() for file in delivery.files] == [data.resolve()]


def test_within_a_root_nothing_outside_and_no_link_is_reached(tmp_path: Path) -> None:
    secret = put(tmp_path / "other/secret.csv")
    upload = tmp_path / "upload"
    manifest = put_manifest(upload / "cur-Manifest.json", "other/secret.csv")
    assert find_deliveries([manifest], root=upload)[0].problem.endswith("other/secret.csv, which is missing.")
    (upload / "secret.csv").symlink_to(secret)
    for paths in ([manifest, upload / "secret.csv"], [upload]):
        found = discover(paths, root=upload)
        assert all(delivery.problem and not delivery.files for delivery in found.deliveries)
    assert find_deliveries([secret], root=upload)[0].problem == f"{secret} does not exist."
    assert find_deliveries([manifest], root=tmp_path / "elsewhere")[0].files == ()


def test_a_linked_folder_below_the_root_leads_nowhere(tmp_path: Path) -> None:
    put(tmp_path / "other/run/secret.csv")
    manifest = put_manifest(tmp_path / "upload/cur-Manifest.json", "upload/run/secret.csv")
    (tmp_path / "upload/run").symlink_to(tmp_path / "other/run")
    assert find_deliveries([manifest])[0].files == find_deliveries([tmp_path / "upload"])[0].files == ()


def test_flattened_files_are_found_by_their_names_within_the_root(tmp_path: Path) -> None:
    names = ["cur-00001.csv.gz", "cur-00002.csv.gz"]
    parts = [put(tmp_path / name, BILL + name) for name in names]
    manifest = put_manifest(tmp_path / "cur-Manifest.json", *(f"{PERIOD}/run/{name}" for name in names))
    for paths in ([manifest, *parts], [*parts, manifest], [parts[0], tmp_path]):
        (delivery,) = find_deliveries(paths, root=tmp_path)
        assert (delivery.manifest, delivery.files) == (manifest, tuple(parts))


def test_two_listed_files_are_never_found_in_one(tmp_path: Path) -> None:
    put(tmp_path / "part-0.csv")
    manifest = put_manifest(tmp_path / "cur-Manifest.json", "a/run1/part-0.csv", "a/run2/part-0.csv")
    assert find_deliveries([manifest])[0].problem.endswith("lists a/run2/part-0.csv, which is missing.")


@pytest.mark.parametrize("order", [1, -1])
def test_a_manifest_and_its_only_file_are_one_delivery(tmp_path: Path, order: int) -> None:
    part = put(tmp_path / "cur-00001.csv")
    manifest = put_manifest(tmp_path / "cur-Manifest.json", f"{PERIOD}/run/{part.name}")
    (delivery,) = find_deliveries([manifest, part][::order])
    assert (delivery.manifest, delivery.files) == (manifest, (part,))


def test_parts_of_an_incomplete_delivery_are_not_loaded_alone(tmp_path: Path) -> None:
    part = put(tmp_path / "cur-00001.csv")
    manifest = put_manifest(tmp_path / "cur-Manifest.json", "run/cur-00001.csv", "run/cur-00002.csv")
    (delivery,) = find_deliveries([part, manifest])
    assert delivery.problem.endswith("lists run/cur-00002.csv, which is missing.")
    assert (delivery.files, delivery.left_out) == ((), (part,))
