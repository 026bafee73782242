"""Who held which device: the record set of pods on GPUs, hour by hour."""

from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.records import RecordSet, Rule

TENANCY: Final = RecordSet(
    name="tenancy",
    format="GPU tenancy",
    schema=pl.Schema(
        {
            "cluster": pl.String(),
            "node": pl.String(),
            "device": pl.String(),  # as in collectors.utilization
            "hour": pl.Datetime("us", "UTC"),  # its first moment
            "namespace": pl.String(),  # empty, as the pod is: nobody held the device in this hour
            "workload_kind": pl.String(),
            "workload": pl.String(),
            "pod": pl.String(),
            "container": pl.String(),
            "labels": pl.String(),
            "minutes": pl.Float64(),  # of the hour, up to 60
            "share": MONEY,  # of the device in those minutes: 1, or 1/n where n pods take turns
        }
    ),
    required=("node", "device", "hour", "namespace", "pod", "minutes", "share"),
    filled=("node", "device", "hour"),
    json=("labels",),
    rules=(
        Rule("hour", pl.col("hour").dt.truncate("1h") != pl.col("hour"), "is no full hour"),
        Rule("minutes", pl.col("minutes") > 60, "is above 60"),
        Rule("share", pl.col("share") > 1, "is above 1"),
        *(
            Rule(name, pl.col("pod").is_not_null() & pl.col(name).is_null(), "is empty, although a pod is named")
            for name in ("minutes", "share", "namespace")
        ),
    ),
)
"""One row for each device, hour (UTC) and container. What a file says of (source, device, hour) replaces what was known
of it. Minutes times shares of one device and hour add up to at most 60."""
