"""The audit log: what it keeps, what it refuses, and that tampering shows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from apps.accounts import audit
from apps.accounts.models import AuditEvent, AuditHead, Role, User

pytestmark = pytest.mark.django_db


def write(*actions: str) -> list[AuditEvent]:
    """One event per action."""
    with transaction.atomic():
        return [audit.record(actor=None, action=action, target="thing:1") for action in actions]


def tamper(statement: str, *parameters: str | int | list[int]) -> None:
    """What somebody does who owns the database and has put the triggers away."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE accounts_audithead DISABLE TRIGGER USER")
        cursor.execute(statement, parameters)


def test_an_event_names_the_actor_the_change_and_the_place(person: Callable[..., User]) -> None:
    admin = person(Role.ADMIN)
    audit.record(
        actor=admin,
        action="rate.changed",
        target="rate:EUR",
        before={"rate": Decimal("1.10")},
        after={"rate": Decimal("1.20"), "month": date(2026, 7, 1), "steps": [1, None, True]},
        reason="bank's correction",
        remote_address="192.0.2.1",
    )

    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name, event.action, event.target) == (admin, "admin", "rate.changed", "rate:EUR")
    assert event.before == {"rate": "1.10"}
    assert event.after == {"rate": "1.20", "month": "2026-07-01", "steps": [1, None, True]}
    assert (event.reason, event.remote_address) == ("bank's correction", "192.0.2.1")


def test_an_untouched_chain_is_intact_and_counted() -> None:
    assert audit.verify() == audit.ChainReport(True, 0)

    write("a.one", "a.two", "a.three")

    assert audit.verify() == audit.ChainReport(True, 3)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "naïve ☃ 🙂",
        "nul \x00 inside",
        "half \ud800 of a pair",
        0.1,
        1e300,
        -0.0,
        Decimal("1E+3"),
        2**80,
        {"b": {1: [()]}},
    ],
)
def test_whatever_is_recorded_comes_back_from_the_database_with_the_same_hash(value: object) -> None:
    audit.record(actor=None, action="a.b", target=str(value), after={"value": value}, reason=str(value))

    assert audit.verify() == audit.ChainReport(True, 1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_name", "somebody else"),
        ("action", "a.other"),
        ("target", "thing:2"),
        ("after", '{"cost": "0"}'),
        ("before", "{}"),
        ("reason", "a better one"),
        ("remote_address", "192.0.2.9"),
        ("at", "2020-01-01T00:00:00Z"),
    ],
)
def test_an_altered_event_breaks_the_chain_where_it_stands(column: str, value: str) -> None:
    _, second, _ = write("a.one", "a.two", "a.three")

    tamper(f"UPDATE accounts_auditevent SET {column} = %s WHERE id = %s", value, second.pk)

    report = audit.verify()
    assert (report.intact, report.events, report.first_broken) == (False, 1, second.pk)
    assert "content" in report.why


def test_an_event_altered_with_its_hash_made_anew_breaks_the_chain_at_the_next() -> None:
    first, second = write("a.one", "a.two")
    first.target = "thing:2"

    tamper(
        "UPDATE accounts_auditevent SET target = %s, hash = %s WHERE id = %s",
        first.target,
        audit.hash_of(first),
        first.pk,
    )

    report = audit.verify()
    assert (report.intact, report.first_broken) == (False, second.pk)


def test_an_event_missing_in_the_middle_breaks_the_chain_at_the_next() -> None:
    _, second, third = write("a.one", "a.two", "a.three")

    tamper("DELETE FROM accounts_auditevent WHERE id = %s", second.pk)

    report = audit.verify()
    assert (report.intact, report.first_broken) == (False, third.pk)
    assert "missing" in report.why


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_tail_that_was_cut_off_shows(left: int) -> None:
    ids = [event.pk for event in write("a.one", "a.two", "a.three")]

    tamper("DELETE FROM accounts_auditevent WHERE id = ANY(%s)", ids[left:])

    report = audit.verify()
    assert (report.intact, report.events, report.first_broken) == (False, left, None)
    assert "3" in report.why


def test_an_event_put_in_past_the_head_shows() -> None:
    (first,) = write("a.one")
    forged = AuditEvent(at=first.at, actor_name="system", action="a.b", target="t", previous_hash=first.hash)
    forged.hash = audit.hash_of(forged)
    forged.save()

    report = audit.verify()
    assert (report.intact, report.events) == (False, 2)


def test_a_missing_head_shows() -> None:
    write("a.one")

    tamper("DELETE FROM accounts_audithead")

    assert audit.verify().intact is False


@pytest.mark.parametrize("table", ["accounts_auditevent", "accounts_audithead"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET hash = 'x'"])
def test_the_database_refuses_to_change_what_was_recorded(statement: str, table: str) -> None:
    write("a.one")

    with pytest.raises(DatabaseError, match="the audit log only grows"), transaction.atomic():
        connection.cursor().execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement.format(table)}")

    assert audit.verify() == audit.ChainReport(True, 1)


def test_the_head_moves_on_by_one_event_only() -> None:
    write("a.one", "a.two")

    with pytest.raises(DatabaseError, match="the audit log only grows"), transaction.atomic():
        AuditHead.objects.update(events=1)


def test_two_events_cannot_follow_the_same_one() -> None:
    _, second = write("a.one", "a.two")

    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(
            at=second.at, actor_name="x", action="a.b", target="t", previous_hash=second.previous_hash, hash="x"
        )


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    def work(writer: int) -> None:
        try:
            for turn in range(10):
                write(f"writer{writer}.turn{turn}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(work, range(8)))

    assert audit.verify() == audit.ChainReport(True, 80)
    assert AuditHead.objects.get().events == 80


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_event() -> None:
    write("a.kept")

    with transaction.atomic():
        audit.record(actor=None, action="a.lost", target="thing:1")
        transaction.set_rollback(True)

    assert [event.action for event in AuditEvent.objects.all()] == ["a.kept"]
    assert audit.verify() == audit.ChainReport(True, 1)


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_of_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="transaction of the change"):
        audit.record(actor=None, action="a.b", target="thing:1")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "newPassword",
        "api_key",
        "apiKey",
        "AWS_SECRET_ACCESS_KEY",
        "x-token",
        "client-secret",
        "Authorization",
    ],
)
def test_secrets_do_not_enter_the_log(name: str) -> None:
    event = audit.record(actor=None, action="a.b", target="t", after={"settings": [{name: {"deep": "hunter2"}}]})

    assert event.after == {"settings": [{name: "[redacted]"}]}


@pytest.mark.parametrize("name", ["team_tag_keys", "tag_key", "monkey", "must_change_password"])
def test_what_only_sounds_like_a_secret_stays_readable(name: str) -> None:
    event = audit.record(actor=None, action="a.b", target="t", after={name: True, "tag_key": "cost-centre"})

    assert event.after == {name: True, "tag_key": "cost-centre"}


def test_who_is_in_the_log_cannot_be_deleted(person: Callable[..., User]) -> None:
    admin = person(Role.ADMIN)
    audit.record(actor=admin, action="a.b", target="t")

    with pytest.raises(IntegrityError):
        admin.delete()


def test_a_long_chain_is_walked_in_a_constant_number_of_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    write(*("a.b" for _ in range(50)))

    with django_assert_num_queries(2):
        audit.verify()
