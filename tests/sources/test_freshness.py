"""How far costs can be trusted: sources in states, the worst first, and no name that one may not see."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, Team, User
from apps.accounts.scope import Scope
from apps.costs.models import Statement
from apps.costs.queries import freshness
from apps.sources.freshness import ProviderTrust, trust
from apps.sources.models import Run, Source
from apps.sources.states import sources_with_state
from tests.costs.conftest import load, owned

pytestmark = pytest.mark.django_db
ALL = Scope.everything()
TODAY = date(2026, 6, 20)
MORNING = datetime(2026, 6, 20, 6, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 6, 20, 9, tzinfo=UTC))


def deliver(source: str, provider: str, newest: date, team: str = "", at: datetime = MORNING) -> None:
    """A source's June up to a day."""
    days = [newest - timedelta(days=number) for number in range(newest.day)]
    load([owned(day, "1", team, provider_name=provider) for day in days], source=source)
    Statement.objects.filter(source=source).update(loaded_at=at)


def connected(name: str, status: str = "done", **fields: Any) -> Source:
    """A connection whose newest run ended so."""
    source = Source.objects.create(name=name, kind="aws-exports", last_success_at=MORNING, **fields)
    Run.objects.create(source=source, name="2026-06", status=status, error="The key has expired.")
    return source


def told(scope: Scope = ALL) -> list[ProviderTrust]:
    return trust(freshness(today=TODAY, scope=scope), today=TODAY, scope=scope)


def states(scope: Scope = ALL) -> list[tuple[str, str]]:
    return [(one.provider, one.state.value) for one in told(scope)]


def client(role: Role, *teams: str) -> Client:
    user = User.objects.create_user(f"{role.value}-{len(teams)}", role=role)
    user.teams.set(Team.objects.filter(slug__in=teams))
    browser = Client()
    browser.force_login(user)
    return browser


def page(browser: Client, path: str) -> str:
    return " ".join(browser.get(path, follow=True).content.decode().split())


def test_a_provider_is_as_bad_as_its_worst_source_and_the_worst_come_first() -> None:
    for name, provider, newest in (
        ("aws", "AWS", 19),
        ("aws-old", "AWS", 10),
        ("gcp", "Google Cloud", 19),
        ("azure", "Microsoft", 19),
        ("oci", "Oracle", 18),
    ):
        deliver(name, provider, date(2026, 6, newest))
    connected("gcp", "refused")
    connected("azure", "waiting")
    connected("oci", is_active=False)

    assert states() == [
        ("Google Cloud", "Failed"),
        ("Oracle", "Paused"),
        ("AWS", "Late"),
        ("Microsoft", "Retrying"),
    ]
    aws = told()[2]
    assert [(one.state.value, one.day) for one in aws.sources] == [
        ("Late", date(2026, 6, 10)),
        ("Healthy", date(2026, 6, 19)),
    ]
    assert (aws.day, aws.stops_at, aws.is_part) == (date(2026, 6, 19), date(2026, 6, 10), True)
    html = page(client(Role.VIEWER), "/")
    assert "Google Cloud <b>failed</b>, costs stop at 19 Jun" in html
    assert "<b>Google Cloud cannot be read.</b> Its costs stop at 19 Jun." in html
    assert "<b>Oracle is paused.</b> Its costs stop at 18 Jun." in html
    assert "<b>AWS is late.</b> Some of its costs stop at 10 Jun." in html
    assert "<b>Microsoft is being tried again.</b>" in html


@pytest.mark.parametrize(
    ("deliveries", "days_ago", "state"),
    [(3, 6, "Healthy"), (3, 7, "Late"), (2, 6, "Late"), (2, 3, "Healthy")],
)
def test_what_is_late_is_judged_by_what_is_usual_once_three_deliveries_tell_that(
    deliveries: int, days_ago: int, state: str
) -> None:
    """Each came five days after its newest day; with two of them three days count as usual."""
    connected("aws")
    newest = TODAY - timedelta(days=days_ago)
    for day in (newest - timedelta(days=number) for number in reversed(range(deliveries))):
        load([owned(day, "1", provider_name="AWS")], source="aws")
        came = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=5)
        Statement.objects.filter(pk=Statement.objects.latest("pk").pk).update(loaded_at=came)

    (told_,) = sources_with_state(scope=ALL)
    assert (told_.state.value, told_.lag) == (state, days_ago)


