"""Django's registration of the app."""

from django.apps import AppConfig


class CostsConfig(AppConfig):
    name = "apps.costs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to changes of teams and tag keys."""
        from apps.accounts.signals import allocation_changed
        from apps.costs.tasks import reallocate

        allocation_changed.connect(lambda **_: reallocate.delay(), weak=False, dispatch_uid="costs.reallocate")
