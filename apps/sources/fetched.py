"""What is special about a delivery that was copied from a provider."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collectors.connections import Covers


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where the files of a delivery are from, and what they speak of."""

    address: str  # where from: what the ledger calls the delivery
    root: Path  # the folder that they were copied to
    is_latest: bool  # whether they are what the provider says now
    covers: Covers | None = None  # what they say all of
    earlier: tuple[int, ...] = ()  # deliveries of the same name from the same place, the newest last
    stay: Callable[[], None] = lambda: None
    """Called in the transaction of the load: nobody disconnects the source until it ends. Raises StoppedError where
    that has happened, or the run was cancelled."""
