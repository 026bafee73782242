"""Collecting exports from a bucket: layouts, what is new, what is replaced, and what the ledger of runs says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import AuditEvent, Role, User
from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.costs.models import Statement
from apps.sources import connecting, notices, runs, states, wording
from apps.sources.models import Delivery, Run, Source
from apps.sources.overlaps import overlaps
from apps.sources.restatements import corrections
from tests.aws import Bucket, real_export
from tests.shared import BILLING
from tests.sources.conftest import JULY, JUNE, connect, focus, look_again, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
ALL = Scope.everything()


def statuses(found: list[Run]) -> list[tuple[str, str]]:
    return [(run.name, run.status) for run in found]


def test_an_export_is_collected_month_by_month_the_newest_first(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    bucket.legacy(JULY, {"cur-1.csv": focus("10", month="2026-07"), "cur-2.csv": focus("20", month="2026-07")})
    source = connect()

    found = work(source)

    assert statuses(found) == [("", "done"), ("2026-06", "done"), ("2026-07", "done")]
    july = Run.objects.get(name="2026-07")
    assert july.started_at < Run.objects.get(name="2026-06").started_at  # type: ignore[operator]
    assert (july.rows, july.attempt, july.bytes) == (2, 1, july.bytes_total)
    assert july.calls > 3
    assert july.delivery.path == f"s3://northwind-billing/finops/cur/{JULY}/cur-Manifest.json"  # type: ignore[union-attr]
    assert july.delivery.files.count() == 2  # type: ignore[union-attr]
    assert stored() == 31
    assert Source.objects.get().last_success_at is not None


@pytest.mark.parametrize("run", ["", "2026-06-20T10:00:00.000Z-4711"], ids=["overwrite", "create new"])
def test_data_exports_are_read_in_both_layouts(bucket: Bucket, run: str) -> None:
    bucket.data_export("2026-06", {"cur-00001.csv": focus("1.25"), "cur-00002.csv": focus("2")}, run=run)
    source = connect()

    work(source)

    assert stored() == Decimal("3.25")


def test_of_several_runs_in_a_bucket_only_the_current_manifests_files_are_loaded(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1"), "cur-2.csv": focus("5")}, run="a1")
    bucket.legacy(JUNE, {"cur-1.csv": focus("2")}, run="b2")
    bucket.put(f"finops/cur/{JUNE}/c3/cur-1.csv", focus("1000"))  # of a delivery whose manifest has not come
    source = connect()

    work(source)

    assert stored() == 2


def test_a_real_export_is_collected_to_the_last_digit_and_its_final_version_replaces_it(bucket: Bucket) -> None:
    real_export(bucket, BILLING / "nise/aws-s3-layout-mtd")
    source = connect()
    work(source)
    assert stored() == Decimal("12530.4610666368")

    bucket.legacy(JUNE, {"cur-1.csv.gz": (BILLING / "nise/aws/June-2026.csv.gz").read_bytes()}, run="final")
    look_again(source)

    assert stored() == Decimal("25954.9884")
    (correction,) = corrections(source, scope=ALL)
    today = datetime.now(UTC)
    said = wording.correction_sentence(correction)
    assert said == f"June 2026 changed by +$13,424.53 on {today.day} {today:%b} {today.year}"


def test_what_has_not_changed_is_not_fetched_again(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    source = connect()
    work(source)
    bucket.server.asked.clear()

    assert statuses(look_again(source)) == [("", "unchanged")]

    assert not [path for _, path in bucket.server.asked if "cur-1.csv" in path]


def test_a_new_manifest_over_the_same_content_changes_nothing(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")}, run="a1")
    source = connect()
    work(source)
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")}, run="b2")

    assert statuses(look_again(source)) == [("", "done"), ("2026-06", "unchanged")]

    assert Delivery.objects.count() == 1


def test_a_provider_that_takes_a_correction_back_has_the_last_word(bucket: Bucket) -> None:
    """An old file lying about brings no old numbers back, but what AWS says now is what counts."""
    source = connect()
    for cost in ("1", "2", "1"):
        bucket.legacy(JUNE, {"cur-1.csv": focus(cost)})
        look_again(source) if source.runs.count() > 1 else work(source)
        assert stored() == Decimal(cost)


def test_months_may_come_in_any_order(bucket: Bucket) -> None:
    source = connect()
    for period, month in ((JULY, "2026-07"), (JUNE, "2026-06"), ("20260501-20260601", "2026-05")):
        bucket.legacy(period, {"cur-1.csv": focus("1", month=month)})
        look_again(source) if source.runs.count() > 1 else work(source)

    assert stored() == 3
    assert [one.billing_period.month for one in states.periods(source, scope=ALL)] == [7, 6, 5]


def test_a_period_between_others_that_never_came_is_shown_as_missing(bucket: Bucket) -> None:
    for period, month in ((JULY, "2026-07"), ("20260501-20260601", "2026-05")):
        bucket.legacy(period, {"cur-1.csv": focus("1", month=month)})
    source = connect()
    work(source)

    assert [one.is_missing for one in states.periods(source, scope=ALL)] == [False, True, False]


def test_regularly_the_open_period_and_those_of_the_last_sixty_days_are_looked_at() -> None:
    assert runs.recheck_from(date(2026, 11, 22)) == date(2026, 9, 1)
    assert runs.recheck_from(date(2026, 11, 29)) == date(2026, 9, 1)
    assert runs.recheck_from(date(2026, 11, 30)) == date(2026, 10, 1)


@given(st.dates(date(2001, 1, 1), date(2199, 1, 1)))
def test_no_period_that_ended_in_the_last_sixty_days_is_ever_left_out(today: date) -> None:
    since = runs.recheck_from(today)

    assert since.day == 1
    assert since <= today - timedelta(days=60)
    last_before = since - timedelta(days=1)
    assert (today - last_before).days > 60


@given(st.dates(date(2005, 1, 1), date(2199, 1, 1)), st.integers(1, 60))
def test_so_many_months_back_are_so_many_billing_periods(today: date, months: int) -> None:
    since = runs.months_back(today, months)

    assert (today.year * 12 + today.month) - (since.year * 12 + since.month) + 1 == months
    assert since.day == 1


def test_a_source_whose_time_has_come_is_looked_at_once(bucket: Bucket) -> None:
    source = connect()
    work(source)
    now = datetime.now(UTC)
    Source.objects.update(next_run_at=now - timedelta(minutes=1))

    assert runs.queue_what_is_due(now) == 1
    assert runs.queue_what_is_due(now) == 0

    assert source.runs.filter(status="queued").count() == 1
    assert Source.objects.get().next_run_at == now + timedelta(hours=24)


def test_a_look_that_is_open_is_not_doubled_by_the_schedule(bucket: Bucket) -> None:
    source = connect()
    Source.objects.update(next_run_at=datetime.now(UTC) - timedelta(minutes=1))

    assert runs.queue_what_is_due(datetime.now(UTC)) == 0

    assert source.runs.count() == 1


def test_a_person_who_says_run_now_does_not_wait_for_the_next_attempt(bucket: Bucket) -> None:
    source = connect()
    later = datetime.now(UTC) + timedelta(hours=1)
    source.runs.update(status="waiting", next_attempt_at=later)
    Source.objects.update(rests_until=later)

    runs.queue_look(source, since=runs.recheck_from(later.date()), actor=None, at_once=True)

    assert source.runs.get().status == "queued"


def test_a_backfill_reaches_back_as_far_as_was_asked(bucket: Bucket) -> None:
    bucket.legacy("20240101-20240201", {"cur-1.csv": focus("7", month="2024-01")})
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    source = connect()
    work(source)
    assert stored() == 1

    look_again(source, months=60)

    assert stored() == 8


def test_cancelling_what_waits_ends_it_at_once_and_leaves_the_rest(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    bucket.legacy(JULY, {"cur-1.csv": focus("10", month="2026-07")})
    source = connect()
    work(source, most=1)
    admin = User.objects.create_user("admin", role=Role.ADMIN)

    runs.cancel(source.runs.get(name="2026-06"), actor=admin)
    work(source)

    assert source.runs.get(name="2026-06").status == "cancelled"
    assert stored() == 10
    assert AuditEvent.objects.filter(action="source.cancelled", actor=admin).exists()
    look_again(source)
    assert stored() == 11


def test_a_stream_of_files_that_becomes_a_connection_is_replaced_month_by_month(
    bucket: Bucket, import_bills, bill
) -> None:  # type: ignore[no-untyped-def]
    import_bills(bill("june.csv", [{"BilledCost": "100"}]), "--source", "aws")
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})

    work(connect("aws"))

    assert stored() == 1


def test_bills_of_an_account_that_come_twice_are_told(bucket: Bucket, import_bills, bill) -> None:  # type: ignore[no-untyped-def]
    import_bills(bill("june.csv", [{"EffectiveCost": "100"}]))
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", ServiceName="Amazon EC2")})
    source = connect("aws")
    work(source)

    (one,) = overlaps(scope=ALL, source=source.name)
    assert (one.sources, one.account, one.cost, one.days) == (("aws", "files"), "222", 1, 1)


def test_a_source_that_keeps_failing_is_paused_and_its_owner_told(bucket: Bucket, settings) -> None:  # type: ignore[no-untyped-def]
    settings.PUBLIC_URL = "https://finops.example.com"
    source = connect(bucket="somebody-elses")
    Source.objects.update(owner=User.objects.create_user("ida", email="ida@example.com", role=Role.ADMIN))
    work(source)
    for _ in range(runs.PAUSE_AFTER - 1):
        assert Source.objects.get().is_active
        look_again(source)

    paused = Source.objects.get()
    assert not paused.is_active
    assert "There is no bucket of this name" in paused.paused_reason
    assert notices.tell_owner(source.pk)
    (sent,) = mail.outbox
    assert sent.to == ["ida@example.com"]
    assert f"https://finops.example.com/sources/{source.pk}/" in sent.body
    assert "There is no bucket" in sent.body
    assert AuditEvent.objects.filter(action="source.paused").exists()


def test_a_paused_source_asks_nobody_until_it_is_resumed(bucket: Bucket) -> None:
    admin = User.objects.create_user("admin", role=Role.ADMIN)
    source = connect()
    connecting.pause(source, actor=admin)
    assert runs.dispatch(source.pk) == 0
    with pytest.raises(UserError, match="aws is paused: resume it"):
        runs.queue_look(source, since=date(2026, 1, 1), actor=admin, at_once=True)
    Source.objects.update(next_run_at=datetime.now(UTC) - timedelta(days=1))
    assert runs.queue_what_is_due(datetime.now(UTC)) == 0

    connecting.resume(source, actor=admin)

    assert runs.dispatch(source.pk) == 0  # the look that waited has been sent by resuming
    assert source.runs.get().sent_at is not None


def test_disconnecting_erases_credentials_and_keeps_costs(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    source = connect()
    work(source)

    connecting.disconnect(source, actor=User.objects.create_user("admin", role=Role.ADMIN))

    left = Source.objects.get()
    assert (left.is_live, bytes(left.secrets), left.settings) == (False, b"", {})
    assert stored() == 1
    assert Statement.objects.filter(superseded_at=None).count() == 1


def test_states_say_how_a_source_is_doing(bucket: Bucket) -> None:
    source = connect()
    assert states.sources_with_state(scope=ALL)[0].state == "Collecting"
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    work(source)
    (late,) = states.sources_with_state(scope=ALL)
    assert (late.state, late.newest_day) == ("Late", date(2026, 6, 3))
    (fresh,) = states.sources_with_state(scope=ALL, now=datetime(2026, 6, 5, tzinfo=UTC))
    assert (fresh.state, fresh.lag) == ("Healthy", 2)
    assert states.sources_with_state(scope=Scope(("ml-platform",))) == []
