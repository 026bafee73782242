"""Settings and the audit log, as people fill them in."""

import csv
import io
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import ApiToken, AuditEvent, Organisation, Role, Team, User
from apps.accounts.tokens import TokenRefusedError, issue_token, recognise
from apps.costs.models import ExchangeRate


def errors_of(answer):
    """What the page says is wrong, in order."""
    return re.findall(r'<ul class="errorlist"[^>]*><li>(.*?)</li>', answer.content.decode())


def test_a_token_is_shown_once_and_kept_as_a_hash_alone(browser_of):
    client = browser_of(Role.VIEWER)
    answer = client.post("/settings/tokens/", {"name": "nightly report", "scope": "read", "expires_at": "30"})
    secret = re.search(r'<code id="secret">(finops_[^<]+)</code>', answer.content.decode())[1]
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in client.get("/settings/tokens/").content.decode()
    token = ApiToken.objects.get()
    assert secret not in (token.prefix, token.digest)
    api = client.get("/api/v1/tokens/", headers={"Authorization": f"Bearer {secret}"})
    assert api.status_code == 200
    client.post(f"/settings/tokens/{token.pk}/revoke/")
    assert client.get("/api/v1/tokens/", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert "Revoked" in client.get("/settings/tokens/").content.decode()


def test_nobody_revokes_the_token_of_another_but_an_admin(browser_of):
    owner = browser_of(Role.VIEWER)
    owner.post("/settings/tokens/", {"name": "mine", "scope": "read", "expires_at": ""})
    token = ApiToken.objects.get()
    assert token.expires_at is None
    assert browser_of(Role.FINANCE).post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    browser_of(Role.ADMIN).post(f"/settings/tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_new_user_gets_a_password_that_is_shown_once_and_good_for_one_sign_in(browser_of, client):
    admin = browser_of(Role.ADMIN)
    answer = admin.post("/settings/users/", {"username": "iris", "role": "finance"})
    password = re.search(r'<code id="secret">([^<]+)</code>', answer.content.decode())[1]
    assert password not in admin.get("/settings/users/").content.decode()
    assert client.post("/login/", {"username": "iris", "password": password}).status_code == 302
    assert client.get("/").url == "/password/"


def test_what_is_wrong_with_a_user_stands_at_the_field(browser_of):
    admin = browser_of(Role.ADMIN)
    assert errors_of(admin.post("/settings/users/", {"username": "", "role": "viewer"})) == ["This field is required."]
    taken = admin.post("/settings/users/", {"username": "admin", "role": "viewer"})
    assert taken.context["form"].errors.keys() == {"username"}
    assert User.objects.count() == 1


def test_a_user_gets_role_and_teams_in_one_change_and_the_last_admin_stays(browser_of, person):
    admin = browser_of(Role.ADMIN)
    lead = person(Role.VIEWER, "web")
    ml = Team.objects.create(slug="ml", name="ML")
    form = {"first_name": "Noa", "role": "engineering_lead", "teams": [ml.pk]}
    assert admin.post(f"/settings/users/{lead.pk}/", form).url == "/settings/users/"
    lead.refresh_from_db()
    assert (lead.first_name, lead.role, [*lead.teams.all()]) == ("Noa", "engineering_lead", [ml])
    me = User.objects.get(username="admin")
    refused = admin.post(f"/settings/users/{me.pk}/", {"role": "viewer", "teams": [ml.pk]})
    assert "only active admin" in refused.content.decode()
    assert me.teams.count() == 0
    said = admin.post(f"/settings/users/{me.pk}/deactivate/", follow=True).content.decode()
    assert "only active admin" in said


def test_deactivating_signs_out_and_can_be_taken_back(browser_of, person):
    admin, other = browser_of(Role.ADMIN), browser_of(Role.VIEWER)
    pk = User.objects.get(username="viewer").pk
    admin.post(f"/settings/users/{pk}/deactivate/")
    assert other.get("/").status_code == 302
    assert "Deactivated" in admin.get("/settings/users/").content.decode()
    admin.post(f"/settings/users/{pk}/reactivate/")
    assert User.objects.get(pk=pk).is_active


def test_a_one_time_password_for_somebody_revokes_their_tokens_and_the_page_says_so(browser_of, person):
    user = person(Role.VIEWER)
    text = issue_token(user=user, name="script", actor=None).text
    admin = browser_of(Role.ADMIN)
    assert "revoke their API tokens" in admin.get(f"/settings/users/{user.pk}/").content.decode()
    assert "API tokens are revoked" in admin.post(f"/settings/users/{user.pk}/password/").content.decode()
    with pytest.raises(TokenRefusedError, match="revoked"):
        recognise(text)


def test_a_team_takes_words_by_line_or_comma_and_says_whose_they_are_already(browser_of):
    admin = browser_of(Role.ADMIN)
    form = {
        "name": "ML platform",
        "slug": "ml",
        "tag_values": "ml-ops, mlp\nmachine learning",
        "sub_account_ids": "0042",
    }
    assert admin.post("/settings/teams/", form).url == "/settings/teams/"
    team = Team.objects.get()
    assert (team.tag_values, team.sub_account_ids) == (["ml-ops", "mlp", "machine learning"], ["0042"])
    taken = admin.post("/settings/teams/", {"name": "Web", "slug": "web", "tag_values": "MLP"})
    assert errors_of(taken) == ["The team ml has the tag value &#x27;mlp&#x27; already."]
    admin.post("/settings/teams/ml/", {"name": "ML", "tag_values": "", "sub_account_ids": ""})
    team.refresh_from_db()
    assert (team.name, team.tag_values) == ("ML", [])
    admin.post("/settings/teams/ml/delete/")
    assert not Team.objects.exists()


def test_the_organisation_is_saved_and_its_name_stands_in_the_menu(browser_of):
    admin = browser_of(Role.ADMIN)
    form = {"name": "Northwind AI", "reporting_currency": "usd", "week_start": "7", "fiscal_year_start_month": "4"}
    assert admin.post("/settings/organisation/", form).status_code == 302
    saved = Organisation.current()
    assert (saved.reporting_currency, saved.week_start, saved.fiscal_year_start_month) == ("USD", 7, 4)
    assert "Northwind AI" in admin.get("/").content.decode()
    event = AuditEvent.objects.get(action="organisation.updated")
    assert event.before == {
        "name": "",
        "reporting_currency": "",
        "week_start": 1,
        "fiscal_year_start_month": 1,
    }


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        (
            "reporting_currency",
            "U1",
            "&#x27;U1&#x27; is not a currency of ISO 4217. Use three letters, for example USD.",
        ),
        ("reporting_currency", "UDS", "&#x27;UDS&#x27; is not a currency"),
        ("reporting_currency", "dollars", "at most 3 characters"),
        ("week_start", "8", "Select a valid choice."),
        ("fiscal_year_start_month", "13", "Select a valid choice."),
    ],
)
def test_what_is_wrong_with_the_organisation_stands_at_the_field(browser_of, field, text, said):
    form = {"name": "Northwind AI", "reporting_currency": "", "week_start": "1", "fiscal_year_start_month": "1"}
    answer = browser_of(Role.ADMIN).post("/settings/organisation/", form | {field: text})
    (error,) = errors_of(answer)
    assert said in error
    assert answer.context["form"].errors.keys() == {field}
    assert not Organisation.objects.exists()


