"""`finops doctor`: every check, one line each, and what to do where something is wrong."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import click
import django
from django.db import InterfaceError, OperationalError

from apps.core.errors import UserError
from finops.embedded import EmbeddedServers
from finops.progress import Progress

Check = Callable[[], str]


@click.command()
def doctor() -> None:
    """Check settings, database, broker, worker, sources, overlaps, clock, disk and audit log; change nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    django.setup()
    with ExitStack() as running:
        checks = {"servers": lambda: _start_servers(running), **_checks()}
        wrong = sum(not _passes(name, check) for name, check in checks.items())
    if wrong:
        raise click.ClickException(f"{wrong} of {len(checks)} checks failed.")


def _checks() -> Mapping[str, Check]:
    """In the order in which a person would look: what comes later needs what comes before."""
    from finops import checks  # noqa: PLC0415 - imports models

    return {
        "settings": checks.check_settings,
        "secret key": checks.check_secret_key,
        "database": checks.check_database,
        "migrations": checks.check_migrations,
        "broker": checks.check_broker,
        "worker": checks.check_worker,
        "sources": checks.check_sources,
        "overlaps": checks.check_overlaps,
        "clock": checks.check_clock,
        "disk": checks.check_disk,
        "audit log": checks.check_audit,
    }


def _start_servers(running: ExitStack) -> str:
    embedded = EmbeddedServers()
    running.enter_context(embedded.running(Progress(errors=True)))
    return ", ".join(f"embedded {server.name}" for server in embedded.all) or "none embedded"


def _passes(name: str, check: Check) -> bool:
    try:
        click.echo(f"ok    {name:<11} {check()}")
    except UserError as error:
        click.echo(f"FAIL  {name:<11} {error}")
    except (OperationalError, InterfaceError) as error:
        click.echo(f"FAIL  {name:<11} The database does not answer: {(str(error).splitlines() or [''])[0]}")
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks have their turn
        click.echo(f"FAIL  {name:<11} {type(error).__name__}: {error} (this is a fault of FinOps: please report it)")
    else:
        return True
    return False
