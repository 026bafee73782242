"""A node that was two machines on a day is two node days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clusters", "0001_tables")]

    operations = [
        migrations.RemoveConstraint(model_name="nodeday", name="one_node_a_day"),
        migrations.AddConstraint(
            model_name="nodeday",
            constraint=models.UniqueConstraint(
                fields=["cluster", "day", "node", "resource_id"], name="one_machine_of_a_node_a_day"
            ),
        ),
    ]
