"""The demo as it stands in the database: its stories, its people and what they see."""

import json
from datetime import date
from decimal import Decimal

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test import Client

from apps.accounts.models import Organisation, Role, Team, User
from apps.accounts.scope import Scope, scope_of
from apps.core.errors import UserError
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.queries import CostQuery, cost_table
from apps.demo import services
from apps.demo.commands import demo as demo_commands
from apps.demo.models import DemoOrganisation
from apps.demo.people import LOGINS
from apps.demo.plots import PLOTS
from apps.demo.queries import demo_loaded, is_empty, stories, wants_demo
from apps.demo.stories import Story
from apps.sources.models import Delivery
from apps.sources.queries import deliveries, reports
from tests.demo.database import MONTHS, UNTIL

pytestmark = pytest.mark.usefixtures("demo")

ALL = Period(date(2026, 2, 1), UNTIL)


def costs_in_facts(story: Story, first: date | None, last: date | None) -> Decimal:
    """The effective cost of the story's resources, added up from the facts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(f.effective_cost), 0) FROM costs_dailycharge f"
            " JOIN costs_chargekey k ON k.id = f.key_id WHERE k.resource_id = ANY(%s) AND f.day BETWEEN %s AND %s",
            [list(story.resource_ids), first, last],
        )
        return Decimal(cursor.fetchone()[0])


def groups_of(story: Story) -> set[tuple[str, str, str]]:
    """Provider, team and service of the story's resources, as allocation decided."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT g.provider, g.team, g.service FROM costs_chargekey k JOIN costs_chargegroup g"
            " ON g.id = k.group_id WHERE k.resource_id = ANY(%s)",
            [list(story.resource_ids)],
        )
        return set(cursor.fetchall())


def test_every_plot_became_a_story_whose_amounts_stand_in_the_facts() -> None:
    told = stories()

    assert [story.slug for story in told] == [plot.slug for plot in PLOTS]
    for story in told:
        assert story.total > 100, story.slug
        assert costs_in_facts(story, story.start, story.end) == story.total, story.slug
        if story.usual is not None:
            assert costs_in_facts(story, story.usual_start, story.usual_end) == story.usual, story.slug
            assert story.total > story.usual * Decimal("1.5"), story.slug


def test_a_story_names_provider_team_and_service_as_they_were_allocated() -> None:
    for story in stories():
        found = groups_of(story)
        assert {provider for provider, _, _ in found} == {story.provider}
        assert {team for _, team, _ in found} == {story.team}
        assert not story.service or story.service in {service for _, _, service in found}


def test_the_stories_can_be_read_by_programs() -> None:
    printed = CliRunner().invoke(demo_commands, ["stories", "--json"], catch_exceptions=False)
    told = json.loads(printed.output)

    assert [Story.from_json(values) for values in told] == stories()
    idle = next(values for values in told if values["slug"] == "idle-gpu-pool")
    assert idle["kind"] == "idle_gpu"
    assert idle["amount_per_day"] == "166.48"
    assert (idle["start"], idle["end"]) == ("2026-02-14", "2026-03-06")


def test_every_bill_of_every_month_is_reconciled() -> None:
    parquet = deliveries(scope=Scope.everything(), search=".parquet")
    bills = parquet.exclude(path__endswith=f"-{UNTIL}.parquet")  # what was measured is of a day
    entries = reports(bills, scope=Scope.everything())

    assert len(entries) == 5 * MONTHS
    assert all(entry.is_reconciled and entry.is_clean and entry.is_current for entry in entries)
    assert {entry.delivery.format for entry in entries} == {"FOCUS 1.2"}
    assert {entry.delivery.path for entry in entries} >= {"demo/aws-2026-03.parquet", "demo/openai-2026-02.parquet"}


def test_all_teams_have_costs_and_little_is_unallocated() -> None:
    table = cost_table(CostQuery(ALL, group_by=(Dimension("team"),), limit=20), scope=Scope.everything())
    by_team = {row.keys[0]: row.cost for row in table.rows}

    assert set(by_team) == {"", *Team.objects.values_list("slug", flat=True)}
    assert max(by_team, key=by_team.__getitem__) == "ml-platform"
    assert 0 < by_team[""] < sum(by_team.values()) / 20


def test_the_logins_of_the_sign_in_page_work(client: Client) -> None:
    page = client.get("/login/").content.decode()
    for login in LOGINS:
        assert login.username in page
        answer = client.post("/login/", {"username": login.username, "password": "demo"})
        assert answer.status_code == 302
        overview = client.get("/").content.decode()
        assert "This is demo data of an invented company." in overview
        assert "Northwind AI" in overview
        assert ("/demo/remove/" in overview) == (login.role == Role.ADMIN)
        client.post("/logout/")


def test_the_lead_sees_their_team_alone(client: Client) -> None:
    lead = User.objects.get(username="ml-lead")
    client.force_login(lead)
    answer = client.get("/api/v1/costs/", {"start": ALL.first, "end": ALL.last, "group_by": "team"}).json()

    assert scope_of(lead) == Scope(("ml-platform",))
    assert [row["keys"] for row in answer["rows"]] == [{"team": "ml-platform"}]
    assert client.get("/sources/deliveries/").status_code == 403


def test_only_who_manages_the_organisation_may_remove_it(client: Client) -> None:
    for login in LOGINS[1:]:
        client.force_login(User.objects.get(username=login.username))
        assert client.post("/demo/remove/").status_code == 403
    assert demo_loaded()


def test_it_is_not_loaded_twice_nor_into_a_database_in_use(demo: DemoOrganisation) -> None:
    before = Delivery.objects.count()

    assert services.load_demo(until=date(2026, 9, 1), progress=lambda _: None) == demo
    assert Delivery.objects.count() == before
    assert Organisation.current().name == "Northwind AI"
    assert not is_empty()
    assert not wants_demo()
    DemoOrganisation.objects.all().delete()
    with pytest.raises(UserError, match="needs an empty one"):
        services.load_demo(until=UNTIL, progress=lambda _: None)
