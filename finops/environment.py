"""What the environment may set, checked once at start-up: every variable has the prefix FINOPS_."""

import secrets
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from apps.core.private_files import write_once
from finops.mail import mail_server

CHECKOUT = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """The operator's settings. An empty database or broker address means the embedded server."""

    model_config = SettingsConfigDict(env_prefix="FINOPS_", extra="ignore")

    home: Path = CHECKOUT / ".finops"
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    secret_key_file: Path | None = None
    secrets_key: SecretStr = Field(
        default=SecretStr(""), description="keys that credentials are encrypted with, comma-separated, the newest first"
    )
    secrets_key_file: Path | None = Field(default=None, description="the same, one a line; else secrets_key in home")
    allowed_hosts: str = Field(default="*", description="comma-separated host names that the web process answers to")
    public_url: str = Field(
        default="", description="https://finops.example.com: trusts this origin and marks cookies secure"
    )
    trusted_proxies: int = Field(default=0, ge=0, description="reverse proxies in front, each adding X-Forwarded-For")
    max_upload_mb: int = Field(default=2_000, gt=0, description="megabytes that one upload may have")
    source_folders: str = Field(
        default="", description="comma-separated folders of this server that sources may read, with all below them"
    )
    allow_private_addresses: str = Field(
        default="", description="comma-separated private networks that typed addresses may lead to: 10.0.0.0/8"
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""), description="smtp://user:password@host:587, or smtps:// for TLS at once; empty: no mail"
    )
    mail_from: str = Field(default="finops@localhost", description="sender of mails")
    points_days: int = Field(
        default=30, ge=1, le=3_650, description="days for which five-minute points of utilisation are kept"
    )
    utilization_months: int = Field(
        default=25, ge=2, le=240, description="whole months for which hours of utilisation are kept, besides this one"
    )
    web_statement_seconds: int = Field(
        default=30, gt=0, description="seconds that one statement of a page or an API call may take"
    )
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = Field(default="auto", description="auto: console on a terminal")

    @field_validator("allow_private_addresses")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for name in split_words(value):
            ip_network(name)
        return value

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not _names_database(url):
            raise ValueError("write it as postgresql://user:password@host:5432/finops")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr) -> SecretStr:
        mail_server(value.get_secret_value())
        return value

    def make_folders(self) -> None:
        """Create the state folder, readable by this user alone, and the folder for uploads in progress."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.home / "tmp").mkdir(exist_ok=True, mode=0o700)

    def read_secret_key(self) -> str:
        """The signing key: from the variable, else from the named file, else from one made in `home` on first use."""
        if self.secret_key.get_secret_value():
            return self.secret_key.get_secret_value()
        path = self.secret_key_file or self.home / "secret_key"
        if not path.exists() and self.secret_key_file is None:
            write_once(path, secrets.token_urlsafe(64))
        return path.read_text().strip()


def _names_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("postgresql", "postgres") and bool(parts.path.strip("/")) and parts.port != 0
    except ValueError:  # the port is no number
        return False


def split_words(text: str) -> list[str]:
    """The words of a comma-separated setting."""
    return [word.strip() for word in text.split(",") if word.strip()]


@cache
def environment() -> Environment:
    """The settings of this process."""
    return Environment()
