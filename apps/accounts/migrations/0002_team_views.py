"""Who is meant by a tag's value or a sub account: one rule for charges and for resources."""

from django.db import migrations

from apps.core.sql import read_sql


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_tables")]

    operations = [
        migrations.RunSQL(
            read_sql("accounts", "team_views"),
            "DROP VIEW accounts_team_of_account, accounts_team_of_value",
        ),
    ]
