"""Which role may do what, and what of the costs it sees."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory

from apps.accounts.models import Role, User
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability, may
from apps.accounts.scope import Scope, scope_of

ADMIN, FINANCE, LEAD, VIEWER = Role.ADMIN, Role.FINANCE, Role.ENGINEERING_LEAD, Role.VIEWER
WHO_MAY = {
    Capability.SEE_COSTS: {ADMIN, FINANCE, LEAD, VIEWER},
    Capability.SEE_TEAMS: {ADMIN, FINANCE, LEAD, VIEWER},
    Capability.SEE_DELIVERIES: {ADMIN, FINANCE, VIEWER},
    Capability.IMPORT_BILLS: {ADMIN, FINANCE},
    Capability.MANAGE_SOURCES: {ADMIN},
    Capability.MANAGE_RATES: {ADMIN, FINANCE},
    Capability.PUSH_UTILIZATION: {ADMIN},
    Capability.MANAGE_TEAMS: {ADMIN},
    Capability.MANAGE_ORGANISATION: {ADMIN},
    Capability.SEE_PEOPLE: {ADMIN, FINANCE},
    Capability.MANAGE_PEOPLE: {ADMIN},
    Capability.SEE_AUDIT: {ADMIN, FINANCE},
    Capability.MANAGE_OWN_TOKENS: {ADMIN, FINANCE, LEAD, VIEWER},
    Capability.MANAGE_ALL_TOKENS: {ADMIN},
    Capability.MANAGE_SHARED_VIEWS: {ADMIN},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("capability", Capability)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role: Role, capability: Capability) -> None:
    assert may(User(role=role), capability) == (role in WHO_MAY[capability])


@pytest.mark.parametrize("capability", Capability)
def test_nobody_may_do_anything_without_an_active_user(capability: Capability) -> None:
    assert not may(AnonymousUser(), capability)
    assert not may(User(role=Role.ADMIN, is_active=False), capability)


@pytest.mark.parametrize("role", [ADMIN, FINANCE, VIEWER])
def test_admins_finance_and_viewers_see_every_cost(role: Role, person: Callable[..., User]) -> None:
    assert scope_of(person(role, "ml-platform")) == Scope.everything()


def test_an_engineering_lead_sees_the_costs_of_their_teams(person: Callable[..., User]) -> None:
    assert scope_of(person(LEAD, "search", "ml-platform")) == Scope(("ml-platform", "search"))


def test_an_engineering_lead_without_a_team_sees_nothing(person: Callable[..., User]) -> None:
    assert scope_of(person(LEAD)) == Scope(())


def test_who_is_not_signed_in_or_deactivated_sees_nothing(person: Callable[..., User]) -> None:
    gone = person(ADMIN)
    gone.is_active = False

    assert scope_of(gone) == scope_of(AnonymousUser()) == Scope(())


@pytest.fixture
def page() -> Callable[[User | AnonymousUser], object]:
    """Opens a page that needs SEE_AUDIT as somebody."""

    def visit(user: User | AnonymousUser) -> object:
        request = RequestFactory().get("/audit/?page=2")
        request.user = user
        return requires(Capability.SEE_AUDIT)(lambda _: HttpResponse("the log"))(request)

    return visit


def test_a_page_opens_for_a_role_that_may(page: Callable[..., HttpResponse]) -> None:
    assert page(User(role=FINANCE)).content == b"the log"


def test_a_page_is_refused_to_a_role_that_may_not(page: Callable[..., HttpResponse]) -> None:
    with pytest.raises(PermissionDenied, match="see the audit log"):
        page(User(role=LEAD))


def test_a_page_sends_who_is_not_signed_in_to_the_sign_in_page_and_back(page: Callable[..., HttpResponse]) -> None:
    assert page(AnonymousUser()).headers["Location"] == "/login/?next=/audit/%3Fpage%3D2"
