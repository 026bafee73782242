"""Processes of other programs: as whom they run, how they start and stop, what their log said last."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOG_BYTES = 10_000_000
LOG_TAIL_BYTES = 8_000
PR_SET_PDEATHSIG = 1
# loaded before any fork: the child of a fork must not have to load a library
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

IsIt = Callable[[list[str]], bool]  # tells a program's process by the words of its command line


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that a server runs as when this process is root."""

    uid: int
    gid: int

    @classmethod
    def nobody(cls) -> "Account":
        """The account that owns nothing on any system."""
        entry = pwd.getpwnam("nobody")
        return cls(entry.pw_uid, entry.pw_gid)

    @classmethod
    def owner_of(cls, path: Path) -> "Account":
        """The user whose file or folder this is."""
        found = path.stat()
        return cls(found.st_uid, found.st_gid)


def user_name(uid: int) -> str:
    """The name of a user of this machine, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def spawn(
    command: Iterable[str | Path],
    *,
    log: Path,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    dies_with_us: bool = False,
) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own, so that Ctrl-C reaches it only through us; it appends to `log`.

    With `dies_with_us` the kernel asks it to stop when this process ends in whatever way (Linux only).
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=_ask_for_death_signal if dies_with_us and _LIBC else None,  # noqa: PLW1509 - only calls prctl
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def run_as(
    account: Account | None, command: Iterable[str | Path], *, folder: Path
) -> "subprocess.CompletedProcess[str]":
    """Run a short program to its end in a plain environment; its output is kept."""
    return subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=plain_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def plain_environment() -> dict[str, str]:
    """An environment without the caller's language and PG* variables, which would change what a server does."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _ask_for_death_signal() -> None:
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def named_in(pid_file: Path, is_it: IsIt) -> psutil.Process | None:
    """The living process whose id a pid file holds, if its command line is the right one: ids are used again."""
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        return process if is_it(process.cmdline()) else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def search(is_it: IsIt) -> psutil.Process | None:
    """The living process with the right command line, where there is no pid file to go by."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if is_it(process.cmdline()):
                return process
    return None


def stop(process: psutil.Process, *steps: tuple[signal.Signals, float]) -> None:
    """Ask a process to end with each signal in turn, waiting so many seconds after each; kill it in the end."""
    for number, patience in (*steps, (signal.SIGKILL, 10.0)):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        with suppress(psutil.TimeoutExpired):
            process.wait(patience)
            return


def kill_group(leader: int) -> None:
    """End what is left of a session that `spawn` opened."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def describe_end(process: "subprocess.Popen[bytes] | None") -> str:
    """How a process that we started ended, for people."""
    code = process.returncode if process else None
    if code is None:
        return "nobody saw how"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def prepare_log(log: Path) -> int:
    """Make a private log, or shorten one that has grown large; the byte at which the next program's words begin."""
    shorten(log)
    log.touch(mode=0o600)
    return log.stat().st_size


def shorten(log: Path) -> None:
    """Move a log that has grown large aside, keeping one old file. Its writers append, so they go on at the start."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        with suppress(OSError):  # on a full disk there is no old file, and room again
            shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as file:
            file.truncate()


def last_words(log: Path, *, since: int = 0) -> str:
    """Why a program ended, as one sentence from the end of its log (only what it wrote after byte `since`)."""
    with log.open("rb") as file:
        file.seek(max(since, log.stat().st_size - LOG_TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "the disk is full: free some space and start again"
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "rror:" in line]
    return (fatal or lines or ["it said nothing"])[-1]
