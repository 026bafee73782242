"""Days made of hours: what pages over weeks read, and how the bills of machines and other resources divide."""

from typing import Final

from apps.core.sql import run_sql
from collectors.utilization import METRICS

GPU: Final = METRICS["gpu"].number
CPU: Final = METRICS["cpu"].number
MEMORY: Final = METRICS["memory"].number
IDLE_BELOW: Final = 0.02
"""A device did nothing in an hour whose 95th percentile is below it: what drivers take stays under it."""
IDLE_CPU_BELOW: Final = 0.03
"""The same of the cpu of a machine: below it Azure Advisor shuts machines down."""


def roll_up_days() -> None:
    """Make the days in the temporary table `rolled_day` (device_id, day) anew; runs in the caller's transaction.

    The 95th percentile of a day is the one, by nearest rank, of its hours' 95th percentiles.
    """
    run_sql("utilization", "roll_up_days", {})


def roll_up_use() -> None:
    """Divide the GPUs of these days anew among those who held them, with the other parts of the same cards."""
    run_sql("utilization", "roll_up_use", {"gpu": GPU, "idle_below": IDLE_BELOW})


def roll_up_resource_use() -> None:
    """Say anew how far those of these devices that are whole resources were used, by their cpu and memory."""
    run_sql("utilization", "roll_up_resource_use", {"cpu": CPU, "memory": MEMORY, "idle_below": IDLE_CPU_BELOW})
