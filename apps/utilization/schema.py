"""How the API of utilisation is documented: its parameters and answers in OpenAPI."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from apps.core.periods import PERIOD_NAMES
from apps.costs.parameters import AS_BILLED, DEFAULT_PERIOD
from apps.utilization.queries import Granularity, Reason
from collectors.pushed import MOST_POINTS
from collectors.utilization import METRICS

_RATIO: Final[dict[str, Any]] = {"help_text": "0 to 1; null = nothing told of it", "allow_null": True}
_MONEY: Final[dict[str, Any]] = {"help_text": "exact decimal text"}
PERIOD: Final = [
    OpenApiParameter("start", OpenApiTypes.DATE, description="first day (UTC)"),
    OpenApiParameter("end", OpenApiTypes.DATE, description="last day, included"),
    OpenApiParameter("period", enum=PERIOD_NAMES, default=DEFAULT_PERIOD),
]
UTILIZATION: Final = [
    OpenApiParameter("resource_id", description="of a resource, as bills name it, or another name of it"),
    OpenApiParameter("device", description="UUID of a GPU, UUID/7 of its MIG instance 7"),
    OpenApiParameter("metric", enum=list(METRICS)),
    OpenApiParameter("granularity", enum=list(Granularity), default="hour"),
    *PERIOD,
]
GPUS: Final = [
    *PERIOD,
    *(OpenApiParameter(name) for name in ("cluster", "node", "model", "device", "resource_id")),
    OpenApiParameter("team", description="slug of who held them, or of the owner of their machine"),
    OpenApiParameter("search", description="words in the names of device, model, node, cluster or resource"),
    OpenApiParameter("currency", description=f"ISO 4217, or {AS_BILLED}; the organisation's when not given"),
]


class ReadingSerializer(serializers.Serializer[Any]):
    """A metric of a device in an hour or on a day."""

    source = serializers.CharField(source="device.source", help_text="name of the source that told of it")  # type: ignore[assignment]  # a field of this name
    cluster = serializers.CharField(source="device.cluster", allow_blank=True)
    node = serializers.CharField(source="device.node", allow_blank=True)
    resource_id = serializers.CharField(source="device.resource_id", allow_blank=True)
    device = serializers.CharField(source="device.device", allow_blank=True, help_text="empty = the resource itself")
    metric = serializers.SerializerMethodField()
    unit = serializers.SerializerMethodField()
    signal = serializers.CharField(allow_blank=True, help_text="the series of an exporter that it rests on")
    at = serializers.SerializerMethodField(help_text="first moment of the hour or day (UTC)")
    minutes = serializers.FloatField(help_text="of it that were observed")
    average = serializers.FloatField()
    p95 = serializers.FloatField(help_text="of all measurements of an hour; of a day, of its hours' percentiles")
    maximum = serializers.FloatField()

    def get_metric(self, fact: Any) -> str:
        """Its name."""
        return NAME_OF[fact.metric]

    def get_unit(self, fact: Any) -> str:
        """Of average, p95 and maximum."""
        return METRICS[NAME_OF[fact.metric]].unit

    def get_at(self, fact: Any) -> str:
        """A day begins at midnight."""
        return f"{fact.at:%Y-%m-%dT%H:%M:%SZ}"


class GpuMoneySerializer(serializers.Serializer[Any]):
    """Effective cost in one currency: `cost` is the sum of the others exactly."""

    currency = serializers.CharField()
    cost = serializers.CharField(**_MONEY)
    cost_per_day = serializers.CharField(help_text="cost over the days of the period, to the cent")
    used = serializers.CharField(**_MONEY)
    idle = serializers.CharField(help_text="held by somebody and not computed with")
    unallocated = serializers.CharField(help_text="held by nobody")


class GpuSerializer(serializers.Serializer[Any]):
    """A GPU or a slice of one over a period."""

    id = serializers.IntegerField(source="device.pk")
    source = serializers.CharField(source="device.source")  # type: ignore[assignment]  # a field of this name
    cluster = serializers.CharField(source="device.cluster", allow_blank=True)
    node = serializers.CharField(source="device.node", allow_blank=True)
    resource_id = serializers.CharField(source="device.resource_id", allow_blank=True)
    device = serializers.CharField(source="device.device", allow_blank=True)
    model = serializers.CharField(source="device.model", allow_blank=True)
    slices = serializers.FloatField(source="device.slices", help_text="share of the card that it is")
    signal = serializers.CharField(allow_blank=True, help_text="what `gpu` rests on")
    gpu = serializers.FloatField(help_text="share of its time or of its cores in which it computed, 0 to 1")
    gpu_p95 = serializers.FloatField(help_text="the highest of a day")
    gpu_maximum = serializers.FloatField()
    gpu_memory = serializers.FloatField(**_RATIO)
    gpu_memory_mib = serializers.FloatField(allow_null=True, help_text="the most that was in use")
    power_watts = serializers.FloatField(allow_null=True)
    hours = serializers.FloatField(help_text="observed")
    allocated_hours = serializers.FloatField(help_text="in which somebody held it")
    idle_hours = serializers.FloatField(help_text="of these, in which it did nothing")
    last_seen = serializers.DateTimeField()
    teams = serializers.ListField(child=serializers.CharField(), help_text="of the pods that held it")
    holders = serializers.ListField(child=serializers.CharField(), help_text="namespace/workload, longest first")
    money = GpuMoneySerializer(many=True, help_text="empty where its cost is not known: `unmatched` says why")
    unmatched = serializers.ChoiceField(list(Reason), allow_null=True)
    unmatched_detail = serializers.CharField(allow_blank=True, help_text="the reason as a sentence")


class PointSerializer(serializers.Serializer[Any]):
    """A number at a moment."""

    resource_id = serializers.CharField(help_text="as bills name it")
    device = serializers.CharField(required=False, allow_blank=True, help_text="empty = the resource itself")
    metric = serializers.ChoiceField(list(METRICS))
    at = serializers.DateTimeField(help_text="with its zone")
    value = serializers.FloatField(min_value=0, help_text="ratios are 0 to 1")


class PushSerializer(serializers.Serializer[Any]):
    """A batch of points."""

    points = PointSerializer(many=True, help_text=f"at most {MOST_POINTS:,}")


class PushedSerializer(serializers.Serializer[Any]):
    """What became of a batch."""

    points = serializers.IntegerField(help_text="points of the batch")
    hours = serializers.IntegerField(help_text="hours of devices that were made anew with them")


NAME_OF: Final = {metric.number: name for name, metric in METRICS.items()}