def test_the_tags_that_allocate_costs_are_saved_by_themselves(browser_of):
    admin = browser_of(Role.ADMIN)
    form = {"team_tag_keys": "team\nowner, team", "environment_tag_keys": "env", "workload_tag_keys": ""}
    assert admin.post("/settings/organisation/tags/", form).url == "/settings/organisation/"
    saved = Organisation.current()
    assert (saved.team_tag_keys, saved.environment_tag_keys, saved.workload_tag_keys) == (
        ["team", "owner"],
        ["env"],
        [],
    )
    event = AuditEvent.objects.get(action="organisation.updated")
    assert (event.before["team_tag_keys"], event.after["team_tag_keys"]) == (["team"], ["team", "owner"])
    assert browser_of(Role.FINANCE).post("/settings/organisation/tags/", form).status_code == 403


def test_members_are_chosen_on_the_team_as_well_as_on_the_user(browser_of, person):
    admin = browser_of(Role.ADMIN)
    noa, ben = person(Role.ENGINEERING_LEAD, "web", username="noa"), person(Role.VIEWER, "ml", username="ben")
    ml = Team.objects.get(slug="ml")
    assert admin.post("/settings/teams/ml/members/", {"members": [noa.pk]}).url == "/settings/teams/ml/"
    assert {team.slug for team in noa.teams.all()} == {"web", "ml"}
    assert not ben.teams.exists()
    shown = admin.get(f"/settings/users/{noa.pk}/").context["form"].initial["teams"]
    assert set(shown) == set(noa.teams.all())
    events = {event.target: event.after for event in AuditEvent.objects.filter(action="user.updated")}
    assert events == {f"user:{noa.pk}": {"teams": ["ml", "web"]}, f"user:{ben.pk}": {"teams": []}}
    admin.post(f"/settings/users/{noa.pk}/", {"role": "engineering_lead", "teams": []})
    assert list(ml.members.all()) == []


