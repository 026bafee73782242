"""What pages cost: queries that do not grow with the rows, and HTML of a bounded size."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import ApiToken, AuditEvent, Role, Team, User
from apps.accounts.services import create_team
from apps.costs.models import Statement
from apps.sources.models import Delivery, DeliveryFile, Source

MOST_BYTES = 150_000
MOST_QUERIES = 20
PAGES = [
    "/",
    "/search/?q=service",
    "/help/",
    "/costs/?start=2026-04-01&end=2026-06-30&granularity=day&group_by=service&compare=previous",
    "/costs/?start=2026-06-01&end=2026-06-30&group_by=service,region&limit=50",
    "/costs/charges/?start=2026-06-01&end=2026-06-30",
    "/resources/",
    "/prices/",
    "/clusters/?start=2026-06-01&end=2026-06-30&group_by=namespace",
    "/gpus/?start=2026-06-01&end=2026-06-30",
    "/sources/",
    "/sources/deliveries/",
    "/sources/upload/",
    "/audit/",
    "/views/",
    "/settings/",
    "/settings/tokens/",
    "/settings/teams/",
    "/settings/users/",
    "/settings/organisation/",
    "/settings/exchange-rates/",
]


def fill(spend, start, stop):
    """Users, teams, tokens, deliveries and costs, numbered from `start`."""
    source, _ = Source.objects.get_or_create(name="aws")
    for number in range(start, stop):
        user = User.objects.create(username=f"user-{number}")
        create_team(slug=f"team-{number}", name=f"Team {number}", actor=user)
        user.teams.set(Team.objects.filter(slug=f"team-{number}"))
        ApiToken.objects.create(user=user, name="t", prefix=f"p{number}", digest="d")
        delivery = Delivery.objects.create(
            source=source, path=f"/bills/{number}.csv", sha256=f"{number}", status="loaded"
        )
        DeliveryFile.objects.create(delivery=delivery, position=0, name="a.csv", sha256="s", size=1)
    spend(
        *(
            (date(2026, 4, 1) + timedelta(days=day), f"{number}.37", {"service_name": f"Service {number}"})
            for number in range(start, stop)
            for day in range(91)
        ),
        source=f"source-{start}",
    )


def queries_and_bytes(client, path):
    """How many queries a page makes, and how large it is."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(path)
    assert answer.status_code == 200
    return len(queries), len(answer.content)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_pages_stay_light_however_much_there_is(browser_of, spend, role):
    client = browser_of(role)
    allowed = [path for path in PAGES if role == Role.ADMIN or client.get(path).status_code == 200]
    fill(spend, 0, 1)
    fill(spend, 1, 2)  # of a second source: with two, pages look whether both tell of the same
    few = {path: queries_and_bytes(client, path)[0] for path in allowed}
    fill(spend, 2, 40)
    for path in allowed:
        queries, size = queries_and_bytes(client, path)
        assert queries <= few[path], f"{path}: {few[path]} queries for two rows, {queries} for forty"
        assert queries <= MOST_QUERIES, path
        assert size <= MOST_BYTES, path


def test_a_delivery_with_many_statements_stays_light(browser_of, spend):
    client = browser_of(Role.ADMIN)
    source = Source.objects.create(name="aws")
    delivery = Delivery.objects.create(source=source, path="a.csv", sha256="1", status="loaded")

    def add(accounts):
        for account in accounts:
            Statement.objects.create(
                source="aws",
                delivery_id=delivery.pk,
                billing_account_id=f"{account}",
                billing_period_start=date(2026, 6, 1),
                billing_period_end=date(2026, 7, 1),
                billing_currency="USD",
                row_count=1,
                billed_cost=1,
                billed_cost_in_file=1,
                effective_cost=1,
                effective_cost_in_file=1,
            )

    add(range(2))
    few, _ = queries_and_bytes(client, f"/sources/deliveries/{delivery.pk}/")
    add(range(2, 30))
    many, size = queries_and_bytes(client, f"/sources/deliveries/{delivery.pk}/")
    assert many <= few
    assert size <= MOST_BYTES


def test_the_audit_page_shows_fifty_events_at_most(browser_of, spend):
    client = browser_of(Role.ADMIN)
    for number in range(60):
        create_team(slug=f"t{number}", name=f"T{number}", actor=None)
    assert AuditEvent.objects.count() >= 60
    assert len(client.get("/audit/").context["rows"]) == 50
