"""Pages in a real Chromium: a browser, a worker that loads what is uploaded, and a page that tolerates no error."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery.contrib.testing.worker import start_worker
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from apps.accounts import services
from apps.accounts.models import Role, User
from apps.sources.models import Delivery
from apps.sources.services import import_bill
from collectors.files import find_deliveries
from finops.celery import app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_RUN = """async (rules) =>
  (await axe.run(document, { runOnly: rules, resultTypes: ["violations"], performanceTimer: false })).violations"""
"""A table of thousands of cells takes long to be described; of what is in order, nobody reads a description."""
PASSWORD = "correct horse battery staple"

# Playwright's loop runs in the thread of the test, which then looks asynchronous to Django
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def find_bill() -> Path | None:
    """A real bill of June 2026 in the folder of shared data that lies beside a checkout, where there is one."""
    for folder in Path(__file__).resolve().parents:
        path = folder / "shared/data/billing/nise/aws/June-2026.csv.gz"
        if path.exists():
            return path
    return None


def skip_or_fail(reason: str) -> None:
    """Skip with the reason; where the CI runs, nothing may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    if not CHROMIUM:
        skip_or_fail("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def june() -> Path:
    """The real bill: 13,224 rows, 25,954.9884 US dollars."""
    path = find_bill()
    if path is None:
        skip_or_fail("the shared folder with real bills is not beside this checkout")
    assert path is not None
    return path


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    """A state folder of the test's own: uploads are filed there by the number of their delivery."""
    (tmp_path / "tmp").mkdir()
    settings.FINOPS_HOME = tmp_path
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "tmp")
    return tmp_path


@pytest.fixture
def worker(transactional_db: None, home: Path) -> Iterator[None]:
    """A Celery worker on a queue that no other test process reads."""
    before, app.conf.task_default_queue = app.conf.task_default_queue, f"test-{uuid4().hex}"
    with start_worker(app, pool="solo", perform_ping_check=False, queues=[app.conf.task_default_queue]):
        yield
    app.conf.task_default_queue = before
    connections.close_all()


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    """One user of each role; the lead's team has costs in no bill."""
    team = services.create_team(slug="ml-platform", name="ML platform", actor=None)
    made = {
        role.value: services.create_user(username=role.value, password=PASSWORD, role=role, actor=None, one_time=False)
        for role in Role
    }
    services.set_membership(user=made["engineering_lead"], teams=[team], actor=None)
    return made


@pytest.fixture
def loaded(transactional_db: None, home: Path, june: Path) -> Delivery:
    """The real bill, loaded."""
    (found,) = find_deliveries([june])
    return import_bill(found, source="aws", actor=None, origin=Delivery.Origin.COMMAND_LINE).delivery


class Visitor:
    """Somebody at a browser: what the console and the policy complain about is kept."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.complaints: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        """One more tab, listened to."""
        page = self.context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def sign_in(self, username: str) -> None:
        """Through the form, as everybody does."""
        self.open("/login/")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def open(self, path: str) -> int:
        """Go to a path of the product; the status of the answer."""
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        return answer.status

    def slow_down(self, times: int) -> None:
        """Slow the browser down so many times: what a fast one hides between two frames is then painted."""
        self.context.new_cdp_session(self.page).send("Emulation.setCPUThrottlingRate", {"rate": times})

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page, injected so that the page's own policy stays in force."""
        self.context.new_cdp_session(self.page).send("Runtime.evaluate", {"expression": AXE})
        found = self.page.evaluate(AXE_RUN, AXE_RULES)
        return [f"{one['id']}: {one['nodes'][0]['target']} {one['help']}" for one in found]

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@pytest.fixture
def visit(chromium: Browser, live_server: Any, people: dict[str, User]) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser window, signed in where a user name is given; at the end nothing may have been complained of."""
    visitors: list[Visitor] = []

    def start(username: str = "", **options: Any) -> Visitor:
        visitor = Visitor(chromium.new_context(**options), live_server.url)
        visitors.append(visitor)
        if username:
            visitor.sign_in(username)
        return visitor

    yield start
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
