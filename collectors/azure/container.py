"""A path in a container of Azure Blob storage: what every kind that reads one is told, and as whom it looks."""

from collections.abc import Callable, Mapping, Sequence
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr, field_validator

from collectors.azure.clients import Blobs
from collectors.azure.sign_in import ClientId, ClientSecret, SignIn, TenantId
from collectors.connections import Allowed, Connection, Fields

HOST_END: Final = ".blob.core.windows.net"
POLICY: Final = Template("""\
# an application that may read this container, and nothing else
client_id=$client
account_id=$$(az storage account show --name $account --query id --output tsv)
az ad sp show --id "$$client_id" --output none || az ad sp create --id "$$client_id"
az role assignment create \\
  --assignee "$$client_id" \\
  --role "Storage Blob Data Reader" \\
  --scope "$$account_id/blobServices/default/containers/$container"
""")


class Settings(Fields):
    """Where the export is, and as whom it is read."""

    account: str = Field(title="Storage account", description="Its name, for example northwindbilling.")
    container: str = Field(title="Container", description="That Cost Management writes the export to.")
    path: str = Field(
        "",
        title="Path of the export",
        description="The folders above the billing periods: directory and name of the export, for example"
        " finops/focus-daily.",
    )
    tenant_id: TenantId = Field(
        "",
        description="Of the application that reads the container. Leave it empty to sign in by SAS or connection"
        " string, or where this server has an Azure identity of its own.",
    )
    client_id: ClientId = ""

    @field_validator("account")
    @classmethod
    def _is_account(cls, value: str) -> str:
        name = value.lower().removeprefix("https://").rstrip("/").removesuffix(HOST_END)
        if not (3 <= len(name) <= 24 and name.isascii() and name.isalnum()):
            raise ValueError("This is no storage account's name: it has 3 to 24 letters and digits.")
        return name

    @field_validator("container")
    @classmethod
    def _is_container(cls, value: str) -> str:
        name = value.strip("/").lower()
        plain = name.replace("-", "").replace("$", "")
        if not (3 <= len(name) <= 63 and plain.isascii() and plain.isalnum()):
            raise ValueError("This is no container's name: it has 3 to 63 letters, digits and hyphens.")
        return name

    @field_validator("path")
    @classmethod
    def _is_path(cls, value: str) -> str:
        return value.strip("/")


class Secrets(Fields):
    """How it signs in, where the server has no Azure identity of its own."""

    client_secret: ClientSecret = SecretStr("")
    sas: SecretStr = Field(
        SecretStr(""),
        title="SAS",
        description="Instead of an application: a token of the container with the permissions Read and List.",
    )
    connection_string: SecretStr = Field(
        SecretStr(""),
        title="Connection string",
        description="Instead of both. One with an account key can do everything: prefer one with a SAS.",
    )

    @field_validator("sas")
    @classmethod
    def _is_sas(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().rpartition("?")[2]
        if token and "sig=" not in token:
            raise ValueError("This is no SAS: it has sig= in it.")
        return SecretStr(token)

    @field_validator("connection_string")
    @classmethod
    def _is_connection_string(cls, value: SecretStr) -> SecretStr:
        parts = parts_of(value.get_secret_value())
        if parts and not (parts.get("accountkey") or parts.get("sharedaccesssignature")):
            raise ValueError("This is no connection string: it has AccountKey= or SharedAccessSignature= in it.")
        return value


class InContainer(Connection):
    """A kind that reads what lies below a path of a container."""

    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "azure-read-role.sh"
    template_help: ClassVar = "is a script for the Azure CLI that makes the application, its secret and its role."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._sign_in = sign_in_of(settings, secrets)
        self._blobs = Blobs(settings.account, settings.container, self._sign_in)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._blobs.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that let the application read this container, and nothing else."""
        return POLICY.substitute(
            account=settings.get("account", "") or "ACCOUNT",
            container=settings.get("container", "") or "CONTAINER",
            client=settings.get("client_id", "") or "CLIENT_ID",
        )

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """As a web address."""
        return f"https://{settings['account']}{HOST_END}/{settings['container']}/{settings['path']}"

    @property
    def root(self) -> str:
        """The path with its slash, or nothing for the whole container."""
        return f"{self.settings.path}/" if self.settings.path else ""

    def address(self, key: str) -> str:
        """As a web address."""
        return f"https://{self.settings.account}{HOST_END}/{self.settings.container}/{key}"

    def sign_in_steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """As an application or this server; a SAS is tried by listing."""
        return [("Sign in to Azure", self._blobs.identity)] if self._sign_in.by_role else []


def parts_of(connection_string: str) -> dict[str, str]:
    """`AccountName=a;AccountKey=b==` -> {"accountname": "a", "accountkey": "b=="}."""
    pairs = (part.partition("=") for part in connection_string.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def sign_in_of(settings: Settings, secrets: Secrets) -> SignIn:
    """An application where a tenant is named, else what is shared. Where the account is, the settings alone say."""
    if settings.tenant_id:
        return SignIn(settings.tenant_id, settings.client_id, secrets.client_secret.get_secret_value())
    if sas := secrets.sas.get_secret_value():
        return SignIn(sas=sas)
    parts = parts_of(secrets.connection_string.get_secret_value())
    return SignIn(
        sas=parts.get("sharedaccesssignature", "").lstrip("?"),
        key=parts.get("accountkey", ""),
        key_of=parts.get("accountname", "").lower(),
    )
