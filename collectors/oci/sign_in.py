"""What forms ask for to sign in to Oracle Cloud: a user's API key."""

import re
from typing import Any, Final

from pydantic import Field, SecretStr, field_validator

from collectors.connections import Fields
from collectors.oci.signing import ApiKey, in_one_line, load_key

_REGION: Final = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,20}){1,3}-\d{1,2}", re.ASCII)
_OCID: Final = re.compile(r"ocid1\.[a-z]+\.[a-z0-9]+\.[a-z0-9-]*\.[a-z0-9.]{6,200}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"(?:[0-9a-f]{2}:){15}[0-9a-f]{2}", re.ASCII)


class SignInSettings(Fields):
    """Who reads."""

    tenancy: str = Field(title="Tenancy", description="Its OCID, from Administration > Tenancy details.")
    user: str = Field(title="User", description="The OCID of the user whose key it is.")
    fingerprint: str = Field(title="Fingerprint", description="Of the API key, as the user's API keys list it.")
    region: str = Field(title="Home region", description="Of the tenancy, for example eu-frankfurt-1.")

    @field_validator("tenancy", "user")
    @classmethod
    def _is_ocid(cls, value: str) -> str:
        if not _OCID.fullmatch(value.lower()):
            raise ValueError("This is no OCID: it begins with ocid1.")
        return value.lower()

    @field_validator("fingerprint")
    @classmethod
    def _is_fingerprint(cls, value: str) -> str:
        if not _FINGERPRINT.fullmatch(value.lower()):
            raise ValueError("This is no fingerprint: it has 16 pairs of letters and digits between colons.")
        return value.lower()

    @field_validator("region")
    @classmethod
    def _is_region(cls, value: str) -> str:
        if not is_region(value.lower()):
            raise ValueError("This is no region: write it like eu-frankfurt-1.")
        return value.lower()


class Secrets(Fields):
    """The user's API key."""

    private_key: SecretStr = Field(
        title="Private key", description="What the PEM file of the API key holds, from -----BEGIN to -----END."
    )
    passphrase: SecretStr = Field(
        SecretStr(""), title="Passphrase", description="Of the private key, where it is encrypted."
    )

    @field_validator("private_key", mode="before")
    @classmethod
    def _is_key(cls, value: object) -> object:
        """In one line, as it is kept."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return SecretStr(in_one_line(text)) if isinstance(text, str) else value


def is_region(text: str) -> bool:
    """Whether it can be the name of a region, and so a part of a host's name."""
    return bool(_REGION.fullmatch(text))


def key_of(settings: SignInSettings, secrets: Secrets) -> ApiKey:
    """The key that requests are signed with. Raises ProviderRefusedError where it cannot be opened."""
    private: Any = load_key(secrets.private_key.get_secret_value(), secrets.passphrase.get_secret_value())
    return ApiKey(settings.tenancy, settings.user, settings.fingerprint, private)
