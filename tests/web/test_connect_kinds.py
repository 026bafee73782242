"""The page on which one chooses what to connect, and what each source of the list brings."""

from datetime import UTC, datetime

import pytest

from apps.accounts.models import Role
from apps.sources.models import Run, Source
from collectors.connections import BILLS, BRINGS, INVENTORY, KINDS, kind_of


def test_every_kind_says_what_it_brings():
    assert {name: kind_of(name).brings for name in KINDS if kind_of(name).brings not in BRINGS} == {}


def test_kinds_stand_under_what_they_bring_each_once_in_the_order_of_their_providers(browser_of):
    answer = browser_of(Role.ADMIN).get("/sources/connect/")
    groups = answer.context["groups"]
    assert [brings for brings, _ in groups] == [
        brings for brings in BRINGS if any(kind_of(name).brings == brings for name in KINDS)
    ]
    for brings, cards in groups:
        assert [card.kind for card in cards] == [name for name in KINDS if kind_of(name).brings == brings]
    html = answer.content.decode()
    for name in KINDS:
        assert html.count(f'href="/sources/connect/{name}/"') == 1
    assert html.count('href="/sources/upload/"') == 1


def test_no_two_kinds_that_bring_the_same_have_one_title():
    titles = [(kind_of(name).brings, kind_of(name).title) for name in KINDS]
    assert len(set(titles)) == len(titles)


def test_a_source_that_brings_no_bills_was_seen_and_has_no_newest_day(browser_of, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 6, 10, 9, tzinfo=UTC))
    seen = next(name for name in KINDS if kind_of(name).brings == INVENTORY)
    at = datetime(2026, 6, 10, 8, 50, tzinfo=UTC)
    settings = dict.fromkeys(kind_of(seen).Settings.model_fields, "")
    source = Source.objects.create(name="what-exists", kind=seen, settings=settings, last_success_at=at)
    client = browser_of(Role.ADMIN)
    (line,) = client.get("/sources/").context["lines"]
    assert (line.brings, line.lag) == (INVENTORY, "seen 10 minutes ago")
    assert "Seen 10 minutes ago" in client.get("/sources/").content.decode()
    html = client.get(f"/sources/{source.pk}/").content.decode()
    assert "seen 10 minutes ago" in html
    assert 'id="h-periods"' not in html
    Source.objects.update(last_success_at=None)
    assert "Nothing yet" in client.get("/sources/").content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_has_brought_nothing_yet_has_its_page(browser_of, kind):
    settings = dict.fromkeys(kind_of(kind).Settings.model_fields, "") | {"report": "cost"}
    source = Source.objects.create(name="new", kind=kind, settings=settings)
    Run.objects.create(source=source)
    client = browser_of(Role.ADMIN)
    for address in (f"/sources/{source.pk}/", f"/sources/{source.pk}/live/", "/sources/"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert kind_of(kind).title in answer.content.decode() or address.endswith("live/")


def test_a_source_of_bills_says_how_old_its_newest_day_is(browser_of):
    Source.objects.create(name="aws", kind="aws-exports", settings={"bucket": "b", "prefix": "p"})
    (line,) = browser_of(Role.ADMIN).get("/sources/").context["lines"]
    assert (line.brings, line.lag) == (BILLS, "")
