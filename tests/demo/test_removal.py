"""Removing the demo: nothing of it stays, nothing else goes, and nobody gets in with its password."""

import re
from datetime import date

import pytest
from click.testing import CliRunner
from django.contrib.auth import authenticate
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from kombu.exceptions import OperationalError

from apps.accounts import audit
from apps.accounts.models import ApiToken, AuditEvent, Organisation, Role, Team, TokenScope, User
from apps.accounts.services import create_user, deactivate_user, reactivate_user, set_password
from apps.accounts.tokens import issue_token
from apps.core.errors import UserError
from apps.costs.models import ChargeGroup, ChargeKey, Statement
from apps.demo.commands import demo as demo_commands
from apps.demo.people import LOGINS
from apps.demo.queries import demo_loaded, is_empty, stories, wants_demo
from apps.demo.removal import Removal, begin_removal, finish_removal, remove_demo
from apps.demo.services import load_demo
from apps.demo.tasks import finish_removal as finish_removal_task
from apps.inventory.models import Listing, Resource
from apps.pricing.models import Price, PriceList
from apps.sources.models import Delivery, Source
from tests.demo.database import MONTHS, UNTIL
from tests.ledger import charge, load_charges

pytestmark = pytest.mark.usefixtures("demo")

FACTS = ("costs_dailycharge", "costs_dailycost", "costs_monthlygroupcost", "costs_monthlycost")
STRONG = "correct horse battery staple"


def facts() -> dict[str, int]:
    """How many rows each table of facts has."""
    with connection.cursor() as cursor:
        return {table: cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in FACTS}


def request() -> HttpRequest:
    return RequestFactory().post("/login/", REMOTE_ADDR="192.0.2.1")


def who_gets_in_with(password: str) -> set[str]:
    """The names with which the password opens the door."""
    names = User.objects.values_list("username", flat=True)
    return {name for name in names if authenticate(request(), username=name, password=password)}


def make_admin() -> User:
    return create_user(username="boss", password=STRONG, role=Role.ADMIN, actor=None, one_time=False)


def test_nothing_of_the_demo_stays_but_its_people_deactivated() -> None:
    remove_demo(actor=make_admin())

    assert set(facts().values()) == {0}
    models = (Statement, ChargeKey, ChargeGroup, Delivery, Source, Team, Resource, Listing, PriceList, Price)
    assert [model.__name__ for model in models if model.objects.exists()] == []
    assert Organisation.current().name == ""
    assert stories() == []
    assert set(User.objects.filter(is_active=True).values_list("username", flat=True)) == {"boss"}
    assert not any(user.has_usable_password() for user in User.objects.exclude(username="boss"))
    assert [demo_loaded(), is_empty(), wants_demo()] == [False, False, False]


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is gone: the removal is done in the request."""

    def refuse(*_: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(finish_removal_task, "delay", refuse)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a worker that has not come to it yet has been asked to do."""
    asked: list[str] = []
    monkeypatch.setattr(finish_removal_task, "delay", lambda: asked.append("finish_removal"))
    return asked


@pytest.mark.usefixtures("no_worker")
def test_the_admin_who_clicks_gets_in_with_the_password_shown_and_must_change_it(client: Client) -> None:
    client.post("/login/", {"username": "admin", "password": "demo"})
    assert "Remove all demo data?" in client.get("/demo/remove/").content.decode()

    page = client.post("/demo/remove/").content.decode()

    shown = re.search(r'<code id="secret">([^<]+)</code>', page)
    assert shown
    assert client.get("/").status_code == 302  # the session of before is over
    assert who_gets_in_with("demo") == set()
    assert who_gets_in_with(shown.group(1)) == {"admin"}
    client.post("/login/", {"username": "admin", "password": shown.group(1)})
    assert client.get("/").headers["Location"] == "/password/"
    assert "Demo logins" not in Client().get("/login/").content.decode()


@pytest.mark.usefixtures("no_worker")
def test_an_admin_of_one_s_own_stays_signed_in_and_all_demo_logins_end(client: Client) -> None:
    client.force_login(make_admin())

    answer = client.post("/demo/remove/", follow=True)

    assert "The demo is gone" in answer.content.decode()
    assert "This is demo data" not in answer.content.decode()
    assert who_gets_in_with("demo") == set()
    assert who_gets_in_with(STRONG) == {"boss"}


def test_the_command_line_leaves_one_way_in() -> None:
    done = CliRunner().invoke(demo_commands, ["remove"], catch_exceptions=False)

    shown = re.search(r'Sign in as "admin" with the password (\S+) \(shown once\)', done.output)
    assert shown
    assert who_gets_in_with("demo") == set()
    assert who_gets_in_with(shown.group(1)) == {"admin"}


def test_somebody_who_chose_a_password_of_their_own_keeps_their_account() -> None:
    viewer = User.objects.get(username="viewer")
    set_password(user=viewer, password=STRONG, actor=viewer)

    remove_demo(actor=make_admin())

    assert who_gets_in_with(STRONG) == {"boss", "viewer"}


