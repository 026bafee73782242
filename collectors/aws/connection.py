"""AWS Data Exports and Cost and Usage Reports in S3: lists billing periods, fetches what their manifests list."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field

from collectors.aws import exports
from collectors.aws.bucket import InBucket
from collectors.aws.settings import Bucket, BucketSettings, FolderPath, read_policy
from collectors.buckets import StoredObject, exports_below, files_in_words, fingerprint, periods_in_words
from collectors.connections import Check, Covers, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.manifests import LARGEST_BYTES, listed_keys
from collectors.transfer import CHUNK_BYTES, check_space, place_below

SETTLED: Final = timedelta(hours=1)
"""A file newer than its manifest belongs to the next delivery, or to a bucket that was copied: then it is that old."""


class Settings(BucketSettings):
    """Where the export is, and as whom it is read."""

    bucket: Bucket = Field(title="Bucket", description="The S3 bucket that AWS delivers the export to.")
    prefix: FolderPath = Field(
        "",
        title="Path of the export",
        description="The folders above the billing periods: prefix and name of the export, for example finops/cur.",
    )


class AwsExports(InBucket):
    """FOCUS, CUR 2.0 and legacy CUR, in the layouts "create new" and "overwrite"."""

    kind: ClassVar = "aws-exports"
    title: ClassVar = "AWS"
    help: ClassVar = "Data Exports (FOCUS, CUR 2.0) and Cost and Usage Reports, as AWS writes them to an S3 bucket."
    Settings: ClassVar = Settings
    covers = Covers()

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """IAM policy of the role or user: list and read this path, nothing else."""
        return read_policy({**settings, "prefix": settings.get("prefix") or "PATH"})

    def check(self) -> Iterator[Check]:
        """Sign in, take on the role, list, find the newest manifest, read it and the first byte of a file."""
        yield from try_steps(
            [
                *self.sign_in_steps(),
                ("List the bucket", self._list),
                ("Find the export", self._find),
                ("Read a delivery", self._read),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The billing periods, each by its manifest; a period without one by its folder, so that it is missed."""
        for period, folder in self._periods().items():
            if window.holds(period):
                manifest = self._manifest(folder)
                address = self._address(manifest.key if manifest else folder)
                mark = fingerprint(manifest) if manifest else "none yet"
                yield RemoteDelivery(f"{period:%Y-%m}", address, mark, period)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The manifest and the files that it lists, at the same paths as in the bucket."""
        manifest = self._manifest_at(self._key(address))
        content = self._manifest_content(manifest)
        files = self._files_of(manifest, content)
        total, done = sum(file.size for file in files), 0
        check_space(folder, total)
        for file in files:
            for received in self._aws.download(self.settings.bucket, file, place_below(folder, file.key)):
                done += received
                progress(done, total)
        if self._manifest_at(manifest.key).etag != manifest.etag:
            raise NotReadyError("AWS delivered anew while the files were read.", retry_after=60.0)
        path = place_below(folder, manifest.key)
        path.write_bytes(content)
        return path

    def _list(self) -> str:
        self._aws.list_folder(self.settings.bucket, self._root)
        return f"s3://{self.settings.bucket}/{self._root}"

    def _find(self) -> str:
        months = [f"{period:%Y-%m}" for period in self._periods()]
        if not months:
            raise NotReadyError(
                f"Nothing lies at s3://{self.settings.bucket}/{self._root} yet. Check the path; AWS writes the first"
                " delivery within 24 hours after an export was made."
            )
        return periods_in_words(months)

    def _read(self) -> str:
        period, folder = list(self._periods().items())[-1]
        manifest = self._manifest_at(folder)
        files = self._files_of(manifest, self._manifest_content(manifest))
        if files and files[0].size:
            self._aws.get(self.settings.bucket, files[0], Range="bytes=0-0")
        return files_in_words(f"{period:%Y-%m}", files)

    def _periods(self) -> dict[date, str]:
        """The folder of each billing period's manifest, oldest first; {} where nothing was delivered yet."""
        bucket, root = self.settings.bucket, self._root
        top = self._aws.list_folder(bucket, root)
        legacy = exports.periods_in(top.folders)
        if legacy:
            return legacy
        if not exports.is_export(top.folders):
            self._refuse_other_path(top.folders)
            return {}
        wanted: dict[date, str] = {}
        for name in (exports.DATA, exports.METADATA):  # a period that has data alone lacks its manifest
            found = exports.periods_in(self._aws.list_folder(bucket, f"{root}{name}/").folders)
            wanted |= {
                period: folder.replace(f"{root}{name}/", f"{root}{exports.METADATA}/", 1)
                for period, folder in found.items()
            }
        return dict(sorted(wanted.items()))

    def _refuse_other_path(self, folders: tuple[str, ...]) -> None:
        """Where exports lie further down, say so: the path is too short."""
        bucket = self.settings.bucket
        found = exports_below(
            folders, below=lambda folder: self._aws.list_folder(bucket, folder).folders, is_export=exports.is_export
        )
        if found:
            raise ProviderRefusedError(
                f"s3://{self.settings.bucket}/{self._root} is no export, but has some below it:"
                f" {', '.join(found)}. Give the path of one; each export is a source of its own."
            )

    def _manifest(self, folder: str) -> StoredObject | None:
        """The manifest that counts: directly in the period's folder, else the newest of those of its runs."""
        bucket = self.settings.bucket
        direct = exports.current_manifest(self._aws.list_folder(bucket, folder).objects)
        return direct or exports.current_manifest(self._aws.list_all(bucket, folder))

    def _manifest_at(self, key: str) -> StoredObject:
        """The manifest of that key, or of the period whose folder it is, as it is now."""
        if key.endswith("/"):
            found = self._manifest(key)
        else:
            same = self._aws.list_folder(self.settings.bucket, key).objects
            found = next((one for one in same if one.key == key), None)
        if found is None:
            raise NotReadyError(
                f"s3://{self.settings.bucket}/{key} has no manifest. AWS writes it last: the delivery is being written,"
                " or was broken off."
            )
        return found

    def _manifest_content(self, manifest: StoredObject) -> bytes:
        if manifest.size > LARGEST_BYTES:
            raise ProviderRefusedError(f"{self._address(manifest.key)} is too large for a manifest.")
        return b"".join(self._aws.get(self.settings.bucket, manifest)["Body"].iter_chunks(CHUNK_BYTES))

    def _files_of(self, manifest: StoredObject, content: bytes) -> list[StoredObject]:
        """What the manifest lists, as the bucket has it now. Raises while something is missing or being written."""
        keys = self._listed(manifest, content)
        folders = {f"{key.rpartition('/')[0]}/" for key in keys}
        stored = {
            one.key: one
            for folder in sorted(folders)
            for one in self._aws.list_folder(self.settings.bucket, folder).objects
        }
        missing = exports.missing_keys(keys, stored)
        if missing:
            raise NotReadyError(
                f"{manifest.key.rpartition('/')[2]} lists {missing[0]}, which is missing from the bucket."
            )
        files = [stored[key] for key in keys]
        later = exports.written_after(manifest, files)
        if later and self._now() - later.modified < SETTLED:
            raise NotReadyError(
                f"{later.key.rpartition('/')[2]} is newer than its manifest: AWS is writing the next delivery.",
                retry_after=300.0,
            )
        return files

    def _listed(self, manifest: StoredObject, content: bytes) -> list[str]:
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            said = None
        keys = list(dict.fromkeys(map(self._key, listed_keys(said)))) if isinstance(said, dict) else []
        if not keys:
            raise NotReadyError(f"{self._address(manifest.key)} lists no files: it is damaged or being written.")
        return keys

    def _now(self) -> datetime:
        """The time by AWS's clock: ours may be off."""
        head = self._aws.call(
            self._aws.client("s3"), "list_objects_v2", Bucket=self.settings.bucket, Prefix=self._root, MaxKeys=1
        )
        said = head["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return parsedate_to_datetime(said) if said else datetime.now(UTC)

    @property
    def _root(self) -> str:
        return f"{self.settings.prefix}/" if self.settings.prefix else ""

    def _address(self, key: str) -> str:
        return f"s3://{self.settings.bucket}/{key}"

    def _key(self, address: str) -> str:
        """The key in an s3:// address, or the key itself."""
        return address.removeprefix("s3://").partition("/")[2] if address.startswith("s3://") else address
