"""One delivery from files into tables: read, spool, load in one transaction; its ledger entry says how it went."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

import polars as pl
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.core.copying import copy_frames
from apps.core.errors import OutdatedError
from apps.costs import loader
from apps.costs.spool import Spool
from apps.sources.fetched import Fetched
from apps.sources.ledger import Progress, fail, finish
from apps.sources.models import Delivery
from collectors.billing import ChargeBatch, days_without_costs, detect, read_delivery
from collectors.charges import REJECTED_SCHEMA
from collectors.errors import CollectorError, RefusedFileError
from collectors.files import FoundDelivery
from collectors.formats import Format
from collectors.records import RecordBatch, RecordSet

LOADERS: Final = {
    "resources": "apps.inventory.loader.replace",
    "prices": "apps.pricing.loader.replace",
    "kubernetes_usage": "apps.clusters.loader.replace",
    "utilization": "apps.utilization.loader.replace",
    "tenancy": "apps.utilization.tenancy_loader.replace",
}
"""What makes the records of each set the current ones: `replace(frames, *, source, delivery_id, at, is_whole)`, in the
caller's transaction, returns how many of them it took. Where rows were rejected (not `is_whole`), what is missing is
not taken for gone. Raises OutdatedError where something later is known."""

COUNTED = ("rows_read", "rows_rejected", "rounded_values", "bytes_read")
PROGRESS_EVERY = 0.5  # seconds
REJECTED_COLUMNS = ("delivery_id", "position", *REJECTED_SCHEMA.names())
Batch = TypeVar("Batch", ChargeBatch, RecordBatch)


@dataclass
class Reading:
    """What has been read of a delivery so far: rejected rows in a folder, counts on the ledger entry."""

    delivery: Delivery
    folder: Path
    progress: Progress
    rows_of_files: dict[int, int] = field(default_factory=dict)
    rejected_files: list[Path] = field(default_factory=list)
    rejected_costs: dict[str, Decimal | None] = field(
        default_factory=lambda: {"billed_cost": Decimal(0), "effective_cost": Decimal(0)}
    )

    def read(self, batches: Iterable[Batch], keep: Callable[[Batch], None]) -> None:
        """Keep every batch; files come one after the other, each batch in the order of its rows."""
        told = 0.0
        for batch in batches:
            self.rows_of_files.setdefault(batch.file_index, 0)
            keep(batch)
            self._count(batch)
            if time.monotonic() - told > PROGRESS_EVERY:
                told = time.monotonic()
                self._tell()
        self._tell()

    def first_row(self, position: int) -> int:
        """Ordinal in the delivery of the first row of the file at `position`."""
        return 1 + sum(rows for earlier, rows in self.rows_of_files.items() if earlier < position)

    def _tell(self) -> None:
        self.delivery.save(update_fields=["format", *COUNTED])
        self.progress(self.delivery)

    def _count(self, batch: ChargeBatch | RecordBatch) -> None:
        if batch.rejected.height:
            self._keep_rejected(batch)
        self.rows_of_files[batch.file_index] += batch.rows_read
        self.delivery.rows_read += batch.rows_read
        self.delivery.rounded_values += batch.rounded_values
        self.delivery.bytes_read = batch.bytes_read

    def _keep_rejected(self, batch: ChargeBatch | RecordBatch) -> None:
        path = self.folder / f"rejected-{len(self.rejected_files):05}.arrow"
        batch.rejected.with_columns(
            delivery_id=pl.lit(self.delivery.pk, pl.Int64), position=pl.lit(batch.file_index, pl.Int32)
        ).write_ipc(path, compression="lz4")
        self.rejected_files.append(path)
        self.delivery.rows_rejected += batch.rejected.height
        for name, known in self.rejected_costs.items():
            amounts = batch.rejected[name]
            unreadable = known is None or amounts.null_count() > 0
            self.rejected_costs[name] = None if unreadable else (known or Decimal(0)) + Decimal(amounts.sum())


def load_delivery(
    delivery: Delivery,
    found: FoundDelivery,
    *,
    actor: User | None,
    expected: str = "",
    fetched: Fetched | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Read and load one delivery whose ledger entry exists; the entry ends as loaded, rejected or failed.

    Sentences name files from the folder on that they were fetched to, else from that of the delivery.

    Raises what made it fail (disk full, database gone ...) after noting it on the entry where that is still possible.
    Safe to repeat: until the one transaction at the end commits, nothing is visible.
    """
    _start(delivery, found)
    try:
        with tempfile.TemporaryDirectory(prefix="import-", dir=settings.FINOPS_HOME / "tmp") as folder:
            format_ = _format(found, expected)
            delivery.format = format_.name
            reading = Reading(delivery, Path(folder), progress)
            if format_.records is None:
                _import_charges(reading, found, fetched, actor)
            else:
                _import_records(reading, format_.records, format_.read(found, format_.records), fetched, actor)
    except (CollectorError, OutdatedError) as error:
        sentence = str(error).replace(f"{fetched.root if fetched else found.path.parent}/", "")
        finish(delivery, Delivery.Status.REJECTED, error=sentence, actor=actor)
    except pl.exceptions.PanicException as panic:  # no Exception: would end the process past all that close entries
        fail(delivery, panic, actor=actor)
        raise RuntimeError(f"polars gave up: {panic}") from panic
    except Exception as error:
        fail(delivery, error, actor=actor)
        raise


