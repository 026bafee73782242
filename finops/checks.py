"""The checks behind /readyz and `finops doctor`: each returns what it found, or raises UserError with what to do."""

import shutil
import socket
from datetime import UTC, datetime

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection
from kombu import Connection

from apps.accounts import audit
from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.core.money import counted
from apps.sources.connections import connection_of
from apps.sources.overlaps import doubts, overlaps
from apps.sources.states import State, sources_with_state
from apps.sources.wording import doubt_sentence
from finops import schema
from finops.children import WORKER
from finops.environment import environment

BROKER_SECONDS = 2
WORKER_SECONDS = 2.0
OLDEST_POSTGRES = 15
SHORTEST_KEY = 32
CLOCK_SECONDS = 5.0
FREE_BYTES = 2_000_000_000


def check_settings() -> str:
    """Django and the apps find nothing wrong with the settings."""
    errors = [message for message in run_checks() if message.level >= ERROR]
    if errors:
        raise UserError(f"{errors[0].msg} {errors[0].hint or ''}".strip())
    return f"home is {environment().home}" + (", debug is on: unset FINOPS_DEBUG on a server" if settings.DEBUG else "")


def check_secret_key() -> str:
    """The signing key is long, and no other user of the machine can read it."""
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        raise UserError(f"The secret key is short: set FINOPS_SECRET_KEY to {SHORTEST_KEY} random characters or more.")
    if environment().secret_key.get_secret_value():
        return "from FINOPS_SECRET_KEY"
    path = environment().secret_key_file or environment().home / "secret_key"
    if path.stat().st_mode & 0o077:
        raise UserError(f"Other users of this machine may read {path}: run `chmod 600 {path}`.")
    return f"in {path}"


def check_database() -> str:
    """The database answers and is not too old."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version'), current_setting('server_version_num')::int")
            name, number = cursor.fetchone()
    except DatabaseError as error:
        raise UserError(f"The database does not answer: {first_line(error)} Check FINOPS_DATABASE_URL.") from error
    if number < OLDEST_POSTGRES * 10_000:
        raise UserError(f"The database is PostgreSQL {name}: {OLDEST_POSTGRES} or newer is needed.")
    where = connection.settings_dict["HOST"] or "the default socket"
    return f"PostgreSQL {name} at {where}"


def check_migrations() -> str:
    """The database's tables are those of this code."""
    try:
        strangers, waiting = schema.unknown(), schema.pending()
    except DatabaseError as error:
        raise UserError(f"The database does not answer: {first_line(error)}") from error
    if strangers:
        raise UserError(f"The database is newer than this FinOps ({strangers[0]} is unknown here): update FinOps.")
    if waiting:
        raise UserError(f"{counted(len(waiting), 'migration')} to apply, {waiting[0]} first: `finops up` does it.")
    return "up to date"


def check_broker() -> str:
    """The broker takes a connection."""
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
            return f"{broker.transport.driver_name} answers"
    except Exception as error:  # each of kombu's transports has exceptions of its own
        raise UserError(f"The broker does not answer: {first_line(error)} Check FINOPS_REDIS_URL.") from error


def check_worker() -> str:
    """A worker takes jobs."""
    check_broker()
    answers = ping_workers(WORKER_SECONDS)
    if not answers:
        raise UserError("No worker answers, so that imports and collections wait: start it with `finops up`.")
    return ", ".join(answers)


def ping_workers(seconds: float, *, here: bool = False) -> list[str]:
    """The names of the workers that answer within so many seconds; with `here` only this machine's."""
    from finops.celery import app  # noqa: PLC0415 - loads the tasks of every app

    only = [f"{WORKER}@{socket.gethostname()}"] if here else None
    return [name for answer in app.control.ping(destination=only, timeout=seconds) or [] for name in answer]


def check_sources() -> str:
    """Every connection is well, and its credentials can be read."""
    found = [one for one in sources_with_state(scope=Scope.everything()) if one.source.is_live]
    for one in found:
        connection_of(one.source)
        if one.state in (State.PAUSED, State.FAILED):
            why = one.source.paused_reason or (one.last_failure.error if one.last_failure else "")
            raise UserError(f"{one.source.name} is {one.state.lower()}. {why}".strip())
    return f"{len(found)} connected" if found else "none connected"


def check_overlaps() -> str:
    """No two sources bring the same costs."""
    found = doubts(overlaps(scope=Scope.everything()))
    if found:
        more = f" {len(found) - 1} more pairs of sources likewise." if len(found) > 1 else ""
        raise UserError(f"{doubt_sentence(found[0])}.{more} See Data sources.")
    return "no two sources bring the same costs"


def check_clock() -> str:
    """This machine and the database agree about the time: periods and tokens depend on it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            skew = abs((datetime.now(UTC) - cursor.fetchone()[0]).total_seconds())
    except DatabaseError as error:
        raise UserError(f"The database does not answer: {first_line(error)}") from error
    if skew > CLOCK_SECONDS:
        raise UserError(f"The database's clock is {skew:.0f} s away from this machine's: synchronise both (NTP).")
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {skew * 1000:.0f} ms away from the database's"


def check_disk() -> str:
    """There is room for imports in the home folder."""
    free = shutil.disk_usage(environment().home).free
    if free < FREE_BYTES:
        raise UserError(
            f"Only {free / 1e9:.1f} GB are free for {environment().home}: make room ({FREE_BYTES / 1e9:.0f} GB)."
        )
    return f"{free / 1e9:.0f} GB free"


def check_audit() -> str:
    """Nothing in the audit log was changed, taken out or put in after the fact."""
    try:
        report = audit.verify()
    except DatabaseError as error:
        raise UserError(f"The audit log cannot be read: {first_line(error)}") from error
    if not report.intact:
        place = f"event {report.first_broken}" if report.first_broken else "its end"
        raise UserError(f"The audit log was tampered with at {place}: {report.why}. Compare it with a backup.")
    return f"{report.events} events, chain intact"


def first_line(error: Exception) -> str:
    """The start of a library's message, as a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
