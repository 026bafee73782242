"""The time when the removal of the demo began."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("demo", "0001_tables"),
    ]

    operations = [
        migrations.AddField(
            model_name="demoorganisation",
            name="removing_at",
            field=models.DateTimeField(help_text="when its removal began: from then on nobody gets in", null=True),
        ),
    ]
