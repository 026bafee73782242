"""Django's registration of the app."""

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    name = "apps.clusters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to changes of teams and tag keys. Imported here: models are there only now."""
        from apps.accounts.signals import allocation_changed  # noqa: PLC0415
        from apps.clusters.tasks import request_owners  # noqa: PLC0415

        allocation_changed.connect(request_owners, dispatch_uid="clusters.owners")
