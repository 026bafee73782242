"""Changes to users, teams and the organisation."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.accounts import services
from apps.accounts.models import AuditEvent, Organisation, Role, Team, User
from apps.accounts.signals import allocation_changed
from apps.accounts.tokens import TokenRefusedError, issue_token, recognise
from apps.core.errors import UserError
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def announced() -> Iterator[list[object]]:
    """The senders of the allocation signal."""
    senders: list[object] = []

    def note(sender: object, **_: object) -> None:
        senders.append(sender)

    allocation_changed.connect(note)
    yield senders
    allocation_changed.disconnect(note)


def last_event() -> AuditEvent:
    """The newest event of the audit log."""
    return AuditEvent.objects.latest("id")


def test_a_new_user_is_in_the_log_without_their_password(person: Callable[..., User]) -> None:
    admin = person(Role.ADMIN)
    team = Team.objects.create(slug="search", name="Search")

    user = services.create_user(
        username="ada", password=PASSWORD, role=Role.ENGINEERING_LEAD, teams=[team], actor=admin, remote_address="::1"
    )

    assert user.check_password(PASSWORD)
    assert user.must_change_password
    event = last_event()
    assert (event.action, event.target, event.actor, event.remote_address) == (
        "user.created",
        f"user:{user.pk}",
        admin,
        "::1",
    )
    assert event.after is not None
    assert event.after["teams"] == ["search"]
    assert PASSWORD not in str(event.after) + str(user.password)


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"username": "ada"}, "username", "already exists"),
        ({"username": "a b"}, "username", "valid username"),
        ({"password": "short"}, "password", "too short"),
        ({"email": "nonsense"}, "email", "valid email"),
        ({"role": "king"}, "role", "not a valid choice"),
    ],
)
def test_a_wrong_user_is_refused_with_the_field_at_fault(
    wrong: dict[str, str], field: str, says: str, person: Callable[..., User]
) -> None:
    person(username="ada")
    given = {"username": "grace", "password": PASSWORD, "role": Role.VIEWER, "actor": None}

    with pytest.raises(UserError, match=says) as refusal:
        services.create_user(**(given | wrong))  # type: ignore[arg-type]

    assert refusal.value.field == field
    assert not User.objects.filter(username="grace").exists()


def test_a_change_is_logged_with_the_fields_that_differ(person: Callable[..., User]) -> None:
    user = person(Role.VIEWER)

    services.update_user(user=user, role=Role.FINANCE, email="", actor=None)

    assert User.objects.get().role == Role.FINANCE
    assert (last_event().before, last_event().after) == ({"role": "viewer"}, {"role": "finance"})


def test_a_change_that_changes_nothing_is_not_logged(person: Callable[..., User]) -> None:
    user = person(Role.VIEWER, "search")

    services.update_user(user=user, role=Role.VIEWER, actor=None)
    services.set_membership(user=user, teams=list(user.teams.all()), actor=None)
    services.reactivate_user(user=user, actor=None)

    assert not AuditEvent.objects.exists()


def test_membership_is_what_was_last_set(person: Callable[..., User]) -> None:
    user = person(Role.ENGINEERING_LEAD, "search")
    other = Team.objects.create(slug="ml-platform", name="ML platform")

    services.set_membership(user=user, teams=[other], actor=None)

    assert list(user.teams.all()) == [other]
    assert (last_event().before, last_event().after) == ({"teams": ["search"]}, {"teams": ["ml-platform"]})


def test_a_deactivated_user_is_out_at_once(person: Callable[..., User], client: Client) -> None:
    person(Role.ADMIN)
    user = person(Role.FINANCE)
    client.force_login(user)
    text = issue_token(user=user, name="t", actor=user).text

    assert client.get("/api/v1/users/me/").status_code == 200

    services.deactivate_user(user=user, actor=None, reason="left")

    assert client.get("/api/v1/users/me/").status_code == 401
    with pytest.raises(TokenRefusedError):
        recognise(text)
    assert (last_event().action, last_event().reason) == ("user.deactivated", "left")

    services.reactivate_user(user=user, actor=None)

    with pytest.raises(TokenRefusedError, match="revoked"):
        recognise(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda user: services.deactivate_user(user=user, actor=None),
        lambda user: services.update_user(user=user, role=Role.VIEWER, actor=None),
    ],
)
def test_the_last_active_admin_stays(change: Callable[[User], object], person: Callable[..., User]) -> None:
    admin = person(Role.ADMIN)
    person(Role.ADMIN, username="former")
    User.objects.filter(username="former").update(is_active=False)

    with pytest.raises(UserError, match="only active admin"):
        change(admin)

    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.ADMIN, True)


def test_a_password_from_somebody_else_has_to_be_changed_and_an_own_one_has_not(person: Callable[..., User]) -> None:
    user = person()

    services.set_password(user=user, password="given by the admin", actor=None)
    assert user.must_change_password

    services.set_password(user=user, password="chosen by myself", actor=user)
    assert not user.must_change_password
    assert user.check_password("chosen by myself")
    assert "chosen" not in str(AuditEvent.objects.values_list())


def test_a_password_from_somebody_else_revokes_the_tokens_and_an_own_one_does_not(person: Callable[..., User]) -> None:
    admin, user, other = person(Role.ADMIN), person(), person(Role.FINANCE)
    text, kept = (issue_token(user=one, name="script", actor=None).text for one in (user, other))

    services.set_password(user=user, password="chosen by myself", actor=user)
    assert recognise(text).user == user
    services.set_password(user=user, password="given by the admin", actor=admin, remote_address="::1")

    with pytest.raises(TokenRefusedError, match="revoked"):
        recognise(text)
    assert recognise(kept).user == other
    event = AuditEvent.objects.get(action="token.revoked")
    assert (event.actor, event.reason, event.remote_address) == (admin, "password reset", "::1")


def test_a_password_that_is_refused_revokes_nothing(person: Callable[..., User]) -> None:
    user = person()
    text = issue_token(user=user, name="script", actor=None).text

    with pytest.raises(UserError):
        services.set_password(user=user, password="short", actor=None)

    assert recognise(text).user == user


def test_a_one_time_password_cannot_be_kept(person: Callable[..., User]) -> None:
    user = person()
    services.set_password(user=user, password="given by the admin", actor=None)

    with pytest.raises(UserError, match="other than the one-time"):
        services.set_password(user=user, password="given by the admin", actor=user)


def test_the_first_admin_gets_a_one_time_password_once() -> None:
    password = services.ensure_first_admin()

    admin = User.objects.get()
    assert password is not None
    assert admin.check_password(password)
    assert (admin.username, admin.role, admin.must_change_password) == ("admin", Role.ADMIN, True)
    assert services.ensure_first_admin() is None
    assert password not in str(AuditEvent.objects.values_list())


def test_an_organisation_without_an_active_admin_gets_its_admin_back(person: Callable[..., User]) -> None:
    person(Role.VIEWER, username="admin")

    password = services.ensure_first_admin()

    admin = User.objects.get()
    assert admin.role == Role.ADMIN
    assert admin.check_password(password or "")


def test_a_team_is_made_changed_and_deleted_with_its_events_and_announcements(
    announced: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    person: Callable[..., User],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        team = services.create_team(slug="search", name=" Search ", tag_values=["srch", "", "srch "], actor=None)
        assert announced == []
    assert announced == [Team]
    assert (team.name, team.tag_values) == ("Search", ["srch"])

    with django_capture_on_commit_callbacks(execute=True):
        services.update_team(team=team, sub_account_ids=["123"], actor=None)
    assert announced == [Team, Team]
    assert (last_event().before, last_event().after) == ({"sub_account_ids": []}, {"sub_account_ids": ["123"]})

    person(Role.ENGINEERING_LEAD, "search")
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_team(team=team, actor=None, reason="merged")
    assert announced == [Team, Team, Team]
    assert not Team.objects.exists()
    assert last_event().before == {
        "slug": "search",
        "name": "Search",
        "tag_values": ["srch"],
        "sub_account_ids": ["123"],
        "members": ["engineering_lead"],
    }
    assert last_event().target == "team:search"


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        ({"slug": "find", "name": "SEARCH"}, "tag value 'search'"),
        ({"slug": "find", "name": "Find", "tag_values": ["Srch"]}, "tag value 'srch'"),
        ({"slug": "srch", "name": "Find"}, "tag value 'srch'"),
        ({"slug": "find", "name": "Find", "sub_account_ids": ["9", "123"]}, "sub account '123'"),
        ({"slug": "a b", "name": "Find"}, "slug"),
        ({"slug": "find", "name": " "}, "cannot be blank"),
    ],
)
def test_what_one_team_claims_another_cannot(claim: dict[str, object], says: str) -> None:
    services.create_team(slug="search", name="Search", tag_values=["srch"], sub_account_ids=["123"], actor=None)

    with pytest.raises(UserError, match=says):
        services.create_team(**claim, actor=None)  # type: ignore[arg-type]


def test_defaults_hold_until_the_organisation_is_changed() -> None:
    assert Organisation.current().team_tag_keys == ["team"]
    assert not Organisation.objects.exists()

    services.update_organisation(reporting_currency="EUR", week_start=7, actor=None)

    organisation = Organisation.current()
    assert (organisation.reporting_currency, organisation.week_start) == ("EUR", 7)
    assert organisation.environment_tag_keys == ["environment", "env"]
    assert last_event().before == {"reporting_currency": "", "week_start": 1}


def test_only_other_tag_keys_make_costs_being_allocated_again(
    announced: list[object], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.update_organisation(name="Example plc", team_tag_keys=["team"], actor=None)
    assert announced == []

    with django_capture_on_commit_callbacks(execute=True):
        services.update_organisation(team_tag_keys=["squad", "team"], actor=None)
    assert announced == [Organisation]
    assert last_event().after == {"team_tag_keys": ["squad", "team"]}


@pytest.mark.parametrize("wrong", [{"reporting_currency": "euro"}, {"week_start": 0}, {"fiscal_year_start_month": 13}])
def test_a_wrong_setting_of_the_organisation_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        services.update_organisation(**wrong, actor=None)  # type: ignore[arg-type]

    assert not Organisation.objects.exists()
