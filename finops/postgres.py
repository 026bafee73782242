"""The embedded PostgreSQL: its data folder, its settings, its start and its end."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT

import psutil
import psycopg

from apps.core.errors import UserError
from finops.folders import Folders, make_private
from finops.processes import (
    describe_end,
    last_words,
    named_in,
    plain_environment,
    prepare_log,
    run_as,
    search,
    spawn,
    stop,
    user_name,
)
from finops.programs import INITDB, POSTGRES, program

MAJOR = "18"
PORT = 5432  # only names the socket file
DATABASE = USER = "finops"
START_SECONDS = 300.0  # replaying the log after a crash in the middle of a large import takes its time
STILL_DYING = "pre-existing shared memory block"


def tuning() -> dict[str, str]:
    """Settings for bulk loads and wide sums on a machine that is shared with the rest of the product."""
    megabytes = psutil.virtual_memory().total // 2**20
    return {
        "shared_buffers": f"{min(1024, max(64, megabytes // 8))}MB",
        "effective_cache_size": f"{max(128, megabytes // 2)}MB",
        "maintenance_work_mem": f"{min(512, max(64, megabytes // 16))}MB",
        "work_mem": "32MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "jit": "off",
        "random_page_cost": "1.1",
        "max_connections": "100",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }


class Postgres:
    """One PostgreSQL server on a unix socket; only the operating system's users in pg_ident.conf may connect."""

    name = f"PostgreSQL {MAJOR}"

    def __init__(self, folders: Folders, options: Mapping[str, str] | None = None) -> None:
        self.folders = folders
        self.data = folders.data / "postgres"
        self.log = folders.logs / "postgres.log"
        self._options = tuning() | dict(options or {})
        self._started: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether a server works on this data folder, whoever started it."""
        if self._started is not None:
            self._started.poll()  # takes a dead child off the process table
        return self._process() is not None

    def start(self) -> None:
        """Return when the server answers; one that is there already, from a killed process too, is taken over."""
        deadline = time.monotonic() + START_SECONDS
        running = self.is_running() or search(self._is_it) is not None
        if running and not self._socket().exists():
            self.stop()  # nobody can reach it any more
            running = False
        if not running:
            self._check_version()
            make_private(self.folders.sockets, self.folders.account)
            if not self.data.exists():
                self._create()
            self._write_access_rules()
            self._launch()
        self._wait_until_it_answers(deadline)

    def stop(self) -> None:
        """End the server in order: open transactions are rolled back, everything is on disk."""
        process = self._process() or search(self._is_it)
        if process is not None:
            stop(process, (SIGINT, 60.0), (SIGQUIT, 10.0))
        if self._started is not None:
            self._started.poll()

    def ending(self) -> str:
        """How the server ended, for people."""
        return describe_end(self._started)

    def _socket(self) -> Path:
        return self.folders.sockets / f".s.PGSQL.{PORT}"

    def _process(self) -> psutil.Process | None:
        return named_in(self.data / "postmaster.pid", self._is_it)

    def _is_it(self, words: list[str]) -> bool:
        return words[1:3] == ["-D", str(self.data)] and Path(words[0]).name == "postgres"

    def _check_version(self) -> None:
        found = self.data / "PG_VERSION"
        major = found.read_text().strip() if found.exists() else MAJOR
        if major == MAJOR:
            return
        newer = int(major) > int(MAJOR)
        advice = "use the newer FinOps that wrote it" if newer else "export it with the FinOps that wrote it"
        raise UserError(
            f"The data in {self.data} was written by PostgreSQL {major} and this FinOps brings PostgreSQL {MAJOR}: "
            f"{advice}, or set FINOPS_HOME to another folder."
        )

    def _create(self) -> None:
        """Make the data folder under another name first: an interrupted start leaves nothing half-made."""
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        words = ["--username", USER, "--auth=peer", "--encoding=UTF8", "--no-instructions", "--locale=C"]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = run_as(
            self.folders.account, [program(INITDB, self.folders), "-D", draft, *words], folder=self.folders.data
        )
        if done.returncode:
            self.log.write_text(done.stdout + done.stderr)
            raise UserError(f"The database could not be created in {self.data}: {last_words(self.log)}")
        draft.rename(self.data)

    def _write_access_rules(self) -> None:
        """Only this user (and root, who can do everything anyway) may connect, by the kernel's word: no password."""
        users = {user_name(os.geteuid()), "root"}
        self._write("pg_hba.conf", "local all all peer map=owner\n")
        self._write("pg_ident.conf", "".join(f'owner "{name}" {USER}\n' for name in sorted(users)))

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        if self.folders.account:
            os.chown(path, self.folders.account.uid, self.folders.account.gid)

    def _launch(self) -> None:
        for stale in (self.data / "postmaster.pid", *self.folders.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)  # no server of this folder lives: these are from a crash
        options = self._options | {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.folders.sockets),
            "logging_collector": "off",
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._log_start = prepare_log(self.log)
        self._started = spawn(
            [program(POSTGRES, self.folders), "-D", self.data, *words],
            log=self.log,
            account=self.folders.account,
            environment=plain_environment(),
            folder=self.data,
        )

    def _wait_until_it_answers(self, deadline: float) -> None:
        while not self._answers():
            if self._started is not None and self._started.poll() is not None:
                self._explain_or_try_again()
            if time.monotonic() > deadline:
                raise UserError(f"PostgreSQL has not answered for {START_SECONDS:.0f} s: look into {self.log}.")
            time.sleep(0.05)

    def _explain_or_try_again(self) -> None:
        """Processes of a server that was killed may need a moment to end: then the next try works."""
        why = last_words(self.log, since=self._log_start)
        if STILL_DYING not in why:
            raise UserError(f"PostgreSQL did not start from {self.data}: {why}")
        time.sleep(0.5)
        self._launch()

    def _answers(self) -> bool:
        """Whether the server takes connections; the product's database is made on the first one."""
        try:
            with self._connect() as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> "psycopg.Connection[tuple[int]]":
        return psycopg.connect(
            host=str(self.folders.sockets), port=PORT, user=USER, dbname="postgres", autocommit=True, connect_timeout=5
        )
