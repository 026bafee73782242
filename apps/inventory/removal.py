"""Taking what a source told of out of the database, whole."""

from apps.inventory.models import Listing, Resource


def remove_source(source: str) -> None:
    """Delete a source's listings and resources with their history; runs in the caller's transaction."""
    Resource.objects.filter(source=source).delete()
    Listing.objects.filter(source=source).delete()
