"""Saved views: kept in one form, one's own or shared, opened within the reader's own scope, and audited."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.accounts.models import AuditEvent, Role, TokenScope, User
from apps.accounts.services import deactivate_user
from apps.accounts.tokens import issue_token
from apps.core.errors import UserError
from apps.dashboards.models import SavedView
from apps.dashboards.services import MOST, save_view

JUNE = "start=2026-06-01&end=2026-06-30"
BY_TEAM = f"{JUNE}&group_by=team&filter[provider]=AWS"


def keep(owner, name="Spend by team", query=BY_TEAM, **fields):
    """A view of the cost explorer."""
    return save_view(actor=owner, name=name, path="/costs/", query=query, **fields)


def menu(client, query):
    """The menu on the cost explorer with that query."""
    answer = client.get(f"/costs/?{query}", follow=True)
    assert answer.status_code == 200
    return answer.context["shell"].saved_views


@pytest.fixture
def finance(browser_of):
    return browser_of(Role.FINANCE)


@pytest.fixture
def anna(finance):
    """Who sits at the browser `finance`."""
    return User.objects.get(username="finance")


def test_a_view_is_saved_from_the_page_and_opened_by_its_link(finance, anna):
    form = {"path": "/costs/", "query": f"group_by=team&{JUNE}", "name": " Spend by team "}
    answer = finance.post("/views/save/", form)
    view = SavedView.objects.get()
    assert (view.owner, view.name, view.is_shared) == (anna, "Spend by team", False)
    assert view.query == f"{JUNE}&group_by=team"
    assert answer.url == f"/costs/?{JUNE}&group_by=team&view={view.pk}"
    page = finance.get(answer.url)
    assert "View Spend by team saved. Only you see it." in page.content.decode()
    shown = page.context["shell"].saved_views
    assert (shown.open, shown.is_edited, [item.name for item in shown.own]) == (view, False, ["Spend by team"])


def test_the_order_and_the_page_make_no_edit_but_another_parameter_does(finance, anna):
    view = keep(anna)
    reordered = f"view={view.pk}&page=1&filter[provider]=AWS&group_by=team&{JUNE}"
    assert not menu(finance, reordered).is_edited
    said_aloud = f"{BY_TEAM}&metric=effective&granularity=none&order_by=-cost&view={view.pk}"
    assert not menu(finance, said_aloud).is_edited
    assert menu(finance, f"{BY_TEAM}&metric=billed&view={view.pk}").is_edited
    assert menu(finance, f"{BY_TEAM}&period=last_7d&view={view.pk}").is_edited
    assert menu(finance, f"{BY_TEAM}&exclude[service]=Tax&view={view.pk}").is_edited
    assert menu(finance, f"{BY_TEAM}&metric=guessed&view={view.pk}").is_edited
    edited = f"{JUNE}&group_by=service&filter[provider]=AWS&view={view.pk}"
    assert menu(finance, edited).is_edited
    page = finance.get(f"/costs/?{edited}", follow=True).content.decode()
    assert "Edited" in page
    assert "Save changes" in page


def test_changes_are_saved_into_the_open_view_and_lead_back_to_it(finance, anna):
    view = keep(anna)
    answer = finance.post(f"/views/{view.pk}/change/", {"path": "/costs/", "query": f"{JUNE}&group_by=sku"})
    view.refresh_from_db()
    assert view.query == f"{JUNE}&group_by=sku"
    assert answer.url == f"/costs/?{JUNE}&group_by=sku&view={view.pk}"
    assert not menu(finance, answer.url.partition("?")[2]).is_edited


def test_a_shared_view_gives_another_the_same_filters_within_their_own_scope(finance, anna, browser_of, spend):
    spend(
        (date(2026, 6, 3), "10.00", {"team": "ml", "service_name": "Ours"}),
        (date(2026, 6, 3), "99.00", {"team": "web", "service_name": "Theirs"}),
    )
    view = keep(anna, query=f"{JUNE}&group_by=service", is_shared=True)
    lead = browser_of(Role.ENGINEERING_LEAD, "ml")
    (item,) = menu(lead, JUNE).shared
    page = lead.get(item.url)
    assert page.context["shell"].saved_views.open == view
    assert "Ours" in page.content.decode()
    assert "Theirs" not in page.content.decode()
    assert "Theirs" in finance.get(item.url).content.decode()


def test_what_is_private_is_seen_and_touched_by_nobody_else(finance, anna, browser_of):
    view = keep(anna)
    admin = browser_of(Role.ADMIN)
    shown = menu(admin, f"{BY_TEAM}&view={view.pk}")
    assert (shown.open, shown.own, shown.shared) == (None, [], [])
    assert f"There is no saved view {view.pk} that you can open" in shown.problem
    assert "Spend by team" not in admin.get("/views/").content.decode()
    for path in (f"/views/{view.pk}/", f"/views/{view.pk}/change/", f"/views/{view.pk}/delete/"):
        assert admin.post(path, {"name": "x", "path": "/costs/"}).status_code == 404
    assert admin.get(f"/api/v1/saved-views/{view.pk}/").status_code == 404
    assert SavedView.objects.get() == view


@pytest.mark.parametrize("view", ["9999", "x", "-1", "9" * 30, "1.5"])
def test_a_view_that_does_not_exist_is_ignored_with_a_notice(finance, view):
    page = finance.get(f"/costs/?{BY_TEAM}&view={view}", follow=True)
    assert page.status_code == 200
    assert "There is no saved view" in page.content.decode()
    assert page.context["shell"].saved_views.open is None


def test_a_view_that_is_shared_by_another_is_not_changed_but_saved_as_one_s_own(finance, anna, browser_of):
    view = keep(anna, is_shared=True)
    viewer = browser_of(Role.VIEWER)
    assert viewer.post(f"/views/{view.pk}/change/", {"path": "/costs/", "query": JUNE}).status_code == 403
    assert viewer.post(f"/views/{view.pk}/delete/").status_code == 403
    assert viewer.get(f"/views/{view.pk}/").status_code == 404
    edited = viewer.get(f"/costs/?{JUNE}&group_by=sku&view={view.pk}", follow=True).content.decode()
    assert "Edited" in edited
    assert "Save changes" not in edited
    viewer.post("/views/save/", {"path": "/costs/", "query": JUNE, "name": view.name})
    assert set(SavedView.objects.values_list("owner__username", "query")) == {("finance", BY_TEAM), ("viewer", JUNE)}


def test_it_is_renamed_shared_and_deleted_on_the_page_of_views(finance, anna):
    view = keep(anna)
    assert finance.post(f"/views/{view.pk}/", {"name": "Teams", "is_shared": "on"}).url == "/views/"
    page = finance.get("/views/").content.decode()
    assert "Teams" in page
    assert "Everybody" in page
    finance.post(f"/views/{view.pk}/", {"name": "Teams"})
    view.refresh_from_db()
    assert not view.is_shared
    assert finance.post(f"/views/{view.pk}/delete/").url == "/views/"
    assert "No saved views yet" in finance.get("/views/").content.decode()


def test_an_admin_deletes_what_others_share_and_nothing_else_of_theirs(finance, anna, browser_of):
    shared, private = keep(anna, is_shared=True), keep(anna, "Mine")
    admin = browser_of(Role.ADMIN)
    assert "Delete Spend by team" in admin.get("/views/").content.decode()
    admin.post(f"/views/{shared.pk}/delete/")
    assert admin.post(f"/views/{private.pk}/delete/").status_code == 404
    assert SavedView.objects.get() == private


def test_each_change_is_in_the_audit_log_with_what_it_changed(finance, anna):
    view = keep(anna)
    finance.post(f"/views/{view.pk}/", {"name": "Teams", "is_shared": "on"})
    finance.post(f"/views/{view.pk}/", {"name": "Teams", "is_shared": "on"})
    finance.post(f"/views/{view.pk}/delete/")
    events = AuditEvent.objects.filter(target=f"view:{view.pk}").order_by("id")
    assert [event.action for event in events] == ["view.created", "view.updated", "view.deleted"]
    assert events[1].before == {"name": "Spend by team", "is_shared": False}
    assert events[1].after == {"name": "Teams", "is_shared": True}
    assert (events[2].actor, events[2].before["query"]) == (anna, BY_TEAM)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "  "}, "Name: This field is required."),
        ({"name": "x" * 101}, "Name: Ensure this value has at most 100 characters"),
        ({"name": "Spend by team"}, "You have a view named &#x27;Spend by team&#x27; here already"),
        ({"path": "/settings/"}, "not a page whose views can be saved"),
        ({"path": "//evil.example/costs/"}, "not a page whose views can be saved"),
        ({"path": "https://evil.example/"}, "not a page whose views can be saved"),
        ({"query": "nonsense=1"}, "&#x27;nonsense&#x27; is not a parameter of /costs/"),
        ({"query": "metric=guessed"}, "metric: &#x27;guessed&#x27; is not allowed"),
        ({"query": "filter[nothing]=1"}, "filter[nothing]: "),
        ({"query": "group_by=" + "a" * 3_000}, "more than 3,000 characters"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence_and_leads_nowhere_else(finance, anna, fields, said):
    keep(anna)
    answer = finance.post("/views/save/", {"path": "/costs/", "query": JUNE, "name": "New"} | fields)
    assert answer.url.partition("?")[0] in ("/costs/", "/views/")
    assert said in finance.get(answer.url, follow=True).content.decode()
    assert SavedView.objects.count() == 1


def test_a_refusal_leaves_the_page_as_it_was(finance, anna):
    view = keep(anna)
    form = {"path": "/costs/", "query": f"{JUNE}&group_by=sku", "name": view.name, "view": view.pk}
    assert finance.post("/views/save/", form).url == f"/costs/?{JUNE}&group_by=sku&view={view.pk}"


def test_the_names_of_one_person_differ_even_where_two_are_saved_at_once(finance, anna, person):
    keep(anna)
    keep(person(Role.VIEWER))
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.create(owner=anna, name="Spend by team", path="/costs/", query="")


def test_nobody_keeps_more_views_than_a_list_can_show(finance, anna):
    SavedView.objects.bulk_create(SavedView(owner=anna, name=f"View {n:03}", path="/costs/") for n in range(MOST))
    with pytest.raises(UserError, match="You have 500 saved views"):
        keep(anna)
    shown = menu(finance, JUNE)
    assert (len(shown.own), shown.more) == (40, MOST - 40)
    assert f"All views, {MOST - 40} more" in finance.get(f"/costs/?{JUNE}", follow=True).content.decode()
    assert len(finance.get("/views/?page=2").context["rows"]) == 50


def test_the_view_of_somebody_who_left_stays_shared(finance, anna, browser_of):
    view = keep(anna, is_shared=True)
    deactivate_user(user=anna, actor=None)
    assert menu(browser_of(Role.VIEWER), f"{BY_TEAM}&view={view.pk}").open == view


def test_the_menu_costs_two_queries_however_many_views_there_are(finance, anna, django_assert_num_queries, rf):
    from apps.dashboards.view_menu import view_menu

    def of(query):
        request = rf.get(f"/costs/?{query}")
        request.user = anna
        return view_menu(request)

    views = [keep(anna, f"View {number}") for number in range(30)]
    with django_assert_num_queries(1):
        assert len(of(JUNE).own) == 30
    with django_assert_num_queries(2):
        assert of(f"{JUNE}&view={views[3].pk}").open == views[3]


def test_pages_that_keep_no_views_ask_for_none(finance, anna):
    keep(anna)
    assert finance.get("/settings/").context["shell"].saved_views is None


@pytest.mark.parametrize("path", ["/views/save/", "/views/1/change/", "/views/1/delete/"])
def test_the_doors_of_the_menu_take_forms_alone(finance, path):
    assert finance.get(path).status_code == 405
    assert Client().post(path).url.startswith("/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="finance"))
    assert strict.post(path).status_code == 403


def api(user, scope):
    """The headers of a token."""
    return {"Authorization": f"Bearer {issue_token(user=user, name='t', scope=scope, actor=None).text}"}


def test_a_program_lists_saves_changes_and_deletes_views(anna, person, client):
    keep(person(Role.VIEWER), "Shared", is_shared=True)
    headers = api(anna, TokenScope.WRITE)
    new = {"name": "Mine", "path": "/costs/", "query": f"group_by=team&{JUNE}&view=3", "is_shared": False}
    made = client.post("/api/v1/saved-views/", new, "application/json", headers=headers)
    assert made.status_code == 201
    pk = made.json()["id"]
    assert made.json()["query"] == f"{JUNE}&group_by=team"
    assert made.json()["address"] == f"/costs/?{JUNE}&group_by=team&view={pk}"
    assert made.json()["owner"] == "finance"
    listed = client.get("/api/v1/saved-views/?path=/costs/", headers=headers).json()
    assert [one["name"] for one in listed["results"]] == ["Mine", "Shared"]
    place = f"/api/v1/saved-views/{pk}/"
    changed = client.patch(place, {"name": "Ours", "is_shared": True}, "application/json", headers=headers).json()
    assert (changed["name"], changed["is_shared"], changed["query"]) == ("Ours", True, f"{JUNE}&group_by=team")
    assert client.get(place, headers=headers).json() == changed
    assert client.delete(place, headers=headers).status_code == 204
    assert client.get(place, headers=headers).status_code == 404


def test_a_token_that_may_read_saves_nothing(anna, client):
    view = keep(anna)
    headers = api(anna, TokenScope.READ)
    assert client.get("/api/v1/saved-views/", headers=headers).json()["count"] == 1
    new = {"name": "Mine", "path": "/costs/", "query": ""}
    for answer in (
        client.post("/api/v1/saved-views/", new, "application/json", headers=headers),
        client.patch(f"/api/v1/saved-views/{view.pk}/", {"name": "x"}, "application/json", headers=headers),
        client.delete(f"/api/v1/saved-views/{view.pk}/", headers=headers),
    ):
        assert answer.status_code == 403
        assert "may only read" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "Spend by team"}, "name"),
        ({"path": "https://evil.example/"}, "path"),
        ({"query": "redirect=https://evil.example/"}, "query"),
        ({"query": "group_by=planet"}, "query"),
        ({"query": "filter[service]=%00"}, "query"),
    ],
)
def test_the_api_names_the_field_that_cannot_be_kept(finance, anna, body, field):
    keep(anna)
    new = {"name": "New", "path": "/costs/", "query": JUNE} | body
    answer = finance.post("/api/v1/saved-views/", new, "application/json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_api_refuses_a_filter_that_it_does_not_know(finance):
    answer = finance.get("/api/v1/saved-views/?owner=me")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "owner"
    assert finance.get("/api/v1/saved-views/?path=/nowhere/").json()["errors"][0]["field"] == "path"
