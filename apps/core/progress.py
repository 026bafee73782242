"""How long work that is under way will still take, in words."""

from datetime import timedelta
from typing import Final

from apps.core import money

TOO_EARLY: Final = timedelta(seconds=2)
"""Before that, no honest word about the time left can be said."""
SHORTEST: Final = 10  # seconds: what is said of less than that is gone before it is read


def time_left(share: float, taken: timedelta) -> str:
    """`About 40 s left.` after `taken`, in which `share` (0 to 1) was done; empty while that cannot be known."""
    if not 0 < share < 1 or taken < TOO_EARLY:
        return ""
    seconds = round((taken * (1 / share - 1)).total_seconds())
    return f"About {money.duration(timedelta(seconds=max(seconds, SHORTEST)))} left."
