"""OpenShift's pod usage, as its Cost Management operator writes it hour by hour, as rows of KUBERNETES_USAGE."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.errors import RefusedFileError
from collectors.files import FoundDelivery
from collectors.readers import open_tables
from collectors.records import BATCH_ROWS, RecordBatch, RecordSet
from collectors.rejections import Fault, reject
from collectors.tables import ROW, RawBatch, Table
from collectors.values import LARGEST_QUANTITY, as_text, clean_text, dump_json, parse_decimals, parse_times

FORMAT: Final = "OpenShift pod usage"
TEXTS: Final = ("node", "namespace", "pod", "resource_id")
TIMES: Final = ("interval_start", "interval_end")
CORE_SECONDS: Final = {
    "cpu_request_core_hours": "pod_request_cpu_core_seconds",
    "cpu_used_core_hours": "pod_usage_cpu_core_seconds",
    "node_cpu": "node_capacity_cpu_core_seconds",
}
BYTE_SECONDS: Final = {
    "memory_request_gib_hours": "pod_request_memory_byte_seconds",
    "memory_used_gib_hours": "pod_usage_memory_byte_seconds",
    "node_memory": "node_capacity_memory_byte_seconds",
}
REQUIRED: Final = (*TEXTS[:3], *TIMES, *CORE_SECONDS.values(), *BYTE_SECONDS.values())
HOUR: Final = 3600
GIB_HOUR: Final = HOUR * 2**30
LABEL: Final = "label_"

_CLUSTER: Final = re.compile(r"(?:[A-Z][a-z]+-\d{4}-)?(.+?)[-_](?:ocp|cm-openshift)_pod_usage", re.ASCII)
_KEYS: Final = ("cluster", "node", "resource_id", "day", "namespace", "pod", "labels")
_SUMMED: Final = (
    "hours",
    "cpu_request_core_hours",
    "cpu_used_core_hours",
    "cpu_core_hours",
    "memory_request_gib_hours",
    "memory_used_gib_hours",
    "memory_gib_hours",
)


@dataclass(frozen=True, slots=True)
class _Hours:
    """The rows of a batch that could be read, one a pod and hour, and those that could not."""

    pods: pl.DataFrame
    rejected: pl.DataFrame


def spell(column: str) -> str:
    """A column's name as the reports have it."""
    return column.strip().lower()


def read_pod_usage(found: FoundDelivery, records: RecordSet) -> Iterator[RecordBatch]:
    """Pods by day, of each hour the larger of request and use; nodes once, with their capacity, when all was read.

    Raises RefusedFileError for a damaged file, or one whose name does not say of which cluster it is.
    """
    nodes: list[pl.DataFrame] = []
    bytes_before = 0
    for index, path in enumerate(found.files):
        rows = 0
        with open_tables(path) as tables:
            for table in tables:
                cluster = _cluster_of(found.path if len(found.files) == 1 else path)
                for raw in table.batches(range(len(table.header)), BATCH_ROWS):
                    hours = _read(raw, table, cluster)
                    nodes.append(_nodes(hours.pods))
                    rejected = hours.rejected.with_columns(pl.col("row") + rows)
                    read = raw.frame.height + len(raw.long_rows)
                    rows += read
                    yield RecordBatch(
                        index, _pods(hours.pods, records), rejected, read, bytes_before + raw.bytes_read, 0
                    )
        bytes_before += path.stat().st_size
    if nodes:
        whole = _node_days(pl.concat(nodes), records)
        yield RecordBatch(len(found.files) - 1, whole, rejected.clear(), 0, bytes_before, 0)


def _cluster_of(path: Path) -> str:
    """The cluster that a report is of: only its name says so, as May-2026-my-cluster-ocp_pod_usage.csv."""
    if match := _CLUSTER.match(path.name):
        return match[1]
    raise RefusedFileError(
        f"{path} does not say of which cluster it is: call it as OpenShift did, MONTH-YEAR-CLUSTER-ocp_pod_usage.csv."
    )


