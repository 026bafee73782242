"""How fast and how large pages are: the server's time on 10 million facts, bytes, and the first chart in a browser."""

import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from unittest.mock import patch
from urllib.parse import urlencode

from django.test import Client
from playwright.sync_api import Browser, StorageState, sync_playwright

from apps.accounts.models import Role, User
from apps.demo.people import PASSWORD
from finops.assets import gather_static_files
from finops.progress import Progress
from tests.bench.explorer import PERIOD, elapsed, organisation, p95
from tests.bench.home import BENCH, CHECKOUT

TODAY = datetime(2026, 7, 31, 12, tzinfo=UTC)
YEAR = {"start": str(PERIOD.first), "end": str(PERIOD.last)}
OVERVIEW = ["/", "/?month=2026-06", "/?month=2026-05", "/?month=2026-07&team=research"]
EXPLORER = [
    f"/costs/?{urlencode(question)}"
    for question in (
        {"period": "last_30d", "granularity": "day", "group_by": "service", "compare": "previous"},
        {"period": "last_30d", "granularity": "day", "group_by": "team,service,sku", "compare": "previous"},
        {"period": "last_90d", "granularity": "week", "group_by": "service,region", "exclude[charge_category]": "Tax"},
        {"period": "ytd", "granularity": "month", "group_by": "sub_account", "compare": "previous"},
        YEAR | {"granularity": "month", "group_by": "team,environment,service"},
        YEAR | {"granularity": "month", "group_by": "tag:app"},
        {"period": "last_30d", "granularity": "day", "group_by": "tag:app"},
        {"period": "last_30d", "granularity": "day", "group_by": "resource", "filter[service]": "service-7"},
        {"period": "mtd", "granularity": "day", "filter[team]": "research"},
        YEAR | {"group_by": "sku,region"},
    )
]
ROUNDS = 5
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
DRAWN = """
new MutationObserver((_, observer) => {
  const ready = document.documentElement?.dataset.charts === "ready" || document.querySelector(".plot .main-svg");
  if (ready) { window.firstChart = performance.now(); observer.disconnect(); }
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
"""Notes the milliseconds from the start of the navigation to the first chart."""


def overview_page() -> tuple[float, str]:
    """95th percentile of the server's time for the overview."""
    return _p95_of_pages(OVERVIEW), "ms"


def explorer_page() -> tuple[float, str]:
    """95th percentile of the server's time for the cost explorer, over questions that people ask."""
    return _p95_of_pages(EXPLORER), "ms"


def page_size() -> tuple[float, str]:
    """The largest HTML of these pages, not compressed; files that it names are not counted."""
    with _signed_in() as client:
        return round(max(len(_page(client, path)[1].encode()) for path in OVERVIEW + EXPLORER) / 1000, 1), "kB"


def first_chart() -> tuple[float, str]:
    """From the address to the first chart in a browser that has seen nothing yet; the slower page, median of rounds."""
    with _demo() as address, sync_playwright() as playwright:

        def browser() -> Browser:
            path = shutil.which("chromium") or shutil.which("chromium-browser")
            return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)

        cookies = _sign_in(browser(), address)
        seconds = [
            statistics.median(_first_chart(browser(), cookies, address + path) for _ in range(ROUNDS))
            for path in ("/", "/costs/")
        ]
    return round(max(seconds), 2), "s"


def _p95_of_pages(paths: list[str]) -> float:
    with _signed_in() as client:
        found = [_page(client, path)[0] for path in paths]
        return p95(partial(_page, client), found, clock=elapsed)


@contextmanager
def _signed_in() -> Iterator[Client]:
    """Somebody who sees every cost of the large organisation, on the last day of its data."""
    gather_static_files(Progress(errors=True))
    with organisation(), patch("django.utils.timezone.now", return_value=TODAY):
        user, _ = User.objects.get_or_create(username="bench", defaults={"role": Role.VIEWER})
        client = Client()
        client.force_login(user)
        yield client


def _page(client: Client, path: str) -> tuple[str, str]:
    """The address that the page is shared by, and its HTML; it must have costs in a table."""
    answer = client.get(path, follow=True)
    html = answer.content.decode()
    if answer.status_code != 200 or "<table" not in html:
        raise AssertionError(f"{path}: {answer.status_code}, {html[:500]}")
    return answer.wsgi_request.get_full_path(), html


@contextmanager
def _demo() -> Iterator[str]:
    """The product with the demo organisation, in a home of its own that is kept; gives its address."""
    home = BENCH / "demo"
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (sys.executable, "-m", "finops.cli", "up", "--port", str(port))
    environment = {**os.environ, "FINOPS_HOME": str(home)}
    with (home / "up.log").open("w") as log:
        up = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(up, port, log.name)
            yield f"http://127.0.0.1:{port}"
        finally:
            up.terminate()
            up.wait()


def _wait(up: subprocess.Popen[bytes], port: int, log: str) -> None:
    """The first start loads the demo before it answers."""
    while up.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.5)
        finally:
            connection.close()
    raise AssertionError(f"finops up ended with {up.returncode}: see {log}")


def _sign_in(browser: Browser, address: str) -> StorageState:
    """The cookies of somebody who has seen both pages, so that the server is warm where browsers are not."""
    page = browser.new_page()
    page.goto(f"{address}/login/")
    page.get_by_label("Username").fill("finance")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
    page.goto(f"{address}/costs/")
    state = page.context.storage_state()
    browser.close()
    return state


def _first_chart(browser: Browser, cookies: StorageState, address: str) -> float:
    """Seconds, in this browser's first page."""
    context = browser.new_context(storage_state=cookies, viewport={"width": 1440, "height": 900})
    context.add_init_script(DRAWN)
    page = context.new_page()
    page.goto(address)
    page.locator("html[data-charts=ready], .plot .main-svg").first.wait_for(state="attached")
    milliseconds = page.evaluate("window.firstChart")
    browser.close()
    return float(milliseconds) / 1000
