"""Files of any format in a bucket: what belongs together is one delivery, what changed is read again, nothing else."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from apps.inventory.models import Resource
from apps.pricing.models import Price
from apps.sources import connecting
from apps.sources.connections import connection_of
from apps.sources.models import Run, Source
from collectors import places
from collectors.buckets import StoredObject
from collectors.errors import ProviderRefusedError
from collectors.places import look
from tests.aws import BUCKET, Bucket
from tests.sources.conftest import SECRETS, focus, look_again, try_again, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


def drop(bucket: Bucket, **files: bytes) -> None:
    """Files below the path of the source, without their suffix; `__` stands for a slash."""
    for name, content in files.items():
        bucket.put(f"drop/{name.replace('__', '/')}.csv", content)


def connect(prefix: str = "drop") -> Source:
    """A source of whatever lies below a path."""
    settings = {"bucket": BUCKET, "prefix": prefix}
    return connecting.connect(name="drop", kind="s3-files", settings=settings, secrets=SECRETS, months=1, actor=None)


def fetching(source: Source, name: str) -> Run:
    """The newest run of a delivery."""
    return source.runs.filter(name=name).latest("pk")


def test_every_bill_below_the_path_is_loaded_and_nothing_twice(bucket: Bucket) -> None:
    drop(bucket, may=focus("1", month="2026-05"), older__june=focus("2", "3"))
    bucket.put("elsewhere/july.csv", focus("100", month="2026-07"))
    bucket.put("drop/readme.txt", b"hello")
    source = connect()
    work(source)
    assert stored() == 6
    read = bucket.server.gets(".csv")

    assert [run.status for run in look_again(source)] == ["unchanged"]
    assert bucket.server.gets(".csv") == read

    drop(bucket, may=focus("10", month="2026-05"))
    look_again(source)
    assert stored() == 15


def test_what_no_bill_is_goes_where_it_belongs(bucket: Bucket) -> None:
    drop(
        bucket,
        what=b"provider,resource_id,kind,size\nAWS,i-1,machine,m5.large\nAWS,i-2,machine,m5.large\n",
        prices=b"provider,sku_id,list_unit_price,pricing_unit,pricing_currency\nAWS,A,0.1,Hrs,USD\n",
    )
    source = connect()
    work(source)

    assert [run.status for run in source.runs.order_by("pk")] == ["done"] * 3
    assert set(Resource.objects.values_list("resource_id", flat=True)) == {"i-1", "i-2"}
    assert Price.objects.get().sku_id == "A"


def test_chunks_of_one_bill_are_one_delivery(bucket: Bucket) -> None:
    drop(bucket, **{"june-00001": focus("1"), "june-00002": focus("2")})
    source = connect()
    work(source)
    assert [run.name for run in source.runs.order_by("pk")] == ["", "june-00001.csv"]
    assert stored() == 3

    drop(bucket, **{"june-00003": focus("4")})
    look_again(source)

    assert stored() == 7


def test_a_missing_chunk_is_waited_for_by_name(bucket: Bucket) -> None:
    drop(bucket, **{"june-00001": focus("1"), "june-00003": focus("3")})
    source = connect()
    work(source)

    waiting = fetching(source, "june-00001.csv")
    assert waiting.status == "waiting"
    assert "lacks chunk 2 of june*.csv" in waiting.error
    drop(bucket, **{"june-00002": focus("2")})
    try_again(source)
    assert stored() == 6


def test_of_a_manifest_only_what_it_lists_is_loaded(bucket: Bucket) -> None:
    bucket.legacy("20260601-20260701", {"cur-1.csv": focus("1"), "cur-2.csv": focus("2")}, prefix="drop/cur")
    bucket.put("drop/cur/20260601-20260701/stale.csv", focus("100"))
    source = connect()
    work(source)

    (run,) = source.runs.exclude(name="")
    assert run.name == "cur/20260601-20260701/cur-Manifest.json"
    assert stored() == 3


def test_a_whole_bucket_is_a_place_too(bucket: Bucket) -> None:
    bucket.put("june.csv", focus("1"))
    source = connect(prefix="")
    work(source)

    assert stored() == 1
    assert source.runs.latest("pk").address == f"s3://{BUCKET}/june.csv"


def test_a_file_replaced_while_it_is_read_is_read_later(bucket: Bucket) -> None:
    drop(bucket, june=focus("1"))

    def replace(_: Request) -> None:
        drop(bucket, june=focus("40"))

    bucket.server.spoil(path="june.csv", answer=replace)
    source = connect()
    work(source)
    assert "replaced while it was read" in fetching(source, "june.csv").error
    assert stored() == 0

    try_again(source)

    assert stored() == 40


def test_a_file_replaced_just_after_it_was_read_is_read_later_too(bucket: Bucket) -> None:
    drop(bucket, june=focus("1"))
    source = connect()
    made = connection_of(source)
    plain = type(made).download

    def then_replaced(self: Any, stored_: StoredObject, path: Path) -> Iterator[int]:
        yield from plain(self, stored_, path)
        drop(bucket, june=focus("40"))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(made), "download", then_replaced)
        work(source)
    assert fetching(source, "june.csv").error == "june.csv was replaced while it was read."

    try_again(source)

    assert stored() == 40


def test_a_truncated_file_is_read_again_from_the_start(bucket: Bucket) -> None:
    whole = focus("1", "2")
    drop(bucket, june=whole)

    def cut(_: Request) -> Response:
        return Response(iter([whole[:100]]), 200, {"Content-Length": str(len(whole)), "ETag": '"x"'})

    bucket.server.spoil(path="june.csv", answer=cut)
    source = connect()
    work(source)

    assert (fetching(source, "june.csv").status, stored()) == ("done", 3)


def test_a_file_that_was_taken_away_is_no_more_asked_for(bucket: Bucket) -> None:
    drop(bucket, june=focus("1"), may=focus("2", month="2026-05"))
    source = connect()
    first = source.runs.get()
    made = connection_of(source)
    bucket.s3.delete_object(Bucket=BUCKET, Key="drop/june.csv")

    with pytest.raises(ProviderRefusedError, match=r"june\.csv is not there any more"):
        made.fetch(f"s3://{BUCKET}/drop/june.csv", Path(), lambda *_: None)
    assert first.status == "queued"


def test_a_file_larger_than_allowed_is_refused_before_it_is_fetched(bucket: Bucket, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 50
    drop(bucket, june=focus("1"))
    source = connect()
    work(source)

    refused = fetching(source, "june.csv")
    assert refused.status == "refused"
    assert "FINOPS_MAX_UPLOAD_MB" in refused.error
    assert bucket.server.gets("june.csv") == 0


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(bucket, june=focus("1"))
    full = shutil.disk_usage("/")._replace(free=1_000_000)
    source = connect()
    monkeypatch.setattr("collectors.transfer.shutil.disk_usage", lambda _: full)
    work(source)

    assert "The disk of this server is full" in fetching(source, "june.csv").error
    assert bucket.server.gets("june.csv") == 0


def test_names_that_no_file_can_have_are_told_and_the_others_loaded(bucket: Bucket) -> None:
    drop(bucket, june=focus("1"))
    bucket.put(f"drop/{'x' * 300}.csv", focus("2"))
    source = connect()
    work(source)

    assert stored() == 1
    looked = source.runs.get(name="")
    assert looked.status == "done"
    assert "x.csv is left out: this cannot be the name of a file here." in looked.error


def test_the_test_of_a_connection_says_what_it_found(bucket: Bucket) -> None:
    drop(bucket, june=focus("1"))

    checks = list(connection_of(connect()).check())

    assert [(one.step, one.ok) for one in checks] == [
        ("Sign in to AWS", True),
        ("Look for files", True),
        ("Read a file", True),
    ]
    assert checks[1].says == "1 found, the newest june.csv"


def test_an_empty_place_is_told_with_what_can_be_read(bucket: Bucket) -> None:
    bucket.put("drop/readme.txt", b"hello")

    last = list(connection_of(connect()).check())[-1]

    assert not last.ok
    assert f"Nothing at s3://{BUCKET}/drop/ can be imported yet" in last.says


BEGAN = datetime(2026, 6, 1, tzinfo=UTC)


def files(*names: str) -> list[StoredObject]:
    """What a store lists, each a minute younger than the one before."""
    return [
        StoredObject(f"drop/{name}", 100, str(number), BEGAN + timedelta(minutes=number))
        for number, name in enumerate(names)
    ]


def seen(listed: list[StoredObject], contents: dict[str, bytes] | None = None) -> tuple[list[list[str]], list[str]]:
    """The files of each delivery, oldest first, and which of them were opened for it."""
    opened: list[str] = []

    def start_of(stored_: StoredObject, most: int) -> bytes:
        opened.append(stored_.key)
        return (contents or {}).get(stored_.key, b"a,b\n")[:most]

    place = look(listed, "drop/", start_of)
    return [[file.key.removeprefix("drop/") for file in one.files] for one in place.deliveries], opened


def test_files_whose_names_say_all_are_not_opened() -> None:
    assert seen(files("b.csv", "a.parquet", "c.csv.gz")) == ([["b.csv"], ["a.parquet"], ["c.csv.gz"]], [])


def test_hidden_files_and_other_kinds_of_files_are_no_deliveries() -> None:
    assert seen(files(".b.csv", "sub/.c.json", "a.csv", "notes.txt", "_SUCCESS")) == ([["a.csv"]], [])


def test_of_many_chunks_one_is_opened() -> None:
    chunks = [f"cur-{number:05}.csv.gz" for number in range(200)]

    deliveries, opened = seen(files(*chunks))

    assert deliveries == [chunks]
    assert opened == ["drop/cur-00000.csv.gz"]


def test_numbered_reports_that_stand_alone_stay_alone() -> None:
    names = [f"reports_cost-csv_0000000030000{number}.csv" for number in (269, 270)]
    header = b"lineItem/referenceNo,lineItem/intervalUsageStart\n"

    deliveries, _ = seen(files(*names), {f"drop/{name}": header for name in names})

    assert deliveries == [[names[0]], [names[1]]]


def test_answers_of_a_cost_api_belong_together_and_other_json_is_no_delivery() -> None:
    page = json.dumps({"object": "page", "data": []}).encode()
    contents = {"drop/costs.json": page, "drop/usage.json": page, "drop/package.json": b'{"name": "x"}'}

    deliveries, _ = seen(files("costs.json", "usage.json", "package.json"), contents)

    assert deliveries == [["costs.json", "usage.json"]]


def test_a_place_with_too_many_files_asks_for_a_longer_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_FILES", 3)

    with pytest.raises(ProviderRefusedError, match="More than 3 files lie there: give a longer path"):
        seen(files("a.csv", "b.csv", "c.csv", "d.csv"))
