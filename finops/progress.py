"""What a command is doing, one line per step with the time that it took."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

LABEL_WIDTH = 60


class Progress:
    """Progress on standard output, or on standard error where the output is for machines."""

    def __init__(self, *, errors: bool = False) -> None:
        self._errors = errors

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Say what begins; when it is done, how many seconds it took."""
        started = time.monotonic()
        self._write(f"  {label} ".ljust(LABEL_WIDTH, "."))
        try:
            yield
        except BaseException:
            self._write(" failed\n")
            raise
        self._write(f" {time.monotonic() - started:5.1f} s\n")

    def say(self, line: str) -> None:
        """One line that is no step."""
        self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        """Write at once; a closed terminal must not keep the servers from being stopped in order."""
        try:
            click.echo(text, nl=False, err=self._errors)
        except OSError:
            _silence(sys.stderr if self._errors else sys.stdout)


def let_go_of_a_closed_terminal() -> None:
    """What could not be written, by loggers too, would be tried again as the interpreter ends, which then exits 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _silence(stream)


def _silence(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
