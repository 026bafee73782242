"""The table of the demo organisation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DemoOrganisation",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False),
                ),
                ("until", models.DateField(help_text="the last day of its data")),
                ("months", models.PositiveSmallIntegerField(help_text="calendar months of its data")),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                (
                    "loaded_at",
                    models.DateTimeField(
                        help_text="null = the load is under way or died: the next one goes on", null=True
                    ),
                ),
                ("removed_at", models.DateTimeField(null=True)),
                ("stories", models.JSONField(default=list, help_text="as apps.demo.stories.Story.as_json writes them")),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_demo_organisation")],
            },
        ),
    ]
