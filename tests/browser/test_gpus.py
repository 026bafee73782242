"""The page of GPUs and the pages of resources in a browser, with what the demo organisation makes of them."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from apps.demo.people import PASSWORD
from apps.inventory.models import Resource
from tests.browser.conftest import Visitor
from tests.demo.database import copy_of

MONTH = "start=2026-02-05&end=2026-03-06"
DAY = "start=2026-03-05&end=2026-03-05"


@pytest.fixture
def demo(transactional_db: None, demo_template: str) -> Iterator[None]:
    """The demo in a database of this test's, which its server reads."""
    with copy_of(demo_template):
        yield


def signed_in(chromium: Browser, address: str, **options: Any) -> Visitor:
    visitor = Visitor(chromium.new_context(**options), address)
    visitor.open("/login/")
    visitor.page.get_by_label("Username").fill("finance")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.page.wait_for_url(lambda url: "/login/" not in url)
    return visitor


def test_from_the_idle_pool_to_its_machine_and_back_by_keyboard_and_filters(
    chromium: Browser, live_server: Any, demo: None
) -> None:
    visitor = signed_in(chromium, live_server.url, viewport={"width": 1440, "height": 900})
    page = visitor.page
    visitor.open(f"/gpus/?{MONTH}")
    expect(page.locator(".plot .bars").first).to_be_attached()
    heat = page.get_by_role("region", name="Utilisation, table")
    expect(heat.get_by_role("columnheader", name="Feb 2026")).to_be_visible()

    page.get_by_label("Team", exact=True).select_option("vision")
    page.get_by_role("link", name="Remove filter: Team Vision").wait_for()
    idle = page.get_by_role("region", name="Idle and half-used GPUs, table")
    expect(idle.get_by_role("row").filter(has_text="vision-train-pool-03")).to_contain_text("Half used")
    page.get_by_role("link", name="Shared in turns").click()
    expect(idle.get_by_role("row").filter(has_text="shared in turns").first).to_contain_text("vision-embed")

    visitor.open(f"/gpus/?{DAY}&metric=power_watts&by=gpu&cluster=vision")
    expect(page.get_by_role("heading", name="Power by GPU and hour")).to_be_visible()
    page.get_by_role("region", name="Idle and half-used GPUs, table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Cost per day")).to_be_visible()
    assert visitor.complaints == []


def test_the_pages_have_no_barrier_and_fit_in_both_themes(chromium: Browser, live_server: Any, demo: None) -> None:
    machine = Resource.objects.get(name="rl-tuning-01").pk
    pages = [
        f"/gpus/?{MONTH}",
        f"/gpus/?{DAY}&kind=slice",
        f"/resources/{machine}/?as_of=2026-03-06",
        "/?month=2026-03",
    ]
    for theme, width in product(("light", "dark"), (1440, 390)):
        viewport: ViewportSize = {"width": width, "height": 900}
        visitor = signed_in(chromium, live_server.url, color_scheme=theme, viewport=viewport)
        for path in pages:
            assert visitor.open(path) == 200
            assert (path, width, visitor.violations()) == (path, width, [])
            assert visitor.overflow() <= 0, (path, width)
        assert visitor.complaints == []
        visitor.context.close()
