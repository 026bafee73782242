"""The end of what a source tells of: closed when it is asked no more, or taken out of the database whole."""

from datetime import datetime

from apps.core.locks import hold
from apps.inventory.models import Listing, Resource, ResourceState


def close_source(source: str, *, at: datetime) -> int:
    """Close what a source has told of and is open: nobody says any more that it exists. Its history stays.

    How many resources. Runs in the caller's transaction.
    """
    hold(f"inventory of {source}")
    open_ = Resource.objects.filter(source=source, closed_at=None)
    ResourceState.objects.filter(resource__in=open_, is_latest=True, valid_to=None).update(valid_to=at)
    return open_.update(closed_at=at)


def remove_source(source: str) -> None:
    """Delete a source's listings and resources with their history; runs in the caller's transaction."""
    Resource.objects.filter(source=source).delete()
    Listing.objects.filter(source=source).delete()
