"""How far back a newer statement changed days, and by service what it changed of a period that was over."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("costs", "0003_rollup_counts")]

    operations = [
        # which days a statement has is then one look into the index for each
        migrations.RunSQL(
            "DROP INDEX costs_dailycost_statement;"
            " CREATE INDEX costs_dailycost_statement ON costs_dailycost (statement_id, day)",
            "DROP INDEX costs_dailycost_statement;"
            " CREATE INDEX costs_dailycost_statement ON costs_dailycost (statement_id)",
        ),
        migrations.AddField(
            "statement",
            "restated_days",
            models.IntegerField(
                null=True,
                help_text="age of the oldest complete day that it changed when it was loaded, in days; 0 = it changed"
                " none; null = nothing was known before",
            ),
        ),
        migrations.CreateModel(
            name="Restatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("service", models.TextField()),
                ("sub_account", models.TextField()),
                ("before", models.DecimalField(decimal_places=18, max_digits=38)),
                ("after", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="restatements",
                        to="costs.statement",
                    ),
                ),
            ],
        ),
    ]
