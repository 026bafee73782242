"""Who sees which page: the menu, the pages and the refusals follow the role."""

import os
import subprocess
import sys

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from tests.web.conftest import PASSWORD

PAGES = {
    "/": set(Role),
    "/help/": set(Role),
    "/search/?q=settings": set(Role),
    "/costs/?group_by=service": set(Role),
    "/costs/charges/": set(Role),
    "/sources/": {Role.ADMIN, Role.FINANCE, Role.VIEWER},
    "/sources/connect/": {Role.ADMIN},
    "/sources/connect/folder/": {Role.ADMIN},
    "/sources/deliveries/": {Role.ADMIN, Role.FINANCE, Role.VIEWER},
    "/sources/upload/": {Role.ADMIN, Role.FINANCE},
    "/audit/": {Role.ADMIN, Role.FINANCE},
    "/settings/": set(Role),
    "/settings/tokens/": set(Role),
    "/settings/teams/": set(Role),
    "/settings/users/": {Role.ADMIN, Role.FINANCE},
    "/settings/organisation/": {Role.ADMIN},
    "/settings/exchange-rates/": {Role.ADMIN, Role.FINANCE, Role.VIEWER},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_its_pages_and_is_refused_the_others(browser_of, role):
    client = browser_of(role)
    for path, allowed in PAGES.items():
        assert client.get(path).status_code == (200 if role in allowed else 403), path


@pytest.mark.parametrize("role", Role)
def test_the_menu_leads_only_to_pages_that_the_role_may_open(browser_of, role):
    client = browser_of(role)
    shell = client.get("/settings/").context["shell"]
    links = [page.url for group in shell.nav for page in group.pages]
    assert ("/audit/" in links) == (role in PAGES["/audit/"])
    assert ("/sources/" in links) == (role in PAGES["/sources/deliveries/"])
    for url in links:
        assert client.get(url, follow=True).status_code == 200


def test_a_refusal_is_one_card_with_one_way_on(browser_of):
    answer = browser_of(Role.VIEWER).get("/audit/")
    assert answer.status_code == 403
    assert answer.content.decode().count("btn primary") == 1
    assert "Your role may not see the audit log. Ask an admin" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/costs/", "/sources/deliveries/", "/audit/", "/settings/users/"])
def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(db, person, path):
    person(Role.ADMIN)
    client = Client()
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.url.startswith("/login/?next=")
    signed_in = client.post(answer.url, {"username": "admin", "password": PASSWORD, "next": path})
    assert signed_in.url == path


@pytest.mark.parametrize(
    "path",
    [
        "/settings/teams/",
        "/settings/users/",
        "/settings/users/1/password/",
        "/settings/users/1/deactivate/",
        "/settings/exchange-rates/",
        "/settings/exchange-rates/import/",
        "/sources/upload/",
    ],
)
def test_a_viewer_changes_nothing(browser_of, path):
    client = browser_of(Role.VIEWER)
    before = User.objects.count()
    assert client.post(path, {"name": "x", "slug": "x", "username": "x"}).status_code == 403
    assert User.objects.count() == before


def test_a_one_time_password_opens_no_page_before_it_is_changed(browser_of):
    client = browser_of(Role.VIEWER, must_change_password=True)
    for path in ("/", "/costs/", "/settings/"):
        assert client.get(path).url == "/password/"
    page = client.get("/password/")
    assert "one sign-in" in page.content.decode()
    same = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert "other than the one-time password" in client.post("/password/", same).content.decode()
    new = same | {"new_password1": "another long sentence", "new_password2": "another long sentence"}
    assert client.post("/password/", new).url == "/"
    assert client.get("/").status_code == 200


def test_unknown_addresses_and_forged_forms_get_a_page_of_their_own(browser_of, person):
    assert "There is no such page" in browser_of(Role.VIEWER).get("/nowhere/").content.decode()
    person(Role.ADMIN)
    strict = Client(enforce_csrf_checks=True)
    forged = strict.post("/login/", {"username": "admin", "password": PASSWORD})
    assert forged.status_code == 403
    assert "form has expired" in forged.content.decode()


def test_the_page_of_a_fault_needs_nothing_that_may_be_broken(browser_of, monkeypatch):
    client = browser_of(Role.VIEWER)
    client.raise_request_exception = False

    def broken(*_):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("apps.dashboards.shell.freshness_of", broken)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "could not be made" in answer.content.decode()
    assert "database is gone" not in answer.content.decode()


def test_signing_out_takes_a_post(browser_of):
    client = browser_of(Role.VIEWER)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").url == "/login/"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("path", ["/", "/costs/?group_by=service", "/costs/charges/", "/sources/deliveries/"])
def test_no_cost_figure_is_left_in_the_store_of_a_browser(browser_of, path):
    assert "no-store" in browser_of(Role.ADMIN).get(path).headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/costs/?pick=tag:%00x&value=1",
        "/costs/charges/?filter[tag:%00]=1",
        "/sources/deliveries/?search=%00",
        "/sources/deliveries/?source=%00",
        "/audit/?actor=%00",
        "/login/?next=%00",
        "/api/v1/deliveries/?search=%00",
        "/api/v1/deliveries/?source=a%00b",
        "/api/v1/audit/?target=%00",
    ],
)
def test_a_zero_character_in_an_address_is_refused_with_the_name_of_the_parameter(browser_of, path):
    answer = browser_of(Role.ADMIN).get(path)
    said = answer.content.decode()
    assert answer.status_code == 400
    assert "a character that no text may hold" in said
    assert path.partition("?")[2].rpartition("%00")[0].split("&")[0].split("=")[0].split("[")[0] in said
    assert answer["Content-Type"].startswith("application/problem+json" if path.startswith("/api/") else "text/html")


def test_the_sign_in_page_has_one_button_that_submits(client, db):
    assert client.get("/login/").content.decode().count('type="submit"') == 1


@pytest.mark.parametrize(("proxies", "believed"), [("0", "None"), ("1", "('HTTP_X_FORWARDED_PROTO', 'https')")])
def test_the_scheme_is_believed_from_a_proxy_alone(tmp_path, proxies, believed):
    say = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER, settings.SESSION_COOKIE_SECURE)"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "finops.settings",
        "FINOPS_HOME": str(tmp_path),
        "FINOPS_PUBLIC_URL": "https://finops.example.com",
        "FINOPS_TRUSTED_PROXIES": proxies,
    }
    done = subprocess.run([sys.executable, "-c", say], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{believed} True"
