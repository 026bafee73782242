"""What exists or is measured in Azure subscriptions: what every kind that looks into some is told, and who may look."""

import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr, field_validator

from collectors.azure.graph import READER, Graph, Readable, readable
from collectors.azure.sign_in import ClientId, ClientSecret, SignIn, TenantId
from collectors.connections import Allowed, Connection, Fields

GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
POLICY: Final = Template("""\
# an application that may $may: no keys, no contents
client_id=$client
az ad sp show --id "$$client_id" --output none || az ad sp create --id "$$client_id"
for subscription in $subscriptions; do
  az role assignment create \\
    --assignee "$$client_id" \\
    --role "$role" \\
    --scope "/subscriptions/$$subscription"
done
""")


class Settings(Fields):
    """Which subscriptions, and as whom they are read."""

    subscriptions: str = Field(
        "",
        title="Subscriptions",
        description="Their ids, separated by commas. Left empty, all that the application may read.",
    )
    tenant_id: TenantId = ""
    client_id: ClientId = ""

    @field_validator("subscriptions")
    @classmethod
    def _are_ids(cls, value: str) -> str:
        ids = [text.strip().lower() for text in value.split(",") if text.strip()]
        if wrong := [text for text in ids if not GUID.fullmatch(text)]:
            raise ValueError(f"{wrong[0]} is no id of a subscription: it has 32 letters and digits, and 4 hyphens.")
        return ", ".join(dict.fromkeys(ids))


class Secrets(Fields):
    """How it signs in, where the server has no Azure identity of its own."""

    client_secret: ClientSecret = SecretStr("")


class SubscriptionsConnection(Connection):
    """A kind that looks into subscriptions."""

    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "azure-read-role.sh"
    template_help: ClassVar = "is a script for the Azure CLI that makes the application, its secret and its role."
    role: ClassVar[str] = READER
    may: ClassVar[str]  # what the role lets it do in them
    otherwise: ClassVar[str]  # what follows where one may not be read

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._signs_in = SignIn(settings.tenant_id, settings.client_id, secrets.client_secret.get_secret_value())
        self._graph = Graph(self._signs_in)
        self._warnings: list[str] = []

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._graph.calls

    @property
    def warnings(self) -> Sequence[str]:
        """What may not be read although the rest may, such as subscriptions that were named."""
        return tuple(self._warnings)

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that let the application look into these subscriptions."""
        named = settings.get("subscriptions", "").replace(",", " ").split()
        return POLICY.substitute(
            may=cls.may,
            client=settings.get("client_id", "") or "CLIENT_ID",
            subscriptions=" ".join(text for text in named if GUID.fullmatch(text)) or "SUBSCRIPTION_ID",
            role=cls.role,
        )

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The subscriptions."""
        return settings.get("subscriptions") or "all subscriptions that the application may read"

    def _describe(self) -> str:
        found = self._readable()
        return " ".join([found.described, *self._warnings])

    def _readable(self) -> Readable:
        """The subscriptions to read. Raises ProviderRefusedError where there is none."""
        named = [text for text in self.settings.subscriptions.split(", ") if text]
        found = readable(self._graph, named, role=self.role)
        self._warnings = [f"{one} {self.otherwise}" for one in found.missing]
        return found