def test_who_was_deactivated_before_cannot_come_back_with_the_old_password() -> None:
    finance = User.objects.get(username="finance")
    deactivate_user(user=finance, actor=None)
    remove_demo(actor=make_admin())

    reactivate_user(user=finance, actor=None)

    assert who_gets_in_with("demo") == set()


def test_tokens_of_the_demo_logins_are_revoked() -> None:
    for login in LOGINS:
        user = User.objects.get(username=login.username)
        issue_token(user=user, name="script", scope=TokenScope.READ, actor=user)

    remove_demo(actor=User.objects.get(username="admin"))

    assert not ApiToken.objects.filter(revoked_at=None).exists()


def test_bills_and_teams_of_one_s_own_stay() -> None:
    load_charges([charge(date(2026, 6, 3), "12.50", service_name="Amazon EC2", tags={"team": "research"})])
    research = Team.objects.get(slug="research")
    research.tag_values = [*research.tag_values, "science"]
    research.save()
    mine = ChargeKey.objects.get(billing_account_id="111")

    remove_demo(actor=make_admin())

    assert facts() == dict.fromkeys(FACTS, 1)
    assert list(ChargeKey.objects.all()) == [mine]
    assert ChargeGroup.objects.get() == mine.group
    assert Team.objects.get() == research


def test_it_is_in_the_audit_log_and_cannot_be_repeated() -> None:
    boss, rows = make_admin(), list(Delivery.objects.values_list("rows_loaded", flat=True))
    remove_demo(actor=boss, remote_address="192.0.2.7")

    event = AuditEvent.objects.get(action="demo.removal_begun")
    assert (event.actor, event.remote_address) == (boss, "192.0.2.7")
    assert AuditEvent.objects.get(action="demo.removed").after == {"rows": sum(rows)}
    assert AuditEvent.objects.filter(action="user.deactivated").count() == len(LOGINS)
    assert audit.verify().intact
    with pytest.raises(UserError, match="no demo to remove"):
        remove_demo(actor=boss)


class DiedError(Exception):
    """The worker is killed."""


def test_a_removal_that_died_half_way_ends_the_same_when_it_is_repeated() -> None:
    load_charges([charge(date(2026, 6, 3), "12.50", service_name="Amazon EC2")])
    shares: list[tuple[int, int]] = []

    def die_after_three_bills(now: Removal) -> None:
        shares.append((now.bills, now.permille))
        if now.bills == 3:
            raise DiedError

    with pytest.raises(DiedError):
        remove_demo(actor=make_admin(), progress=die_after_three_bills)
    assert [bills for bills, _ in shares] == [0, 1, 2, 3]
    assert 0 == shares[0][1] < shares[-1][1] < 1000
    assert facts()["costs_dailycharge"] > 1
    assert who_gets_in_with("demo") == set()

    finish_removal_task()
    finish_removal_task()

    assert facts() == dict.fromkeys(FACTS, 1)
    assert not Delivery.objects.exists()
    assert not Team.objects.exists()
    assert AuditEvent.objects.filter(action="demo.removed").count() == 1
    assert [demo_loaded(), is_empty(), wants_demo(), Removal.under_way()] == [False, False, False, None]


def test_nothing_is_taken_out_before_somebody_has_decided_it() -> None:
    before = facts()

    finish_removal_task()
    finish_removal()

    assert facts() == before
    assert demo_loaded()


def test_the_page_shows_how_far_it_is_and_goes_on_without_it(client: Client, queued: list[str]) -> None:
    client.force_login(make_admin())
    assert "Remove it" in client.get("/audit/").content.decode()

    page = client.post("/demo/remove/", follow=True).content.decode()

    bills = Statement.objects.count()
    assert queued == ["finish_removal"]
    assert f"0 of {bills} bills (0%)" in page
    assert 'http-equiv="refresh"' in page
    assert "is being removed" in client.get("/audit/").content.decode()
    assert "Demo logins" not in Client().get("/login/").content.decode()

    client.post("/demo/remove/")
    assert AuditEvent.objects.filter(action="demo.removal_begun").count() == 1
    finish_removal()

    assert "data-open" not in Client().get("/demo/remove/progress/").content.decode()
    assert "The demo is gone" in client.get("/demo/remove/", follow=True).content.decode()


def test_who_has_to_sign_in_again_sees_how_it_goes_without_being_signed_in(client: Client, queued: list[str]) -> None:
    client.post("/login/", {"username": "admin", "password": "demo"})

    page = client.post("/demo/remove/").content.decode()

    assert 'id="secret"' in page
    assert 'data-progress="/demo/remove/progress/" data-open' in page
    assert "data-open" in Client().get("/demo/remove/progress/").content.decode()


def test_a_demo_that_is_going_is_not_loaded_again() -> None:
    begin_removal(actor=make_admin())

    assert not wants_demo()
    with pytest.raises(UserError, match="needs an empty one"):
        load_demo(until=UNTIL, progress=lambda _: None, months=MONTHS)
