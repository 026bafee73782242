"""pytest plugin: one embedded PostgreSQL and Redis for the whole run, where the environment names no other servers.

Loaded by `-p` in pyproject.toml, before Django's settings are. Workers of pytest-xdist inherit the home folder from
the process that started them, which alone starts and stops the servers.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack

import pytest

from finops.embedded import EmbeddedServers
from finops.progress import Progress

OWN_HOME = "FINOPS_TEST_HOME"
OF_TESTS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # it would count tables between a test's rows and their rollback, and mislead the planner
}
_running = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers (in the first process only)."""
    if _is_worker(config):
        return
    progress = Progress(errors=True)
    _running.enter_context(EmbeddedServers(OF_TESTS).running(progress))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, however the tests ended."""
    _running.close()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _use_a_home_of_our_own() -> None:
    if OWN_HOME in os.environ:
        return
    home = tempfile.mkdtemp(prefix="finops-tests-")
    os.environ["FINOPS_HOME"] = os.environ[OWN_HOME] = home
    atexit.register(shutil.rmtree, home, ignore_errors=True)


_use_a_home_of_our_own()