def _start(delivery: Delivery, found: FoundDelivery) -> None:
    delivery.status = Delivery.Status.LOADING
    delivery.bytes_total = found.size
    for name in COUNTED:
        setattr(delivery, name, 0)
    delivery.error = ""
    delivery.save()


def _format(found: FoundDelivery, expected: str) -> Format:
    format_ = detect(found)
    if not format_.name.startswith(expected):
        raise RefusedFileError(f"{found.path} is {format_.name}, not {expected}.")
    return format_


def _import_charges(reading: Reading, found: FoundDelivery, fetched: Fetched | None, actor: User | None) -> None:
    delivery, spool = reading.delivery, Spool(reading.folder)

    def keep(batch: ChargeBatch) -> None:
        spool.add(batch.charges, batch.totals, rows_before=reading.first_row(batch.file_index) - 1)

    reading.read(read_delivery(found), keep)
    key_ids = loader.prepare(spool)
    covered = _covered(delivery, found, fetched, spool)
    with transaction.atomic():
        loaded = loader.replace(spool, key_ids, source=delivery.source.name, delivery_id=delivery.pk, covered=covered)
        rows = sum(statement.row_count for statement in loaded.statements)
        if fetched:
            fetched.stay()  # here, not before: whoever disconnects does not wait for all of a large bill
        _close(reading, rows, actor, replaced=[statement.delivery_id for statement in loaded.superseded])
    loader.analyse(spool)


def _covered(delivery: Delivery, found: FoundDelivery, fetched: Fetched | None, spool: Spool) -> loader.Covered | None:
    """What was said before and is taken back where it is not said again. Rejected rows may be what seems to lack."""
    if delivery.rows_rejected:
        return None
    if fetched and fetched.covers:
        return loader.Covered(frozenset(fetched.earlier), fetched.covers.parts, None)
    days = days_without_costs(found)
    if not days:
        return None
    same = Delivery.objects.filter(source=delivery.source, format=delivery.format, pk__lt=delivery.pk)
    accounts = frozenset(statement.billing_account_id for statement in spool.statements())
    return loader.Covered(frozenset(same.values_list("pk", flat=True)), days, accounts)


def _import_records(
    reading: Reading,
    records: RecordSet,
    batches: Iterable[RecordBatch],
    fetched: Fetched | None,
    actor: User | None,
) -> None:
    delivery, files = reading.delivery, list[Path]()

    def keep(batch: RecordBatch) -> None:
        files.append(reading.folder / f"records-{len(files):05}.arrow")
        batch.records.write_ipc(files[-1], compression="lz4")
        delivery.rows_read -= batch.ends  # counted as a row of the file, which it is, but it is no record

    reading.read(batches, keep)
    frames: Iterator[pl.DataFrame] = (pl.read_ipc(path) for path in files)
    replace = import_string(LOADERS[records.name])
    with transaction.atomic():
        if fetched:
            fetched.stay()  # before the locks that disconnecting takes to close what this opens
        rows = replace(
            frames,
            source=delivery.source.name,
            delivery_id=delivery.pk,
            at=delivery.received_at,
            is_whole=delivery.rows_rejected == 0,
        )
        _close(reading, rows, actor, replaced=[])


def _close(reading: Reading, rows_loaded: int, actor: User | None, *, replaced: list[int]) -> None:
    delivery = reading.delivery
    _record_rows(reading)
    delivery.rows_loaded = rows_loaded
    delivery.rejected_billed_cost = reading.rejected_costs["billed_cost"]
    delivery.rejected_effective_cost = reading.rejected_costs["effective_cost"]
    none_accepted = delivery.rows_rejected > 0 and rows_loaded == 0
    finish(
        delivery,
        Delivery.Status.REJECTED if none_accepted else Delivery.Status.LOADED,
        error="No row could be accepted; see the rejected rows." if none_accepted else "",
        actor=actor,
        replaced=replaced,
    )


def _record_rows(reading: Reading) -> None:
    frames = (pl.read_ipc(path) for path in reading.rejected_files)
    copy_frames("sources_rejectedrow", REJECTED_COLUMNS, frames)
    for position, rows in reading.rows_of_files.items():
        reading.delivery.files.filter(position=position).update(first_row=reading.first_row(position), rows_read=rows)
