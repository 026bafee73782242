"""How busy the demo's machines are, and who holds their GPUs: points and pods as exporters would tell of them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

import polars as pl

from apps.demo.clusters import pod_name
from apps.demo.lines import digest
from apps.demo.tables import Row, find, rows
from apps.demo.usage import WORDS, mixed, used
from collectors.utilization import hourly

DAYS: Final = 32
"""The last ones: those of a month, and two before, so that its first day has days to be compared with."""
SLOTS: Final = 288  # five-minute points of a day
SLOTS_OF_AN_HOUR: Final = 12
MOST_EXACT: Final = Decimal("1E-18")
CHECKPOINT: Final = 36  # slots after which a training saves what it has, and computes nothing

DAYTIME: Final = (38, 32, 28, 26, 26, 29, 37, 50, 66, 80, 90, 96, 94, 97, 100, 99, 95, 90, 84, 78, 70, 60, 51, 44)
"""Per cent of the busiest hour, by hour of the day (UTC): what people ask for."""

_hour = pl.col("slot") // SLOTS_OF_AN_HOUR
_noise = pl.col("noise") / 1000
_is_weekend = pl.col("weekday") >= 6
_asked = pl.lit(pl.Series(DAYTIME, dtype=pl.Float64)).gather(_hour) / 100
PATTERNS: Final = {
    "serving": _asked * pl.when(_is_weekend).then(0.72).otherwise(1.0) * (0.88 + 0.24 * _noise),
    "training": pl.when(pl.col("slot") % CHECKPOINT == 0).then(0.06).otherwise(0.94 + 0.09 * _noise),
    "nightly": pl.when(_hour < 6).then(0.95 + 0.06 * _noise).otherwise(0.0),
    "bursts": pl.when(pl.col("noise_of_hour") < 430).then(0.8 + 0.25 * _noise).otherwise(0.0),
    "notebook": pl.when(~_is_weekend & _hour.is_between(8, 17) & (pl.col("noise_of_hour") < 320))
    .then(0.4 + 0.8 * _noise)
    .otherwise(0.0),
    "steady": 0.97 + 0.06 * _noise,
    "nothing": pl.lit(0.0),
}
"""The part of `busy` that is reached in a slot; a nightly batch is through with its work at six, and stays on."""


_busy = (pl.when(pl.col("age") > pl.col("idle_from")).then("part").otherwise(0.0) * pl.col("busy")).clip(0, 1)
METRICS: Final = {
    "gpu": _busy,
    "gpu_memory": pl.col("memory_used") * (0.98 + 0.03 * _noise),
    "power_watts": pl.col("idle_watts") + (pl.col("watts") - pl.col("idle_watts")) * _busy * 0.92,
    "cpu": _busy,
    "memory": _busy,
}
METERED: Final = tuple(dict.fromkeys(row["provider"] for row in rows("gpus")))
"""Providers of machines that are measured."""

TOLD: Final = ("provider", "cluster", "node", "resource_id", "device", "parent_device", "device_model", "slices")
WITH_POWER: Final = ("vision",)
"""Clusters whose exporter tells of power."""
INSTANCES: Final = {"3/7": "1", "2/7": "5", "1/7": "13"}
"""MIG slices by the share of the card that they are, and the ids that a driver gives them."""

UNKNOWN: Final = {
    **dict.fromkeys(METRICS, ""),
    **dict.fromkeys(("device", "parent_device", "device_model", "namespace", "workload", "workload_kind", "team"), ""),
    "slices": Decimal(1),
    "memory_used": 0.0,
    "idle_from": -1,
    "idle_watts": 0.0,
    "watts": 0.0,
    "number": 0,
    "sharing": 1,
}
"""Of a line: no signal of any metric, no device, no pod."""

Line = dict[str, Any]


def utilization(provider: str, first: date, until: date) -> pl.DataFrame:
    """Rows of collectors.utilization from one day to another: of the hours in which the provider's machines ran."""
    lines, days = _lines_and_days(provider, first, until)
    parts = lines.partition_by("pattern", as_dict=True)
    hours = hourly(pl.concat(_points(PATTERNS[str(name)], some, days) for (name,), some in parts.items()))
    named = hours.join(lines.select("line", *TOLD, *METRICS), on="line", maintain_order="left")
    signal = pl.coalesce(pl.when(pl.col("metric") == name).then(name) for name in METRICS)
    return named.with_columns(signal=signal).drop("line", *METRICS)


