"""One delivery from files into facts: read, spool, load in one transaction; its ledger entry says how it went."""

import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import polars as pl
from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.costs import loader
from apps.costs.spool import Spool
from apps.sources.ledger import Progress, fail, finish
from apps.sources.models import Delivery
from collectors.billing import ChargeBatch, detect, read_delivery
from collectors.charges import REJECTED_SCHEMA
from collectors.errors import CollectorError, RefusedFileError
from collectors.files import FoundDelivery

COUNTED = ("rows_read", "rows_rejected", "rounded_values", "bytes_read")
PROGRESS_EVERY = 0.5  # seconds
REJECTED_COLUMNS = ("delivery_id", "position", *REJECTED_SCHEMA.names())


@dataclass
class Reading:
    """What has been read of a delivery so far: charges in the spool, rejected rows beside it, counts on the entry."""

    delivery: Delivery
    spool: Spool
    rows_of_files: dict[int, int] = field(default_factory=dict)
    rejected_files: list[Path] = field(default_factory=list)
    rejected_costs: dict[str, Decimal | None] = field(
        default_factory=lambda: {"billed_cost": Decimal(0), "effective_cost": Decimal(0)}
    )

    def add(self, batch: ChargeBatch) -> None:
        """Keep one batch; files come one after the other, each batch in the order of its rows."""
        self.rows_of_files.setdefault(batch.file_index, 0)
        self.spool.add(batch.charges, batch.totals, rows_before=self.first_row(batch.file_index) - 1)
        if batch.rejected.height:
            self._keep_rejected(batch)
        self.rows_of_files[batch.file_index] += batch.rows_read
        self.delivery.rows_read += batch.rows_read
        self.delivery.rounded_values += batch.rounded_values
        self.delivery.bytes_read = batch.bytes_read

    def first_row(self, position: int) -> int:
        """Ordinal in the delivery of the first row of the file at `position`."""
        return 1 + sum(rows for earlier, rows in self.rows_of_files.items() if earlier < position)

    def _keep_rejected(self, batch: ChargeBatch) -> None:
        path = self.spool.folder / f"rejected-{len(self.rejected_files):05}.arrow"
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
    root: Path | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Read and load one delivery whose ledger entry exists; the entry ends as loaded, rejected or failed.

    Sentences name files from `root` on, else from the folder of the delivery.

    Raises what made it fail (disk full, database gone ...) after noting it on the entry where that is still possible.
    Safe to repeat: until the one transaction at the end commits, nothing is visible.
    """
    _start(delivery, found)
    try:
        with tempfile.TemporaryDirectory(prefix="import-", dir=settings.FINOPS_HOME / "tmp") as folder:
            delivery.format = _format(found, expected)
            reading = _read(delivery, found, Path(folder), progress)
            _load(reading, actor)
        loader.analyse(reading.spool)
    except (CollectorError, loader.OutdatedError) as error:
        sentence = str(error).replace(f"{root or found.path.parent}/", "")
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


def _format(found: FoundDelivery, expected: str) -> str:
    name = detect(found).name
    if not name.startswith(expected):
        raise RefusedFileError(f"{found.path} is {name}, not {expected}.")
    return name


def _read(delivery: Delivery, found: FoundDelivery, folder: Path, progress: Progress) -> Reading:
    reading = Reading(delivery, Spool(folder))
    told = 0.0
    for batch in read_delivery(found):
        reading.add(batch)
        if time.monotonic() - told > PROGRESS_EVERY:
            told = time.monotonic()
            delivery.save(update_fields=["format", *COUNTED])
            progress(delivery)
    delivery.save(update_fields=["format", *COUNTED])
    progress(delivery)
    return reading


def _load(reading: Reading, actor: User | None) -> None:
    delivery = reading.delivery
    key_ids = loader.prepare(reading.spool)
    with transaction.atomic():
        loaded = loader.replace(reading.spool, key_ids, source=delivery.source.name, delivery_id=delivery.pk)
        _record_rows(reading)
        delivery.rows_loaded = sum(statement.row_count for statement in loaded.statements)
        delivery.rejected_billed_cost = reading.rejected_costs["billed_cost"]
        delivery.rejected_effective_cost = reading.rejected_costs["effective_cost"]
        none_accepted = delivery.rows_rejected > 0 and delivery.rows_loaded == 0
        finish(
            delivery,
            Delivery.Status.REJECTED if none_accepted else Delivery.Status.LOADED,
            error="No row could be accepted; see the rejected rows." if none_accepted else "",
            actor=actor,
            replaced=[statement.delivery_id for statement in loaded.superseded],
        )


def _record_rows(reading: Reading) -> None:
    frames = (pl.read_ipc(path) for path in reading.rejected_files)
    loader.copy_frame("sources_rejectedrow", REJECTED_COLUMNS, frames)
    for position, rows in reading.rows_of_files.items():
        reading.delivery.files.filter(position=position).update(first_row=reading.first_row(position), rows_read=rows)
