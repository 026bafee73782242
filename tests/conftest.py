"""What holds for every test."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.core.management.sql import sql_flush
from django.test import override_settings
from pytest_django import DjangoDbBlocker

AUDIT_TABLES = ("accounts_auditevent", "accounts_audithead")
FACT_TABLES = ("costs_dailycharge", "costs_dailycost", "costs_monthlygroupcost", "costs_monthlycost")


@pytest.fixture(scope="session", autouse=True)
def _every_table_emptied_between_tests() -> Iterator[None]:
    """Tests with real transactions end in a TRUNCATE of models' tables: triggers refuse it for the audit log's, and
    facts have no model."""

    def without_triggers(*args: Any, **options: Any) -> list[str]:
        return [
            *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in AUDIT_TABLES),
            f"TRUNCATE {', '.join(FACT_TABLES)}",
            *sql_flush(*args, **options),
            *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in AUDIT_TABLES),
        ]

    with patch.object(flush, "sql_flush", without_triggers):
        yield


@pytest.fixture(scope="session", autouse=True)
def _settings_of_tests() -> Iterator[None]:
    """Password hashing that is slow on purpose would take most of the time; static files are not collected."""
    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"], STORAGES=settings.STORAGES | plain
    ):
        yield


@pytest.fixture(scope="session")
def demo_template(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The name of a database with the demo in it, made when the first test of this process asks for it."""
    from tests.demo.database import demo_database

    with django_db_blocker.unblock(), ExitStack() as kept:
        name = kept.enter_context(demo_database())
        with django_db_blocker.block():
            yield name
