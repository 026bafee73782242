"""People, and the API as they meet it."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Role, Team, TokenScope, User
from apps.accounts.tokens import issue_token

PASSWORD = "correct horse battery staple"


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Makes a user of a role, in the teams whose slugs are given."""

    def make(role: Role = Role.VIEWER, *teams: str, username: str = "") -> User:
        user = User.objects.create_user(username or role.value, password=PASSWORD, role=role)
        user.teams.set([Team.objects.get_or_create(slug=slug, defaults={"name": slug})[0] for slug in teams])
        return user

    return make


@pytest.fixture
def api(person: Callable[..., User]) -> Callable[..., APIClient]:
    """A client of the API with a token of the user, or of a new one of the role."""

    def client(who: User | Role, scope: TokenScope = TokenScope.WRITE) -> APIClient:
        user = who if isinstance(who, User) else person(who)
        caller = APIClient()
        text = issue_token(user=user, name="test", scope=scope, actor=None).text
        caller.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return caller

    return client
