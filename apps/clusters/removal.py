"""Taking what a source told of out of the database, whole."""

from apps.clusters.models import NodeDay, Pod


def remove_source(source: str) -> None:
    """Delete a source's nodes and pods with their days; runs in the caller's transaction."""
    pods = list(Pod.objects.filter(days__node_day__source=source).order_by().values_list("pk", flat=True).distinct())
    NodeDay.objects.filter(source=source).delete()
    Pod.objects.filter(pk__in=pods, days=None).delete()
