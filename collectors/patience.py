"""Asking a provider a few times before giving up: for a moment, any of them falters."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from collectors.errors import ProviderRefusedError, ProviderUnavailableError

TRIES: Final = 3
PAUSE: Final = 0.3  # seconds before the second try, twice as long before each further one

Problem = ProviderRefusedError | ProviderUnavailableError
Answer = TypeVar("Answer")


def patiently(
    ask: Callable[[], Answer], faults: tuple[type[Exception], ...], explain: Callable[[Exception], Problem]
) -> Answer:
    """What `ask` returns, asked again after a moment when the provider falters without saying for how long.

    Raises what `explain` makes of the last fault.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return ask()
        except faults as error:
            problem = explain(error)
            asked_to_wait = getattr(problem, "retry_after", None) is not None
            if isinstance(problem, ProviderRefusedError) or asked_to_wait or attempt == TRIES:
                raise problem from error
            time.sleep(PAUSE * 2 ** (attempt - 1))
    raise AssertionError("the last try returns or raises")
