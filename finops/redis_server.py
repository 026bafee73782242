"""The embedded Redis, the broker between web, beat and worker: its settings, its start and its end."""

import socket
import subprocess
import time
from signal import SIGTERM

import psutil

from apps.core.errors import UserError
from finops.folders import Folders, make_private
from finops.processes import describe_end, last_words, named_in, plain_environment, prepare_log, search, spawn, stop
from finops.programs import REDIS, program

START_SECONDS = 60.0


class RedisServer:
    """One Redis on a unix socket in a private folder. Every change is appended to a file: queued work survives."""

    name = "Redis"

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.data = folders.data / "redis"
        self.socket = folders.sockets / "redis.sock"
        self.log = folders.logs / "redis.log"
        self._started: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether a server works on this data folder, whoever started it."""
        if self._started is not None:
            self._started.poll()  # takes a dead child off the process table
        return self._process() is not None

    def start(self) -> None:
        """Return when the server answers; one that is there already, from a killed process too, is taken over."""
        running = self.is_running() or search(self._is_it) is not None
        if running and not self.socket.exists():
            self.stop()  # nobody can reach it any more
            running = False
        if not running:
            for folder in (self.folders.sockets, self.data):
                make_private(folder, self.folders.account)
            self._launch()
        self._wait_until_it_answers(time.monotonic() + START_SECONDS)

    def stop(self) -> None:
        """End the server; it writes what it holds to disk first."""
        process = self._process() or search(self._is_it)
        if process is not None:
            stop(process, (SIGTERM, 20.0))
        if self._started is not None:
            self._started.poll()

    def ending(self) -> str:
        """How the server ended, for people."""
        return describe_end(self._started)

    def _process(self) -> psutil.Process | None:
        return named_in(self.data / "redis.pid", self._is_it)

    def _is_it(self, words: list[str]) -> bool:
        """Redis replaces its command line by a title soon after the start."""
        line = " ".join(words).strip()
        return line.endswith(f"redis-server unixsocket:{self.socket}") or f"--unixsocket {self.socket} " in line

    def _launch(self) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self.data / "redis.pid"),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._log_start = prepare_log(self.log)
        self._started = spawn(
            [program(REDIS, self.folders), *words],
            log=self.log,
            account=self.folders.account,
            environment=plain_environment(),
            folder=self.data,
        )

    def _wait_until_it_answers(self, deadline: float) -> None:
        while not self._answers():
            if self._started is not None and self._started.poll() is not None:
                raise UserError(f"Redis did not start from {self.data}: {last_words(self.log, since=self._log_start)}")
            if time.monotonic() > deadline:
                raise UserError(f"Redis has not answered for {START_SECONDS:.0f} s: look into {self.log}.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Asked by hand: the client library takes a fifth of a second to import, in every command."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False
