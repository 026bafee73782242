"""Files of any format in an S3 bucket: bills, resources or prices that somebody puts there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from collectors.aws.settings import BucketSettings, Secrets, clients, read_policy
from collectors.buckets import StoredObject
from collectors.connections import Allowed
from collectors.places import StoredFiles
from collectors.transfer import CHUNK_BYTES


class S3Files(StoredFiles):
    """Whatever can be imported below a path of a bucket."""

    kind: ClassVar = "s3-files"
    title: ClassVar = "Files in Amazon S3"
    help: ClassVar = "Files in any format that can be imported, which somebody puts into an S3 bucket."
    Settings: ClassVar = BucketSettings
    Secrets: ClassVar = Secrets
    template: ClassVar = "aws-read-role.yaml"
    template_help: ClassVar = (
        "is a CloudFormation template that asks for bucket, path and external id, and makes the role."
    )

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._aws = clients(secrets, region=settings.region, role=settings.role_arn, external_id=settings.external_id)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._aws.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """IAM policy of the role or user: list and read this path, nothing else."""
        return read_policy(settings)

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """As an s3:// address."""
        return f"s3://{settings['bucket']}/{settings['prefix']}"

    @property
    def root(self) -> str:
        """The path with its slash, or nothing for the whole bucket."""
        return f"{self.settings.prefix}/" if self.settings.prefix else ""

    def address(self, key: str) -> str:
        """As an s3:// address."""
        return f"s3://{self.settings.bucket}/{key}"

    def list_files(self) -> Iterable[StoredObject]:
        """Every file below the path."""
        return self._aws.list_all(self.settings.bucket, self.root)

    def start_of(self, stored: StoredObject, most: int) -> bytes:
        """The first bytes of a file that is not empty."""
        body = self._aws.get(self.settings.bucket, stored, Range=f"bytes=0-{most - 1}")["Body"]
        return b"".join(body.iter_chunks(CHUNK_BYTES))

    def download(self, stored: StoredObject, path: Path) -> Iterator[int]:
        """Stream one file; after a break from the start, a few times."""
        return self._aws.download(self.settings.bucket, stored, path)

    def sign_in_steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """Whose keys, and the role that they take on."""
        role = [("Take on the role", self._aws.take_role)] if self.settings.role_arn else []
        return [("Sign in to AWS", self._aws.identity), *role]
