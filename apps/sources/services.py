"""Writes to the ledger of deliveries: import now, take an upload, close what was interrupted."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePath
from typing import Any
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.core.errors import UserError
from apps.core.locks import held, is_held
from apps.costs.models import Statement
from apps.sources.fetched import Fetched
from apps.sources.ledger import Progress, finish
from apps.sources.models import Delivery, DeliveryFile, Source
from collectors.errors import RefusedFileError
from collectors.files import Digests, FoundDelivery, discover, hash_delivery

DEFAULT_SOURCE = "files"
INTERRUPTED = "The import was interrupted. Nothing of this bill was loaded: import it again."
FILES_GONE = "The uploaded files are gone. Nothing of this bill was loaded: upload it again."
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
    fetched: Fetched | None = None,
    received_at: datetime | None = None,
    progress: Progress = lambda _: None,
) -> Received:
    """Load one delivery now. The same content again writes nothing, unless `force` says to load it once more.

    Content that a newer delivery has replaced counts as loaded too: an old file lying about never brings old numbers
    back. Only a provider's last word does: `fetched` says whether it is that, and where the files were copied from.
    A bill whose format does not start with `expected` is rejected. It came at `received_at`, else now.
    Waits while somebody else loads the same.
    Raises collectors.errors.RefusedFileError when a file cannot be read at all.
    """
    digests = hash_delivery(found)
    entry = _entry(found, stream(source), digests, actor=actor, origin=origin)
    if fetched:
        entry.path = fetched.address
    if received_at:
        entry.received_at = received_at
    with held(entry.lock_name):
        known = None if force else _known(entry, Delivery.Status.LOADED)
        if known is not None and not (fetched and fetched.is_latest and _is_replaced(known, fetched)):
            return Received(known, unchanged=True)
        entry.status = Delivery.Status.LOADING
        _save(entry, found, digests)
        _load(entry, found, actor=actor, expected=expected, fetched=fetched, progress=progress)
    return Received(entry, unchanged=False)


def start_upload(files: "Sequence[UploadedFile[Any]]", *, source: str, actor: User) -> list[Received]:
    """Keep uploaded files and queue the loading of each bill among them; chunks of one export are one bill, and so are
    the files of a manifest that came along.

    Raises collectors.errors.RefusedFileError when one of them is no bill at all; then nothing is kept.
    """
    arrived = _uploads() / uuid4().hex
    arrived.mkdir(parents=True, mode=0o700)
    try:
        for file in files:
            _keep(file, arrived)
        found = _found_in(arrived)
        digests = [hash_delivery(one) for one in found]
        return _receive(found, digests, stream(source), actor=actor)
    except RefusedFileError as error:
        raise RefusedFileError(str(error).replace(f"{arrived}/", "")) from error
    finally:
        shutil.rmtree(arrived)


def load_upload(delivery_id: int) -> None:
    """Load an uploaded bill that waits in its folder; a repeat finds it done and does nothing."""
    entry = Delivery.objects.select_related("source", "actor").get(pk=delivery_id)
    with held(entry.lock_name):
        entry.refresh_from_db()
        if entry.finished_at is not None and entry.status != Delivery.Status.FAILED:
            return
        folder = _uploads() / str(entry.pk)
        files = tuple(folder / file.name for file in entry.files.all())
        if not all(file.exists() for file in files):
            finish(entry, Delivery.Status.FAILED, error=FILES_GONE, actor=entry.actor)
            return
        try:
            _load(entry, FoundDelivery(folder / entry.path, files), actor=entry.actor)
        finally:
            shutil.rmtree(folder)


def queue_waiting_uploads() -> int:
    """Queue uploads once more that have waited long: the broker may have lost them. Returns how many."""
    waiting = Delivery.objects.filter(
        status=Delivery.Status.QUEUED, origin=Delivery.Origin.UPLOAD, received_at__lt=timezone.now() - WAITS_TOO_LONG
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
    fetched: Fetched | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Imported here: polars takes a while to come, and to find a bill unchanged, or to show a page, nobody needs it."""
    from apps.sources.importer import load_delivery  # noqa: PLC0415

    load_delivery(entry, found, actor=actor, expected=expected, fetched=fetched, progress=progress)


