"""OpenAI and Anthropic asked live: every digit of their answers, refusals, and a key that is never shown."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from werkzeug.wrappers import Request, Response

from apps.accounts.models import AuditEvent, Role, User
from apps.core.secrets import unseal
from apps.sources import collecting, connecting
from apps.sources.models import Run, Source
from collectors.connections import Check, Window
from collectors.errors import ProviderRefusedError
from collectors.live_answers import LiveCosts
from collectors.patience import TRIES
from tests.collectors.answers import of
from tests.sources.conftest import look_again, try_again, work
from tests.sources.cost_apis import JUNE, KEYS, KINDS, PAYLOADS, CostServer, fetch, made, refusal
from tests.sources.totals import stored

SUMS = {"openai": Decimal("4.58250059"), "anthropic": Decimal("2.3203912")}
stored_costs = pytest.mark.usefixtures("db", "home")


@pytest.fixture
def admin() -> Client:
    """An admin's client."""
    client = Client()
    client.force_login(User.objects.create_user("admin", role=Role.ADMIN))
    return client


def months() -> int:
    """How many there are from June 2026 to the present one."""
    today = timezone.now().date()
    return max((today.year - 2026) * 12 + today.month - 5, 1)


def connected(cost_server: CostServer) -> Source:
    """A source of the vendor whose first look comes next."""
    words: dict[str, Any] = {"settings": {}, "secrets": {"admin_key": KEYS[cost_server.kind]}, "months": months()}
    return connecting.connect(name="models", kind=cost_server.kind, actor=None, **words)


def after(cost_server: CostServer, calls: int, answer: Response, *, path: str = "", times: int = 1) -> None:
    """Let so many requests, from that one on whose path has `path` in it, get an answer of their own."""
    seen = [0]

    def spoil(request: Request) -> Response | None:
        seen[0] += path in request.path
        return answer if path in request.path and calls <= seen[0] < calls + times else None

    cost_server.spoil = spoil


@stored_costs
def test_what_is_collected_is_what_the_vendor_says_to_the_last_digit(cost_server: CostServer) -> None:
    source = connected(cost_server)

    look, june, _ = work(source)

    assert (look.status, look.rows) == ("done", 2)
    assert (june.name, june.status, june.delivery.status) == ("2026-06", "done", "loaded")  # type: ignore[union-attr]
    assert stored() == stored("effective_cost") == SUMS[cost_server.kind]
    lines = sum(map(len, cost_server.costs.values()))
    assert june.rows == lines
    assert june.calls >= 12  # six pages of four days each, of costs and of usage
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(consumed_quantity) FROM costs_dailycharge")
        (quantity,) = cursor.fetchone()
    assert quantity == of(*PAYLOADS[cost_server.kind]).summed("consumed_quantity") > 0


@stored_costs
def test_what_has_not_changed_is_not_fetched_again_and_a_corrected_day_is(cost_server: CostServer) -> None:
    source = connected(cost_server)
    work(source)

    (look,) = look_again(source, months())
    assert look.status == "unchanged"

    cost_server.costs[date(2026, 6, 3)].append(cost_server.costs[date(2026, 6, 3)][0])
    dearer = of_day(cost_server, date(2026, 6, 3))[0]
    _, june = look_again(source, months())
    assert june.status == "done"
    assert stored() == SUMS[cost_server.kind] + dearer


def of_day(cost_server: CostServer, day: date) -> list[Decimal]:
    """What the lines of a day cost, in dollars."""
    cents = cost_server.kind == "anthropic"
    amounts = [line["amount"] for line in cost_server.costs[day]]
    return [Decimal(amount) / 100 if cents else Decimal(repr(amount["value"])) for amount in amounts]


@stored_costs
def test_a_day_that_is_not_over_is_asked_for_when_it_is(cost_server: CostServer) -> None:
    cost_server.now = datetime(2026, 6, 3, 23, 59, tzinfo=UTC)
    source = connected(cost_server)
    work(source)
    assert stored() == sum(of_day(cost_server, date(2026, 6, 1)))

    cost_server.now = datetime(2026, 6, 4, 0, 1, tzinfo=UTC)
    look_again(source, months())

    assert stored() == SUMS[cost_server.kind]
    assert source.runs.filter(name="2026-06").latest("pk").address.endswith("#2026-06-01..2026-06-03")


