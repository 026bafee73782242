"""A cluster of two nodes over two days with their bills, one of them without."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from apps.accounts.models import Role, Team, User
from apps.clusters.services import set_prices
from tests.clusters.made_up import DAY, load, node, pod
from tests.ledger import charge, load_charges
from tests.web.conftest import browser_of, person

__all__ = ["browser_of", "person"]
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def prices(db: None) -> None:
    """A core is worth 2, a GiB 1 and a GPU 10: numbers to reckon with."""
    set_prices(cpu_core_hour=Decimal(2), memory_gib_hour=Decimal(1), gpu_hour=Decimal(10), actor=None)


@pytest.fixture
def cluster(prices: None) -> None:
    """3 June: 24 dollars of 24 core hours, of which shop has 6 and ml 12. 4 June: 48, of which shop has 12."""
    Team.objects.create(slug="search", name="Search ranking", tag_values=["ranking"])
    Team.objects.create(slug="ml", name="ML platform")
    load([
        node(cpu=24),
        pod("web-1", cpu=6, labels={"team": "Ranking", "app": "web"}),
        pod("train-1", cpu=12, namespace="ml", workload_kind="Job", workload="train"),
        node(cpu=24, day=NEXT),
        pod("web-1", cpu=6, day=NEXT, labels={"team": "Ranking", "app": "web"}),
        node("n2", cpu=8, resource_id=None),
    ])  # fmt: skip
    load_charges([charge(DAY, "24", resource_id="i-n1"), charge(NEXT, "48", resource_id="i-n1")])


@pytest.fixture
def finance(cluster: None, browser_of: Callable[..., Client]) -> Client:
    """Somebody who sees all of it."""
    return browser_of(Role.FINANCE)


@pytest.fixture
def lead(cluster: None, browser_of: Callable[..., Client]) -> Client:
    """Somebody who sees the team search alone."""
    return browser_of(Role.ENGINEERING_LEAD, "search")


@pytest.fixture
def admin(cluster: None) -> User:
    """Who changes teams."""
    return User.objects.create_user("boss", role=Role.ADMIN)
