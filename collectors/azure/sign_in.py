"""Signing in to Azure: what forms ask for it, and the credential that the SDK makes of it."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, SecretStr

from collectors.errors import ProviderRefusedError

TIMEOUTS: Final[dict[str, Any]] = {"connection_timeout": 5, "read_timeout": 20}
DEVELOPERS: Final = ("cli", "developer_cli", "powershell", "shared_token_cache", "visual_studio_code", "broker")


def _id(value: str) -> str:
    plain = value.replace("-", "").replace(".", "")
    if value and not (plain.isascii() and plain.isalnum()):
        raise ValueError("This is no id: copy it from the overview of the application in Microsoft Entra.")
    return value


TenantId = Annotated[
    str,
    AfterValidator(_id),
    Field(
        title="Tenant id",
        description="Of the application that reads. Leave it empty where this server has an Azure identity of its own.",
    ),
]
ClientId = Annotated[str, AfterValidator(_id), Field(title="Client id", description="Of the application.")]
ClientSecret = Annotated[
    SecretStr, Field(title="Client secret", description="Of the application; its value, not its id.")
]


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a source signs in; everything empty: as the identity of this server."""

    tenant_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    sas: str = ""
    key: str = ""
    key_of: str = ""  # the account that the key or SAS is of, where that is known

    @property
    def by_role(self) -> bool:
        """Whether it is somebody to whom roles can be assigned."""
        return bool(self.tenant_id) or not (self.sas or self.key)

    @property
    def who(self) -> str:
        """As whom, in words."""
        return f"application {self.client_id}" if self.tenant_id else "the identity of this server"


def credential_of(sign_in: SignIn) -> Any:
    """The credential of an application, or of this server. Raises ProviderRefusedError where a part is missing."""
    from azure import identity  # noqa: PLC0415 - nobody without an Azure source loads it

    if not sign_in.tenant_id:
        return identity.DefaultAzureCredential(**{f"exclude_{name}_credential": True for name in DEVELOPERS})
    if not (sign_in.client_id and sign_in.client_secret):
        raise ProviderRefusedError("Give the client id and the client secret of the application.")
    return identity.ClientSecretCredential(
        sign_in.tenant_id,
        sign_in.client_id,
        sign_in.client_secret,
        disable_instance_discovery=True,  # the operator says where Entra is; nobody can type it
        retry_total=0,
        **TIMEOUTS,
    )
