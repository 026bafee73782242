"""The page of clusters in a browser: from a namespace to its pods, in both themes, on a telephone."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.clusters.made_up import DAY, load, node, pod
from tests.ledger import charge, load_charges

JUNE = "/clusters/?start=2026-06-01&end=2026-06-30&group_by=namespace"


@pytest.fixture
def clusters(transactional_db, people):
    """Two days of a node with its bill, and a node without."""
    days = (DAY, DAY + timedelta(days=1))
    load([
        *(node(cpu=24, memory=96, gpu=24, day=day) for day in days),
        *(pod("web-1", cpu=6, memory=12, day=day, labels={"app": "web"}) for day in days),
        *(pod("train-1", cpu=12, gpu=24, namespace="ml", workload="train", day=day) for day in days),
        node("without", cpu=8, resource_id=None),
    ])  # fmt: skip
    load_charges([charge(day, "120", resource_id="i-n1") for day in days])


def test_a_namespace_leads_to_its_pods_and_back(visit, clusters):
    visitor = visit("admin", viewport={"width": 1440, "height": 900})
    visitor.open(JUNE)
    page = visitor.page
    expect(page.locator(".plot .bars").first).to_be_attached()
    expect(page.get_by_role("heading", name="Nodes without a bill")).to_be_visible()

    page.get_by_role("link", name="ml", exact=True).click()
    page.get_by_role("link", name="Deployment/train").click()

    expect(page.get_by_role("rowheader", name="train-1")).to_be_visible()
    page.get_by_role("link", name="Remove filter: Workload").click()
    expect(page.get_by_role("link", name="Deployment/train")).to_be_visible()
    assert visitor.complaints == []


def test_choices_apply_by_themselves(visit, clusters):
    visitor = visit("admin", viewport={"width": 1440, "height": 900})
    visitor.open(JUNE)

    visitor.page.get_by_label("Group by").select_option("label:app")

    expect(visitor.page.get_by_role("heading", name="By label: app")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390, 320])
def test_the_page_has_no_barrier_and_fits(visit, clusters, theme, width):
    visitor = visit("admin", color_scheme=theme, viewport={"width": width, "height": 900})

    assert visitor.open(JUNE) == 200

    assert visitor.violations() == []
    assert visitor.overflow() <= 0