def test_on_the_first_of_a_month_the_month_before_is_whole_and_the_new_one_has_nothing_yet(
    cost_server: CostServer,
) -> None:
    cost_server.now = datetime(2026, 7, 1, 0, 5, tzinfo=UTC)
    cost_server.costs[date(2026, 7, 1)] = cost_server.costs[date(2026, 6, 1)]

    june, models = made(cost_server).remote(JUNE)

    assert (june.name, june.billing_period) == ("2026-06", date(2026, 6, 1))
    assert (models.name, models.billing_period) == ("models", None)
    assert june.address.endswith("#2026-06-01..2026-06-30")
    start, end = KINDS[cost_server.kind].api.bucket_times
    assert all(request.args[start] < request.args[end] for request in cost_server.asked if end in request.args)


def test_the_order_of_lines_is_no_change_and_any_other_word_is(cost_server: CostServer) -> None:
    before = next(made(cost_server).remote(JUNE))
    for lines in cost_server.costs.values():
        lines.reverse()
    reversed_ = next(made(cost_server).remote(JUNE))
    cost_server.costs[date(2026, 6, 1)][0]["project_name"] = "Renamed"
    renamed = next(made(cost_server).remote(JUNE))

    assert before == reversed_
    assert before.fingerprint != renamed.fingerprint


@stored_costs
def test_months_without_costs_are_told_as_empty_and_not_fetched_where_there_never_were_any(
    cost_server: CostServer,
) -> None:
    cost_server.costs.clear()

    found = list(made(cost_server).remote(Window(date(2026, 1, 1))))
    assert [one.name for one in found if one.is_empty] == ["2026-04", "2026-05", "2026-06"]
    assert [one.name for one in found if not one.is_empty] == ["models"]

    look, models = work(connected(cost_server))
    assert (look.rows, models.name) == (1, "models")


def test_questions_are_divided_as_finely_as_the_import_reads_them(cost_server: CostServer, tmp_path: Path) -> None:
    fetch(cost_server, tmp_path)

    expected = {
        "openai": {
            "/v1/organization/costs": ["project_id", "line_item"],
            "/v1/organization/usage/completions": ["project_id", "model", "batch", "service_tier"],
        },
        "anthropic": {
            "/v1/organizations/cost_report": ["workspace_id", "description"],
            "/v1/organizations/usage_report/messages": ["workspace_id", "model", "service_tier", "context_window"],
        },
    }[cost_server.kind]
    name = "group_by" if cost_server.kind == "openai" else "group_by[]"
    divided = [request for request in cost_server.asked if "bucket_width" in request.args]
    assert {request.path: request.args.getlist(name) for request in divided} == expected
    for request in divided:
        assert (request.args["bucket_width"], request.args["limit"]) == ("1d", "31")
    signed = {(asked.headers.get("Authorization"), asked.headers.get("x-api-key")) for asked in cost_server.asked}
    key = KEYS[cost_server.kind]
    assert signed == {(f"Bearer {key}", None) if cost_server.kind == "openai" else (None, key)}
    assert cost_server.kind == "openai" or {one.headers["anthropic-version"] for one in cost_server.asked} == {
        "2023-06-01"
    }


def test_pages_are_kept_as_they_came(cost_server: CostServer, tmp_path: Path) -> None:
    folder = fetch(cost_server, tmp_path)

    kept = (folder / "costs.jsonl").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["costs.jsonl", "usage.jsonl"]
    assert kept.count('"has_more": true') == 5
    assert kept.count('"has_more": false') == 1


