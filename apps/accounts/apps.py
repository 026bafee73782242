"""Django's registration of the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers that audit sign-ins."""
        import apps.accounts.signin  # noqa: F401, PLC0415 - needs the models, which are not loaded before now
