"""`finops collect` and `finops secrets`: connections on the command line."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from cryptography.fernet import Fernet
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from apps.core.errors import UserError
from apps.core.locks import is_held
from apps.core.money import counted
from apps.sources import collecting, connecting, runs
from apps.sources.models import UPLOAD, Run, Source
from apps.sources.wording import RunLine

CONSOLE = Console(stderr=True)
ELSEWHERE = 0.5  # seconds between two looks at a run that a worker executes


@click.command("collect")
@click.argument("source", required=False)
@click.option(
    "--months", type=int, help="How many months back to look. Default: the open one and those that may change."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, nothing else, on standard output.")
def collect(source: str | None, months: int | None, as_json: bool) -> None:
    """Collect what is new from SOURCE, or from every connection that is not paused.

    The exit code is 0 only when nothing was refused, failed or has to wait.
    """
    today = datetime.now(UTC).date()
    since = runs.months_back(today, months) if months is not None else runs.recheck_from(today)
    ended = [run for one in _wanted(source) for run in _collect(one, since)]
    for run in ended:
        click.echo(json.dumps(as_line(run)) if as_json else as_sentence(run))
    sys.exit(0 if all(run.status in Run.GOOD for run in ended) else 1)


@click.group("secrets")
def secrets() -> None:
    """The keys that credentials of sources are encrypted with."""


@secrets.command("rotate")
def rotate() -> None:
    """Encrypt all credentials with a new key. With keys from FINOPS_SECRETS_KEY: with the first of them."""
    count = connecting.rotate_secrets()
    click.echo(f"The credentials of {counted(count, 'source')} are encrypted with the newest key.")


@secrets.command("key")
def key() -> None:
    """Print a new key, for FINOPS_SECRETS_KEY. Nothing is changed."""
    click.echo(Fernet.generate_key().decode())


def as_line(run: Run) -> dict[str, Any]:
    """What a program wants to know of a run."""
    return {
        "source": run.source.name,
        "run": run.pk,
        "name": run.name,
        "billing_period": str(run.billing_period) if run.name and run.billing_period else None,
        "status": run.status,
        "rows": run.rows,
        "bytes": run.bytes,
        "calls": run.calls,
        "attempt": run.attempt,
        "delivery": run.delivery_id,
        "error": run.error,
    }


def as_sentence(run: Run) -> str:
    """What a person wants to know of a run."""
    line = RunLine.of(run)
    done = f"{run.rows:,} rows" if run.name else f"{run.rows:,} found"
    return " | ".join(filter(None, (line.pill.word, run.source.name, line.title, done, run.error)))


def _wanted(name: str | None) -> list[Source]:
    live = Source.objects.exclude(kind=UPLOAD).order_by("name")
    if name is None:
        return list(live.filter(is_active=True))
    found = live.filter(name=name).first()
    if found is None:
        raise UserError(
            f"There is no connection named {name}. There are: {', '.join(one.name for one in live) or 'none'}."
        )
    if not found.is_active:
        raise UserError(f"{found.name} is paused: resume it on its page.")
    return [found]


def _collect(source: Source, since: Any) -> list[Run]:
    """Look, then execute here whatever waits; what a worker executes meanwhile is watched. The runs as they ended.

    A source that has come to rest keeps what it has queued: its provider may ask for hours.
    """
    first = runs.queue_look(source, since=since, actor=None, at_once=True)
    with _progress() as tell:
        while open_ := _open(source):
            mine = next((run for run in open_ if not is_held(run.lock_name)), None)
            if mine:
                collecting.execute(mine.pk, tell=tell)
            else:
                tell(open_[0])
                time.sleep(ELSEWHERE)
    return list(source.runs.select_related("source").filter(pk__gte=first.pk).order_by("pk"))


def _open(source: Source) -> list[Run]:
    """What is being executed, and what may be now."""
    rests = Source.objects.filter(pk=source.pk, rests_until__gt=timezone.now()).exists()
    statuses = [Run.Status.RUNNING] if rests else [Run.Status.RUNNING, Run.Status.QUEUED]
    return list(runs.in_order(source.runs.filter(status__in=statuses)))


@contextmanager
def _progress() -> Iterator[collecting.Tell]:
    """A bar on standard error for each run, with rows and MB."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        DownloadColumn(),
    )
    with Progress(*columns, console=CONSOLE, transient=True) as bar:
        tasks: dict[int, Any] = {}

        def tell(run: Run) -> None:
            if run.pk not in tasks:
                tasks[run.pk] = bar.add_task(RunLine.of(run).title, rows=0, total=None)
            bar.update(tasks[run.pk], completed=run.bytes, total=run.bytes_total or None, rows=run.rows)

        yield tell
