"""A tenancy of Oracle Cloud, asked with a user's API key: what every kind that looks into one shares."""

from functools import cached_property
from typing import Any, ClassVar

from collectors.connections import Allowed, Connection
from collectors.oci.client import Oci
from collectors.oci.sign_in import Secrets, key_of


class InTenancy(Connection):
    """A kind that looks into a tenancy; its settings are at least SignInSettings."""

    Secrets: ClassVar = Secrets
    template: ClassVar = "oci-read-policy.sh"
    template_help: ClassVar = "is a script for the OCI CLI that makes the group and its policy."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._oci = Oci(lambda: self._key)

    @cached_property
    def _key(self) -> Any:
        return key_of(self.settings, self.secrets)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._oci.calls
