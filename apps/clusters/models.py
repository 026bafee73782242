"""Tables of clusters: nodes and pods by day, and what their parts are worth against each other."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models

AMOUNT: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}


class NodeDay(models.Model):
    """A node on one day (UTC): which machine it was, and what pods could have of it; once for each that it was."""

    source = models.TextField(help_text="name of the source that it came from")
    delivery_id = models.BigIntegerField(help_text="entry of the deliveries ledger")
    cluster = models.TextField()
    node = models.TextField()
    resource_id = models.TextField(help_text="of the machine, as bills name it; empty = not known")
    day = models.DateField()
    labels = models.JSONField(default=dict)
    hours = models.DecimalField(**AMOUNT, help_text="for how long it was seen")
    cpu_core_hours = models.DecimalField(**AMOUNT, help_text="allocatable")
    memory_gib_hours = models.DecimalField(**AMOUNT)
    gpu_hours = models.DecimalField(**AMOUNT)
    weight = models.DecimalField(
        max_digits=60,
        decimal_places=28,
        default=0,
        help_text="what is allocatable, at the prices of Prices: how nodes of one machine's bill divide it",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "day", "node", "resource_id"], name="one_machine_of_a_node_a_day"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["day"], name="node_day_by_day"),
            models.Index(fields=["source", "cluster", "day"], name="node_day_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster} {self.node} {self.day}"


class Pod(models.Model):
    """A pod as it is described: once, however many days it ran."""

    digest = models.UUIDField(unique=True, help_text="first 16 bytes of the SHA-256 over the descriptive columns")
    cluster = models.TextField()
    namespace = models.TextField()
    workload_kind = models.TextField(help_text="Deployment, StatefulSet, Job ...; Pod where nothing made it")
    workload = models.TextField()
    pod = models.TextField()
    labels = models.JSONField(default=dict)
    team = models.TextField(null=True, help_text="slug of its owner; empty = nobody's; null = not decided yet")

    DESCRIBED: ClassVar = ("cluster", "namespace", "workload_kind", "workload", "pod", "labels")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}"


class PodDay(models.Model):
    """What a pod had of a node on one day: of each resource the larger of what it asked for and what it used."""

    node_day = models.ForeignKey(NodeDay, on_delete=models.CASCADE, related_name="pods")
    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="days")
    hours = models.DecimalField(**AMOUNT)
    cpu_request_core_hours = models.DecimalField(**AMOUNT)
    cpu_used_core_hours = models.DecimalField(**AMOUNT)
    cpu_core_hours = models.DecimalField(**AMOUNT)
    memory_request_gib_hours = models.DecimalField(**AMOUNT)
    memory_used_gib_hours = models.DecimalField(**AMOUNT)
    memory_gib_hours = models.DecimalField(**AMOUNT)
    gpu_hours = models.DecimalField(**AMOUNT)
    share = models.DecimalField(
        max_digits=41, decimal_places=40, default=0, help_text="of the node's bill; what shares leave over is idle"
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["node_day", "pod"], name="one_pod_of_a_node_a_day")]

    def __str__(self) -> str:
        return f"{self.pod} on {self.node_day}"


class Prices(models.Model):
    """What a core, a GiB and a GPU are worth for an hour: only their ratios count, the bill says what a node costs.

    Until somebody changes them, those with which OpenCost begins (configs/default.json: list prices of us-central1).
    """

    ONLY: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    cpu_core_hour = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal("0.031611"))
    memory_gib_hour = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal("0.004237"))
    gpu_hour = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal("0.95"))

    NAMES: ClassVar = ("cpu_core_hour", "memory_gib_hour", "gpu_hour")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_row_of_cluster_prices"),
            models.CheckConstraint(
                condition=models.Q(cpu_core_hour__gt=0, memory_gib_hour__gt=0, gpu_hour__gt=0),
                name="cluster_prices_are_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cpu_core_hour} a core, {self.memory_gib_hour} a GiB, {self.gpu_hour} a GPU"

    @classmethod
    def current(cls) -> "Prices":
        """The prices that hold; the defaults (unsaved) while nobody has changed any."""
        return cls.objects.filter(pk=cls.ONLY).first() or cls()
