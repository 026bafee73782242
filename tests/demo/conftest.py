"""The demo, two months of it, copied once for all tests of a module; what a test changes is rolled back."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from apps.demo.models import DemoOrganisation
from tests.demo.database import copy_of


@pytest.fixture(scope="module")
def loaded(demo_template: str, django_db_blocker: DjangoDbBlocker) -> Iterator[DemoOrganisation]:
    """The demo in a database of this module's."""
    with django_db_blocker.unblock(), copy_of(demo_template):
        yield DemoOrganisation.objects.get()


@pytest.fixture
def demo(loaded: DemoOrganisation, db: None) -> DemoOrganisation:
    """The loaded demo, as it was, for one test."""
    return loaded