def tenancy(provider: str, first: date, until: date) -> pl.DataFrame:
    """Rows of collectors.tenancy for the same hours: pods on the GPUs of clusters; a GPU without a pod has none."""
    lines, days = _lines_and_days(provider, first, until)
    held = days.join(lines.filter(pl.col("namespace") != ""), on="resource_id")
    pods = pl.DataFrame([pod for line in held.iter_rows(named=True) for pod in _pods(line)])
    return pods.explode("hour", "minutes") if pods.height else pods


def _lines_and_days(provider: str, first: date, until: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is measured, with the signal of each metric; and from which slot of which days on each machine ran."""
    oldest = max(first, until - timedelta(days=DAYS - 1))
    bill = used(provider, oldest, until, until=until)
    machines = bill.filter(pl.col("SkuPriceDetails").str.contains("InstanceType"))
    lines = [line for one in machines.unique("ResourceId").sort("ResourceId").to_dicts() for line in _lines(one)]
    nightly = {line["resource_id"] for line in lines if line["pattern"] == "nightly"}
    slots = (pl.col("used").cast(pl.Float64) * SLOTS_OF_AN_HOUR).round().cast(pl.Int64).clip(1, SLOTS)
    days = machines.select("day", "age", "weekday", "ordinal", resource_id="ResourceId", slots=slots)
    begin = pl.when(pl.col("resource_id").is_in(nightly)).then(0).otherwise((SLOTS - pl.col("slots")) // 2)
    return pl.DataFrame(lines, infer_schema_length=None).with_row_index("line"), days.with_columns(first=begin)


def _lines(machine: Line) -> Iterator[Line]:
    """Every GPU, slice or metric of a machine that is told of."""
    name = machine["ResourceName"]
    for row in _rows_of("gpus", machine["provider"], name):
        for device in range(int(row["first"] or 0), int(row["first"] or 0) + int(row["count"])):
            yield _place(machine, row) | _gpu(machine, row, device) | _pod_of(row, device)
    for row in _rows_of("machines", machine["provider"], name):
        yield _place(machine, row) | {row["metric"]: row["signal"]}


def _rows_of(table: str, provider: str, name: str) -> list[Row]:
    """The rows of a machine by its own name, else by that of its group: ranker-serve-02, else ranker-serve."""
    group, _, number = name.rpartition("-")
    of_provider = [row for row in rows(table) if row["provider"] == provider]
    own = [row for row in of_provider if row["machine"] == name]
    return own or [row for row in of_provider if number.isdecimal() and row["machine"] == group]


def _place(machine: Line, row: Row) -> Line:
    cluster = row.get("cluster", "")
    return {
        "provider": find("providers", slug=machine["provider"])["name"],
        "cluster": cluster,
        "node": machine["ResourceName"] if cluster else "",
        "resource_id": machine["ResourceId"],
        "seed": machine["line_id"],
        "pattern": row["pattern"],
        "busy": int(row["busy"]) / 100,
        **UNKNOWN,
    }


def _gpu(machine: Line, row: Row, place: int) -> Line:
    """A GPU; without a place what one machine tells of all of its GPUs."""
    model = find("gpu_models", gpu_model=json.loads(machine["SkuPriceDetails"])["x_GpuModel"])
    known = {
        "memory_used": int(row["memory"] or 0) / 100,
        "idle_from": int(row["idle_from"] or -1),
        "device_model": model["name"],
        "gpu": row["signal"],
    }
    if not row["first"]:
        return known | {"gpu_memory": "GPUMemoryUtilization" if row["memory"] else ""}
    text = digest(machine["ResourceId"], str(place))
    card = f"GPU-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
    known |= {
        "device": card,
        "seed": machine["line_id"] + place,
        "gpu_memory": "DCGM_FI_DEV_FB_USED" if row["memory"] else "",
    }
    known |= {"idle_watts": float(model["idle_watts"]), "watts": float(model["watts"])}
    if row["slice"]:
        instance = INSTANCES[row["slice"]]
        part, whole = row["slice"].split("/")
        slices = (Decimal(part) / Decimal(whole)).quantize(MOST_EXACT, ROUND_DOWN)
        return known | {"device": f"{card}/{instance}", "parent_device": card, "slices": slices}
    return known | ({"power_watts": "DCGM_FI_DEV_POWER_USAGE"} if row["cluster"] in WITH_POWER else {})


def _pod_of(row: Row, place: int) -> Line:
    names = ("namespace", "workload", "team")
    return {name: row[name] for name in names} | {
        "workload_kind": row["kind"],
        "number": place - int(row["first"] or 0),
        "sharing": int(row["sharing"] or 1),
    }


def _points(pattern: pl.Expr, lines: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Every five minutes in which each line was told of: `line`, `metric`, `at` and `value`."""
    word = pl.col("seed") + (pl.col("ordinal") * SLOTS + pl.col("slot").cast(pl.UInt64)) * 2_654_435_761 % WORDS
    of_hour = pl.col("seed") + (pl.col("ordinal") * 24 + _hour.cast(pl.UInt64)) * 2_246_822_519 % WORDS
    numbers = ("line", "resource_id", "seed", "busy", "memory_used", "idle_from", "idle_watts", "watts")
    slots = days.join(lines.select(numbers), on="resource_id").drop("resource_id")
    slots = slots.with_columns(slot=pl.int_ranges("first", pl.col("first") + pl.col("slots"))).explode("slot")
    known = slots.with_columns(
        at=pl.col("day").cast(pl.Datetime("us", "UTC")) + pl.duration(minutes=5 * pl.col("slot")),
        noise=mixed(word),
        noise_of_hour=mixed(of_hour),
    ).with_columns(part=pattern)
    told = {name: lines.filter(pl.col(name) != "")["line"] for name in METRICS}
    return pl.concat(
        known.filter(pl.col("line").is_in(told[name].implode())).select(
            "line", "at", value=value.round(4), metric=pl.lit(name, pl.Categorical)
        )
        for name, value in METRICS.items()
        if told[name].len()
    )


def _pods(line: Line) -> Iterator[Line]:
    """The pods that hold a device on a day: one for each workload, in turns where there are several."""
    end = line["first"] + line["slots"]
    hours = range(line["first"] // SLOTS_OF_AN_HOUR, -(-end // SLOTS_OF_AN_HOUR))
    midnight = datetime.combine(line["day"], time(), UTC)
    bounds = [(hour * SLOTS_OF_AN_HOUR, (hour + 1) * SLOTS_OF_AN_HOUR) for hour in hours]
    for workload in line["workload"].split(";"):
        yield {
            **{name: line[name] for name in ("cluster", "node", "device", "namespace", "workload_kind")},
            "hour": [midnight + timedelta(hours=hour) for hour in hours],
            "workload": workload,
            "pod": pod_name(workload, line["node"], line["day"], line["number"]),
            "container": "main",
            "labels": json.dumps({"app": workload, "team": line["team"]}, separators=(",", ":")),
            "minutes": [float(5 * (min(end, last) - max(line["first"], first))) for first, last in bounds],
            "share": (Decimal(1) / line["sharing"]).quantize(MOST_EXACT, ROUND_DOWN),
        }
