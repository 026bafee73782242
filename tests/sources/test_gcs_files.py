"""Files of any format in a bucket of Cloud Storage: the way to the facts, and what goes wrong on it."""

from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from apps.core.errors import UserError
from apps.sources import connecting
from apps.sources.connections import connection
from apps.sources.models import Source
from collectors.connections import Check, kind_of
from collectors.gcp import files
from tests.gcp import EMAIL, GoogleServer, error, google, google_for_all, key
from tests.gcp_apis import api_error
from tests.sources.conftest import focus, look_again, try_again, work
from tests.sources.totals import stored

__all__ = ["google", "google_for_all", "key"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

BUCKET = {"bucket": "nw-bills", "prefix": "finops"}


@pytest.fixture
def bucket(google: GoogleServer) -> GoogleServer:
    """A bucket with the bill of June."""
    google.shelves.put("finops/", b"")
    google.shelves.put("finops/june.csv", focus("1", "2"))
    google.shelves.put("finopsy/other.csv", focus("1000"))
    return google


def connect(key: str, **settings: str) -> Source:
    """A connection to the bucket."""
    return connecting.connect(
        name="files", kind="gcs-files", settings={**BUCKET, **settings}, secrets={"key": key}, months=13, actor=None
    )


def checks(key: str, **settings: str) -> list[Check]:
    """What testing a connection says."""
    return list(connection("gcs-files", {**BUCKET, **settings}, {"key": key}).check())


def test_files_below_the_path_are_collected_and_new_ones_replace_what_they_say(bucket: GoogleServer, key: str) -> None:
    source = connect(key)
    work(source)
    assert stored() == 3
    assert all("/nw-bills/o?" in path or "/nw-bills/o/" in path or path == "/token?" for path in bucket.asked)

    bucket.shelves.put("finops/july.csv", focus("10", month="2026-07"))
    bucket.shelves.put("finops/june.csv", focus("4"))
    look, *fetched = look_again(source)
    assert (look.status, {run.name for run in fetched}) == ("done", {"july.csv", "june.csv"})
    assert stored() == 14
    assert [run.status for run in look_again(source)] == ["unchanged"]


def test_a_large_file_comes_in_parts(bucket: GoogleServer, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 300)
    work(connect(key))
    assert stored() == 3
    size = len(bucket.shelves.objects["finops/june.csv"])
    assert sum("alt=media" in path for path in bucket.asked) >= size // 300


def test_a_file_that_is_replaced_in_the_middle_is_fetched_again(
    bucket: GoogleServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 300)

    def replace(_: Request) -> None:
        bucket.shelves.put("finops/june.csv", focus("7", "8"))

    source = connect(key)
    work(source, most=1)
    bucket.spoil(path="alt=media", answer=replace)
    work(source)
    run = source.runs.latest("pk")
    assert (run.status, run.error) == ("waiting", "finops/june.csv was replaced while it was read.")
    assert stored() == 0

    try_again(source)
    assert stored() == 15


def test_a_part_that_comes_short_is_asked_for_again_and_one_that_stays_short_is_waited_for(
    bucket: GoogleServer, key: str
) -> None:
    def short(request: Request) -> Response:
        return Response(bucket.shelves.objects["finops/june.csv"][:0], 206, {"Content-Range": "bytes 0-0/1"})

    bucket.spoil(times=1, path="alt=media", answer=short)
    source = connect(key)
    work(source)
    assert stored() == 3

    bucket.shelves.put("finops/june.csv", focus("9"))
    bucket.spoil(times=99, path="alt=media", answer=short)
    look_again(source)
    assert source.runs.latest("pk").status == "waiting"
    assert "june.csv broke off after 0 of" in source.runs.latest("pk").error
    assert stored() == 3


def test_a_connection_test_says_each_step(bucket: GoogleServer, key: str) -> None:
    found = checks(key)
    assert [(step.step, step.ok) for step in found] == [
        ("Sign in to Google Cloud", True),
        ("Look for files", True),
        ("Read a file", True),
    ]
    assert found[0].says == EMAIL
    assert found[1].says == "1 found, the newest june.csv"


DENIED = "x@y does not have storage.objects.{0} access to the bucket. Permission 'storage.objects.{0}' denied."


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        (
            "/o?",
            error(403, "forbidden", DENIED.format("list")),
            "The permission storage.objects.list is missing",
        ),
        ("alt=media", error(403, "forbidden", DENIED.format("get")), "The permission storage.objects.get is"),
        ("/o?", error(404, "notFound", "The specified bucket does not exist."), "There is no bucket of this name"),
        ("/o?", error(401, "authError", "no"), "Google Cloud does not take the credentials"),
        ("/o?", error(429, "rateLimitExceeded", "no"), "asks for fewer requests"),
        ("/o?", error(503, "backendError", "no"), "asks for fewer requests"),
        ("/o?", lambda _: Response("{", 200), "failed or broke off"),
        ("/o?", lambda _: api_error(403, "X", "no", "SECURITY_POLICY_VIOLATED"), "VPC Service Controls"),
    ],
)
def test_what_is_missing_is_named(bucket: GoogleServer, key: str, path: str, answer: Any, said: str) -> None:
    bucket.spoil(times=99, path=path, answer=answer)
    last = checks(key)[-1]
    assert not last.ok
    assert said in last.says


def test_a_place_without_files_says_what_is_wanted(bucket: GoogleServer, key: str) -> None:
    assert "Nothing at gs://nw-bills/elsewhere/ can be imported yet" in checks(key, prefix="elsewhere")[-1].says


@pytest.mark.parametrize("typed", ["", "A Bucket", "gs://"])
def test_what_is_typed_wrong_is_named(typed: str) -> None:
    with pytest.raises(UserError, match="This is no bucket's name"):
        connection("gcs-files", {"bucket": typed}, {})


def test_what_people_copy_is_understood_and_the_policy_grants_reading_of_the_bucket_alone() -> None:
    made = connection("gcs-files", {"bucket": "gs://nw-bills/", "prefix": "/a/b/"}, {})
    assert (made.settings.bucket, made.settings.prefix) == ("nw-bills", "a/b")

    policy = kind_of("gcs-files").policy({"bucket": "gs://nw-bills"})
    assert "gcloud storage buckets add-iam-policy-binding gs://nw-bills \\" in policy
    assert "--permissions=storage.objects.get,storage.objects.list --stage=GA" in policy
    assert policy.count("add-iam-policy-binding") == 1
