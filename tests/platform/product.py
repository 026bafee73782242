"""The product as an operator has it: the real command line in processes of its own, on a home folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

FINOPS = (sys.executable, "-m", "finops.cli")
PATIENCE = 90.0  # seconds for what takes two on a quiet machine: others may be using it too
USE_SERVERS = """
import sys
from finops.environment import environment
from finops.embedded import servers
environment().make_folders()
with servers():
    print("in", flush=True)
    sys.stdin.readline()
    import psycopg
    from finops.embedded import database_settings
    place = database_settings()
    with psycopg.connect(host=place["HOST"], user=place["USER"], dbname=place["NAME"]) as connection:
        print(connection.execute("SELECT 6 * 7").fetchone()[0], flush=True)
"""


def make_folder() -> Path:
    """A folder that every user may pass through, as a checkout usually is; pytest's own is root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="finops-t-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def copy_home(source: Path, target: Path) -> None:
    """Copy a home with its owners, which shutil does not keep."""
    subprocess.run(["cp", "-a", source, target], check=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """One home folder and what runs on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("FINOPS_", "PYTEST_", "DJANGO_"))}
        self.environment |= {"FINOPS_HOME": str(home), "PORT": str(self.port), "FINOPS_NO_DEMO": "1"}
        self._started: list[subprocess.Popen[str]] = []
        self.output = home.with_name("output.txt")

    def run(self, *words: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            [*FINOPS, *words], env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def up(self) -> "subprocess.Popen[str]":
        """Run `finops up`; returns when it says that it is ready."""
        with self.output.open("w") as output:
            process = subprocess.Popen(
                [*FINOPS, "up"], env=self.environment, stdout=output, stderr=output, start_new_session=True, text=True
            )
        self._started.append(process)
        self.wait_for("Ready after", process)
        return process

    def wait_for(self, text: str, process: "subprocess.Popen[Any]") -> None:
        """Wait until `finops up` has said something."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.output.read_text():
            assert process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, f"{text!r} was not said: {self.output.read_text()}"
            time.sleep(0.1)

    def use_servers(self) -> "subprocess.Popen[str]":
        """A program inside `servers()`, which goes on when it is sent a line."""
        process = subprocess.Popen(
            [sys.executable, "-c", USE_SERVERS],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == "in\n", process.communicate()
        return process

    def get(self, path: str) -> str:
        """What the web process answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def processes(self, words: Sequence[str] = ("",)) -> list[psutil.Process]:
        """Every living process of this home that has all the words in its command line."""
        return [p for p in psutil.process_iter() if self._owns(p) and all(w in " ".join(p.cmdline()) for w in words)]

    def _owns(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            ours = f"{self.home}/"
            return any(ours in f"{word}/" for word in process.cmdline()) or (
                process.environ().get("FINOPS_HOME") == str(self.home)
            )
        return False

    def process(self, *words: str) -> psutil.Process:
        """The oldest living process with these words in its command line."""
        return min(self.processes(words), key=lambda p: p.create_time())

    def wait_until_gone(self) -> list[psutil.Process]:
        """Wait until no process of this home lives; returns those that do, which should be none."""
        deadline = time.monotonic() + PATIENCE
        while (living := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return living

    def end(self) -> None:
        """Whatever a failed test has left."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        for started in self._started:
            started.communicate(timeout=PATIENCE)


def use(home: Path) -> Iterator[Product]:
    """A product for the length of a fixture."""
    product = Product(home)
    try:
        yield product
    finally:
        product.end()
        for folder in (home / "server", home.parent):
            shutil.rmtree(folder.resolve(), ignore_errors=True)
