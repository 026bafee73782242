"""What the environment may set, checked once at start-up: every variable has the prefix FINOPS_."""

import secrets
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """The operator's settings. An empty database or broker address means the embedded server."""

    model_config = SettingsConfigDict(env_prefix="FINOPS_", extra="ignore")

    home: Path = CHECKOUT / ".finops"
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    secret_key_file: Path | None = None
    allowed_hosts: str = Field(default="*", description="comma-separated host names that the web process answers to")
    public_url: str = Field(
        default="", description="https://finops.example.com: trusts this origin and marks cookies secure"
    )
    trusted_proxies: int = Field(default=0, ge=0, description="reverse proxies in front, each adding X-Forwarded-For")
    max_upload_mb: int = Field(default=2_000, gt=0, description="megabytes that one upload may have")
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = Field(default="auto", description="auto: console on a terminal")

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
            _write_once(path, secrets.token_urlsafe(64))
        return path.read_text().strip()


def _write_once(path: Path, text: str) -> None:
    """Write a private file unless another process has just done so; readers never see it half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # the other process's key is the key
    finally:
        draft.unlink()


@cache
def environment() -> Environment:
    """The settings of this process."""
    return Environment()