def _entry(
    found: FoundDelivery, source: Source, digests: Digests, *, actor: User | None, origin: Delivery.Origin
) -> Delivery:
    return Delivery(source=source, path=str(found.path), sha256=digests.delivery, origin=origin, actor=actor)


def stream(name: str) -> Source:
    """The source of that name, made where there is none."""
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise UserError(f"A source's name has 1 to {LONGEST_NAME} characters.", field="source")
    return Source.objects.get_or_create(name=name)[0]


def _known(entry: Delivery, *statuses: Delivery.Status) -> Delivery | None:
    """The entry under which the same content came from the same source."""
    same = Delivery.objects.filter(source=entry.source, sha256=entry.sha256, status__in=statuses)
    known = same.order_by("-pk").first()
    return None if known is None or _was_taken_out(known) else known


def _was_taken_out(entry: Delivery) -> bool:
    """Whether nothing counts any more that it said, and nothing came in its place."""
    stated = Statement.objects.filter(delivery_id=entry.pk)
    same = {name: OuterRef(name) for name in ("source", "billing_account_id", "billing_period_start")}
    in_its_place = Statement.objects.filter(**same, superseded_at=None)
    return stated.exists() and not stated.filter(Exists(in_its_place)).exists()


def _is_replaced(entry: Delivery, fetched: Fetched) -> bool:
    """Whether anything that it said is not current any more: of a bill its statements tell; of one without charges, and
    of a snapshot, what came under the same name since: a source may have several, such as accounts."""
    statements = Statement.objects.filter(delivery_id=entry.pk)
    if statements.exists():
        return statements.exclude(superseded_at=None).exists()
    return fetched.earlier[-1:] != (entry.pk,)


def _found_in(folder: Path) -> list[FoundDelivery]:
    """The bills among uploaded files. What a manifest lists counts only where it lies in the folder itself: an upload
    must not reach what else the server can read."""
    found = discover([folder], root=folder)
    for ignored in found.ignored:
        raise RefusedFileError(f"{ignored.path} {ignored.reason}.")
    for one in found.deliveries:
        if one.problem:
            raise RefusedFileError(one.problem)
        for file in one.files:
            if file.is_symlink() or file.resolve().parent != folder.resolve():
                raise RefusedFileError(f"{one.path} lists {file.name}, which was not uploaded with it.")
    return list(found.deliveries)


@transaction.atomic
def _save(entry: Delivery, found: FoundDelivery, digests: Digests) -> None:
    entry.bytes_total = found.size
    entry.save()
    DeliveryFile.objects.bulk_create(
        DeliveryFile(delivery=entry, position=position, name=file.name, sha256=sha256, size=file.stat().st_size)
        for position, (file, sha256) in enumerate(zip(found.files, digests.files, strict=True))
    )
    record(actor=entry.actor, action="delivery.received", target=f"delivery:{entry.pk}", after={"path": entry.path})


def _receive(
    found: Sequence[FoundDelivery], digests: Sequence[Digests], source: Source, *, actor: User
) -> list[Received]:
    """Enter all bills of an upload, or none."""
    folders: list[Path] = []
    try:
        with transaction.atomic():
            return [
                _receive_one(one, hashes, source, actor=actor, folders=folders)
                for one, hashes in zip(found, digests, strict=True)
            ]
    except BaseException:
        for folder in folders:
            shutil.rmtree(folder)
        raise


def _receive_one(
    found: FoundDelivery, digests: Digests, source: Source, *, actor: User, folders: list[Path]
) -> Received:
    entry = _entry(found, source, digests, actor=actor, origin=Delivery.Origin.UPLOAD)
    entry.path = found.path.name
    known = _known(entry, Delivery.Status.LOADED, Delivery.Status.QUEUED, Delivery.Status.LOADING)
    if known is not None:
        return Received(known, unchanged=True)
    _save(entry, found, digests)
    folder = _uploads() / str(entry.pk)
    folder.mkdir(mode=0o700)
    folders.append(folder)
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
