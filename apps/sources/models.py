"""Where bills come from and the ledger of what was delivered: sources, runs, deliveries, files and rejected rows."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from collectors.connections import BILLS, KINDS, kind_of

USER = settings.AUTH_USER_MODEL
UPLOAD = "upload"
"""The kind of a source whose bills people bring; every other kind is one of collectors.connections.KINDS."""


class Source(models.Model):
    """A stream of deliveries that replace each other, month by month: a connection or a place where files come from."""

    name = models.TextField(unique=True, help_text="never changes: statements are filed under it")
    kind = models.TextField(default=UPLOAD)
    settings = models.JSONField(default=dict, help_text="where to look; nothing secret")
    secrets = models.BinaryField(default=b"", help_text="credentials, encrypted; empty = none")
    owner = models.ForeignKey(
        USER,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="who is told when it fails",
    )
    is_active = models.BooleanField(default=True)
    paused_reason = models.TextField(blank=True, help_text="why it is not active; empty = a person paused it")
    refresh_hours = models.IntegerField(default=24)
    failures = models.IntegerField(default=0, help_text="runs in a row that failed or were refused")
    last_success_at = models.DateTimeField(null=True)
    next_run_at = models.DateTimeField(null=True, help_text="when it is looked at next")
    rests_until = models.DateTimeField(null=True, help_text="until then nothing is asked of the provider: it said so")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether it is collected; else its bills are brought by people."""
        return self.kind != UPLOAD

    @property
    def loading_lock(self) -> str:
        """Shared by what is being loaded of it, held alone by who disconnects it: one is over before the other."""
        return f"loading source {self.pk}"

    @property
    def brings(self) -> str:
        """What its deliveries are: one of collectors.connections.BRINGS; people bring bills."""
        return kind_of(self.kind).brings if self.kind in KINDS else BILLS


class Delivery(models.Model):
    """One bill as it came: a file, the chunks of one export, or all files of a manifest. Never deleted."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        LOADING = "loading"
        LOADED = "loaded"
        REJECTED = "rejected", "rejected"  # refused whole, or not one row was acceptable
        FAILED = "failed"  # nothing of it was loaded; can be tried again

    class Origin(models.TextChoices):
        UPLOAD = "upload"
        COMMAND_LINE = "command line"
        SCHEDULE = "schedule"

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="deliveries")
    path = models.TextField(help_text="where it came from, as it was named: a file, a folder's chunks or a manifest")
    sha256 = models.TextField(help_text="over the contents of all files, in order")
    format = models.TextField(blank=True, help_text='as detected from the header, for example "FOCUS 1.2"')
    status = models.TextField(choices=Status, default=Status.QUEUED)
    origin = models.TextField(choices=Origin)
    actor = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    rows_read = models.BigIntegerField(default=0)
    rows_loaded = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rejected_billed_cost = models.DecimalField(
        max_digits=38,
        decimal_places=18,
        null=True,
        default=0,
        help_text="in the rejected rows; null where one of them cannot be read",
    )
    rejected_effective_cost = models.DecimalField(max_digits=38, decimal_places=18, null=True, default=0)
    rounded_values = models.BigIntegerField(default=0, help_text="amounts of more than 18 decimals, rounded half even")
    bytes_read = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, help_text="why it was rejected or failed, and what to do")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes: ClassVar = [
            models.Index(fields=["-received_at", "-id"], name="delivery_newest_first"),
            models.Index(fields=["source", "sha256"], name="delivery_content"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def lock_name(self) -> str:
        """Held by whoever is loading this content, so that the same bill is never loaded twice at once."""
        return f"delivery {self.source_id} {self.sha256}"


class Run(models.Model):
    """One collection: looking for what is new (no name), or fetching and loading one delivery. Its own ledger entry."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"  # to be tried again at next_attempt_at
        DONE = "done"
        UNCHANGED = "unchanged"
        REFUSED = "refused"  # by the provider or by the importer; waiting does not help
        FAILED = "failed"  # after the last attempt, or by a fault
        CANCELLED = "cancelled"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    name = models.TextField(blank=True, help_text="of the remote delivery; empty = looking for what is new")
    address = models.TextField(blank=True)
    place = models.TextField(blank=True, help_text="where its source looked when it was fetched")
    fingerprint = models.TextField(blank=True, help_text="of the content that it fetches")
    billing_period = models.DateField(null=True, help_text="first day; when looking: the first period looked at")
    status = models.TextField(choices=Status, default=Status.QUEUED)
    attempt = models.IntegerField(default=0)
    wants_cancel = models.BooleanField(default=False)
    requested_by = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+")
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, null=True, related_name="runs")
    rows = models.BigIntegerField(default=0, help_text="rows read; when looking: deliveries found")
    bytes = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    calls = models.IntegerField(default=0, help_text="requests sent to the provider")
    error = models.TextField(blank=True, help_text="what went wrong at the last attempt, and what to do")
    queued_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, help_text="when a worker was asked for")
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)

    OPEN: ClassVar = (Status.QUEUED, Status.RUNNING, Status.WAITING)
    GOOD: ClassVar = (Status.DONE, Status.UNCHANGED)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "name"],
                condition=models.Q(status__in=("queued", "running", "waiting")),
                name="one_open_run",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["source", "-id"], name="run_newest_first"),
            models.Index(
                fields=["status"], condition=models.Q(status__in=("queued", "running", "waiting")), name="run_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.name or 'looks for what is new'}"

    @property
    def lock_name(self) -> str:
        """Held by whoever executes it: a delivery is collected once at a time, and a lost worker shows."""
        return f"run {self.source_id} {self.name}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of it."""
        return self.status in self.OPEN


class DeliveryFile(models.Model):
    """One file of a delivery. Its row n is the delivery's row `first_row` + n - 1."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="files")
    position = models.IntegerField(help_text="0 is the first file")
    name = models.TextField()
    sha256 = models.TextField()
    size = models.BigIntegerField(help_text="bytes")
    first_row = models.BigIntegerField(null=True, help_text="ordinal in the delivery of the file's first data row")
    rows_read = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["delivery", "position"], name="one_file_a_position")]

    def __str__(self) -> str:
        return self.name


class RejectedRow(models.Model):
    """A row that was not accepted: where it is, what is wrong with it, and the row itself."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="rejected")
    position = models.IntegerField(help_text="of the file in the delivery")
    row = models.BigIntegerField(help_text="1 is the first data row of the file")
    column = models.TextField()
    reason = models.TextField()
    content = models.TextField(help_text="the row as JSON, column names as in the file")
    billed_cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    effective_cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["delivery", "position", "row"], name="rejected_in_order")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}"
