"""Cost Management exports in Azure Blob storage: lists billing periods, fetches the newest run of each."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr, field_validator

from collectors.azure import exports
from collectors.azure.clients import Blobs
from collectors.azure.sign_in import ClientId, ClientSecret, SignIn, TenantId
from collectors.buckets import StoredObject, exports_below, files_in_words, fingerprint, periods_in_words
from collectors.connections import Allowed, Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.manifests import LARGEST_BYTES
from collectors.transfer import check_space, place_below

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


class AzureExports(Connection):
    """FOCUS, actual and amortised exports of a billing account, subscription or management group."""

    kind: ClassVar = "azure-exports"
    title: ClassVar = "Azure"
    help: ClassVar = "Cost Management exports (FOCUS, actual or amortised), as Azure writes them to Blob storage."
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

    def check(self) -> Iterator[Check]:
        """Sign in, list, find the newest run, read its manifest and the first byte of a file."""
        yield from try_steps(
            [
                *([("Sign in to Azure", self._blobs.identity)] if self._sign_in.by_role else []),
                ("List the container", self._list),
                ("Find the export", self._find),
                ("Read a delivery", self._read),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The billing periods, each marked by what stands for its newest run; without one it is missed."""
        for period, folder in self._periods().items():
            if window.holds(period):
                run = self._current(folder)
                mark = fingerprint(run) if run else "none yet"
                yield RemoteDelivery(exports.name_of(period), self._address(folder), mark, period)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The newest run of a period at the same paths as in the container."""
        period = address.removeprefix(self._address(""))
        run, files, manifest = self._run(period)
        total, done = sum(file.size for file in files), 0
        check_space(folder, total)
        for file in files:
            for received in self._blobs.download(file, place_below(folder, file.key)):
                done += received
                progress(done, total)
        if self._current(period) != run:
            raise NotReadyError("Azure delivered anew while the files were read.", retry_after=60.0)
        path = place_below(folder, run.key)
        if exports.is_manifest(run):
            path.write_bytes(manifest)
        return path

    def _list(self) -> str:
        self._blobs.list_folder(self._root)
        return self._address(self._root)

    def _find(self) -> str:
        months = [exports.name_of(period) for period in self._periods()]
        if not months:
            raise NotReadyError(
                f"Nothing lies at {self._address(self._root)} yet. Check the path; Azure writes the first delivery"
                " within a day after an export was made, or at once after Run now."
            )
        return periods_in_words(months)

    def _read(self) -> str:
        period, folder = list(self._periods().items())[-1]
        _, files, _ = self._run(folder)
        if files[0].size:
            self._blobs.read(files[0], most=1)
        return files_in_words(exports.name_of(period), files)

    def _periods(self) -> dict[date, str]:
        """The folder of each billing period, oldest first; {} where nothing was delivered yet."""
        folders = self._blobs.list_folder(self._root).folders
        found = exports.periods_in(folders)
        if not found:
            self._refuse_other_days(folders)
            self._refuse_other_path(folders)
        return found

    def _refuse_other_days(self, folders: tuple[str, ...]) -> None:
        if dated := [folder for folder in folders if exports.is_dated(folder)]:
            raise ProviderRefusedError(
                f"The export is of other days than a month's ({dated[-1].rstrip('/').rpartition('/')[2]}), and one"
                " would replace the other. Use an export of the type month to date, or of last month."
            )

    def _refuse_other_path(self, folders: tuple[str, ...]) -> None:
        """Where exports lie further down, say so: the path is too short."""
        found = exports_below(
            folders,
            below=lambda folder: self._blobs.list_folder(folder).folders,
            is_export=lambda inside: any(map(exports.is_dated, inside)),
        )
        if found:
            raise ProviderRefusedError(
                f"{self._address(self._root)} is no export, but has some below it: {', '.join(found)}. Give the path of"
                " one; each export is a source of its own."
            )

    def _current(self, folder: str) -> StoredObject | None:
        return exports.current(folder, self._blobs.list_all(folder))

    def _run(self, folder: str) -> tuple[StoredObject, list[StoredObject], bytes]:
        """The newest run of a period, its files and what its manifest says, as the container has them now."""
        stored = self._blobs.list_all(folder)
        run = exports.current(folder, stored)
        if run is None:
            raise NotReadyError(
                f"{self._address(folder)} has no manifest. Azure writes it last: the delivery is being written."
            )
        if not exports.is_manifest(run):
            return run, [run], b""
        if run.size > LARGEST_BYTES:
            raise ProviderRefusedError(f"{run.key} is too large for a manifest.")
        content = self._blobs.read(run, most=LARGEST_BYTES)
        by_key = {one.key: one for one in stored}
        files = [exports.matched(run, listed, by_key) for listed in exports.listed_in(run, content)]
        return run, files, content

    @property
    def _root(self) -> str:
        return f"{self.settings.path}/" if self.settings.path else ""

    def _address(self, key: str) -> str:
        return address_of(self.settings, key)


def address_of(settings: Settings, key: str) -> str:
    """Where a file of a container is, as a web address."""
    return f"https://{settings.account}{HOST_END}/{settings.container}/{key}"


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
