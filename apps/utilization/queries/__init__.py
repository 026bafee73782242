"""What is asked of utilisation: series, fleets, heatmaps, and the money behind them."""

from apps.utilization.queries.fleet import Gpu, by_device, fleet
from apps.utilization.queries.heatmap import Heatmap, HeatmapRow, heatmap
from apps.utilization.queries.money import DEFINITION, By, CostRow, Money, Reason, Unmatched, gpu_costs, gpu_costs_by
from apps.utilization.queries.resources import (
    RESOURCE_DEFINITION,
    ResourceCost,
    idle_hours,
    machine_costs,
    resource_costs,
)
from apps.utilization.queries.seen import Granularity
from apps.utilization.queries.series import Point, Series, readings_of, series
from apps.utilization.queries.unmatched import unmatched, without_cost, without_measurement
from apps.utilization.queries.which import Gpus, devices, devices_of

__all__ = [
    "DEFINITION",
    "RESOURCE_DEFINITION",
    "By",
    "CostRow",
    "Gpu",
    "Gpus",
    "Granularity",
    "Heatmap",
    "HeatmapRow",
    "Money",
    "Point",
    "Reason",
    "ResourceCost",
    "Series",
    "Unmatched",
    "by_device",
    "devices",
    "devices_of",
    "fleet",
    "gpu_costs",
    "gpu_costs_by",
    "heatmap",
    "idle_hours",
    "machine_costs",
    "readings_of",
    "resource_costs",
    "series",
    "unmatched",
    "without_cost",
    "without_measurement",
]
