"""Who used a cluster: the record set of what pods asked for and used of their nodes, day by day."""

from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.records import RecordSet

KUBERNETES_USAGE: Final = RecordSet(
    name="kubernetes_usage",
    format="Kubernetes usage",
    schema=pl.Schema(
        {
            "cluster": pl.String(),
            "node": pl.String(),
            "resource_id": pl.String(),  # of the machine, as the bill names it
            "day": pl.Date(),  # UTC
            "namespace": pl.String(),  # empty, as the pod is: the node itself, with its allocatable capacity
            "workload_kind": pl.String(),
            "workload": pl.String(),
            "pod": pl.String(),
            "labels": pl.String(),
            "hours": MONEY,
            "cpu_request_core_hours": MONEY,
            "cpu_used_core_hours": MONEY,
            "cpu_core_hours": MONEY,  # the larger of both, interval by interval
            "memory_request_gib_hours": MONEY,
            "memory_used_gib_hours": MONEY,
            "memory_gib_hours": MONEY,  # likewise
            "gpu_hours": MONEY,
        }
    ),
    required=("cluster", "node", "day", "namespace", "pod", "hours", "cpu_core_hours", "memory_gib_hours"),
    filled=("cluster", "node", "day", "hours", "cpu_core_hours", "memory_gib_hours"),
    json=("labels",),
)
"""What a file says of a cluster's day replaces what was known of it."""
