"""Tables of utilisation: devices, their hours and days, who held them, and points that were pushed."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.clusters.models import Pod


class Device(models.Model):
    """A GPU, a slice of one, or what has no devices (a machine, a database): what hours are told of."""

    source = models.TextField(help_text="name of the source that tells of it")
    provider = models.TextField()
    cluster = models.TextField()
    node = models.TextField()
    resource_id = models.TextField(help_text="of the machine, as bills name it; empty = not known")
    device = models.TextField(help_text="UUID of the GPU, UUID/7 of its MIG instance 7; empty = the resource itself")
    model = models.TextField(help_text="of the GPU, as its exporter calls it")
    slices = models.DecimalField(max_digits=19, decimal_places=18, help_text="share of the card that it is")
    card = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="parts", help_text="the card that it is a slice of"
    )
    first_hour = models.DateTimeField(null=True, help_text="the first hour that is known of it; null = none yet")
    last_hour = models.DateTimeField(null=True)

    IDENTITY: ClassVar = ("source", "cluster", "node", "resource_id", "device")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "cluster", "node", "resource_id", "device"], name="one_device_of_a_name"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["resource_id"], name="device_by_resource"),
            models.Index(fields=["device"], name="device_by_name"),
            models.Index(fields=["card"], name="device_by_card"),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.node or self.resource_id, self.device)))


class HourFact(models.Model):
    """A metric of a device in one hour (UTC); hours without a row are gaps. Partitioned by month: sql/tables.sql."""

    pk = models.CompositePrimaryKey("device_id", "metric", "hour")
    device = models.ForeignKey(Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="hours")
    metric = models.SmallIntegerField(help_text="number in collectors.utilization.METRICS")
    hour = models.DateTimeField()
    delivery_id = models.BigIntegerField(help_text="entry of the deliveries ledger; 0 = pushed")
    signal = models.TextField(help_text="the series that it rests on")
    minutes = models.FloatField(help_text="observed")
    average = models.FloatField()
    p95 = models.FloatField()
    maximum = models.FloatField()
    points = ArrayField(models.FloatField(null=True), null=True, help_text="five-minute means; null after a while")
    peaks = ArrayField(models.FloatField(null=True), null=True, help_text="five-minute maxima; likewise")

    class Meta:
        db_table = "utilization_hour"

    def __str__(self) -> str:
        return f"{self.device_id} {self.metric} {self.hour}"


class DayFact(models.Model):
    """The same of a day (UTC), from its hours: what pages over weeks are drawn from. Partitioned by month."""

    pk = models.CompositePrimaryKey("device_id", "metric", "day")
    device = models.ForeignKey(Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="days")
    metric = models.SmallIntegerField()
    day = models.DateField()
    signal = models.TextField(help_text="the first of those that it rests on")
    minutes = models.FloatField()
    average = models.FloatField(help_text="weighted by minutes")
    p95 = models.FloatField(help_text="of the five-minute maxima")
    maximum = models.FloatField()

    class Meta:
        db_table = "utilization_day"

    def __str__(self) -> str:
        return f"{self.device_id} {self.metric} {self.day}"


class Tenancy(models.Model):
    """A pod that held a device in an hour: `share` of it for `minutes`. Partitioned by month."""

    pk = models.CompositePrimaryKey("device_id", "hour", "pod_id")
    device = models.ForeignKey(Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="tenancies")
    hour = models.DateTimeField()
    pod = models.ForeignKey(Pod, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    delivery_id = models.BigIntegerField()
    minutes = models.FloatField()
    share = models.DecimalField(max_digits=19, decimal_places=18)

    class Meta:
        db_table = "utilization_tenancy"

    def __str__(self) -> str:
        return f"{self.pod_id} on {self.device_id} {self.hour}"


class GpuUse(models.Model):
    """What a pod (0 = nobody) had of a GPU on a day, in minutes of a whole card: how the bill of its machine divides.

    Partitioned by month. The minutes of all rows of a machine's day add up to those in which its cards were observed.
    """

    pk = models.CompositePrimaryKey("device_id", "day", "pod_id")
    device = models.ForeignKey(Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="uses")
    day = models.DateField()
    pod_id = models.BigIntegerField()
    weight = models.DecimalField(max_digits=24, decimal_places=9, help_text="card-minutes")
    used = models.DecimalField(max_digits=24, decimal_places=9, help_text="of the weight: what was computed in it")
    minutes = models.FloatField(help_text="of the device, whatever part of a card it is")
    idle_minutes = models.FloatField(help_text="of these, in hours in which it did nothing")

    class Meta:
        db_table = "utilization_use"

    def __str__(self) -> str:
        return f"{self.pod_id} on {self.device_id} {self.day}"


class ResourceUse(models.Model):
    """How far something that is measured as a whole (a machine, a database) was used on a day, in minutes.

    Partitioned by month. Hours without a measurement of cpu count for nothing.
    """

    pk = models.CompositePrimaryKey("device_id", "day")
    device = models.ForeignKey(Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="resource_uses")
    day = models.DateField()
    weight = models.DecimalField(max_digits=24, decimal_places=9, help_text="minutes in which its cpu was measured")
    used = models.DecimalField(
        max_digits=24, decimal_places=9, help_text="of these, by the larger of cpu and memory of each hour"
    )
    cpu_used = models.DecimalField(max_digits=24, decimal_places=9, help_text="the same by cpu alone: of databases")
    idle_minutes = models.FloatField(help_text="of these, in hours in which it did nothing")

    class Meta:
        db_table = "utilization_resource_use"

    def __str__(self) -> str:
        return f"{self.device_id} {self.day}"


class PushedPoint(models.Model):
    """A number as somebody pushed it, kept as long as five-minute points are: hours are made of all of them."""

    pk = models.CompositePrimaryKey("device_id", "metric", "at")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    metric = models.SmallIntegerField()
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at"], name="pushed_point_by_time")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.metric} {self.at}"
