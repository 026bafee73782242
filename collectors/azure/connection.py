"""Cost Management exports in Azure Blob storage: lists billing periods, fetches the newest run of each."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import ClassVar

from collectors.azure import exports
from collectors.azure.container import InContainer
from collectors.buckets import StoredObject, exports_below, files_in_words, fingerprint, periods_in_words
from collectors.connections import Check, Covers, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.manifests import LARGEST_BYTES
from collectors.transfer import check_space, place_below


class AzureExports(InContainer):
    """FOCUS, actual and amortised exports of a billing account, subscription or management group."""

    kind: ClassVar = "azure-exports"
    title: ClassVar = "Azure"
    help: ClassVar = "Cost Management exports (FOCUS, actual or amortised), as Azure writes them to Blob storage."
    covers = Covers()

    def check(self) -> Iterator[Check]:
        """Sign in, list, find the newest run, read its manifest and the first byte of a file."""
        yield from try_steps(
            [
                *self.sign_in_steps(),
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
                yield RemoteDelivery(exports.name_of(period), self.address(folder), mark, period)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The newest run of a period at the same paths as in the container."""
        period = address.removeprefix(self.address(""))
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
        self._blobs.list_folder(self.root)
        return self.address(self.root)

    def _find(self) -> str:
        months = [exports.name_of(period) for period in self._periods()]
        if not months:
            raise NotReadyError(
                f"Nothing lies at {self.address(self.root)} yet. Check the path; Azure writes the first delivery"
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
        folders = self._blobs.list_folder(self.root).folders
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
                f"{self.address(self.root)} is no export, but has some below it: {', '.join(found)}. Give the path of"
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
                f"{self.address(folder)} has no manifest. Azure writes it last: the delivery is being written."
            )
        if not exports.is_manifest(run):
            return run, [run], b""
        if run.size > LARGEST_BYTES:
            raise ProviderRefusedError(f"{run.key} is too large for a manifest.")
        content = self._blobs.read(run, most=LARGEST_BYTES)
        by_key = {one.key: one for one in stored}
        files = [exports.matched(run, listed, by_key) for listed in exports.listed_in(run, content)]
        return run, files, content
