"""A statement that takes too long is stopped, and whoever asked is told what to do."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from apps.accounts.models import Role, User
from apps.core.problems import exception_handler
from apps.core.time_limit import TooSlowError, lift_limit, limit_statements, unlimited

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one_second() -> Iterator[None]:
    """A web process with a limit of a second."""
    limit_statements(1)
    connection.close()
    yield
    lift_limit()
    connection.close()
    connection.execute_wrappers.clear()


def sleep(seconds: float) -> None:
    """Keep the database busy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


@pytest.mark.usefixtures("one_second")
def test_a_statement_beyond_the_limit_is_stopped_with_a_sentence() -> None:
    with pytest.raises(TooSlowError, match="took longer than 1 s and was stopped"):
        sleep(5)
    sleep(0.01)


@pytest.mark.usefixtures("one_second")
def test_a_later_limit_takes_the_place_of_an_earlier_one() -> None:
    limit_statements(2)
    connection.close()

    with pytest.raises(TooSlowError, match="took longer than 2 s and was stopped"):
        sleep(5)


@pytest.mark.usefixtures("one_second")
def test_the_limit_holds_once_however_often_the_connection_is_made_anew() -> None:
    connection.close()
    sleep(0.01)
    connection.close()
    sleep(0.01)

    assert len(connection.execute_wrappers) == 1


def test_other_processes_have_no_limit() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.usefixtures("one_second")
def test_a_download_may_take_its_time_and_the_next_request_may_not() -> None:
    def chunks() -> Iterator[bytes]:
        sleep(1.2)
        yield b"all of it"

    assert b"".join(unlimited(chunks())) == b"all of it"
    with pytest.raises(TooSlowError):
        sleep(5)


@pytest.mark.usefixtures("one_second")
def test_a_download_that_is_given_up_leaves_the_limit_behind() -> None:
    download = unlimited(iter([b"one", b"two"]))
    next(download)
    download.close()  # type: ignore[attr-defined]

    with pytest.raises(TooSlowError):
        sleep(5)


@pytest.mark.usefixtures("one_second")
def test_a_page_says_so_with_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(User.objects.create_user("vera", password="pass word", role=Role.VIEWER))
    monkeypatch.setattr("apps.accounts.permissions.check", lambda *_: sleep(5))

    answer = client.get("/costs/")

    assert (answer.status_code, "took longer than 1 s" in answer.content.decode()) == (503, True)


def test_the_api_says_so_as_a_problem() -> None:
    error: Any = TooSlowError("The question took longer than 30 s and was stopped.")

    answer = exception_handler(error, {"request": RequestFactory().get("/api/v1/costs/"), "view": None})

    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert b"took longer than 30 s" in answer.content
