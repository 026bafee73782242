"""The demo at the start of everything: loaded into an empty database while saying how far it is."""

import time

from apps.demo.commands import how_to_sign_in, yesterday
from apps.demo.queries import demo_loaded, wants_demo
from apps.demo.services import Progress as Loaded
from apps.demo.services import load_demo
from finops.progress import Progress

TELL_SECONDS = 5.0


def load_where_wanted(progress: Progress) -> None:
    """Load the demo into an empty database, or go on with a load that died; else do nothing."""
    if not wants_demo():
        return
    progress.say("  Loading the demo organisation; --no-demo starts without it")
    told = time.monotonic()

    def tell(now: Loaded) -> None:
        nonlocal told
        if time.monotonic() - told > TELL_SECONDS or now.bills == now.of:
            told = time.monotonic()
            left = f", about {now.seconds_left:.0f} s left" if now.seconds_left else ""
            progress.say(f"    {now.bills} of {now.of} bills, {now.rows:,} rows{left}")

    load_demo(until=yesterday(), progress=tell)


def demo_logins() -> str:
    """How to sign in to the demo, in a sentence; empty where there is none."""
    return how_to_sign_in() if demo_loaded() else ""
