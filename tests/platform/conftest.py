"""Fixtures of the platform's tests: homes to run the real command line on."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.product import Product, copy_home, make_folder, use

MAKE_READY = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "finops.settings"
import django
django.setup()
from finops.assets import gather_static_files
from finops.embedded import servers
from finops.progress import Progress
from finops.schema import bring_up_to_date
with servers():
    bring_up_to_date(Progress())
    gather_static_files(Progress())
"""


@pytest.fixture(autouse=True)
def hears_a_hang_up() -> None:
    """Under nohup programs are started deaf to it, and `finops up` stays so: here it is told to end that way."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def ready_home() -> Iterator[Path]:
    """A home with tables and static files, to be copied: making them takes longer than most tests."""
    folder = make_folder()
    product = Product(folder / "home")
    subprocess.run([sys.executable, "-c", MAKE_READY], env=product.environment, check=True, timeout=100)
    yield product.home
    shutil.rmtree(folder)


@pytest.fixture
def product(ready_home: Path) -> Iterator[Product]:
    """A product that was started before and stopped in order."""
    home = make_folder() / "home"
    copy_home(ready_home, home)
    yield from use(home)


@pytest.fixture
def new_product() -> Iterator[Product]:
    """A product that was never started."""
    yield from use(make_folder() / "home")
