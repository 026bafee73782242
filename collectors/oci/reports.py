"""Oracle's cost and FOCUS reports in object storage: lists the reports, fetches one."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any, ClassVar, Final
from urllib.parse import quote

import urllib3
from pydantic import Field, field_validator

from collectors.buckets import StoredObject, fingerprint
from collectors.connections import Check, Covers, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderUnavailableError
from collectors.oci.client import MOST_PAGES, Question
from collectors.oci.sign_in import SignInSettings
from collectors.oci.tenancy import InTenancy
from collectors.transfer import check_space

NAMESPACE: Final = "bling"  # Oracle's own; a tenancy's bucket there has the name of its OCID
PREFIXES: Final = {"cost": "reports/cost-csv/", "focus": "FOCUS Reports/"}
REPORTS_TENANCY: Final = "ocid1.tenancy.oc1..aaaaaaaaned4fkpkisbwjlr56u7cj63lf3wffbilvqknstgtvzub7vhqkggq"
PERMISSION: Final = "endorse group to read objects in tenancy usage-report"
TOLD: Final = "Write the policy that the form shows, and give the home region of the tenancy: the reports lie there."
POLICY: Final = Template("""\
# a policy of the root compartment of $tenancy, in its home region; the group has the user of the form
Define tenancy usage-report as $reports
Endorse group FinOpsReaders to read objects in tenancy usage-report
""")
_DAY: Final = re.compile(r"(\d{4})/(\d\d)/(\d\d)/")


class Settings(SignInSettings):
    """Who reads which reports where."""

    report: str = Field(
        "cost",
        title="Reports",
        description="cost or focus: two views of one bill, of which one is enough. Oracle keeps both for a year.",
    )

    @field_validator("report")
    @classmethod
    def _is_report(cls, value: str) -> str:
        if value.lower() not in PREFIXES:
            raise ValueError("Write cost or focus.")
        return value.lower()


class OciReports(InTenancy):
    """The reports that Oracle writes every six hours: each adds to the month, and none replaces another."""

    kind: ClassVar = "oci-reports"
    title: ClassVar = "Oracle Cloud"
    help: ClassVar = "Cost reports or FOCUS reports, as Oracle writes them for a tenancy several times a day."
    refresh_hours: ClassVar = 6
    Settings: ClassVar = Settings
    covers = Covers()

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """The statements that let a group read the reports of its tenancy, and nothing else."""
        return POLICY.substitute(tenancy=settings.get("tenancy", "") or "the tenancy", reports=REPORTS_TENANCY)

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The folder of the reports."""
        return f"oci://{settings['tenancy']}@{NAMESPACE}/{PREFIXES[settings['report']]}"

    def check(self) -> Iterator[Check]:
        """Sign in, list the reports, read the first byte of the newest."""
        yield from try_steps(
            [
                ("Sign in to Oracle Cloud", self._identity),
                ("List the reports", self._describe),
                ("Read a report", self._read),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The reports that were written since the window began, the oldest first, by the month of that day."""
        for report in self._reports(window.first.replace(day=1)):
            day = self._written(report)
            if window.holds(day):
                name = report.key.removeprefix(self._prefix)
                yield RemoteDelivery(name, self._address(report.key), fingerprint(report), day.replace(day=1))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """One report under its own name, as whole as Oracle says that it is."""
        key = address.removeprefix(self._address(""))
        path, digest, done = folder / PurePosixPath(key).name, hashlib.md5(usedforsecurity=False), 0
        try:
            with self._oci.opened(self._object(key)) as answer, path.open("xb") as file:
                length = int(answer.headers.get("Content-Length") or 0)
                check_space(folder, length)
                for chunk in self._oci.stream(answer):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    progress(done, length)
                said = answer.headers.get("Content-MD5")
        except urllib3.exceptions.HTTPError as error:
            raise ProviderUnavailableError(f"{key} broke off while it was read.") from error
        if (length and done != length) or (said and base64.b64encode(digest.digest()).decode() != said):
            raise ProviderUnavailableError(f"{key} is not what Oracle stores: {done:,} of {length:,} bytes came.")
        return path

    def _identity(self) -> str:
        """Everybody who can sign in may ask for the namespace of their tenancy."""
        said = self._oci.get(Question("objectstorage", self.settings.region, "/n/")).said
        return f"user of the tenancy with the namespace {said}"

    def _describe(self) -> str:
        reports = self._reports(date.min)
        if not reports:
            raise NotReadyError(
                f"Nothing lies at {self._address(self._prefix)} yet: Oracle writes reports within a day."
            )
        newest = reports[-1]
        return f"{len(reports):,} reports, the newest of {self._written(newest)}: {newest.size:,} bytes"

    def _read(self) -> str:
        newest = self._reports(date.min)[-1]
        with self._oci.opened(self._object(newest.key), range="bytes=0-0", **{"if-match": newest.etag}) as answer:
            answer.read()
        return newest.key

    def _reports(self, since: date) -> list[StoredObject]:
        """Every report, the oldest first; FOCUS reports of days before `since` are not even listed."""
        start = f"{self._prefix}{since:%Y/%m}" if self.settings.report == "focus" and since > date.min else ""
        found = [one for one in self._listed(start) if one.key.endswith(".csv.gz")]
        return sorted(found, key=lambda one: (one.modified, one.key))

    def _listed(self, start: str) -> Iterator[StoredObject]:
        bucket = f"/n/{NAMESPACE}/b/{quote(self.settings.tenancy, safe='')}/o"
        asked = (("prefix", self._prefix), ("fields", "name,size,etag,timeCreated,timeModified"), ("limit", "1000"))
        question = Question("objectstorage", self.settings.region, bucket, asked, PERMISSION, TOLD)
        for _ in range(MOST_PAGES):
            said = self._oci.get(question.following("start", start) if start else question).said
            objects = said.get("objects") if isinstance(said, dict) else None
            if not isinstance(objects, list):
                raise ProviderUnavailableError("Oracle answered something else than a list of reports.")
            yield from map(_stored, objects)
            following = str(said.get("nextStartWith") or "")
            if not following:
                return
            if following <= start:
                break
            start = following
        raise ProviderUnavailableError("Oracle does not say where its list of reports goes on.")

    def _object(self, key: str) -> Question:
        path = f"/n/{NAMESPACE}/b/{quote(self.settings.tenancy, safe='')}/o/{quote(key, safe='')}"
        return Question("objectstorage", self.settings.region, path, (), PERMISSION, TOLD)

    def _written(self, report: StoredObject) -> date:
        """The day that a report was written: FOCUS reports have it in their path."""
        match = _DAY.match(report.key.removeprefix(self._prefix))
        return date(int(match[1]), int(match[2]), int(match[3])) if match else report.modified.date()

    @property
    def _prefix(self) -> str:
        return PREFIXES[self.settings.report]

    def _address(self, key: str) -> str:
        return f"oci://{self.settings.tenancy}@{NAMESPACE}/{key}"


def _stored(said: Mapping[str, Any]) -> StoredObject:
    """An object of a listing; what a report says never changes, so the day of its writing is that of its making."""
    try:
        made = datetime.fromisoformat(said["timeCreated"])
        return StoredObject(said["name"], int(said["size"]), str(said["etag"]), made)
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderUnavailableError("Oracle's list lacks the name, size, ETag or time of a report.") from error
