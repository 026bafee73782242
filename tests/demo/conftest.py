"""The demo, two months of it, loaded once for all tests of a module; what a test changes is rolled back."""

from collections.abc import Iterator
from datetime import date

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from apps.demo.models import DemoOrganisation
from apps.demo.services import load_demo

UNTIL = date(2026, 3, 6)  # the shortest demo in which every story is told: 34 days
MONTHS = 2


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[DemoOrganisation]:
    """The load: 32,000 rows, which takes five seconds or more on busy cores."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield load_demo(until=UNTIL, progress=lambda _: None, months=MONTHS)
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: DemoOrganisation, db: None) -> DemoOrganisation:
    """The loaded demo, as it was, for one test."""
    return loaded
