"""The end of what a source tells of: ended when it is asked no more, or taken out of the database whole."""

from datetime import datetime

from apps.core.locks import hold
from apps.pricing.models import Price, PriceList


def end_source(source: str, *, at: datetime) -> int:
    """End the prices of a source's lists: nobody says any more that they hold. What they were stays.

    How many prices. Runs in the caller's transaction.
    """
    hold(f"prices of {source}")
    return Price.objects.filter(list__source=source, seen_until=None).update(seen_until=at)


def remove_source(source: str) -> None:
    """Delete a source's lists and the prices in them with their history; runs in the caller's transaction."""
    PriceList.objects.filter(source=source).delete()
