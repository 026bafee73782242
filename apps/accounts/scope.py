"""What a reader may see: every query takes a Scope and turns it into SQL."""

from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import Role, User


@dataclass(frozen=True, slots=True)
class Scope:
    """The teams whose costs may be seen; None means everything, an empty tuple nothing at all."""

    teams: tuple[str, ...] | None

    @classmethod
    def everything(cls) -> Self:
        """The scope of admins, finance and viewers, and of the product's own jobs."""
        return cls(None)


def scope_of(user: User | AnonymousUser) -> Scope:
    """What `user` may see: everything, an engineering lead their teams; who is not signed in or deactivated nothing."""
    if not isinstance(user, User) or not user.is_active:
        return Scope(())
    if user.role == Role.ENGINEERING_LEAD:
        return Scope(tuple(user.teams.order_by("slug").values_list("slug", flat=True)))
    return Scope.everything()
