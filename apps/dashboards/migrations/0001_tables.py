"""The table of saved views."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.TextField(
                        validators=[
                            django.core.validators.MaxLengthValidator(100, "Use at most 100 characters."),
                            django.core.validators.RegexValidator(
                                "^[^\\x00-\\x1f\\x7f]*$", "Write the name in one line."
                            ),
                        ]
                    ),
                ),
                (
                    "path",
                    models.TextField(help_text="of the page, like /costs/; one of apps.dashboards.addresses.PAGES"),
                ),
                (
                    "query",
                    models.TextField(
                        blank=True, help_text="the parameters, in stable order, without `view` and `page`"
                    ),
                ),
                ("is_shared", models.BooleanField(default=False, help_text="whether everybody sees it in their list")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["path", "name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "path", "name"), name="one_saved_view_of_a_name")
                ],
            },
        ),
    ]