def test_a_connection_is_late_beside_today_and_files_that_people_bring_beside_the_others() -> None:
    deliver("files", "AWS", date(2026, 6, 12))
    assert states() == [("AWS", "Healthy")]
    connected("files")
    assert states() == [("AWS", "Late")]


def test_costs_are_as_of_the_last_good_look_and_where_it_failed_as_of_their_load() -> None:
    deliver("aws", "AWS", date(2026, 6, 19))
    source = connected("aws")
    looked = MORNING + timedelta(hours=2)
    Source.objects.update(last_success_at=looked)
    assert told()[0].at == looked
    Run.objects.create(source=source, status="failed")
    assert told()[0].at == MORNING


def test_who_has_ended_is_not_waited_for() -> None:
    deliver("aws", "AWS", date(2026, 6, 19))
    deliver("old", "Old Host", date(2026, 4, 1))
    assert states() == [("AWS", "Healthy")]


def test_a_connection_that_fails_before_its_first_cost_is_told_and_one_that_brings_no_bills_is_not() -> None:
    deliver("files", "AWS", date(2026, 6, 19))
    connected("azure", "refused", settings={})
    assert states() == [("azure", "Failed"), ("AWS", "Healthy")]
    Source.objects.filter(name="azure").update(kind="aws-inventory")
    assert states() == [("AWS", "Healthy")]


def test_who_sees_some_teams_alone_is_told_of_their_providers_and_of_no_source() -> None:
    deliver("secret-aws", "AWS", date(2026, 6, 19), team="ml")
    deliver("secret-gcp", "Google Cloud", date(2026, 6, 19), team="web")
    connected("secret-aws", "failed")
    connected("secret-azure", "refused")
    scope = Scope(("ml",))

    assert states(scope) == [("AWS", "Failed")]
    assert {(one.name, one.pk) for provider in told(scope) for one in provider.sources} == {("", None)}
    lead = client(Role.ENGINEERING_LEAD, "ml")
    for path in ("/", "/costs/", "/costs/charges/"):
        text = page(lead, path)
        assert "AWS <b>failed</b>, costs stop at 19 Jun" in text
        assert "secret" not in text
        assert "Google Cloud" not in text
        assert "See data sources" not in text


def test_pages_with_money_say_how_fresh_it_is_in_one_line_and_each_source_behind_it() -> None:
    deliver("aws", "AWS", date(2026, 6, 19))
    source = connected("aws")
    viewer = client(Role.VIEWER)
    for path in ("/", "/costs/", "/costs/charges/"):
        text = page(viewer, path)
        assert "AWS as of <time data-clock" in text
        assert 'title="20 Jun 2026, 06:10 UTC, 2 hours ago">06:10 UTC</time>, 2 days may still change' in text
        assert f'<a href="/sources/{source.pk}/">aws</a>: costs to 19 Jun 2026' in text
        assert "18–19 Jun may still change." in text
        assert "See data sources" in text


def test_an_empty_installation_has_no_such_line() -> None:
    assert 'class="menu fresh"' not in page(client(Role.ADMIN), "/costs/")


def test_more_sources_take_no_more_queries(django_assert_num_queries: Any) -> None:
    deliver("aws-0", "AWS 0", date(2026, 6, 19))
    connected("aws-0")
    with django_assert_num_queries(2):
        told()
    for number in range(1, 9):
        deliver(f"aws-{number}", f"AWS {number}", date(2026, 6, 19))
        connected(f"aws-{number}", "failed")
    with django_assert_num_queries(2):
        assert len(told()) == 9
