"""Resources say what people call the account that they are in."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that is empty until a source tells."""

    dependencies: ClassVar = [("inventory", "0001_tables")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="resource",
            name="sub_account_name",
            field=models.TextField(default="", help_text="as people call that account; empty = not told"),
        ),
    ]
