"""Django's registration of the app."""

from django.apps import AppConfig


class CostsConfig(AppConfig):
    name = "apps.costs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to changes of teams, tag keys and the inventory's tags. Imported here: models are there only now."""
        from apps.accounts.signals import allocation_changed  # noqa: PLC0415
        from apps.costs.allocation import reallocate_resources  # noqa: PLC0415
        from apps.costs.tasks import request_reallocation  # noqa: PLC0415
        from apps.inventory.signals import tags_changed  # noqa: PLC0415

        allocation_changed.connect(request_reallocation, dispatch_uid="costs.reallocate")
        tags_changed.connect(reallocate_resources, dispatch_uid="costs.reallocate_resources")
