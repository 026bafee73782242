"""Django's registration of the app."""

from django.apps import AppConfig


class UtilizationConfig(AppConfig):
    name = "apps.utilization"
    default_auto_field = "django.db.models.BigAutoField"
