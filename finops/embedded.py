"""The embedded PostgreSQL and Redis: what they are called by others, when they start and when they stop."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from finops.environment import environment
from finops.folders import folders
from finops.progress import Progress

if TYPE_CHECKING:
    from finops.postgres import Postgres
    from finops.redis_server import RedisServer

_COMMON: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
}


def database_settings() -> dict[str, Any]:
    """Django's DATABASES entry: the server that FINOPS_DATABASE_URL names, else the embedded one.

    Parameters of the URL (`?sslmode=require`) go to libpq as they are.
    """
    url = environment().database_url.get_secret_value()
    if not url:
        return _COMMON | {"NAME": "finops", "USER": "finops", "HOST": str(folders().sockets)}
    parts = urlsplit(url)
    return _COMMON | {
        "OPTIONS": {"connect_timeout": "10"} | dict(parse_qsl(parts.query)),
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }


def redis_url() -> str:
    """The broker's address as Celery wants it: FINOPS_REDIS_URL, else the embedded server's socket."""
    return environment().redis_url.get_secret_value() or f"redis+socket://{folders().sockets}/redis.sock"


class EmbeddedServers:
    """The servers that this home needs, none where the environment names others. Shared by all its processes.

    Whoever uses them holds a shared lock on home/servers.lock; the last one to let go stops them. So it does not
    matter which process started them, and one that was killed holds nothing.
    """

    def __init__(self, postgres_options: Mapping[str, str] | None = None) -> None:
        self.all = _needed_servers(postgres_options)
        self._home = environment().home

    @contextmanager
    def running(self, progress: Progress) -> Iterator[None]:
        """Start what does not run yet; at the end stop all, unless another process uses them."""
        if not self.all:
            yield
            return
        with (self._home / "servers.lock").open("a") as use:
            try:
                with self.one_at_a_time():
                    fcntl.flock(use, fcntl.LOCK_SH)
                    self._start(progress)
                yield
            finally:
                with self.one_at_a_time():
                    self._leave(use)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Only one process of this home starts or stops servers at a time."""
        with (self._home / "servers.starting").open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _start(self, progress: Progress) -> None:
        for server in self.all:
            if server.is_running():
                server.start()  # waits until it answers
                continue
            with progress.step(f"{server.name}, data in {_short(server.data)}"):
                server.start()

    def _leave(self, use: IO[str]) -> None:
        fcntl.flock(use, fcntl.LOCK_UN)
        try:
            fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else uses them
        for server in reversed(self.all):
            server.stop()


def _needed_servers(postgres_options: Mapping[str, str] | None) -> "list[Postgres | RedisServer]":
    """Imported here: settings read this module, and only who starts servers needs their code."""
    from finops.postgres import Postgres  # noqa: PLC0415
    from finops.redis_server import RedisServer  # noqa: PLC0415

    needed: list[Postgres | RedisServer] = []
    if not environment().database_url.get_secret_value():
        needed.append(Postgres(folders(), postgres_options))
    if not environment().redis_url.get_secret_value():
        needed.append(RedisServer(folders()))
    return needed


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@contextmanager
def servers(progress: Progress | None = None) -> Iterator[None]:
    """Have the servers running for the length of a command."""
    with EmbeddedServers().running(progress or Progress(errors=True)):
        yield
