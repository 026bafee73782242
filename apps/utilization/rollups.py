"""Days made of hours: what pages over weeks read, and how the bill of a machine divides."""

from typing import Final

from apps.core.sql import run_sql
from collectors.utilization import METRICS

GPU: Final = METRICS["gpu"].number
IDLE_BELOW: Final = 0.02
"""A device did nothing in an hour whose 95th percentile is below it: what drivers take stays under it."""


def roll_up_days() -> None:
    """Make the days in the temporary table `rolled_day` (device_id, day) anew; runs in the caller's transaction.

    The 95th percentile of a day is the one, by nearest rank, of its hours' 95th percentiles.
    """
    run_sql("utilization", "roll_up_days", {})


def roll_up_use() -> None:
    """Divide the GPUs of these days anew among those who held them, with the other parts of the same cards."""
    run_sql("utilization", "roll_up_use", {"gpu": GPU, "idle_below": IDLE_BELOW})
