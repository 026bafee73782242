"""Files of any format in an S3 bucket: bills, resources or prices that somebody puts there."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from collectors.aws.bucket import InBucket
from collectors.aws.settings import BucketSettings
from collectors.buckets import StoredObject
from collectors.places import StoredFiles
from collectors.transfer import CHUNK_BYTES


class S3Files(InBucket, StoredFiles):
    """Whatever can be imported below a path of a bucket."""

    kind: ClassVar = "s3-files"
    title: ClassVar = "Files in Amazon S3"
    help: ClassVar = "Files in any format that can be imported, which somebody puts into an S3 bucket."
    Settings: ClassVar = BucketSettings

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
