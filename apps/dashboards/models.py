"""What people keep of the pages: saved views, and which team their overview is of."""

from typing import ClassVar

from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models

from apps.accounts.models import Team, User


class SavedView(models.Model):
    """A page's address with a name. It holds no numbers: who opens it sees what their own scope lets through."""

    LONGEST_NAME: ClassVar = 100
    LONGEST_QUERY: ClassVar = 3_000

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="saved_views")
    name = models.TextField(
        validators=[
            MaxLengthValidator(LONGEST_NAME, f"Use at most {LONGEST_NAME} characters."),
            RegexValidator(r"^[^\x00-\x1f\x7f]*$", "Write the name in one line."),
        ]
    )
    path = models.TextField(help_text="of the page, like /costs/; one of apps.dashboards.addresses.PAGES")
    query = models.TextField(blank=True, help_text="the parameters, in stable order, without `view` and `page`")
    is_shared = models.BooleanField(default=False, help_text="whether everybody sees it in their list")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["path", "name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "path", "name"], name="one_saved_view_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class OverviewTeam(models.Model):
    """The team whose overview a person wants to see; no row means everything that they may see."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="overview_team")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.team_id}"
