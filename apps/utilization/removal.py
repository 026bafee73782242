"""Taking what a source told of out of the database, whole."""

from apps.clusters.models import Pod
from apps.utilization.loader import hold_source
from apps.utilization.models import DayFact, Device, GpuUse, HourFact, ResourceUse, Tenancy


def remove_source(source: str) -> None:
    """Delete a source's devices with all that is known of them, and pods that nothing else tells of.

    Runs in the caller's transaction.
    """
    hold_source(source)
    devices = Device.objects.filter(source=source)
    told = Tenancy.objects.filter(device__in=devices)
    pods = list(told.order_by().values_list("pod_id", flat=True).distinct())
    for table in (HourFact, DayFact, GpuUse, ResourceUse, Tenancy):
        table.objects.filter(device__in=devices).delete()
    devices.delete()
    others = Tenancy.objects.filter(pod_id__in=pods).values("pod_id")
    Pod.objects.filter(pk__in=pods, days=None).exclude(pk__in=others).delete()
