"""Watching processes: one that dies is started again, after longer and longer pauses; logs are kept short."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from apps.core.errors import UserError
from finops.processes import shorten

LONGEST_PAUSE = 60.0
CALM_SECONDS = 60.0  # one that has lived so long has recovered: the next pause is short again


class Watchable(Protocol):
    """A process that can be started again."""

    name: str
    log: Path

    def is_running(self) -> bool:
        """Whether it lives."""

    def ending(self) -> str:
        """How it ended, for people."""

    def start(self) -> None:
        """Start it; raises UserError where that cannot work now."""


class Watch:
    """The state of one process's recovery."""

    def __init__(
        self,
        service: Watchable,
        say: Callable[[str], None],
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Tell people by `say`; `turn` is held while the process is started."""
        self._service = service
        self._say = say
        self._turn = turn
        self._failures = 0
        self._started = time.monotonic()
        self._next_try: float | None = None

    def look(self) -> None:
        """Start the process again when it has died and its pause is over; call this about once a second."""
        now = time.monotonic()
        if self._next_try is not None:
            if now >= self._next_try:
                self._start_again()
        elif not self._service.is_running():
            self._failures = 0 if now - self._started > CALM_SECONDS else self._failures
            self._plan(f"{self._service.name} has ended ({self._service.ending()})")
        shorten(self._service.log)

    def _plan(self, what: str) -> None:
        pause = min(2.0**self._failures, LONGEST_PAUSE)
        self._failures += 1
        self._next_try = time.monotonic() + pause
        self._say(f"{what}; it is started again in {pause:.0f} s. See {self._service.log}")

    def _start_again(self) -> None:
        self._next_try = None
        self._started = time.monotonic()
        try:
            with self._turn():
                self._service.start()
        except UserError as error:
            self._plan(str(error))
        else:
            self._say(f"{self._service.name} has been started again")
