"""Statements may be parts of a bill, which deliveries of some formats come in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("costs", "0001_tables")]

    operations = [
        migrations.AddField(
            model_name="statement",
            name="bill_part",
            field=models.TextField(
                db_default="",
                default="",
                help_text="which part of the bill this is, where bills come in parts; empty = the whole bill",
            ),
        ),
        migrations.RemoveConstraint(model_name="statement", name="one_current_statement"),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at", None)),
                fields=("source", "billing_account_id", "billing_period_start", "billing_currency", "bill_part"),
                name="one_current_statement",
            ),
        ),
    ]
