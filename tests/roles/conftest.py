"""Three teams, people of every role, and 10,000 resources that belong to one of the teams or to none."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from apps.accounts.models import ApiToken, AuditEvent, Role, Team, TokenScope, User
from apps.accounts.services import create_team
from apps.accounts.tokens import issue_token
from apps.costs.loader import analyse_tables
from apps.costs.models import ExchangeRate
from apps.dashboards.services import save_view
from apps.inventory.models import Resource
from apps.sources.models import Delivery, Source
from tests.inventory.conftest import after, load, machine
from tests.ledger import charge, load_charges

DAY = date(2026, 6, 3)
JUNE = "start=2026-06-01&end=2026-06-30"
OWNERS = {"atlas": (3_000, "1.01"), "borea": (3_000, "2.03"), "cetus": (3_000, "4.07"), "drift": (1_000, "8.11")}
"""How many resources each team has and what one of them costs; "drift" is no team: what is its is unallocated."""
TOTALS = {owner: count * Decimal(price) for owner, (count, price) in OWNERS.items()}
SEES = {
    "admin": set(OWNERS),
    "finance": set(OWNERS),
    "viewer": set(OWNERS),
    "lead": {"atlas"},
    "lead-of-two": {"atlas", "borea"},
    "lead-of-none": set(),
}
"""Who sees whose costs."""
ROLES = {"admin": Role.ADMIN, "finance": Role.FINANCE, "viewer": Role.VIEWER}


@pytest.fixture(scope="module")
def _people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, User]]:
    with django_db_blocker.unblock(), transaction.atomic():
        for slug in ("atlas", "borea", "cetus"):
            create_team(slug=slug, name=f"Team {slug}", actor=None)
        users = {name: User.objects.create_user(name, role=_role(name)) for name in SEES}
        for name, user in users.items():
            if user.role == Role.ENGINEERING_LEAD:
                user.teams.set(Team.objects.filter(slug__in=SEES[name]))
        yield users
        transaction.set_rollback(True)


def _role(name: str) -> Role:
    return ROLES.get(name, Role.ENGINEERING_LEAD)


@pytest.fixture(scope="module")
def _company(_people: dict[str, User], django_db_blocker: DjangoDbBlocker) -> dict[str, User]:
    """The people with the costs of their teams; by the loader, 10,000 rows take three seconds."""
    with django_db_blocker.unblock():
        load_charges(_charges(), batch_rows=10_000)
        analyse_tables()
        with connection.cursor() as cursor:  # they go with the transaction, which here is the whole module
            cursor.execute("DROP TABLE IF EXISTS staged_key, allocated_key, reallocated_key")
    return _people


def _charges() -> Iterator[dict[str, Any]]:
    """One charge for each resource; every name in it tells whose it is."""
    for owner, (count, price) in OWNERS.items():
        tags = {f"{owner}-key": f"{owner}-value"} | ({} if owner == "drift" else {"team": owner})
        columns = {
            "provider_name": "AWS",
            "service_name": f"Service of {owner}",
            "sub_account_id": f"account-{owner}",
            "sub_account_name": f"Account of {owner}",
            "region_id": f"region-{owner}",
            "sku_id": f"sku-{owner}",
            "tags": tags | {"environment": f"env-{owner}", "workload": f"work-{owner}"},
        }
        for number in range(count):
            yield charge(DAY, price, resource_id=f"{owner}-{number:05}", resource_name=f"{owner} {number}", **columns)


@pytest.fixture
def people(_people: dict[str, User], db: None) -> dict[str, User]:
    """The people, for one test; what it changes is taken back."""
    return _people


@pytest.fixture
def company(_company: dict[str, User], people: dict[str, User]) -> dict[str, User]:
    """The people and the costs, for one test."""
    return people


@pytest.fixture
def browser(people: dict[str, User]) -> Callable[[str], Client]:
    """A browser in which the person is signed in."""

    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return sign_in


@pytest.fixture
def things(people: dict[str, User]) -> dict[str, object]:
    """One of everything that addresses name."""
    admin = people["admin"]
    source = Source.objects.create(name="aws")
    delivery = Delivery.objects.create(source=source, path="a.csv", sha256="1", status="loaded")
    rate = ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month="2026-06-01", rate="1.08")
    issue_token(user=admin, name="t", scope=TokenScope.READ, actor=admin)
    view = save_view(actor=admin, name="Mine", path="/costs/", query=JUNE)
    load(machine("i-1", tags={"team": "atlas"}), at=after(0))
    made = {"delivery": delivery, "rate": rate, "source": source, "token": ApiToken.objects.get(), "view": view}
    made |= {"resource": Resource.objects.get()}
    others = {"user": people["lead-of-none"].pk, "team": "atlas", "event": AuditEvent.objects.latest("id").pk}
    return {name: row.pk for name, row in made.items()} | others
