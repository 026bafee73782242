"""The table of the demo organisation: one row, which says how far it is loaded."""

from typing import ClassVar

from django.db import models


class DemoOrganisation(models.Model):
    """That this database was given the demo. The row stays when the demo goes, so that it does not come back."""

    ONLY: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    until = models.DateField(help_text="the last day of its data")
    months = models.PositiveSmallIntegerField(help_text="calendar months of its data")
    started_at = models.DateTimeField(auto_now_add=True)
    loaded_at = models.DateTimeField(null=True, help_text="null = the load is under way or died: the next one goes on")
    removing_at = models.DateTimeField(null=True, help_text="when its removal began: from then on nobody gets in")
    removed_at = models.DateTimeField(null=True)
    stories = models.JSONField(default=list, help_text="as apps.demo.stories.Story.as_json writes them")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_demo_organisation")]

    @property
    def is_complete(self) -> bool:
        """Whether all its bills are loaded."""
        return self.loaded_at is not None
