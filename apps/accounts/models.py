"""Who may do what: users, teams, API tokens, audit events and the organisation's settings."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Role(models.TextChoices):
    """What a person is in the organisation; roles.py says what each may do."""

    ADMIN = "admin", "Admin"
    FINANCE = "finance", "Finance"
    ENGINEERING_LEAD = "engineering_lead", "Engineering lead"
    VIEWER = "viewer", "Viewer"


class Team(models.Model):
    """Owner of costs. A charge is a team's when its sub account is listed here or its team tag names the team."""

    slug = models.SlugField(unique=True, help_text="what costs are allocated to; never changes")
    name = models.TextField()
    tag_values = ArrayField(
        models.TextField(), default=list, blank=True, help_text="values of the team tag besides slug and name"
    )
    sub_account_ids = ArrayField(models.TextField(), default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person or a program that signs in. Never deleted, only deactivated: the audit log names them."""

    role = models.TextField(choices=Role, default=Role.VIEWER)
    teams = models.ManyToManyField(Team, related_name="members", blank=True)
    must_change_password = models.BooleanField(
        default=False, help_text="the password was given by somebody else and is good for one sign-in"
    )

    class Meta:
        ordering: ClassVar = ["username"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
        ]


def default_team_tag_keys() -> list[str]:
    """Tag keys that name the team of a charge, first match wins."""
    return ["team"]


def default_environment_tag_keys() -> list[str]:
    """Tag keys that name the environment of a charge, first match wins."""
    return ["environment", "env"]


def default_workload_tag_keys() -> list[str]:
    """Tag keys that name the workload of a charge, first match wins."""
    return ["workload", "app"]


class Organisation(models.Model):
    """The one organisation of this installation. Its row comes with the first change; until then defaults hold."""

    ONLY: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    name = models.TextField(default="", blank=True)
    reporting_currency = models.TextField(default="", blank=True, help_text="ISO 4217 code; empty = not set")
    week_start = models.PositiveSmallIntegerField(default=1, help_text="ISO weekday: 1 = Monday ... 7 = Sunday")
    fiscal_year_start_month = models.PositiveSmallIntegerField(default=1, help_text="1 = January")
    team_tag_keys = ArrayField(models.TextField(), default=default_team_tag_keys, blank=True)
    environment_tag_keys = ArrayField(models.TextField(), default=default_environment_tag_keys, blank=True)
    workload_tag_keys = ArrayField(models.TextField(), default=default_workload_tag_keys, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_organisation"),
            models.CheckConstraint(
                condition=models.Q(reporting_currency="") | models.Q(reporting_currency__regex=r"^[A-Z]{3}$"),
                name="reporting_currency_is_iso_4217",
            ),
            models.CheckConstraint(condition=models.Q(week_start__range=(1, 7)), name="week_start_is_a_weekday"),
            models.CheckConstraint(
                condition=models.Q(fiscal_year_start_month__range=(1, 12)), name="fiscal_year_starts_in_a_month"
            ),
        ]

    @classmethod
    def current(cls) -> "Organisation":
        """The organisation's settings; the defaults (unsaved) while nobody has changed any."""
        return cls.objects.filter(pk=cls.ONLY).first() or cls()


class TokenScope(models.TextChoices):
    """What a token may be used for, within what its user may do."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"


class ApiToken(models.Model):
    """A program's key to the API. Only a hash of it is kept; the text is shown once, when it is made."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.TextField()
    prefix = models.TextField(unique=True, help_text="the public beginning of the token, to recognise it by")
    digest = models.TextField(help_text="SHA-256 of the whole token, in hex")
    scope = models.TextField(choices=TokenScope, default=TokenScope.READ)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, help_text="null = never")
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="to the hour, so that a read does not write")

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(scope__in=TokenScope.values), name="token_scope_is_known"),
        ]


class SignInAttempt(models.Model):
    """A password that is being tried or was wrong: what throttling counts."""

    username = models.TextField(help_text="in lower case")
    address = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="sign_in_attempt_at"),
            models.Index(fields=["username", "at"], name="sign_in_attempt_username"),
            models.Index(fields=["address", "at"], name="sign_in_attempt_address"),
        ]


class AuditEvent(models.Model):
    """One change that somebody made, chained to the one before by its hash. A trigger refuses to alter it."""

    at = models.DateTimeField()
    actor = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", help_text="null = the system"
    )
    actor_name = models.TextField(help_text="user name at that time")
    action = models.TextField(help_text="what was done, like token.created")
    target = models.TextField(help_text="to what, like token:12")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    remote_address = models.TextField(blank=True)
    previous_hash = models.TextField(unique=True, help_text="hash of the event before; unique, so that no chain forks")
    hash = models.TextField(unique=True, help_text="SHA-256 over the canonical JSON of everything above, in hex")

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["at"], name="audit_event_at"),
            models.Index(fields=["action"], name="audit_event_action"),
            models.Index(fields=["target"], name="audit_event_target"),
        ]


class AuditHead(models.Model):
    """The end of the audit chain, kept apart from it: it is locked while an event is written, and shows a cut tail."""

    ONLY: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    events = models.BigIntegerField(default=0, help_text="how many events the chain holds")
    hash = models.TextField(help_text="hash of the newest event")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_audit_head")]