def test_who_is_deactivated_stays_a_member_until_somebody_takes_them_out(browser_of, person):
    admin = browser_of(Role.ADMIN)
    gone = person(Role.VIEWER, "ml", username="gone", is_active=False)
    stranger = person(Role.VIEWER, username="stranger", is_active=False)
    page = admin.get("/settings/teams/ml/")
    assert "gone · viewer, deactivated" in page.content.decode()
    assert "stranger" not in page.content.decode()
    refused = admin.post("/settings/teams/ml/members/", {"members": [stranger.pk]})
    assert "is not one of the available choices" in errors_of(refused)[0]
    admin.post("/settings/teams/ml/members/", {})
    assert not gone.teams.exists()


def test_the_own_password_is_changed_without_being_signed_out(browser_of):
    client = browser_of(Role.VIEWER)
    wrong = {"old_password": "nonsense", "new_password1": "one long sentence", "new_password2": "one long sentence"}
    assert errors_of(client.post("/settings/password/", wrong))
    right = wrong | {"old_password": "correct horse battery staple"}
    assert client.post("/settings/password/", right).url == "/settings/"
    assert "Your password is changed" in client.get("/settings/").content.decode()


def test_rates_are_typed_imported_and_deleted(browser_of):
    finance = browser_of(Role.FINANCE)
    typed = {"currency": "EUR", "reporting_currency": "USD", "month": "2026-06", "rate": "1.0832"}
    assert finance.post("/settings/exchange-rates/", typed).status_code == 302
    assert "1.0832" in finance.get("/settings/exchange-rates/").content.decode()
    assert errors_of(finance.post("/settings/exchange-rates/", typed | {"rate": "1,08"}))
    lines = b"currency,reporting_currency,month,rate\nGBP,USD,2026-06,1.27\nEUR,USD,2026-06,1.09\n"
    file = SimpleUploadedFile("rates.csv", lines)
    said = finance.post("/settings/exchange-rates/import/", {"file": file}, follow=True).content.decode()
    assert "rates.csv: 1 added, 1 changed, 0 as they were." in said
    broken = SimpleUploadedFile("rates.csv", b"currency,reporting_currency,month,rate\nGBP,USD,June,1.27\n")
    refused = finance.post("/settings/exchange-rates/import/", {"file": broken})
    assert "rates.csv, row 1, month" in refused.content.decode()
    for rate in ExchangeRate.objects.all():
        finance.post(f"/settings/exchange-rates/{rate.pk}/delete/")
    assert not ExchangeRate.objects.exists()


