"""The product's own processes (web, worker, beat): their command lines, and how one is started and stopped."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from finops.processes import describe_end, kill_group, prepare_log, spawn

STOP_SECONDS = 15.0
WORKER = "finops"  # the worker's name on the broker, before @ and the name of the machine
PYTHON = (sys.executable, "-m")
CELERY = (*PYTHON, "celery", "-A", "finops")
OF_PROCESSES = {"POLARS_MAX_THREADS": "1", "_RJEM_MALLOC_CONF": "narenas:1"}
"""What uses more cores is more processes: threads of polars in each, and memory set aside for each, would only add up
(measured while months are collected: 470 MB instead of 530, at the same speed). Set where the operator has not."""


class Child:
    """One process of the product with everything that it starts itself; it ends when this process does."""

    def __init__(self, name: str, command: tuple[str, ...], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, after what an earlier one may have left behind has been ended."""
        if self._process is not None:
            kill_group(self._process.pid)
        prepare_log(self.log)
        environment = (
            OF_PROCESSES | os.environ | {"DJANGO_SETTINGS_MODULE": "finops.settings", "REMAP_SIGTERM": "SIGQUIT"}
        )
        self._process = spawn(self._command, log=self.log, environment=environment, dies_with_us=True)

    def ask_to_stop(self) -> None:
        """Send the signal to end; the worker gives tasks back that it cannot finish in a few seconds."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Wait until it has ended as it was asked to, and end what is left after a while."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        kill_group(self._process.pid)
        self._process.wait()

    def ending(self) -> str:
        """How it ended, for people."""
        return describe_end(self._process)


def product_processes(home: Path, logs: Path, host: str, port: int) -> tuple[Child, Child, Child]:
    """Web, worker and beat of one home, not started yet."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = (*PYTHON, "gunicorn", "--config", "python:finops.gunicorn", "--bind", bind)
    worker = (*CELERY, "worker", "--concurrency=2", "--without-gossip", "--without-mingle", f"--hostname={WORKER}@%h")
    beat = (*CELERY, "beat", "--pidfile=", f"--schedule={home / 'beat-schedule'}")
    commands = {"web": web, "worker": worker, "beat": beat}
    first, second, third = (Child(name, command, logs / f"{name}.log") for name, command in commands.items())
    return first, second, third
