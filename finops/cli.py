"""The command line `finops`: finds a command when it is called, and has the servers running while it works."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from weakref import WeakSet

import click
from pydantic import ValidationError

from apps.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Entry:
    """A command's place: `module:attribute`, its line in the help, and what it finds when it is called."""

    place: str
    help: str
    needs_database: bool = True


COMMANDS = {
    "up": Entry("finops.supervisor:up", "Start everything and watch it until Ctrl-C.", needs_database=False),
    "import": Entry("apps.sources.commands:import_", "Import billing files, folders or manifests."),
    "collect": Entry("apps.sources.collect_command:collect", "Collect what is new from live sources."),
    "export": Entry("apps.costs.commands:export", "Write costs as FOCUS files."),
    "token": Entry("apps.accounts.commands:token", "Make and revoke API tokens."),
    "user": Entry("apps.accounts.commands:user", "Make users and reset passwords."),
    "demo": Entry("apps.demo.commands:demo", "Load and remove the demo organisation, tell its stories."),
    "rates": Entry("apps.costs.commands:rates", "Import exchange rates."),
    "secrets": Entry("apps.sources.collect_command:secrets", "Change the key that credentials are encrypted with."),
    "doctor": Entry("finops.doctor:doctor", "Check settings, database, broker, worker and disk.", needs_database=False),
}

TO_PUT_RIGHT = {
    errno.ENOSPC: "the disk is full: free some space and start again",
    errno.EACCES: "the present user may not use it: run the command as its owner or set FINOPS_HOME to another folder",
    errno.EPERM: "nothing can be written there: set FINOPS_HOME to another folder",
    errno.EEXIST: "it is in the way: move it, or set FINOPS_HOME to another folder",
    errno.ENOTDIR: "it is not a folder: move it, or set FINOPS_HOME to another folder",
    errno.EROFS: "the file system is read-only: set FINOPS_HOME to a folder that can be written",
}
_WRAPPED: WeakSet[click.Command] = WeakSet()


class Commands(click.Group):
    """Commands by the table above; a module is imported when its command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands whose module is there."""
        return [name for name, entry in COMMANDS.items() if find_spec(entry.place.partition(":")[0])]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; what it calls is wrapped so that it finds servers, tables and Django ready."""
        if cmd_name not in self.list_commands(ctx):
            return None
        entry = COMMANDS[cmd_name]
        module, _, attribute = entry.place.partition(":")
        if entry.needs_database:
            _set_django_up()
        command: click.Command = getattr(import_module(module), attribute)
        if entry.needs_database:
            _give_servers(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Say what the user can put right in one line; let everything else end in a traceback."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(str(error)) from error
        except ValidationError as error:
            if error.title != "Environment":
                raise
            raise click.ClickException(_about_settings(error)) from error
        except OSError as error:
            if error.errno not in TO_PUT_RIGHT:
                raise
            raise click.ClickException(f"{error.filename or 'A file'}: {TO_PUT_RIGHT[error.errno]}.") from error


def _set_django_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    import django  # noqa: PLC0415 - the help and the usage errors do without

    django.setup()


def _give_servers(command: click.Command) -> None:
    """Wrap what a command (or each command of a group) calls, after its arguments were read."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _give_servers(child)
    elif command.callback is not None and command not in _WRAPPED:
        command.callback = _with_servers(command.callback)
        _WRAPPED.add(command)


def _with_servers(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        from finops.embedded import servers  # noqa: PLC0415
        from finops.progress import Progress  # noqa: PLC0415
        from finops.schema import bring_up_to_date  # noqa: PLC0415

        progress = Progress(errors=True)
        with servers(progress):
            bring_up_to_date(progress)
            return call(*args, **kwargs)

    return run


def _about_settings(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "FINOPS_" + "_".join(str(part) for part in first["loc"]).upper()
    return f"The setting {name} is not usable: {first['msg'].removeprefix('Value error, ')}."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="finops")
def cli() -> None:
    """The cost of AI and cloud workloads, proved."""


def main() -> None:
    """What the installed `finops` calls. A signal to end unwinds the command, so that servers are stopped in order."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    cli()


if __name__ == "__main__":
    main()