@stored_costs
def test_throttled_the_source_rests_as_long_as_the_vendor_asks_and_goes_on(cost_server: CostServer) -> None:
    source = connected(cost_server)
    after(cost_server, 3, refusal(429, "Too many requests", Retry_After="120"))

    (look,) = work(source)

    assert look.status == "waiting"
    assert "cannot answer now (429)" in look.error
    source.refresh_from_db()
    assert source.rests_until is not None
    assert 119 <= (source.rests_until - look.started_at).total_seconds() <= 140  # type: ignore[operator]
    assert {one.status for one in try_again(source)} == {"done"}
    assert stored() == SUMS[cost_server.kind]


@pytest.mark.parametrize("answer", [refusal(500, "The server had an error"), Response('{"data": [], "has_mo')])
def test_an_api_that_falters_for_a_moment_is_asked_again(cost_server: CostServer, answer: Response) -> None:
    after(cost_server, 3, answer, times=TRIES - 1)

    june = next(made(cost_server).remote(JUNE))

    assert june.name == "2026-06"


@stored_costs
@pytest.mark.parametrize("path", ["cost", "usage"])
def test_an_error_in_the_middle_of_a_month_loads_nothing_and_the_next_attempt_all(
    cost_server: CostServer, path: str
) -> None:
    source = connected(cost_server)
    look = source.runs.get()
    question = KINDS[cost_server.kind].usage if path == "usage" else KINDS[cost_server.kind].costs
    collecting.execute(look.pk)
    after(cost_server, 2, refusal(500, "The server had an error"), path=question.path, times=TRIES)

    _, june, _ = work(source)

    assert (june.status, june.error) == ("waiting", "127.0.0.1 cannot answer now (500).")
    assert stored() == 0
    try_again(source)
    assert Run.objects.get(pk=june.pk).status == "done"
    assert stored() == SUMS[cost_server.kind]


@pytest.mark.parametrize(
    ("key", "refused", "told", "permission"),
    [
        ("sk-proj-1", (401, "Incorrect API key provided: sk-p***1"), "This is not an admin key", "admin key"),
        ("sk-ant-api03-1", (403, "invalid x-api-key"), "This is not an admin key", "admin key"),
        (
            "",
            (401, "You have insufficient permissions for this operation. Missing scopes: api.usage.read. Check that"),
            "The admin key lacks the permission api.usage.read. An",
            "api.usage.read",
        ),
        (
            "",
            (403, "Missing scopes: api.usage.read, api.other"),
            "lacks the permission api.usage.read, api.other. An",
            "api.usage.read, api.other",
        ),
        ("", (401, "invalid x-api-key"), "does not know the admin key: it was revoked", ""),
        ("", (403, "Not for you"), "does not let the admin key read costs and usage. An", "costs and usage"),
    ],
)
def test_a_key_that_will_not_do_is_told_with_what_it_lacks(
    cost_server: CostServer, key: str, refused: tuple[int, str], told: str, permission: str
) -> None:
    cost_server.spoil = lambda _: refusal(*refused)

    with pytest.raises(ProviderRefusedError) as found:
        list(made(cost_server, key).remote(JUNE))

    assert told in str(found.value)
    assert "makes admin keys" in str(found.value)
    assert found.value.permission == permission
    assert "sk-p***1" not in str(found.value)
    assert len(cost_server.asked) == 1


@stored_costs
def test_a_refused_key_is_not_tried_again(cost_server: CostServer) -> None:
    source = connected(cost_server)
    cost_server.spoil = lambda _: refusal(401, "invalid x-api-key")

    (look,) = work(source)

    assert look.status == "refused"
    assert "it was revoked" in look.error
    assert stored() == 0


def test_a_question_that_is_refused_says_why_and_does_not_repeat_the_key(cost_server: CostServer) -> None:
    key = KEYS[cost_server.kind]
    cost_server.spoil = lambda _: refusal(400, f"limit is too high for {key}")

    with pytest.raises(
        ProviderRefusedError, match=r"refuses the question \(400\): 'limit is too high for \.\.\.'"
    ) as no:
        list(made(cost_server).remote(JUNE))
    assert key not in str(no.value)
    cost_server.spoil = lambda _: Response("no", 404)
    with pytest.raises(ProviderRefusedError, match=r"\(404\): without a reason"):
        list(made(cost_server).remote(JUNE))


