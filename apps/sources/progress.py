"""How far the loading of a delivery is, in words and as a share: for pages and for the script that follows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from django.utils import timezone

from apps.core import money
from apps.core.progress import time_left
from apps.sources.models import Delivery

OPEN: Final = (Delivery.Status.QUEUED, Delivery.Status.LOADING)


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a delivery's loading; `permille` is of its bytes."""

    is_open: bool
    permille: int
    read: str
    left: str

    @classmethod
    def of(cls, delivery: Delivery, *, now: datetime | None = None) -> Self:
        """Where the delivery stands at `now`."""
        is_open = delivery.status in OPEN
        share = min(delivery.bytes_read / delivery.bytes_total, 1) if delivery.bytes_total else 0
        if delivery.status == Delivery.Status.QUEUED:
            return cls(is_open, 0, f"{money.size(delivery.bytes_total)} waiting", "Starts when a worker is free.")
        rows = money.counted(delivery.rows_read, "row")
        read = f"{rows}, {money.size(delivery.bytes_read)} of {money.size(delivery.bytes_total)}"
        left = _left(share, (now or timezone.now()) - delivery.received_at) if is_open else ""
        return cls(is_open, round(share * 1000), read, left)


def _left(share: float, taken: timedelta) -> str:
    return "Read. Writing to the database." if share >= 1 else time_left(share, taken) or "Reading."
