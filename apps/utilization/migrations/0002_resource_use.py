"""How far machines, databases and so on were used by day, for what is known of them already too."""

from typing import Any

from django.db import connection, migrations, models

from apps.core.partitions import make_partitions
from apps.core.sql import read_sql
from apps.utilization.rollups import roll_up_resource_use


def fill(apps: Any, schema_editor: Any) -> None:
    """Roll up every day of which hours are known."""
    del apps, schema_editor
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT date_trunc('month', day)::date FROM utilization_day")
        months = [month for (month,) in cursor.fetchall()]
        make_partitions(["utilization_resource_use"], months)
        cursor.execute("DROP TABLE IF EXISTS rolled_day")
        cursor.execute(
            "CREATE TEMPORARY TABLE rolled_day ON COMMIT DROP AS SELECT DISTINCT device_id, day FROM utilization_day"
        )
    roll_up_resource_use()


class Migration(migrations.Migration):
    dependencies = [("utilization", "0001_tables")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="ResourceUse",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "device_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("day", models.DateField()),
                        (
                            "weight",
                            models.DecimalField(
                                decimal_places=9, help_text="minutes in which its cpu was measured", max_digits=24
                            ),
                        ),
                        (
                            "used",
                            models.DecimalField(
                                decimal_places=9,
                                help_text="of these, by the larger of cpu and memory of each hour",
                                max_digits=24,
                            ),
                        ),
                        (
                            "cpu_used",
                            models.DecimalField(
                                decimal_places=9, help_text="the same by cpu alone: of databases", max_digits=24
                            ),
                        ),
                        ("idle_minutes", models.FloatField(help_text="of these, in hours in which it did nothing")),
                        (
                            "device",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=models.deletion.DO_NOTHING,
                                related_name="resource_uses",
                                to="utilization.device",
                            ),
                        ),
                    ],
                    options={"db_table": "utilization_resource_use"},
                ),
            ],
            database_operations=[
                migrations.RunSQL(read_sql("utilization", "resource_use"), "DROP TABLE utilization_resource_use"),
                migrations.RunPython(fill, migrations.RunPython.noop),
            ],
        ),
    ]
