"""Rollups know how many charges they stand for, and how dear the dearest is."""

from django.db import migrations

from apps.core.sql import read_sql


class Migration(migrations.Migration):
    dependencies = [("costs", "0002_bill_part")]

    operations = [
        migrations.RunSQL(
            read_sql("costs", "rollup_counts"),
            "ALTER TABLE costs_dailycost DROP COLUMN charge_count;"
            "ALTER TABLE costs_monthlygroupcost DROP COLUMN charge_count;"
            "ALTER TABLE costs_monthlycost"
            " DROP COLUMN charge_count, DROP COLUMN highest_cost, DROP COLUMN lowest_cost",
        )
    ]
