"""Files of any format in a bucket of Cloud Storage: bills, resources or prices that somebody puts there."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final
from urllib.parse import quote

from pydantic import Field, field_validator

from collectors.buckets import StoredObject
from collectors.connections import Allowed, Fields
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.errors import Api
from collectors.gcp.identity import Google, Secrets
from collectors.patience import TRIES
from collectors.places import StoredFiles

BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
PART_BYTES: Final = 16 << 20
VIEWER: Final = (
    "the role of deploy/gcp-read-role.sh, or Storage Object Viewer (roles/storage.objectViewer), on the bucket"
)
STORAGE: Final = Api(
    title="Cloud Storage API",
    service="storage.googleapis.com",
    scopes=("https://www.googleapis.com/auth/devstorage.read_only",),
    roles={"storage.objects.list": VIEWER, "storage.objects.get": VIEWER},
    missing="There is no bucket of this name: check how it is spelt.",
)
POLICY: Final = Template("""\
# a service account that may list and read this bucket, and nothing else
gcloud iam service-accounts create finops-reader --project=PROJECT
gcloud iam roles create finopsReadFiles --project=PROJECT \\
  --permissions=storage.objects.get,storage.objects.list --stage=GA
gcloud storage buckets add-iam-policy-binding gs://$bucket \\
  --member=serviceAccount:finops-reader@PROJECT.iam.gserviceaccount.com \\
  --role=projects/PROJECT/roles/finopsReadFiles
""")


class Settings(Fields):
    """Where the files are."""

    bucket: str = Field(title="Bucket", description="The name of the Cloud Storage bucket, without gs://.")
    prefix: str = Field("", title="Path", description="The folder of the files. Left empty, the whole bucket.")

    @field_validator("bucket")
    @classmethod
    def _is_bucket(cls, value: str) -> str:
        name = value.removeprefix("gs://").strip("/")
        if not BUCKET.fullmatch(name):
            raise ValueError("This is no bucket's name: write it without gs:// and without a path.")
        return name

    @field_validator("prefix")
    @classmethod
    def _is_path(cls, value: str) -> str:
        return value.strip("/")


class Bucket(Google):
    """A bucket of Cloud Storage, by its JSON API. Versions of files are told by their generation.

    Google's own client asks for the bucket in the background, which nobody has granted, and goes on after the run.
    """

    def __init__(self, name: str, key: str) -> None:
        super().__init__(STORAGE, key)
        self._name = name

    def files(self, prefix: str) -> Iterator[StoredObject]:
        """Every file whose name begins so; names that end in a slash are folders of the console."""
        token = ""
        while True:
            page = self.ask(partial(self._list, prefix, token))
            for one in page.get("items", ()):
                if not one["name"].endswith("/"):
                    written = datetime.fromisoformat(one["updated"])
                    yield StoredObject(one["name"], int(one["size"]), one["generation"], written)
            token = page.get("nextPageToken", "")
            if not token:
                return

    def part(self, stored: StoredObject, start: int, most: int) -> bytes:
        """So many bytes of a file, in the version that was listed. Raises NotReadyError when that is gone."""
        from google.api_core.exceptions import NotFound  # noqa: PLC0415 - nobody without a Google source loads it

        try:
            return self.ask(partial(self._read, stored, f"bytes={start}-{start + most - 1}"))
        except ProviderRefusedError as error:
            if isinstance(error.__cause__, NotFound):
                raise NotReadyError(f"{stored.key} was replaced while it was read.", retry_after=60.0) from error
            raise

    def _list(self, prefix: str, token: str) -> dict[str, Any]:
        fields = "items(name,size,generation,updated),nextPageToken"
        asked = {"prefix": prefix, "pageToken": token, "fields": fields}
        said: dict[str, Any] = self._get("", {name: value for name, value in asked.items() if value}).json()
        return said

    def _read(self, stored: StoredObject, part: str) -> bytes:
        """Bytes as they are stored: nothing on the way unpacks them."""
        asked = {"alt": "media", "generation": stored.etag}
        headers = {"Range": part, "Accept-Encoding": "gzip"}
        with self._get(f"/{quote(stored.key, safe='')}", asked, headers=headers, stream=True) as answer:
            content: bytes = answer.raw.read(decode_content=False)
        return content

    def _get(self, path: str, asked: dict[str, str], **how: Any) -> Any:
        return self.get(f"/storage/v1/b/{self._name}/o{path}", asked, **how)


class GcsFiles(StoredFiles):
    """Whatever can be imported below a path of a bucket."""

    kind: ClassVar = "gcs-files"
    title: ClassVar = "Files in Google Cloud Storage"
    help: ClassVar = "Files in any format that can be imported, which somebody puts into a Cloud Storage bucket."
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "gcp-read-role.sh"
    template_help: ClassVar = "makes a service account and a role that may list and read this bucket, and nothing else."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._bucket = Bucket(settings.bucket, secrets.key.get_secret_value())

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._bucket.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that make a service account which may list and read this bucket, and nothing else."""
        name = settings.get("bucket", "").removeprefix("gs://").strip("/")
        return POLICY.substitute(bucket=name if BUCKET.fullmatch(name) else "BUCKET")

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """As a gs:// address."""
        return f"gs://{settings['bucket']}/{settings['prefix']}"

    @property
    def root(self) -> str:
        """The path with its slash, or nothing for the whole bucket."""
        return f"{self.settings.prefix}/" if self.settings.prefix else ""

    def address(self, key: str) -> str:
        """As a gs:// address."""
        return f"gs://{self.settings.bucket}/{key}"

    def list_files(self) -> Iterable[StoredObject]:
        """Every file below the path."""
        return self._bucket.files(self.root)

    def start_of(self, stored: StoredObject, most: int) -> bytes:
        """The first bytes of a file that is not empty."""
        return self._bucket.part(stored, 0, min(most, stored.size))

    def download(self, stored: StoredObject, path: Path) -> Iterator[int]:
        """Write one file part by part; a part that comes short is asked for again, a few times."""
        done, short = 0, 0
        with path.open("wb") as file:
            while done < stored.size:
                wanted = min(PART_BYTES, stored.size - done)
                content = self._bucket.part(stored, done, wanted)[:wanted]
                short = short + 1 if len(content) < wanted else 0
                if short == TRIES:
                    name = stored.key.rpartition("/")[2]
                    raise ProviderUnavailableError(f"{name} broke off after {done:,} of {stored.size:,} bytes.")
                file.write(content)
                done += len(content)
                yield len(content)

    def sign_in_steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """As whom it reads."""
        return [("Sign in to Google Cloud", self._bucket.identity)]
