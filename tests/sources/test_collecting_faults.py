"""What goes wrong while collecting: nothing is lost, nothing doubled, and the ledger says what happened."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from django.utils import timezone
from werkzeug.wrappers import Request, Response

from apps.sources import runs, states
from apps.sources.collect_command import collect
from apps.sources.models import Delivery, Source
from tests.aws import BUCKET, Bucket, error, sts_error
from tests.sources.conftest import JULY, JUNE, connect, fetching, focus, look_again, try_again, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
THROTTLED = error(503, "SlowDown", "Please reduce your request rate.", **{"Retry-After": "120"})
BROKEN = error(500, "InternalError", "We encountered an internal error.")


def test_throttled_the_whole_source_rests_as_long_as_aws_asks(june: Bucket) -> None:
    june.server.spoil(path="cur-1.csv", answer=THROTTLED)
    source = connect()
    work(source)

    waiting = fetching(source)
    assert waiting.status == "waiting"
    assert waiting.error == "AWS asks for fewer requests (SlowDown)."
    assert waiting.next_attempt_at >= timezone.now() + timedelta(seconds=110)  # type: ignore[operator]
    assert june.server.gets("cur-1.csv") == 1  # whoever is asked to wait does not ask twice
    assert runs.dispatch(source.pk) == 0
    assert states.sources_with_state(scope=states.Scope.everything())[0].state == "Retrying"

    try_again(source)
    assert (fetching(source).status, fetching(source).attempt) == ("done", 2)
    assert stored() == 3


def test_a_fault_of_aws_for_a_moment_is_not_even_noticed(june: Bucket) -> None:
    june.server.spoil(times=2, path="cur-1.csv", answer=BROKEN)
    source = connect()
    work(source)

    assert (fetching(source).status, fetching(source).attempt) == ("done", 1)


def test_a_fault_that_lasts_is_tried_again_ever_more_seldom_and_then_given_up(june: Bucket) -> None:
    june.server.spoil(times=1000, path="cur-1.csv", answer=BROKEN)
    source = connect()
    work(source)
    assert fetching(source).error == "AWS has a fault of its own (InternalError)."
    for _ in range(runs.MOST_ATTEMPTS):
        try_again(source)

    given_up = fetching(source)
    assert (given_up.status, given_up.attempt) == ("failed", runs.MOST_ATTEMPTS)
    assert given_up.error.endswith("Given up after 6 attempts.")
    june.server.spoils.clear()
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert stored() == 3


def test_the_time_between_attempts_doubles_with_some_chance_and_has_an_end() -> None:
    for attempt in range(1, 20):
        shortest, longest = (runs.wait_before(attempt, None, chance) for chance in (0.0, 1.0))
        assert shortest >= min(7.5 * 2 ** (attempt - 1), 1800)
        assert longest <= 5400
        assert longest == 3 * shortest
    assert runs.wait_before(1, 30.0, 0.5) >= 30


def test_a_provider_that_asks_for_no_time_is_left_alone_all_the_same() -> None:
    assert [runs.wait_before(attempt, 0.0, 0.5) for attempt in (1, 2, 3)] == [15, 30, 60]


def test_the_command_ends_when_the_source_has_to_rest_and_says_what_waits(june: Bucket) -> None:
    june.legacy(JULY, {"cur-2.csv": focus("4", month="2026-07")})
    source = connect()
    june.server.spoil(times=99, path="cur-2.csv", answer=THROTTLED)
    began = time.monotonic()

    result = CliRunner().invoke(collect, ["aws", "--months", "13", "--json"], catch_exceptions=False)

    assert (result.exit_code, time.monotonic() - began < 30) == (1, True)
    told = [(line["name"], line["status"]) for line in map(json.loads, result.stdout.splitlines())]
    assert told == [("", "done"), ("2026-06", "queued"), ("2026-07", "waiting")]
    june.server.spoils.clear()
    try_again(source)
    assert stored() == 7


def test_a_truncated_file_is_read_again_from_the_start(june: Bucket) -> None:
    whole = focus("1", "2")

    def cut(_: Request) -> Response:
        return Response(iter([whole[:100]]), 200, {"Content-Length": str(len(whole)), "ETag": '"x"'})

    june.server.spoil(times=1, path="cur-1.csv", answer=cut)
    source = connect()
    work(source)

    assert (fetching(source).status, fetching(source).error) == ("done", "")
    assert fetching(source).bytes == len(whole)
    assert stored() == 3


def test_a_file_that_stays_truncated_loads_nothing(june: Bucket) -> None:
    whole = focus("1", "2")
    june.server.spoil(times=100, path="cur-1.csv", answer=lambda _: Response(whole[:100], 200, {"ETag": '"x"'}))
    source = connect()
    work(source)

    assert fetching(source).status == "waiting"
    assert f"cur-1.csv broke off after 100 of {len(whole)} bytes." in fetching(source).error
    assert not Delivery.objects.exists()


def test_a_file_replaced_while_it_is_read_is_read_later_with_its_manifest(june: Bucket) -> None:
    def replace(_: Request) -> None:
        june.legacy(JUNE, {"cur-1.csv": focus("40", "50")})

    june.server.spoil(path="cur-1.csv", answer=replace)
    source = connect()
    work(source)
    assert fetching(source).status == "waiting"
    assert "replaced while it was read" in fetching(source).error
    assert not Delivery.objects.exists()
    assert Source.objects.get().rests_until is None  # other months may go on

    try_again(source)

    assert stored() == 90


def test_a_manifest_replaced_while_its_files_are_read_counts_and_the_files_do_not(june: Bucket) -> None:
    def deliver_anew(_: Request) -> None:
        june.legacy(JUNE, {"other.csv": focus("7")})

    june.server.spoil(path="cur-1.csv", answer=deliver_anew)
    source = connect()
    work(source)
    assert fetching(source).error == "AWS delivered anew while the files were read."

    try_again(source)

    assert stored() == 7


def test_files_without_their_manifest_wait_for_it(bucket: Bucket) -> None:
    bucket.put("finops/cur/data/BILLING_PERIOD=2026-06/cur-1.csv", focus("1"))
    source = connect()
    work(source)
    waiting = fetching(source)
    assert waiting.status == "waiting"
    assert "has no manifest. AWS writes it last" in waiting.error
    assert not Delivery.objects.exists()

    bucket.data_export("2026-06", {"cur-1.csv": focus("1")})
    try_again(source)

    assert stored() == 1


def test_a_manifest_that_lists_what_is_not_there_is_named(june: Bucket) -> None:
    june.s3.delete_object(Bucket=BUCKET, Key=f"finops/cur/{JUNE}/cur-1.csv")
    source = connect()
    work(source)

    lists = f"cur-Manifest.json lists finops/cur/{JUNE}/cur-1.csv, which is missing from the bucket."
    assert (fetching(source).status, fetching(source).error) == ("waiting", lists)


def test_files_newer_than_their_manifest_are_of_the_next_delivery(
    june: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    time.sleep(1.1)  # the server's dates have whole seconds
    june.put(f"finops/cur/{JUNE}/cur-1.csv", focus("1000"))
    source = connect()
    work(source)
    assert fetching(source).status == "waiting"
    assert "AWS is writing the next delivery" in fetching(source).error

    monkeypatch.setattr("collectors.aws.connection.SETTLED", timedelta(0))  # a bucket that was copied, an hour later
    try_again(source)

    assert stored() == 1000


def test_failures_count_in_a_row_a_good_run_begins_anew(june: Bucket) -> None:
    source = connect()
    Source.objects.update(failures=2)
    work(source)

    now = Source.objects.get()
    assert (now.failures, now.is_active, fetching(source).status) == (0, True, "done")


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId"])
def test_expired_or_unknown_credentials_are_refused_and_not_tried_again(june: Bucket, code: str) -> None:
    june.server.spoil(times=100, answer=error(400, code, "The provided token has expired."))
    source = connect()
    (look,) = work(source)

    assert look.status == "refused"
    assert "access key" in look.error
    assert Source.objects.get().failures == 1
    assert june.server.gets() == 1


@pytest.mark.parametrize(
    ("path", "message", "permission"),
    [
        ("list-type", "Access Denied", "s3:ListBucket"),
        ("cur-1.csv", "Access Denied", "s3:GetObject"),
        ("cur-1.csv", "User: x is not authorized to perform: kms:Decrypt on resource: y", "kms:Decrypt"),
        ("cur-1.csv", "User: x is not authorized to perform: s3:GetObjectVersion on y", "s3:GetObjectVersion"),
    ],
)
def test_a_missing_permission_is_named(june: Bucket, path: str, message: str, permission: str) -> None:
    june.server.spoil(times=100, path=path, answer=error(403, "AccessDenied", message))
    source = connect()

    last = work(source)[-1]

    said = f"The permission {permission} is missing: add it to the policy of the role or user."
    assert (last.status, last.error) == ("refused", said)


def test_a_role_that_may_not_be_taken_on_is_named_with_what_its_trust_needs(june: Bucket) -> None:
    arn = "arn:aws:iam::123456789012:role/FinOpsRead"
    june.server.spoil(times=9, path="/", method="POST", answer=sts_error(403, "AccessDenied", "not authorized"))
    (look,) = work(connect(role_arn=arn, external_id="4711"))

    assert (look.status, look.error.partition(":")[0]) == ("refused", "arn")
    assert "trust policy has to name this server and the external id" in look.error


def test_a_role_is_taken_on_with_the_external_id(june: Bucket) -> None:
    source = connect(role_arn="arn:aws:iam::123456789012:role/FinOpsRead", external_id="4711")
    work(source)

    assert stored() == 3
    assert any("Action=AssumeRole" in body and "ExternalId=4711" in body for body in june.server.bodies)


def test_a_wrong_clock_is_told_with_the_time_that_aws_has(june: Bucket) -> None:
    june.server.spoil(times=100, answer=error(403, "RequestTimeTooSkewed", "The difference is too large."))
    (look,) = work(connect())

    assert look.status == "refused"
    assert f"which says {datetime.now(UTC):%a, %d %b %Y}" in look.error
    assert "GMT: set it by NTP" in look.error


def test_a_wrong_clock_of_ours_does_not_judge_what_aws_is_writing(
    june: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Ahead":
            return cls.fromtimestamp(time.time() + 10 * 365 * 86400, tz)

    time.sleep(1.1)  # the server's dates have whole seconds
    june.put(f"finops/cur/{JUNE}/cur-1.csv", focus("1000"))
    monkeypatch.setattr("collectors.aws.connection.datetime", Ahead)
    source = connect()
    work(source)

    assert "AWS is writing the next delivery" in fetching(source).error


def test_a_bill_that_cannot_be_read_is_refused_once_and_not_fetched_daily(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": b"name,age\nIris,40\n"})
    bucket.legacy(JULY, {"cur-1.csv": focus("1", month="2026-07")})
    source = connect()
    work(source)
    refused = fetching(source)
    assert refused.status == "refused"
    assert "collect-" not in refused.error
    assert refused.delivery.status == "rejected"  # type: ignore[union-attr]

    assert [run.name for run in look_again(source)] == [""]
    assert Source.objects.get().failures == 0  # the connection itself is well
    assert stored() == 1


def test_no_secret_is_in_any_error_or_log(june: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    june.server.spoil(times=3, answer=error(403, "SignatureDoesNotMatch", "x"))
    source = connect(role_arn="arn:aws:iam::123456789012:role/R")
    work(source)
    june.server.spoils.clear()
    work(source)
    look_again(source)

    assert "a-secret-that-nobody-may-see" not in caplog.text
    assert not any("a-secret" in run.error for run in source.runs.all())
    assert b"a-secret" not in bytes(Source.objects.get().secrets)
    assert datetime.now(UTC) > source.created_at
