"""Loading the demo into an empty database."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.audit import record
from apps.core.errors import UserError
from apps.core.locks import held
from apps.costs.loader import analyse_tables
from apps.demo.focus import write
from apps.demo.generator import MONTHS, PROVIDERS, Bill, bills, months_until
from apps.demo.models import DemoOrganisation
from apps.demo.people import make_organisation
from apps.demo.queries import is_empty
from apps.demo.stories import StoryBook
from apps.sources.models import Delivery
from apps.sources.services import import_bill, note_interrupted
from collectors.files import FoundDelivery

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


def _import(bill: Bill, folder: Path) -> None:
    path = folder / bill.file_name
    write(bill.charges, path)
    found = FoundDelivery(Path(SOURCE, bill.file_name), (path,))
    delivery = import_bill(found, source=SOURCE, actor=None, origin=Delivery.Origin.COMMAND_LINE).delivery
    path.unlink()
    if delivery.status != Delivery.Status.LOADED:
        raise UserError(f"The demo's bill {bill.file_name} could not be loaded: {delivery.error}")


@transaction.atomic
def _complete(demo: DemoOrganisation, book: StoryBook) -> None:
    analyse_tables()
    demo.stories = [story.as_json() for story in book.stories()]
    demo.loaded_at = timezone.now()
    demo.save(update_fields=["stories", "loaded_at"])
    record(actor=None, action="demo.loaded", target="demo:1", after={"until": demo.until, "months": demo.months})
