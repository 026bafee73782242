"""Recovery of single processes, without any process."""

from pathlib import Path

import pytest

from apps.core.errors import UserError
from finops import processes, watch
from finops.processes import shorten
from finops.watch import Watch


class Broken:
    """A service that dies at once, every time; or does not even start."""

    name = "thing"

    def __init__(self, log: Path, *, starts: bool = True) -> None:
        self.log = log
        self.starts: list[float] = []
        self._starts = starts

    def is_running(self) -> bool:
        return False

    def ending(self) -> str:
        return "exit code 3"

    def start(self) -> None:
        self.starts.append(watch.time.monotonic())
        if not self._starts:
            raise UserError("The thing's disk is full")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its only value is changed."""
    now = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    return now


def look_for(seconds: int, watched: Watch, clock: list[float]) -> None:
    for _ in range(seconds):
        clock[0] += 1
        watched.look()


@pytest.mark.parametrize("starts", [True, False])
def test_pauses_grow_up_to_a_minute(tmp_path: Path, clock: list[float], starts: bool) -> None:
    service, said = Broken(tmp_path / "log", starts=starts), list[str]()
    look_for(400, Watch(service, said.append), clock)

    pauses = [later - earlier for earlier, later in zip(service.starts, service.starts[1:], strict=False)]
    assert pauses[:6] == sorted(pauses[:6])
    assert pauses[0] <= 4
    assert 60 <= pauses[-1] <= 62
    assert said[0].startswith("thing has ended (exit code 3); it is started again in 1 s.")
    assert any("The thing's disk is full; it is started again in" in line for line in said) is not starts


def test_a_log_that_grows_is_moved_aside_and_its_writer_goes_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 100)
    log = tmp_path / "web.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 101)
        writer.flush()
        shorten(log)
        writer.write(b"after")

    assert log.read_bytes() == b"after"
    assert (tmp_path / "web.log.1").read_bytes() == b"x" * 101
