"""A source of resources for tests: what there is, it reads from a file that a test writes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from collectors.connections import INVENTORY, Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.records import write_records
from collectors.resources import RESOURCES


class Settings(Fields):
    """Where it looks."""

    path: str = Field(title="Path", description="JSON with resources and warnings.")


class Snapshots(Connection):
    """What the file says now."""

    kind: ClassVar = "snapshots"
    title: ClassVar = "Snapshots"
    help: ClassVar = "Resources of an invented cloud."
    brings: ClassVar = INVENTORY
    refresh_hours: ClassVar = 1
    Settings: ClassVar = Settings

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._warnings: Sequence[str] = ()

    @property
    def warnings(self) -> Sequence[str]:
        """What the file says could not be listed."""
        return self._warnings

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The file."""
        return settings["path"]

    def check(self) -> Iterator[Check]:
        """Read it."""
        yield from try_steps([("Read", lambda: "read")])

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - there is but one
        """The one snapshot; whether it is new, only reading it tells."""
        yield RemoteDelivery("resources", f"snapshots://{self.settings.path}", "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:  # noqa: ARG002 - there is but one
        """The resources as a csv."""
        said = json.loads(Path(self.settings.path).read_text())
        self._warnings = said["warnings"]
        return write_records(RESOURCES, said["resources"], folder)
