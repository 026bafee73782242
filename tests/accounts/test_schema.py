"""The API's own description: valid, complete, and true when put to the test by generated requests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from apps.accounts.models import ApiToken, Role, TokenScope, User
from apps.accounts.tokens import issue_token
from finops.wsgi import application

pytestmark = pytest.mark.django_db
# a body can be as described and still be refused: a name that is taken, a password that is too common
NOT_HELD: list[Any] = [checks.positive_data_acceptance, checks.negative_data_rejection]
OURS = r"^/api/v1/"


def test_the_schema_is_valid_and_nothing_in_it_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True)

    assert "openapi: 3." in capsys.readouterr().out


def test_every_operation_says_what_a_problem_looks_like(client: Client) -> None:
    served = client.get("/api/schema/?format=json").json()

    operations = [operation for path in served["paths"].values() for operation in path.values()]
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert operations
    assert all(operation["responses"]["default"]["content"] == problem for operation in operations)
    assert set(served["components"]["schemas"]["Problem"]["required"]) == {
        "type",
        "title",
        "status",
        "detail",
        "errors",
    }
    assert set(served["components"]["securitySchemes"]) == {"token", "session"}


@pytest.fixture
def _one_connection(db: None) -> Iterator[None]:
    """Requests that pass WSGI share the test's connection, which Django would close before and after each."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_one_connection")
@pytest.mark.parametrize("mode", GenerationMode)
def test_generated_requests_get_answers_as_described(mode: GenerationMode, person: Callable[..., User]) -> None:
    text = issue_token(user=person(Role.ADMIN), name="t", scope=TokenScope.WRITE, actor=None).text
    described = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)

    for found in described.include(path_regex=OURS).get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]

        @settings(max_examples=6, deadline=None, phases=[Phase.generate], derandomize=True, database=None)
        @given(operation.as_strategy(mode))
        def answers_as_described(case: schemathesis.Case[Any]) -> None:
            User.objects.update(is_active=True, role=Role.ADMIN)
            ApiToken.objects.update(revoked_at=None)
            case.call_and_validate(headers={"Authorization": f"Bearer {text}"}, excluded_checks=NOT_HELD)

        answers_as_described()


def test_the_page_of_the_documentation_needs_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs/")

    text = page.content.decode()
    assert page.status_code == 200
    assert 'data-schema="/api/schema/"' in text
    assert "<style" not in text
    assert "<script>" not in text
    assert "//" not in text.replace("<!doctype", "")
