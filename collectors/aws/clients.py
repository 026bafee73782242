"""Asking AWS: signing in, taking on a role, listing, with a few patient tries. boto3 is loaded when it is called."""

from collections.abc import Iterator
from typing import Any, Final

from collectors.aws.errors import explain
from collectors.buckets import Listing, StoredObject
from collectors.patience import patiently

TIMEOUTS: Final = {"connect_timeout": 5, "read_timeout": 20}


class Aws:
    """Clients of one source: the account's own keys, or those of this server, and the role that they take on."""

    def __init__(self, *, region: str, role_arn: str, external_id: str, access_key_id: str, secret_key: str) -> None:
        self.calls = 0
        self._region = region
        self._role_arn = role_arn
        self._external_id = external_id
        self._keys = {"aws_access_key_id": access_key_id or None, "aws_secret_access_key": secret_key or None}
        self._session: Any = None
        self._clients: dict[str, Any] = {}

    def identity(self) -> str:
        """Whose keys these are, before any role is taken on: an ARN."""
        return str(self.call(self._sts(), "get_caller_identity")["Arn"])

    def assume_role(self) -> dict[str, Any]:
        """Keys of the role, good for an hour: longer than one of us lives."""
        words = {"RoleArn": self._role_arn, "RoleSessionName": "finops"}
        if self._external_id:
            words["ExternalId"] = self._external_id
        given = self.call(self._sts(), "assume_role", **words)["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def s3(self) -> Any:
        """The client that reads buckets: as the role, where there is one."""
        if "s3" not in self._clients:
            self._clients["s3"] = self._client("s3", self.assume_role() if self._role_arn else self._keys)
        return self._clients["s3"]

    def _sts(self) -> Any:
        if "sts" not in self._clients:
            self._clients["sts"] = self._client("sts", self._keys)
        return self._clients["sts"]

    def call(self, client: Any, operation: str, **words: Any) -> Any:
        """Call an operation, and again after a moment when AWS falters without saying for how long.

        Raises ProviderRefusedError or ProviderUnavailableError.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        def ask() -> Any:
            self.calls += 1
            return getattr(client, operation)(**words)

        return patiently(ask, (ClientError, BotoCoreError), lambda error: explain(error, role_arn=self._role_arn))

    def list_folder(self, bucket: str, prefix: str) -> Listing:
        """What lies directly in a folder of a bucket; `prefix` is empty or ends in a slash."""
        folders: list[str] = []
        objects: list[StoredObject] = []
        for page in self._pages(bucket, prefix, Delimiter="/"):
            folders += [found["Prefix"] for found in page.get("CommonPrefixes", ())]
            objects += _objects(page)
        return Listing(tuple(folders), tuple(objects))

    def list_all(self, bucket: str, prefix: str) -> list[StoredObject]:
        """Every file below a folder of a bucket."""
        return [found for page in self._pages(bucket, prefix) for found in _objects(page)]

    def _pages(self, bucket: str, prefix: str, **words: str) -> Iterator[Any]:
        token: dict[str, str] = {}
        while True:
            page = self.call(self.s3(), "list_objects_v2", Bucket=bucket, Prefix=prefix, **words, **token)
            yield page
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _client(self, service: str, keys: dict[str, Any]) -> Any:
        """A client without the SDK's own retries, which do not listen to Retry-After."""
        import boto3  # noqa: PLC0415 - nobody without an AWS source loads it
        from botocore.config import Config  # noqa: PLC0415

        config = Config(retries={"total_max_attempts": 1}, **TIMEOUTS)
        self._session = self._session or boto3.session.Session()
        return self._session.client(service, region_name=self._region, config=config, **keys)


def _objects(page: dict[str, Any]) -> Iterator[StoredObject]:
    for found in page.get("Contents", ()):
        if not found["Key"].endswith("/"):
            yield StoredObject(found["Key"], found["Size"], found["ETag"], found["LastModified"])
