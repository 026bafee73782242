"""`finops demo`: load the demo organisation, take it out, and list what is to be found in it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from apps.core.errors import UserError
from apps.demo import queries, services
from apps.demo.people import LOGINS, PASSWORD
from apps.demo.removal import Removal, remove_demo


@click.group()
def demo() -> None:
    """The demo organisation: thirteen months of an invented company."""


@demo.command("load")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of its data; yesterday (UTC) by default.")
def load(until: datetime | None) -> None:
    """Load it into an empty database, or finish a load that was interrupted."""
    last = until.date() if until else yesterday()
    with _bar() as tell:
        loaded = services.load_demo(until=last, progress=tell)
    click.echo(f"The demo is loaded up to {loaded.until}. {how_to_sign_in()}")


@demo.command("remove")
def remove() -> None:
    """Take it out again: its costs, deliveries and teams, and every way in with its password."""
    with _bar() as tell:
        way_in = remove_demo(actor=None, progress=tell)
    click.echo("The demo is gone.")
    if way_in:
        click.echo(f'Sign in as "{way_in.admin}" with the password {way_in.password} (shown once).')


@demo.command("stories")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stories(as_json: bool) -> None:
    """What is to be found in the demo's data, with the amounts that stand in it."""
    found = queries.stories()
    if not found:
        raise UserError("The demo is not loaded: `finops demo load` loads it into an empty database.")
    if as_json:
        click.echo(json.dumps([story.as_json() for story in found], indent=2))
        return
    for story in found:
        click.echo(f"{story.slug:24} {story.sentence}")


def yesterday() -> date:
    """The newest complete UTC day."""
    return (datetime.now(UTC) - timedelta(days=1)).date()


def how_to_sign_in() -> str:
    """The demo's logins in a sentence."""
    *first, last = (login.username for login in LOGINS)
    return f'Sign in as {", ".join(first)} or {last} with the password "{PASSWORD}".'


@contextmanager
def _bar() -> Iterator[Callable[[services.Progress | Removal], None]]:
    """A bar on standard error with bills, rows and time left."""
    columns = (
        TextColumn("Demo organisation"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} bills, {task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("demo", rows=0, total=1)
        yield lambda now: bar.update(task, completed=now.bills, total=now.of, rows=now.rows)
