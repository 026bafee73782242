"""Where a run looked: what came under one name from one place replaces itself whole."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sources", "0002_live_sources"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="place",
            field=models.TextField(blank=True, default="", help_text="where its source looked when it was fetched"),
            preserve_default=False,
        ),
    ]
