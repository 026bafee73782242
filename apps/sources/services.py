"""Writes to the ledger of deliveries: import now, take an upload, close what was interrupted."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePath
from typing import Any
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.core.errors import UserError
from apps.core.locks import held, is_held
from apps.sources.ledger import Progress, finish
from apps.sources.models import Delivery, DeliveryFile, Source
from collectors.errors import RefusedFileError
from collectors.files import Digests, FoundDelivery, find_deliveries, hash_delivery

DEFAULT_SOURCE = "files"
INTERRUPTED = "The import was interrupted. Nothing of this bill was loaded: import it again."
LONGEST_NAME = 200  # bytes, of the 255 that file systems allow; the end is what tells kinds and chunks apart
WAITS_TOO_LONG = timedelta(minutes=10)
LOAD_UPLOAD = "apps.sources.tasks.load_upload"


@dataclass(frozen=True, slots=True)
class Received:
    """The ledger entry of a bill that came; `unchanged` when the same content had been loaded before."""

    delivery: Delivery
    unchanged: bool


def import_bill(
    found: FoundDelivery,
    *,
    source: str,
    actor: User | None,
    origin: Delivery.Origin,
    expected: str = "",
    force: bool = False,
    progress: Progress = lambda _: None,
) -> Received:
    """Load one delivery now. The same content again writes nothing, unless `force` says to load it once more.

    Content that a newer delivery has replaced counts as loaded too: an old file lying about never brings old numbers
    back. A bill whose format does not start with `expected` is rejected. Waits while somebody else loads the same.
    Raises UserError when a file cannot be read at all.
    """
    try:
        digests = hash_delivery(found)
    except RefusedFileError as error:
        raise UserError(str(error)) from error
    stream, _ = Source.objects.get_or_create(name=source)
    entry = _entry(found, stream, digests, actor=actor, origin=origin)
    with held(entry.lock_name):
        loaded = None if force else _loaded_before(entry)
        if loaded is not None:
            return Received(loaded, unchanged=True)
        _save(entry, found, digests)
        _load(entry, found, actor=actor, expected=expected, progress=progress)
    return Received(entry, unchanged=False)


def start_upload(files: "Sequence[UploadedFile[Any]]", *, source: str, actor: User) -> list[Received]:
    """Keep uploaded files and queue the loading of each bill among them; chunks of one export are one bill.

    Raises collectors.errors.RefusedFileError when one of them is no bill at all; then nothing is kept.
    """
    arrived = _uploads() / uuid4().hex
    arrived.mkdir(parents=True, mode=0o700)
    try:
        found = find_deliveries([_keep(file, arrived) for file in files])
        for one in found:
            if one.problem:
                raise RefusedFileError(one.problem.replace(f"{arrived}/", ""))
        stream, _ = Source.objects.get_or_create(name=source.strip() or DEFAULT_SOURCE)
        return [_receive(one, stream, actor=actor) for one in found]
    finally:
        shutil.rmtree(arrived)


def load_upload(delivery_id: int) -> None:
    """Load an uploaded bill that waits in its folder; a repeat finds it loaded and does nothing."""
    entry = Delivery.objects.select_related("source", "actor").get(pk=delivery_id)
    with held(entry.lock_name):
        entry.refresh_from_db()
        if entry.status in (Delivery.Status.LOADED, Delivery.Status.REJECTED):
            return
        folder = _uploads() / str(entry.pk)
        try:
            found = find_deliveries(sorted(folder.iterdir()))[0]
            _load(entry, found, actor=entry.actor)
        finally:
            shutil.rmtree(folder)


def queue_waiting_uploads() -> int:
    """Queue uploads once more that have waited long: the broker may have lost them. Returns how many."""
    waiting = Delivery.objects.filter(
        status=Delivery.Status.QUEUED, received_at__lt=timezone.now() - WAITS_TOO_LONG
    ).values_list("pk", flat=True)
    for pk in waiting:
        current_app.tasks[LOAD_UPLOAD].delay(pk)
    return len(waiting)


@transaction.atomic
def note_interrupted() -> int:
    """Close entries whose import died: open, and nobody holds their lock. Returns how many."""
    open_entries = Delivery.objects.select_related("source").filter(status=Delivery.Status.LOADING)
    died = [entry for entry in open_entries if not is_held(entry.lock_name)]
    for entry in died:
        finish(entry, Delivery.Status.FAILED, error=INTERRUPTED, actor=None)
    return len(died)


def _load(
    entry: Delivery,
    found: FoundDelivery,
    *,
    actor: User | None,
    expected: str = "",
    progress: Progress = lambda _: None,
) -> None:
    """Imported here: polars takes a while to come, and to find a bill unchanged, or to show a page, nobody needs it."""
    from apps.sources.importer import load_delivery  # noqa: PLC0415

    load_delivery(entry, found, actor=actor, expected=expected, progress=progress)


def _entry(
    found: FoundDelivery, source: Source, digests: Digests, *, actor: User | None, origin: Delivery.Origin
) -> Delivery:
    return Delivery(source=source, path=str(found.path), sha256=digests.delivery, origin=origin, actor=actor)


def _loaded_before(entry: Delivery) -> Delivery | None:
    """The entry under which the same content was loaded from the same source."""
    same = Delivery.objects.filter(source=entry.source, sha256=entry.sha256, status=Delivery.Status.LOADED)
    return same.order_by("-pk").first()


@transaction.atomic
def _save(entry: Delivery, found: FoundDelivery, digests: Digests) -> None:
    entry.bytes_total = found.size
    entry.save()
    DeliveryFile.objects.bulk_create(
        DeliveryFile(delivery=entry, position=position, name=file.name, sha256=sha256, size=file.stat().st_size)
        for position, (file, sha256) in enumerate(zip(found.files, digests.files, strict=True))
    )
    record(actor=entry.actor, action="delivery.received", target=f"delivery:{entry.pk}", after={"path": entry.path})


@transaction.atomic
def _receive(found: FoundDelivery, source: Source, *, actor: User) -> Received:
    digests = hash_delivery(found)
    entry = _entry(found, source, digests, actor=actor, origin=Delivery.Origin.UPLOAD)
    entry.path = PurePath(found.path).name
    loaded = _loaded_before(entry)
    if loaded is not None:
        return Received(loaded, unchanged=True)
    _save(entry, found, digests)
    folder = _uploads() / str(entry.pk)
    folder.mkdir(mode=0o700)
    for file in found.files:
        shutil.move(file, folder / file.name)
    transaction.on_commit(partial(current_app.tasks[LOAD_UPLOAD].delay, entry.pk))
    return Received(entry, unchanged=False)


def _keep(file: "UploadedFile[Any]", folder: Path) -> Path:
    """Write an upload under its own name, stripped of any folder that a browser or a program put before it."""
    name = PurePath(str(file.name).replace("\\", "/")).name.encode()[-LONGEST_NAME:].decode(errors="ignore")
    path = folder / (name or "bill")
    if path.exists():
        raise RefusedFileError(f"Two of the files are called {path.name}: upload them one after the other.")
    with path.open("xb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
    return path


def _uploads() -> Path:
    return Path(settings.FINOPS_HOME) / "uploads"
