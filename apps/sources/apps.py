"""Django's registration of the app."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "apps.sources"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the tasks, so that the web process can queue them too."""
        import apps.sources.tasks  # noqa: F401, PLC0415 - needs the models, which are not loaded before now
