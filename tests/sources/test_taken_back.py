"""What a provider takes back: a day, a month or an account that its next delivery says nothing of any more."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from werkzeug.wrappers import Request, Response

from apps.accounts.models import Role, User
from apps.accounts.scope import Scope
from apps.costs.models import Statement
from apps.sources import connecting, runs
from apps.sources.models import Delivery, Run, Source
from apps.sources.restatements import corrections
from collectors.connections import Window
from collectors.live_answers import CORRECTED_DAYS
from tests.aws import Bucket
from tests.sources.conftest import JULY, JUNE, SECRETS, Import, connect, focus, look_again, work
from tests.sources.cost_apis import KEYS, KINDS, CostServer, made, said
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
ALL = Scope.everything()
DAY = date(2026, 6, 3)


def months() -> int:
    """From June 2026 to the present one."""
    today = timezone.now().date()
    return max((today.year - 2026) * 12 + today.month - 5, 1)


@pytest.fixture
def collected(cost_server: CostServer) -> Source:
    """A source of a vendor of which June is loaded."""
    words: dict[str, Any] = {"settings": {}, "secrets": {"admin_key": KEYS[cost_server.kind]}, "months": months()}
    source = connecting.connect(name="models", kind=cost_server.kind, actor=None, **words)
    work(source)
    return source


def again(source: Source) -> list[Run]:
    """The next look and what follows from it."""
    return look_again(source, months())


def of_day(source: Source, day: date) -> Decimal:
    """What the books hold of a day."""
    current = Statement.objects.filter(source=source.name, superseded_at=None, bill_part=day.isoformat())
    return current.aggregate(cost=Sum("effective_cost"))["cost"] or Decimal(0)


def test_a_day_that_the_vendor_takes_back_leaves_the_books(cost_server: CostServer, collected: Source) -> None:
    before, gone = stored(), of_day(collected, DAY)
    assert gone > 0
    taken = cost_server.costs.pop(DAY)

    _, june = again(collected)

    assert (june.status, stored()) == ("done", before - gone)
    zero = Statement.objects.get(bill_part=DAY.isoformat(), superseded_at=None)
    assert zero.row_count == zero.effective_cost == 0
    assert zero.delivery_id == june.delivery_id
    assert [run.status for run in again(collected)] == ["unchanged"]
    runs.queue_again(june, actor=User.objects.create_user("admin", role=Role.ADMIN))
    assert work(collected)[-1].status == "unchanged"
    assert stored() == before - gone

    cost_server.costs[DAY] = taken
    assert [run.status for run in again(collected)] == ["done", "done"]
    assert stored() == before
    assert not Statement.objects.filter(row_count=0, superseded_at=None).exists()


def test_a_month_that_is_taken_back_whole_shows_as_a_correction_to_nothing(
    cost_server: CostServer, collected: Source
) -> None:
    before = stored()
    cost_server.costs.clear()
    cost_server.answers[KINDS[cost_server.kind].usage.path].clear()

    look, june, *_ = again(collected)

    assert (look.status, june.name, june.status, june.rows) == ("done", "2026-06", "done", 0)
    assert stored() == 0
    (one,) = corrections(collected, scope=ALL)
    assert (one.before, one.after) == (before, Decimal(0))
    assert one.delivery_id == june.delivery_id
    client = Client()
    client.force_login(User.objects.create_user("viewer", role=Role.VIEWER))
    (told,) = client.get(f"/api/v1/sources/{collected.pk}/corrections/").json()["results"]
    assert (Decimal(told["before"]), Decimal(told["after"])) == (before, Decimal(0))
    page = client.get(f"/sources/{collected.pk}/").content.decode()
    assert f"June 2026 changed by \N{MINUS SIGN}${before.quantize(Decimal('0.01'))}" in page
    assert client.get(f"/sources/deliveries/{june.delivery_id}/").status_code == 200
    assert [run.status for run in again(collected)] == ["unchanged"]
    assert stored() == 0


@pytest.mark.parametrize(
    "torn",
    [
        {"data": [], "has_more": False},
        {"data": [], "has_more": False, "next_page": None, "object": "page"},
        {"error": "no costs"},
        {},
    ],
)
def test_an_answer_that_states_no_days_takes_nothing_back(
    cost_server: CostServer, collected: Source, torn: dict[str, Any]
) -> None:
    before = stored()
    cost_server.costs.clear()
    costs = KINDS[cost_server.kind].costs.path
    june = cost_server.stamp(date(2026, 6, 1))
    name = KINDS[cost_server.kind].api.bucket_times[0]

    def spoil(request: Request) -> Response | None:
        return said(torn) if request.path == costs and request.args[name] == str(june) else None

    cost_server.spoil = spoil

    assert not {"done"} & {run.status for run in again(collected) if run.name == "2026-06"}
    assert stored() == before
    cost_server.spoil = lambda _: None
    for run in Run.objects.filter(status="waiting"):
        runs.cancel(run, actor=None)
    Source.objects.update(rests_until=None)
    again(collected)
    assert stored() == 0


def test_an_answer_that_ends_early_takes_nothing_back(cost_server: CostServer, collected: Source) -> None:
    before = stored()
    cost_server.costs.pop(DAY)
    costs = KINDS[cost_server.kind].costs.path

    def short(request: Request) -> Response | None:
        """The first page, as if it were the last."""
        if request.path != costs or request.args["limit"] == "1" or request.args.get("page"):
            return None
        page = json.loads(cost_server.page(request).data)
        return said({**page, "has_more": False, "next_page": None})

    cost_server.spoil = short

    _, june = again(collected)

    assert (june.status, stored()) == ("waiting", before)
    assert "has costs up to" in june.error


def test_days_that_an_answer_leaves_out_are_not_taken_back(cost_server: CostServer, collected: Source) -> None:
    before = stored()
    cost_server.costs[date(2026, 6, 1)][0]["description"] = "another word"
    name = KINDS[cost_server.kind].api.bucket_times[0]
    left_out, costs = cost_server.stamp(DAY), KINDS[cost_server.kind].costs.path

    def gap(request: Request) -> Response | None:
        if request.path != costs:
            return None
        page = json.loads(cost_server.page(request).data)
        return said({**page, "data": [bucket for bucket in page["data"] if bucket[name] != left_out]})

    cost_server.spoil = gap

    _, june = again(collected)

    assert june.status == "done"
    assert (stored(), of_day(collected, DAY) > 0) == (before, True)


def test_what_the_vendor_may_have_forgotten_is_not_taken_back(cost_server: CostServer, collected: Source) -> None:
    before = stored()
    cost_server.costs.clear()
    cost_server.now = datetime(2026, 6, 30, 12, tzinfo=UTC) + timedelta(days=CORRECTED_DAYS + 1)

    again(collected)

    assert stored() == before
    assert "2026-06" not in {one.name for one in made(cost_server).remote(Window(date(2026, 6, 1)))}


def test_a_saved_answer_takes_back_the_days_that_it_states_without_costs(
    cost_server: CostServer, import_bills: Import, tmp_path: Path
) -> None:
    start, end = KINDS[cost_server.kind].api.bucket_times

    def saved(name: str, *days: date) -> Path:
        """An answer of 1 to 4 June with the costs of some days alone."""
        every = [date(2026, 6, number) for number in range(1, 5)]
        data = [
            {
                start: cost_server.stamp(day),
                end: cost_server.stamp(day + timedelta(days=1)),
                "results": cost_server.costs.get(day, []) if day in days else [],
            }
            for day in every
        ]
        path = tmp_path / f"{name}.json"
        page = {"object": "page"} if cost_server.kind == "openai" else {}
        path.write_text(json.dumps({**page, "data": data, "has_more": False, "next_page": None}))
        return path

    first = date(2026, 6, 1)
    import_bills(saved("both", first, DAY))
    both, gone = stored(), of_day(Source.objects.get(), DAY)
    import_bills(saved("one", first))

    assert (stored(), gone > 0) == (both - gone, True)
    import_bills(saved("elsewhere", DAY), "--source", "other")
    assert stored() == both
    assert [line["status"] for line in import_bills(tmp_path / "one.json")] == ["unchanged"]
    assert stored() == both


def test_an_account_that_an_export_has_no_rows_of_any_more_is_taken_back(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2") + second_account("4")})
    bucket.legacy(JULY, {"cur-1.csv": focus("8", month="2026-07")})
    source = connect()
    work(source)
    assert stored() == 15

    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2", "0")})
    look_again(source)

    assert stored() == 11
    (one,) = corrections(source, scope=ALL)
    assert (one.before, one.after) == (Decimal(4), Decimal(0))
    look_again(source)
    assert stored() == 11


def second_account(cost: str) -> bytes:
    """A row of another billing account."""
    return focus(cost, BillingAccountId="999").partition(b"\r\n")[2]


def test_a_whole_bill_without_rows_takes_back_its_month_whatever_else_was_as_empty(bucket: Bucket) -> None:
    empty = {"cur-1.csv": focus()}
    bucket.legacy(JULY, empty)
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2")})
    source = connect()
    work(source)
    assert stored() == 3

    bucket.legacy(JUNE, empty)  # the same bytes as those of July
    look_again(source)

    assert stored() == 0
    assert corrections(source, scope=ALL)[0].after == 0
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2")})
    look_again(source)
    assert stored() == 3


def test_a_truncated_or_rejected_bill_takes_nothing_back(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2") + second_account("4")})
    source = connect()
    work(source)

    bucket.legacy(JUNE, {"cur-1.csv": b""})
    look_again(source)
    assert stored() == 7
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2").replace(b",2,2,", b",two,2,")})
    look_again(source)

    assert Delivery.objects.latest("pk").rows_rejected == 1
    assert {one.billing_account_id for one in Statement.objects.filter(superseded_at=None, row_count__gt=0)} >= {"999"}


def test_another_place_takes_nothing_back_of_the_first(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2")})
    source = connect()
    work(source)
    admin = User.objects.create_user("admin", role=Role.ADMIN)
    bucket.legacy(JUNE, {"cur-1.csv": focus("5", BillingAccountId="999")}, prefix="exports/other")

    connecting.change(
        source,
        settings={**source.settings, "prefix": "exports/other"},
        secrets=SECRETS,
        refresh_hours=24,
        actor=admin,
    )
    look_again(source)

    assert stored() == 8
