"""Loading the demo into an empty database."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Final

import polars as pl
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.audit import record
from apps.core.errors import UserError
from apps.core.locks import held
from apps.costs.loader import analyse_tables
from apps.demo.clusters import cluster_usage
from apps.demo.focus import write
from apps.demo.generator import MONTHS, PROVIDERS, Bill, bills, months_until
from apps.demo.inventory import snapshots
from apps.demo.models import DemoOrganisation
from apps.demo.people import make_organisation
from apps.demo.prices import price_lists
from apps.demo.queries import is_empty
from apps.demo.stories import StoryBook
from apps.demo.utilization import METERED, tenancy, utilization
from apps.sources.models import Delivery
from apps.sources.services import import_bill, note_interrupted
from collectors.files import FoundDelivery
from collectors.kubernetes_usage import KUBERNETES_USAGE
from collectors.prices import PRICES
from collectors.records import RecordSet, write_frame, write_records
from collectors.resources import RESOURCES
from collectors.tenancy import TENANCY
from collectors.utilization import UTILIZATION

SOURCE: Final = "demo"
LOCK: Final = "demo"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is: bills of all bills, rows so far, and seconds left."""

    bills: int
    of: int
    rows: int
    seconds_left: float


def load_demo(*, until: date, progress: Callable[[Progress], None], months: int = MONTHS) -> DemoOrganisation:
    """Load the demo up to and with the day `until`, or finish a load that died: then with the day that it began with.

    Raises UserError where the database is in use already.
    """
    with held(LOCK):
        note_interrupted()
        demo = _begin(until, months)
        if not demo.is_complete:
            book = StoryBook(first=months_until(demo.until, demo.months)[0], until=demo.until)
            _import_bills(demo, book, progress)
            _import_snapshots(demo)
            _import_cluster_usage(demo)
            _import_utilization(demo, book.first)
            _complete(demo, book)
        return demo


@transaction.atomic
def _begin(until: date, months: int) -> DemoOrganisation:
    """The row of a load that may go on, else a new one with the organisation's teams and people."""
    demo = DemoOrganisation.objects.first()
    if demo is None and is_empty():
        demo = DemoOrganisation.objects.create(until=until, months=months)
        make_organisation()
        record(actor=None, action="demo.started", target="demo:1", after={"until": until})
    if demo is None or demo.removing_at or demo.removed_at:
        raise UserError("This database is in use: the demo needs an empty one. Set FINOPS_HOME to another folder.")
    return demo


def _import_bills(demo: DemoOrganisation, book: StoryBook, progress: Callable[[Progress], None]) -> None:
    started, loaded, of = time.monotonic(), 0, demo.months * len(PROVIDERS)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=settings.FINOPS_HOME / "tmp") as folder:
        for place, bill in enumerate(bills(demo.until, demo.months), start=1):
            book.add(bill)
            _import(bill, Path(folder))
            loaded += bill.charges.height
            left = (time.monotonic() - started) / place * (of - place)
            progress(Progress(place, of, loaded, left))


def _import_snapshots(demo: DemoOrganisation) -> None:
    """What exists and what is asked for it, as each was read on a few days."""
    readings = ((RESOURCES, snapshots(demo.until)), (PRICES, price_lists(demo.until)))
    with tempfile.TemporaryDirectory(prefix="demo-", dir=settings.FINOPS_HOME / "tmp") as folder:
        for records, read in readings:
            for at, rows in read:
                _load(write_records(records, rows, Path(folder)), f"{records.name}-{at:%Y-%m-%d}.csv", at)


def _import_cluster_usage(demo: DemoOrganisation) -> None:
    with tempfile.TemporaryDirectory(prefix="demo-", dir=settings.FINOPS_HOME / "tmp") as folder:
        path = write_records(KUBERNETES_USAGE, cluster_usage(demo.until), Path(folder))
        _load(path, f"kubernetes-{demo.until}.csv")


def _import_utilization(demo: DemoOrganisation, first: date) -> None:
    made: tuple[tuple[RecordSet, Callable[[str, date, date], pl.DataFrame]], ...] = (
        (UTILIZATION, utilization),
        (TENANCY, tenancy),
    )
    with tempfile.TemporaryDirectory(prefix="demo-", dir=settings.FINOPS_HOME / "tmp") as folder:
        for records, make in made:
            for provider in METERED:
                path = write_frame(records, make(provider, first, demo.until), Path(folder))
                _load(path, f"{records.name}-{provider}-{demo.until}.parquet", _end_of(demo.until))


def _end_of(day: date) -> datetime:
    """When what is known of a day is received."""
    return datetime.combine(day + timedelta(days=1), clock(), UTC)


def _import(bill: Bill, folder: Path) -> None:
    path = folder / bill.file_name
    write(bill.charges, path)
    _load(path, bill.file_name)


def _load(path: Path, name: str, received_at: datetime | None = None) -> None:
    """Import a file under a name, and delete it."""
    found = FoundDelivery(Path(SOURCE, name), (path,))
    origin = Delivery.Origin.COMMAND_LINE
    delivery = import_bill(found, source=SOURCE, actor=None, origin=origin, received_at=received_at).delivery
    path.unlink()
    if delivery.status != Delivery.Status.LOADED:
        raise UserError(f"The demo's file {name} could not be loaded: {delivery.error}")


@transaction.atomic
def _complete(demo: DemoOrganisation, book: StoryBook) -> None:
    analyse_tables()
    demo.stories = [story.as_json() for story in book.stories()]
    demo.loaded_at = timezone.now()
    demo.save(update_fields=["stories", "loaded_at"])
    record(actor=None, action="demo.loaded", target="demo:1", after={"until": demo.until, "months": demo.months})
