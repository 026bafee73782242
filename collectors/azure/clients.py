"""Asking Blob storage: listing and reading blobs, with a few patient tries. The SDK is loaded when called."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from collectors.azure.errors import explain
from collectors.azure.sign_in import TIMEOUTS, SignIn, credential_of
from collectors.buckets import Listing, StoredObject
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.patience import patiently

ENDPOINT: Final = "AZURE_STORAGE_SERVICE_ENDPOINT"
"""Environment variable, as Azure's own tools call it, that leads elsewhere; `{account}` in it is the account."""

PUBLIC: Final = "https://{account}.blob.core.windows.net"
SCOPE: Final = "https://storage.azure.com/.default"
READ_BYTES: Final = 4 << 20

Answer = TypeVar("Answer")


class Blobs:
    """One container, read as somebody who may read it."""

    def __init__(self, account: str, container: str, sign_in: SignIn) -> None:
        self.calls = 0
        self._account = account
        self._container = container
        self._sign_in = sign_in
        self._made: Any = None
        self._credentials: Any = None

    def identity(self) -> str:
        """Sign in without reading anything; as whom."""
        self._ask(lambda: self._credential().get_token(SCOPE))
        return self._sign_in.who

    def list_folder(self, prefix: str) -> Listing:
        """What lies directly in a folder; `prefix` is empty or ends in a slash."""
        found = self._ask(lambda: list(self._client().walk_blobs(name_starts_with=prefix, delimiter="/")))
        folders = tuple(one.name for one in found if one.name.endswith("/"))
        return Listing(folders, tuple(_stored(one) for one in found if not one.name.endswith("/")))

    def list_all(self, prefix: str) -> list[StoredObject]:
        """Every file below a folder."""
        return [_stored(one) for one in self._ask(lambda: list(self._client().list_blobs(name_starts_with=prefix)))]

    def read(self, stored: StoredObject, *, start: int = 0, most: int) -> bytes:
        """Some bytes of a file, in the version that was listed."""
        from azure.core import MatchConditions  # noqa: PLC0415 - nobody without an Azure source loads it

        blob = self._client().get_blob_client(stored.key)
        words = {"etag": stored.etag, "match_condition": MatchConditions.IfNotModified}
        return bytes(self._ask(lambda: blob.download_blob(offset=start, length=most, **words).readall()))

    def download(self, stored: StoredObject, path: Path) -> Iterator[int]:
        """Write a file piece by piece, and how long each is; a piece that breaks off is read again.

        Raises NotReadyError when the file was replaced, ProviderUnavailableError when it is shorter than it was listed.
        """
        received = 0
        with path.open("xb") as written:
            for start in range(0, stored.size, READ_BYTES):
                piece = self.read(stored, start=start, most=READ_BYTES)
                written.write(piece)
                received += len(piece)
                yield len(piece)
        if received != stored.size:
            raise ProviderUnavailableError(f"{stored.key} broke off after {received:,} of {stored.size:,} bytes.")

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        return patiently(ask, (AzureError,), lambda error: explain(error, with_role=self._sign_in.by_role))

    def _client(self) -> Any:
        """A client without the SDK's own retries, which sleep where nobody can cancel."""
        from azure.storage.blob import ContainerClient  # noqa: PLC0415

        if self._made is None:
            self._made = ContainerClient(
                os.environ.get(ENDPOINT, PUBLIC).replace("{account}", self._account),
                self._container,
                credential=self._credential(),
                raw_request_hook=self._count,
                retry_total=0,
                max_single_get_size=READ_BYTES,
                max_chunk_get_size=READ_BYTES,
                **TIMEOUTS,
            )
        return self._made

    def _count(self, _: Any) -> None:
        self.calls += 1

    def _credential(self) -> Any:
        if self._credentials is None:
            self._credentials = self._new_credential(self._sign_in)
        return self._credentials

    def _new_credential(self, sign_in: SignIn) -> Any:
        from azure.core import credentials  # noqa: PLC0415

        if sign_in.key_of not in ("", self._account):
            raise ProviderRefusedError("The connection string is of another storage account: correct one of them.")
        if sign_in.by_role:
            return credential_of(sign_in)
        if sign_in.sas:
            return credentials.AzureSasCredential(sign_in.sas)
        return credentials.AzureNamedKeyCredential(self._account, sign_in.key)


def _stored(blob: Any) -> StoredObject:
    return StoredObject(blob.name, blob.size, blob.etag, blob.last_modified)
