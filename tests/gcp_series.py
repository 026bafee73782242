"""Cloud Monitoring's series: aligned, reduced and grouped as its timeSeries.list does it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Any

from werkzeug.wrappers import Request

FILTER = re.compile(r'(metric\.type|metric\.label\.\w+) = "([^"]+)"')
REDUCERS: dict[str, Callable[[list[float]], float]] = {"REDUCE_MEAN": mean, "REDUCE_SUM": sum}


@dataclass(frozen=True)
class MeasuredSeries:
    """A series as it was written: a number a minute; of counters, how much came in that minute."""

    project: str
    type: str
    resource: Mapping[str, str]
    samples: Mapping[int, float]  # by the minute of the day whose end they were taken at
    metric: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    is_whole_number: bool = False

    def label(self, path: str) -> str:
        """What a path like resource.label.zone leads to."""
        kind, _, name = path.partition(".")
        of = {"resource": self.resource, "metric": self.metric, "metadata": self.system}[kind]
        return of.get(name.rpartition(".")[2], "")


def list_series(request: Request, project: str, known: Iterable[MeasuredSeries]) -> list[dict[str, Any]]:
    """What the API lists for a filter, an interval and an aggregation."""
    wanted = dict(FILTER.findall(request.args["filter"]))
    type_ = wanted.pop("metric.type")
    found = [
        one
        for one in known
        if (one.project, one.type) == (project, type_) and all(one.label(path) == is_ for path, is_ in wanted.items())
    ]
    grouped: dict[tuple[str, ...], list[MeasuredSeries]] = {}
    paths = request.args.getlist("aggregation.groupByFields")
    for one in found:
        grouped.setdefault(tuple(map(one.label, paths)), []).append(one)
    return [_reduced(request, paths, keys, of) for keys, of in grouped.items()]


def list_descriptors(_: Request, project: str, known: Iterable[MeasuredSeries]) -> list[dict[str, Any]]:
    """The metrics that a project has."""
    return [{"type": one} for one in sorted({one.type for one in known if one.project == project})]


MONITORING = {"metricDescriptors": list_descriptors, "timeSeries": list_series}


def _reduced(request: Request, paths: list[str], keys: tuple[str, ...], of: list[MeasuredSeries]) -> dict[str, Any]:
    reduce = REDUCERS[request.args["aggregation.crossSeriesReducer"]]
    points: dict[datetime, list[float]] = {}
    for one in of:
        for at, value in _aligned(one, request).items():
            points.setdefault(at, []).append(value)
    labels: dict[str, dict[str, str]] = {"resource": {}, "metric": {}, "metadata": {}}
    for path, label in zip(paths, keys, strict=True):
        if label:
            labels[path.partition(".")[0]][path.rpartition(".")[2]] = label
    whole = of[0].is_whole_number and "ALIGN_MAX" in request.args["aggregation.perSeriesAligner"]
    return {
        "metric": {"type": of[0].type, "labels": labels["metric"]},
        "resource": {"type": "of_its_own", "labels": labels["resource"]},
        **({"metadata": {"systemLabels": labels["metadata"]}} if labels["metadata"] else {}),
        "metricKind": "GAUGE",
        "points": [_point(at, reduce(values), whole=whole) for at, values in sorted(points.items(), reverse=True)],
    }


def _aligned(one: MeasuredSeries, request: Request) -> dict[datetime, float]:
    """Five minutes each, told at their ends; none where nothing was measured."""
    start, end = (datetime.fromisoformat(request.args[f"interval.{name}Time"]) for name in ("start", "end"))
    assert request.args["aggregation.alignmentPeriod"] == "300s"
    midnight, step = start.astimezone(UTC).replace(hour=0, minute=0), timedelta(minutes=5)
    found, at = {}, start + step
    while at <= end:
        inside = [
            value for minute, value in one.samples.items() if at - step < midnight + timedelta(minutes=minute) <= at
        ]
        if inside:
            aligner = request.args["aggregation.perSeriesAligner"]
            found[at] = {"ALIGN_MEAN": mean(inside), "ALIGN_MAX": max(inside), "ALIGN_RATE": sum(inside) / 300}[aligner]
        at += step
    return found


def _point(at: datetime, value: float, *, whole: bool) -> dict[str, Any]:
    when = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    number = {"int64Value": str(int(value))} if whole else {"doubleValue": value}
    return {"interval": {"startTime": when, "endTime": when}, "value": number}
