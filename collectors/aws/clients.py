"""Asking AWS: signing in, taking on a role, listing, with a few patient tries. botocore is loaded when it is called."""

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Final

from collectors.aws.errors import explain
from collectors.buckets import Listing, StoredObject
from collectors.errors import ProviderUnavailableError
from collectors.patience import TRIES, patiently
from collectors.transfer import CHUNK_BYTES

TIMEOUTS: Final = {"connect_timeout": 5, "read_timeout": 20}
PATIENT_BY_US: Final = ("s3", "sts")
"""Services that say by Retry-After how long to wait, which the SDK's own retries do not listen to."""


class Aws:
    """Clients of one source: the account's own keys, or those of this server, and the role that they take on."""

    def __init__(self, *, region: str, role_arn: str, external_id: str, access_key_id: str, secret_key: str) -> None:
        self.calls = 0
        self._region = region
        self._role_arn = role_arn
        self._external_id = external_id
        self._keys = {"aws_access_key_id": access_key_id or None, "aws_secret_access_key": secret_key or None}
        self._clients: dict[tuple[str, str], Any] = {}

    def identity(self) -> str:
        """Whose keys these are, before any role is taken on: an ARN."""
        return str(self.call(self._sts, "get_caller_identity")["Arn"])

    def now(self) -> datetime:
        """What time it is by AWS's clock."""
        answer = self.call(self._sts, "get_caller_identity")
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def take_role(self) -> str:
        """Take on the role; its ARN."""
        return self._role_arn if self._role_keys else ""

    def client(self, service: str, region: str = "") -> Any:
        """The client of a service: as the role, where there is one; in the source's own region unless told."""
        place = (service, region or self._region)
        if place not in self._clients:
            self._clients[place] = self._client(*place, self._role_keys if self._role_arn else self._keys)
        return self._clients[place]

    def call(self, client: Any, operation: str, **words: Any) -> Any:
        """Call an operation, and again after a moment when AWS falters without saying for how long.

        Raises ProviderRefusedError or ProviderUnavailableError.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from botocore.parsers import ResponseParserError  # noqa: PLC0415 - a page of HTML, say, and no BotoCoreError

        return patiently(
            partial(getattr(client, operation), **words),
            (ClientError, BotoCoreError, ResponseParserError),
            lambda error: explain(error, service=client.meta.service_model.signing_name, role_arn=self._role_arn),
        )

    def pages(self, client: Any, operation: str, **words: Any) -> Any:
        """All pages of a listing, as the SDK's PageIterator; each page is asked for as by `call`."""
        from botocore.paginate import Paginator  # noqa: PLC0415

        name = client.meta.method_to_api_mapping[operation]
        service = client.meta.service_model
        config = self._session.get_paginator_model(service.service_name).get_paginator(name)
        return Paginator(partial(self.call, client, operation), config, service.operation_model(name)).paginate(**words)

    def is_offered(self, service: str, region: str) -> bool:
        """Whether the SDK knows of a service in a region; of a region that it does not know, it says nothing."""
        partition = self._session.get_partition_for_region(region)
        return region in self._session.get_available_regions(service, partition_name=partition)

    def list_folder(self, bucket: str, prefix: str) -> Listing:
        """What lies directly in a folder of a bucket; `prefix` is empty or ends in a slash."""
        folders: list[str] = []
        objects: list[StoredObject] = []
        for page in self.pages(self.client("s3"), "list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/"):
            folders += [found["Prefix"] for found in page.get("CommonPrefixes", ())]
            objects += _objects(page)
        return Listing(tuple(folders), tuple(objects))

    def list_all(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """Every file below a folder of a bucket."""
        for page in self.pages(self.client("s3"), "list_objects_v2", Bucket=bucket, Prefix=prefix):
            yield from _objects(page)

    def get(self, bucket: str, file: StoredObject, **words: str) -> Any:
        """What S3 answers when a file is asked for in the version that was listed."""
        return self.call(self.client("s3"), "get_object", Bucket=bucket, Key=file.key, IfMatch=file.etag, **words)

    def download(self, bucket: str, file: StoredObject, path: Path) -> Iterator[int]:
        """Stream one file, in the version and of the size that was listed; after a break from the start, a few times.

        Yields how many bytes came, and less than none for those that have to come again.
        """
        for attempt in range(1, TRIES + 1):
            received = 0
            for size in self._receive(bucket, file, path):
                received += size
                yield size
            if received == file.size:
                return
            yield -received
            if attempt == TRIES:
                name = file.key.rpartition("/")[2]
                raise ProviderUnavailableError(f"{name} broke off after {received:,} of {file.size:,} bytes.")

    def _receive(self, bucket: str, file: StoredObject, path: Path) -> Iterator[int]:
        """Write what comes of a file; it may break off."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - nobody without an AWS source loads it

        body = self.get(bucket, file)["Body"]
        try:
            with path.open("wb") as written:
                for chunk in body.iter_chunks(CHUNK_BYTES):
                    written.write(chunk)
                    yield len(chunk)
        except BotoCoreError:
            return  # less than was listed

    @cached_property
    def _session(self) -> Any:
        from botocore.session import Session  # noqa: PLC0415 - nobody without an AWS source loads it

        session = Session()
        session.register_component("data_loader", _models(session.get_config_variable("data_path")))
        session.register("before-send", self._count)
        return session

    @cached_property
    def _sts(self) -> Any:
        return self._client("sts", self._region, self._keys)

    @cached_property
    def _role_keys(self) -> dict[str, Any]:
        """Keys of the role, good for an hour: longer than one of us lives."""
        words = {"RoleArn": self._role_arn, "RoleSessionName": "finops"}
        if self._external_id:
            words["ExternalId"] = self._external_id
        given = self.call(self._sts, "assume_role", **words)["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def _client(self, service: str, region: str, keys: dict[str, Any]) -> Any:
        """A client; where AWS only says that it is too much, the SDK finds out how much is not."""
        from botocore.config import Config  # noqa: PLC0415

        patient = {"mode": "adaptive", "total_max_attempts": 5}
        retries = {"total_max_attempts": 1} if service in PATIENT_BY_US else patient
        config = Config(retries=retries, **TIMEOUTS)
        return self._session.create_client(service, region_name=region, config=config, **keys)

    def _count(self, **_: Any) -> None:
        self.calls += 1


@cache
def _models(data_path: str | None) -> Any:
    """What the SDK knows of services, read once a process: that of EC2 alone takes a third of a second."""
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader(data_path)


def _objects(page: dict[str, Any]) -> Iterator[StoredObject]:
    for found in page.get("Contents", ()):
        if not found["Key"].endswith("/"):
            yield StoredObject(found["Key"], found["Size"], found["ETag"], found["LastModified"])
