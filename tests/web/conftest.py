"""People who are signed in, and costs for the pages to show."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Role, Team, User
from tests.ledger import charge, load_charges

PASSWORD = "correct horse battery staple"


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Makes a user of a role, in the teams whose slugs are given."""

    def make(role: Role, *teams: str, **fields: Any) -> User:
        user = User.objects.create_user(fields.pop("username", role.value), password=PASSWORD, role=role, **fields)
        user.teams.set([Team.objects.get_or_create(slug=slug, defaults={"name": slug})[0] for slug in teams])
        return user

    return make


@pytest.fixture
def browser_of(person: Callable[..., User]) -> Callable[..., Client]:
    """A client in which a new user of the role is signed in."""

    def sign_in(role: Role, *teams: str, **fields: Any) -> Client:
        client = Client()
        client.force_login(person(role, *teams, **fields))
        return client

    return sign_in


@pytest.fixture
def spend(db: None) -> Callable[..., None]:
    """Loads a delivery of charges: a list of (day, amount, columns); a team in the columns becomes its tag."""

    def load(*rows: tuple[date, str, dict[str, Any]], source: str = "files") -> None:
        charges = []
        for day, amount, columns in rows:
            team = columns.pop("team", "")
            if team:
                Team.objects.get_or_create(slug=team, defaults={"name": team})
            charges.append(charge(day, amount, **columns, **({"tags": {"team": team}} if team else {})))
        load_charges(charges, source=source)
        with connection.cursor() as cursor:
            # they go with the transaction, which in a test is the whole test
            cursor.execute("DROP TABLE IF EXISTS staged_key, allocated_key, reallocated_key")

    return load


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A state folder of the test's own: uploads are filed there by the number of their delivery."""
    (tmp_path / "tmp").mkdir()
    settings.FINOPS_HOME = tmp_path
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "tmp")
    return tmp_path


@pytest.fixture
def services(spend):
    """Twelve services over two days, one with a credit."""
    spend(
        *((date(2026, 6, 3), f"{number}.005", {"service_name": f"Service {number:02}"}) for number in range(1, 13)),
        *((date(2026, 6, 9), "1.1", {"service_name": f"Service {number:02}"}) for number in range(1, 13)),
        (date(2026, 6, 9), "-0.5", {"service_name": "Service 01", "charge_category": "Credit"}),
    )
