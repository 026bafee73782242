"""`finops up`: starts everything in order, says what it does, watches it, and leaves nothing behind."""

import errno
import fcntl
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from apps.core.errors import UserError
from finops.children import Child, product_processes
from finops.embedded import EmbeddedServers
from finops.environment import environment
from finops.folders import folders
from finops.processes import last_words
from finops.progress import Progress, let_go_of_a_closed_terminal
from finops.watch import Watch

LOOK_SECONDS = 0.5
READY_SECONDS = 120.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8000,
    envvar="PORT",
    show_default=True,
    help="Port of the web pages (env PORT).",
)
@click.option(
    "--host", default="127.0.0.1", envvar="FINOPS_HOST", show_default=True, help="Address to listen on; 0.0.0.0 is all."
)
@click.option("--no-demo", is_flag=True, envvar="FINOPS_NO_DEMO", help="Do not load the demo into an empty database.")
def up(port: int, host: str, no_demo: bool) -> None:
    """Start PostgreSQL, Redis, web, worker and beat, and watch them until Ctrl-C."""
    progress = Progress()
    with _alone(f"http://{host}:{port}"):
        _check_port_is_free(host, port)
        _stop_on_signals(progress)
        try:
            _run(progress, host, port, demo=not no_demo)
        finally:
            progress.say("Stopped.")
            let_go_of_a_closed_terminal()


def _run(progress: Progress, host: str, port: int, *, demo: bool) -> None:
    progress.say("Starting FinOps")
    started = time.monotonic()
    servers = EmbeddedServers()
    with servers.running(progress):
        how_to_sign_in = _prepare(progress, demo=demo)
        children = product_processes(environment().home, folders().logs, host, port)
        with _children_running(children, progress, host, port):
            _welcome(progress, host, port, how_to_sign_in, time.monotonic() - started)
            _watch(servers, children, progress)


@contextmanager
def _alone(address: str) -> Iterator[None]:
    """Hold the home folder for this process; a second one is told who has it. The kernel lets go when we end."""
    environment().make_folders()
    path = environment().home / "up.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text().strip()
            raise UserError(
                f"FinOps runs already from {environment().home} ({holder}): "
                "stop it first, or set FINOPS_HOME to another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {address}\n")
        lock.flush()
        yield


def _check_port_is_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(_about_port(error, host, port)) from error


def _about_port(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: stop that, or choose another with --port or PORT."
    return f"Cannot listen on {host} port {port} ({error.strerror or error}): choose others with --host and --port."


def _stop_on_signals(progress: Progress) -> None:
    """The first signal to end unwinds everything in order; later ones wait for that."""

    def unwind(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        progress.say("\nStopping ...")
        sys.exit(0)

    for number in STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, unwind)


def _prepare(progress: Progress, *, demo: bool) -> str:
    """Make tables, static files, the demo where it is wanted, else the first account; returns how to sign in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    with progress.step("Reading the program"):
        import django  # noqa: PLC0415 - only now is the database there

        django.setup()
    from django.db import connections  # noqa: PLC0415

    from apps.accounts.services import ensure_first_admin  # noqa: PLC0415
    from finops.assets import gather_static_files  # noqa: PLC0415
    from finops.demo import demo_logins, load_where_wanted  # noqa: PLC0415
    from finops.schema import bring_up_to_date  # noqa: PLC0415

    bring_up_to_date(progress)
    gather_static_files(progress)
    if demo:
        load_where_wanted(progress)
    password = ensure_first_admin()
    how_to_sign_in = demo_logins()
    connections.close_all()
    if password:
        return f'Sign in as "admin" with the password {password} (shown once; you choose your own at first sign-in).'
    return how_to_sign_in


@contextmanager
def _children_running(children: tuple[Child, ...], progress: Progress, host: str, port: int) -> Iterator[None]:
    try:
        for child in children:
            child.start()
        web, worker, beat = children
        with progress.step("Web"):
            _wait(web, lambda: _answers_http(host, port))
        with progress.step("Worker"):
            _wait(worker, _worker_answers)
        with progress.step("Beat"):
            _wait(beat, beat.is_running)
        yield
    finally:
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()


def _wait(child: Child, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if not child.is_running():
            raise UserError(f"{child.name} ended at once: {last_words(child.log)}. See {child.log}.")
        if time.monotonic() > deadline:
            raise UserError(f"{child.name} was not ready after {READY_SECONDS:.0f} s. See {child.log}.")
        time.sleep(0.1)


def _answers_http(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to ask, not to listen on


def _worker_answers() -> bool:
    from finops.checks import ping_workers  # noqa: PLC0415 - needs Django's settings

    return bool(ping_workers(0.5, here=True))


def _welcome(progress: Progress, host: str, port: int, how_to_sign_in: str, seconds: float) -> None:
    progress.say(f"Ready after {seconds:.1f} s: http://{_reachable(host)}:{port}")
    if how_to_sign_in:
        progress.say(how_to_sign_in)
    progress.say(f"Logs are in {_relative(folders().logs)}. Ctrl-C stops everything.")


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _watch(servers: EmbeddedServers, children: tuple[Child, ...], progress: Progress) -> None:
    """Look after everything until a signal unwinds us."""
    watches = [Watch(server, progress.say, servers.one_at_a_time) for server in servers.all]
    watches += [Watch(child, progress.say) for child in children]
    while True:
        for watch in watches:
            watch.look()
        time.sleep(LOOK_SECONDS)