def test_a_file_of_rates_that_is_no_text_is_refused_in_a_sentence(browser_of):
    file = SimpleUploadedFile("rates.csv", b"\xff\xfe\x00\x01")
    answer = browser_of(Role.FINANCE).post("/settings/exchange-rates/import/", {"file": file})
    assert answer.status_code == 200
    assert errors_of(answer)


def test_the_audit_log_filters_and_says_that_its_chain_is_whole(browser_of):
    admin = browser_of(Role.ADMIN)
    admin.post("/settings/tokens/", {"name": "a", "scope": "read", "expires_at": ""})
    admin.post("/settings/teams/", {"name": "ML", "slug": "ml"})
    page = admin.get("/audit/?action=token").content.decode()
    assert "Verified" in page
    assert "token.created" in page
    assert "team.created" not in page
    assert "team.created" in admin.get("/audit/?target=team:ml").content.decode()
    assert "No events match" in admin.get("/audit/?until=2020-01-01").content.decode()
    assert "Enter a valid date" in admin.get("/audit/?since=yesterday").content.decode()
    assert "before the first one" in admin.get("/audit/?since=2026-06-02&until=2026-06-01").content.decode()
    assert "cannot be edited or deleted" in page


def exported(answer):
    """The rows of a csv download."""
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


def test_the_audit_log_is_exported_as_it_is_filtered(browser_of):
    admin = browser_of(Role.ADMIN)
    admin.post("/settings/teams/", {"name": "=HYPERLINK(1)", "slug": "ml"})
    admin.post("/settings/teams/ml/", {"name": "ML", "tag_values": "-mlp"})
    admin.post("/settings/tokens/", {"name": "a", "scope": "read", "expires_at": ""})
    answer = admin.get("/audit/events.csv?action=team&actor=admin")
    assert answer.streaming
    assert re.search(
        r'filename="audit-log-actor-admin-action-team-as-of-\d{8}T\d{4}Z.csv"', answer["Content-Disposition"]
    )
    rows = exported(answer)
    assert [row["action"] for row in rows] == ["team.updated", "team.created"]
    event = AuditEvent.objects.get(action="team.updated")
    assert (rows[0]["hash"], rows[0]["target"]) == (event.hash, "team:ml")
    assert json.loads(rows[0]["before"]) == {"name": "=HYPERLINK(1)", "tag_values": []}
    assert rows[0]["at"] == event.at.isoformat()
    assert len(exported(admin.get("/audit/events.csv"))) == AuditEvent.objects.count()


def test_a_name_in_the_exported_log_is_no_formula(browser_of):
    admin = browser_of(Role.ADMIN, username="@SUM(1)")
    admin.post("/settings/teams/", {"name": "ML", "slug": "ml"})
    assert [row["actor_name"] for row in exported(admin.get("/audit/events.csv?action=team"))] == ["'@SUM(1)"]


def test_a_filter_that_cannot_be_read_exports_nothing_and_says_so(browser_of):
    answer = browser_of(Role.ADMIN).get("/audit/events.csv?since=yesterday", follow=True)
    assert answer.redirect_chain == [("/audit/?since=yesterday", 302)]
    assert "Enter a valid date" in answer.content.decode()
    assert browser_of(Role.VIEWER).get("/audit/events.csv").status_code == 403


def test_a_chain_that_was_broken_is_red_and_says_where(browser_of, monkeypatch):
    admin = browser_of(Role.ADMIN)
    admin.post("/settings/teams/", {"name": "ML", "slug": "ml"})
    event = AuditEvent.objects.latest("id")
    monkeypatch.setattr("apps.accounts.audit.hash_of", lambda _: "0")
    page = admin.get("/audit/").content.decode()
    assert "Verified" not in page
    assert f"Event {AuditEvent.objects.earliest('id').pk}: its content is not what was recorded" in page
    assert event.pk


@pytest.mark.parametrize("page", ["999999", "-1", "x", ""])
def test_a_page_number_out_of_reach_gives_the_nearest_page(browser_of, page):
    assert browser_of(Role.ADMIN).get(f"/audit/?page={page}").status_code == 200