def _read(raw: RawBatch, table: Table, cluster: str) -> _Hours:
    at = {spell(name): position for position, name in enumerate(table.header)}
    frame, faults = raw.frame, list[Fault]()
    columns: dict[str, pl.Series] = {}
    for name in TEXTS:
        columns[name] = _text(frame, at.get(name))
        if name != "resource_id" and columns[name].null_count():
            faults.append(Fault(at[name], _when(columns[name].is_null(), "is empty")))
    for name in TIMES:
        times = parse_times(frame[str(at[name])], ())
        columns[name] = times.values
        faults += [Fault(at[name], times.reasons)] if times.reasons is not None else []
        faults.append(Fault(at[name], _when(times.values.is_null(), "is empty")))
    for name, column in {**CORE_SECONDS, **BYTE_SECONDS}.items():
        amounts = parse_decimals(frame[str(at[column])], (), largest=LARGEST_QUANTITY)
        columns[name] = amounts.values
        faults += [Fault(at[column], amounts.reasons)] if amounts.reasons is not None else []
        faults.append(Fault(at[column], _when(amounts.values < 0, "is negative")))
    labels = _text(frame, at.get("pod_labels"))
    free = frame.select(ROW, *(pl.lit(0, dtype=MONEY).alias(name) for name in ("billed_cost", "effective_cost")))
    rejected = reject(raw, table.header, free, [fault for fault in faults if fault.reasons.null_count() < frame.height])
    read = frame.select(ROW).with_columns(
        *(values.alias(name) for name, values in columns.items()),
        _labels(labels).alias("labels"),
        pl.lit(cluster).alias("cluster"),
    )
    accepted = read.filter(~pl.col(ROW).is_in(rejected["row"].implode()))
    costless = rejected.with_columns(pl.lit(0, dtype=MONEY).alias(name) for name in ("billed_cost", "effective_cost"))
    return _Hours(_with_hours(accepted), costless)


def _with_hours(rows: pl.DataFrame) -> pl.DataFrame:
    """Seconds as hours, bytes as GiB, and of the hour the larger of request and use. An interval ends at second 59."""
    seconds = (pl.col("interval_end") - pl.col("interval_start")).dt.total_seconds() + 1
    in_hours = dict.fromkeys(CORE_SECONDS, HOUR) | dict.fromkeys(BYTE_SECONDS, GIB_HOUR)
    return rows.with_columns(
        day=pl.col("interval_start").dt.date(),
        hours=seconds.cast(pl.Float64) / HOUR,
        **{name: pl.col(name).fill_null(0).cast(pl.Float64) / unit for name, unit in in_hours.items()},
    ).with_columns(
        cpu_core_hours=pl.max_horizontal("cpu_request_core_hours", "cpu_used_core_hours"),
        memory_gib_hours=pl.max_horizontal("memory_request_gib_hours", "memory_used_gib_hours"),
    )


def _pods(hours: pl.DataFrame, records: RecordSet) -> pl.DataFrame:
    summed = hours.group_by(_KEYS, maintain_order=True).agg(pl.col(_SUMMED).sum())
    return _in_schema(summed.with_columns(workload_kind=pl.lit("Pod"), workload="pod"), records)


def _nodes(hours: pl.DataFrame) -> pl.DataFrame:
    """Each row repeats its node's capacity in that hour: it counts once."""
    keys = ("cluster", "node", "interval_start")
    return hours.select(*keys, "day", "resource_id", "hours", "node_cpu", "node_memory").unique(keys, keep="first")


def _node_days(hours: pl.DataFrame, records: RecordSet) -> pl.DataFrame:
    once = hours.unique(["cluster", "node", "interval_start"], keep="first", maintain_order=True)
    days = once.group_by("cluster", "node", "day", maintain_order=True).agg(
        pl.col("resource_id").max(),
        pl.col("hours").sum(),
        cpu_core_hours=pl.col("node_cpu").sum(),
        memory_gib_hours=pl.col("node_memory").sum(),
    )
    return _in_schema(days, records)


def _in_schema(frame: pl.DataFrame, records: RecordSet) -> pl.DataFrame:
    """The columns of the set; what the report does not tell is null."""
    columns = [
        (pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype)).alias(name)
        for name, dtype in records.schema.items()
    ]
    return frame.select(columns)


def _text(frame: pl.DataFrame, position: int | None) -> pl.Series:
    if position is None:
        return pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    stripped = as_text(frame[str(position)]).str.strip_chars().alias("text")
    return stripped.to_frame().select(clean_text("text")).to_series()


def _labels(texts: pl.Series) -> pl.Series:
    """`label_app:web|label_team:search` as a JSON object without `label_`."""
    known = {text: dump_json(dict(_pairs(text))) for text in texts.unique().drop_nulls()}
    return pl.Series([known.get(text) if text else None for text in texts], dtype=pl.String)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("|"):
        name, _, value = part.partition(":")
        if name.removeprefix(LABEL):
            yield name.removeprefix(LABEL), value


def _when(condition: pl.Series, reason: str) -> pl.Series:
    return pl.select(pl.when(condition).then(pl.lit(reason))).to_series()


REPORTS: Final[Mapping[str, Sequence[str]]] = {
    "GPU usage": ("gpu_uuid", "gpu_pod_uptime"),
    "usage of virtual machines": ("vm_name", "vm_uptime_total_seconds"),
    "usage of storage": ("persistentvolumeclaim", "storageclass"),
    "labels of nodes": ("node_labels",),
}
"""OpenShift's other reports, by columns that only they have."""


def other_report(header: Sequence[str]) -> str:
    """Which report of OpenShift, other than pod usage, a header is; empty when none."""
    columns = {spell(name) for name in header}
    if not {"report_period_start", "interval_start"} <= columns:
        return ""
    return next((name for name, own in REPORTS.items() if set(own) <= columns), "")