def test_the_key_follows_no_redirect(cost_server: CostServer) -> None:
    cost_server.spoil = lambda _: Response(status=302, headers={"Location": f"{cost_server.url}/elsewhere"})

    with pytest.raises(ProviderRefusedError, match=r"refuses the question \(302\)"):
        list(made(cost_server).remote(JUNE))
    assert [request.path for request in cost_server.asked] == [KINDS[cost_server.kind].costs.path]


def test_the_addresses_are_the_vendors_own_and_go_through_the_guard(cost_server: CostServer) -> None:
    with pytest.raises(ProviderRefusedError, match=r"127\.0\.0\.1, which is not a public address"):
        list(made(cost_server, networks=()).remote(JUNE))
    assert cost_server.asked == []


def steps(tested: LiveCosts) -> list[Check]:
    return list(tested.check())


def test_a_connection_is_tested_with_the_costs_and_the_usage_of_the_last_days(cost_server: CostServer) -> None:
    costs, usage = steps(made(cost_server))

    assert (costs.step, costs.ok, usage.step, usage.ok) == ("Read the costs", True, "Read the usage", True)
    assert costs.says == f"2026-05-22 to 2026-06-21: {sum(map(len, cost_server.costs.values()))} lines"
    (line, *_) = cost_server.costs[date(2026, 6, 3)]
    cost_server.costs.clear()
    assert steps(made(cost_server))[0].says == "2026-05-22 to 2026-06-21: nothing yet"
    cost_server.costs[date(2026, 6, 3)] = [line]
    assert steps(made(cost_server))[0].says == "2026-05-22 to 2026-06-21: 1 line"


def test_a_test_says_which_of_both_is_missing(cost_server: CostServer) -> None:
    after(cost_server, 1, refusal(403, "Missing scopes: api.usage.read"), path="usage")

    costs, usage = steps(made(cost_server))

    assert (costs.ok, usage.ok) == (True, False)
    assert "lacks the permission api.usage.read" in usage.says


def test_a_vendor_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch, cost_server: CostServer) -> None:
    monkeypatch.setattr(KINDS[cost_server.kind], "address", "http://127.0.0.1:9")

    (costs,) = steps(made(cost_server))

    assert (costs.ok, costs.says) == (False, "127.0.0.1 cannot be reached.")


@stored_costs
@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "This field is required."), ("sk admin", "This is no key: copy it whole"), ("schlüssel", "This is no key")],
)
def test_a_key_that_is_missing_or_torn_is_told_at_its_field(
    cost_server: CostServer, admin: Client, typed: str, told: str
) -> None:
    form = {"name": "models", "admin_key": typed, "refresh_hours": "24", "months": "13", "do": "save"}

    answer = admin.post(f"/sources/connect/{cost_server.kind}/", form).content.decode()

    assert told in answer
    assert "schlüssel" not in answer
    assert cost_server.asked == []
    assert not Source.objects.exists()


@stored_costs
def test_it_is_connected_by_its_page_and_the_key_is_never_shown(cost_server: CostServer, admin: Client) -> None:
    key = KEYS[cost_server.kind]
    form = {"name": "models", "admin_key": f" {key} ", "refresh_hours": "24", "months": str(months()), "do": "save"}
    assert admin.post(f"/sources/connect/{cost_server.kind}/", form).status_code == 302
    source = Source.objects.get()
    work(source)
    assert stored() == SUMS[cost_server.kind]
    assert unseal(source.secrets) == {"admin_key": key}

    edit = f"/sources/{source.pk}/edit/"
    assert admin.post(edit, {"admin_key": "", "refresh_hours": "6", "do": "save"}).status_code == 302

    source.refresh_from_db()
    assert (source.refresh_hours, unseal(source.secrets)) == (6, {"admin_key": key})
    for path in ("/sources/", f"/sources/{source.pk}/", edit, f"/api/v1/sources/{source.pk}/"):
        assert "a-secret" not in admin.get(path).content.decode()
    written = json.dumps([[one.before, one.after, one.reason] for one in AuditEvent.objects.all()])
    assert "a-secret" not in written
