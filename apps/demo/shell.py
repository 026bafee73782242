"""What templates know of the demo: the banner on every page and the logins on the sign-in page."""

from functools import cached_property

from django.http import HttpRequest

from apps.accounts.roles import Capability, may
from apps.demo.models import DemoOrganisation
from apps.demo.people import LOGINS, PASSWORD, Login


class Demo:
    """The demo as one request's page shows it; reads when it is first asked."""

    password = PASSWORD

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _here(self) -> DemoOrganisation | None:
        return DemoOrganisation.objects.filter(removed_at=None).first()

    @property
    def loaded(self) -> bool:
        """Whether the data is the invented company's, and its logins work."""
        return self._here is not None and self._here.removing_at is None

    @property
    def going(self) -> bool:
        """Whether it is being taken out."""
        return self._here is not None and self._here.removing_at is not None

    @property
    def removable(self) -> bool:
        """Whether this user may take it out."""
        return may(self._request.user, Capability.MANAGE_ORGANISATION)

    @property
    def logins(self) -> tuple[Login, ...]:
        """Who may sign in, all with the one password."""
        return LOGINS


def demo(request: HttpRequest) -> dict[str, Demo]:
    """Context processor: `demo` in every template."""
    return {"demo": Demo(request)}
