"""Costs for tests: charges loaded the way that bills are, and people who may see some of them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.accounts.models import Role, Team, TokenScope, User
from apps.accounts.tokens import issue_token
from apps.core.periods import Period
from apps.costs.models import ExchangeRate
from tests.ledger import charge, load_charges

Ledger = Callable[..., None]

JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
JULY = Period(date(2026, 7, 1), date(2026, 7, 31))


def load(rows: Iterable[Mapping[str, Any]], source: str = "files") -> None:
    """Load the rows as one delivery; teams that they name in their tag exist from then on."""
    rows = list(rows)
    for slug in {row.pop("team", "") for row in rows} - {""}:  # type: ignore[attr-defined]
        Team.objects.get_or_create(slug=slug, defaults={"name": slug})
    load_charges(rows, source=source)
    with connection.cursor() as cursor:
        # they go with the transaction, which in a test is the whole test
        cursor.execute("DROP TABLE IF EXISTS staged_key, allocated_key, reallocated_key")


def owned(day: date, amount: str | Decimal, team: str = "", **columns: Any) -> dict[str, Any]:
    """A charge of a team, by its tag."""
    tags = {**columns.pop("tags", {}), **({"team": team} if team else {})}
    return {**charge(day, amount, tags=tags or None, **columns), "team": team}


@pytest.fixture
def ledger(db: None) -> Ledger:
    """Loads charges made by `owned`; each call is a delivery of a source of its own."""
    deliveries = iter(range(1_000))

    def write(*rows: Mapping[str, Any]) -> None:
        load(rows, source=f"source-{next(deliveries)}")

    return write


@pytest.fixture
def rate(db: None) -> Callable[..., ExchangeRate]:
    """Sets an exchange rate to US dollars."""

    def make(currency: str, month: date, value: str, reporting: str = "USD") -> ExchangeRate:
        return ExchangeRate.objects.create(
            currency=currency, reporting_currency=reporting, month=month, rate=Decimal(value)
        )

    return make


@pytest.fixture
def api(db: None) -> Callable[..., APIClient]:
    """A client of the API with a token of a user of the role, in the teams."""

    def client(role: Role = Role.VIEWER, *teams: str, scope: TokenScope = TokenScope.WRITE) -> APIClient:
        user = User.objects.create_user(f"{role.value}-{'-'.join(teams)}", password="pass word", role=role)
        user.teams.set([Team.objects.get_or_create(slug=slug, defaults={"name": slug})[0] for slug in teams])
        caller = APIClient()
        text = issue_token(user=user, name="test", scope=scope, actor=None).text
        caller.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return caller

    return client
