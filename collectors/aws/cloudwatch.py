"""Asking CloudWatch: which metrics there are of a measure's resources, and what they say in a stretch of time."""

import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import polars as pl

from collectors.aws.listing import PROVIDER, Region
from collectors.aws.machines import Machines
from collectors.aws.measures import Measure
from collectors.cloud_metrics import KEYS, PERIOD, POINTS, hours_of
from collectors.errors import ProviderRefusedError, ProviderUnavailableError

AT_ONCE: Final = 500  # questions that GetMetricData takes
SERIES_AT_ONCE: Final = 500  # that are made into hours
FORBIDDEN: Final = "Forbidden"
FAULT: Final = "InternalError"

Dimensions = tuple[tuple[str, str], ...]
Question = tuple[str, str, Dimensions, str]
"""Namespace, name and dimensions of a metric, and the statistic of it."""
Listed = Mapping[tuple[str, str], list[Dimensions]]
"""The dimensions of metrics by namespace and name."""


@dataclass(frozen=True, slots=True)
class Told:
    """A metric of CloudWatch that tells of a resource."""

    measure: Measure
    part: str
    dimensions: Dimensions
    names: Mapping[str, str]  # what templates are filled with

    def fill(self, template: str) -> str:
        """A template with what is known; empty where a part of it is not."""
        asked = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        return template.format_map(self.names) if all(self.names.get(name) for name in asked) else ""

    def question(self, statistic: str) -> Question:
        """By which its statistic is asked for."""
        return self.measure.namespace, self.part, self.dimensions, statistic

    @property
    def questions(self) -> Iterator[Question]:
        """All that is asked of it."""
        yield self.question(self.measure.statistic)
        if self.measure.peak and not self.is_whole:
            yield self.question(self.measure.peak)
        if self.measure.weight:
            yield self.question(self.measure.weight)

    @property
    def machine(self) -> str:
        """What tells its machines."""
        return self.fill(self.measure.machine)

    @property
    def is_whole(self) -> bool:
        """Whether others are divided by it."""
        return self.part in self.measure.wholes

    @property
    def place(self) -> tuple[str, ...]:
        """What it measures of what."""
        return (self.part, *(self.keys[name] for name in ("node", "resource_id", "device", "metric")))

    @property
    def keys(self) -> dict[str, str]:
        """The columns of its series."""
        measure, resource = self.measure, self.fill(self.measure.resource)
        said = {
            "provider": PROVIDER,
            "cluster": "",
            "node": "" if resource else self.fill(measure.node),
            "resource_id": resource,
            "device": self.fill(measure.device),
            "device_model": self.fill(measure.model),
            "metric": measure.metric,
            "signal": measure.signal,
        }
        return {name: said[name] for name in KEYS}


@dataclass
class CloudWatch:
    """The metrics of one region of an account."""

    region: Region
    _whole: dict[str, Listed | None] = field(default_factory=dict)
    _single: dict[tuple[str, str, tuple[str, ...]], list[Dimensions]] = field(default_factory=dict)

    def told(self, measure: Measure) -> list[Told]:
        """What there is of a measure: metrics that had points in the last two weeks."""
        found = [
            self._told(measure, part, dimensions)
            for part in (*measure.parts, *measure.wholes)
            for dimensions in self._metrics(measure, part)
        ]
        return _most_precise([one for one in found if one.keys["resource_id"] or one.keys["node"]])

    def answers(self, questions: Iterable[Question], start: datetime, end: datetime) -> dict[Question, pl.DataFrame]:
        """Frames of `at` and `value` in the order of time; none of what has no points. Each is asked once."""
        distinct, found = list(dict.fromkeys(questions)), dict[Question, pl.DataFrame]()
        for first in range(0, len(distinct), AT_ONCE):
            found |= self._batch(distinct[first : first + AT_ONCE], start, end)
        return found

    def _metrics(self, measure: Measure, part: str) -> list[Dimensions]:
        wanted = set(measure.dimensions)
        named = [(one, {name for name, _ in one}) for one in self._dimensions(measure, part)]
        return [one for one, names in named if names == wanted or (measure.is_loose and wanted <= names)]

    def _dimensions(self, measure: Measure, part: str) -> list[Dimensions]:
        """From the widest list that is a single page: of the region, in most of which is little, else the namespace."""
        for namespace in ("", measure.namespace):
            listed = self._in_one_page(namespace)
            if listed is not None:
                return listed.get((measure.namespace, part), [])
        key = (measure.namespace, part, measure.dimensions)
        if key not in self._single:
            asked = [{"Name": name} for name in measure.dimensions]
            pages = self._pages("list_metrics", Namespace=measure.namespace, MetricName=part, Dimensions=asked)
            self._single[key] = _by_name(pages).get(key[:2], [])
        return self._single[key]

    def _in_one_page(self, namespace: str) -> Listed | None:
        """All metrics of a namespace, or with none of the region; None where they are more than a page."""
        if namespace not in self._whole:
            words = {"Namespace": namespace} if namespace else {}
            page = self.region.aws.call(self._client, "list_metrics", **words)
            self._whole[namespace] = None if page.get("NextToken") else _by_name([page])
        return self._whole[namespace]

    def _told(self, measure: Measure, part: str, dimensions: Dimensions) -> Told:
        region = self.region
        names = {"partition": region.partition, "region": region.name, "account": region.account, **dict(dimensions)}
        if "EndpointName" in names:
            names["endpointname"] = names["EndpointName"].lower()
        return Told(measure, part, dimensions, names)

    def _batch(self, questions: list[Question], start: datetime, end: datetime) -> dict[Question, pl.DataFrame]:
        queries = [_query(f"q{number}", question) for number, question in enumerate(questions)]
        times: dict[str, list[datetime]] = {}
        values: dict[str, list[float]] = {}
        asked = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end, "ScanBy": "TimestampAscending"}
        for page in self._pages("get_metric_data", **asked):
            for result in page["MetricDataResults"]:
                _refuse(result)
                times.setdefault(result["Id"], []).extend(result["Timestamps"])
                values.setdefault(result["Id"], []).extend(result["Values"])
        return {
            question: _frame(times[f"q{number}"], values[f"q{number}"], start, end)
            for number, question in enumerate(questions)
            if times.get(f"q{number}")
        }

    def _pages(self, operation: str, **words: Any) -> Any:
        return self.region.aws.pages(self._client, operation, **words)

    @property
    def _client(self) -> Any:
        return self.region.aws.client("cloudwatch", self.region.name)


def hours_told(
    told: Iterable[Told], answers: Mapping[Question, pl.DataFrame], machines: Mapping[str, Machines]
) -> pl.DataFrame:
    """Hours of UTILIZATION of all that was answered, some series at a time: a day of many is much memory."""
    by_series: dict[tuple[str, ...], list[Told]] = {}
    for one in told:
        by_series.setdefault(tuple(one.keys.values()), []).append(one)
    series, hours = list(by_series.values()), [hours_of(pl.DataFrame(schema=POINTS))]
    for first in range(0, len(series), SERIES_AT_ONCE):
        some = [one for parts in series[first : first + SERIES_AT_ONCE] for one in parts]
        hours.append(hours_of(pl.concat(points(one, answers, machines) for one in some)))
    return pl.concat(hours)


def points(told: Told, answers: Mapping[Question, pl.DataFrame], machines: Mapping[str, Machines]) -> pl.DataFrame:
    """What was answered of a metric as a frame of POINTS; empty where its machines are not known that it is of."""
    measure, mean = told.measure, answers.get(told.question(told.measure.statistic))
    if mean is None:
        return pl.DataFrame(schema=POINTS)
    peak = answers.get(told.question(measure.peak), mean) if measure.peak and not told.is_whole else mean
    joined = mean.join(peak.rename({"value": "peak"}), on="at", how="left")
    read = joined.with_columns(pl.col("value", "peak") / measure.unit)
    if not measure.per:
        return _keyed(read, told, told.part, is_whole=told.is_whole)
    behind, weight = machines.get(told.machine), answers.get(told.question(measure.weight))
    if behind is None or not behind.have(measure.per) or (measure.weight and weight is None):
        return pl.DataFrame(schema=POINTS)
    return _of_machines(read.filter(_is_known(behind)), told, behind, weight)


def _of_machines(read: pl.DataFrame, told: Told, behind: Machines, weight: pl.DataFrame | None) -> pl.DataFrame:
    """A number of each machine, as one of all of them beside what all of them have; without a weight it is one."""
    each = told.measure.per
    count = pl.lit(1.0).alias("count")
    counted = read.with_columns(count) if weight is None else read.join(weight.rename({"value": "count"}), on="at")
    have = behind.have(each) * pl.col("count")
    of_all = pl.col("value", "peak") * pl.col("count")
    used = counted.with_columns((of_all * -1 + have) if told.measure.is_rest else of_all)
    wholes = counted.with_columns(have.alias(name) for name in ("value", "peak"))
    return pl.concat([_keyed(used, told, told.part, is_whole=False), _keyed(wholes, told, each, is_whole=True)])


def unknown(
    told: Iterable[Told], answers: Mapping[Question, pl.DataFrame], machines: Mapping[str, Machines]
) -> set[str]:
    """Resources that were measured when it is not known what machines they were of."""
    found: set[str] = set()
    for one in told:
        answer = answers.get(one.question(one.measure.statistic))
        if one.measure.per and answer is not None:
            behind = machines.get(one.machine)
            if behind is None or not answer.filter(~_is_known(behind)).is_empty():
                found.add(one.keys["resource_id"])
    return found


def _is_known(behind: Machines) -> pl.Expr:
    return (pl.col("at") >= behind.since) & (pl.col("at") + PERIOD <= behind.until)


def _keyed(frame: pl.DataFrame, told: Told, part: str, *, is_whole: bool) -> pl.DataFrame:
    words = [pl.lit(text).alias(name) for name, text in told.keys.items()]
    named = frame.with_columns(*words, pl.lit(part).alias("part"), pl.lit(is_whole).alias("is_whole"))
    return named.select(POINTS.names()).cast(POINTS)


def _most_precise(found: list[Told]) -> list[Told]:
    """Of metrics that the agent publishes once more with fewer dimensions, as sums over others, the ones with most."""
    most: dict[tuple[str, ...], int] = {}
    for one in found:
        most[one.place] = max(most.get(one.place, 0), len(one.dimensions))
    return [one for one in found if len(one.dimensions) == most[one.place]]


def _by_name(pages: Iterable[Mapping[str, Any]]) -> Listed:
    found: dict[tuple[str, str], dict[Dimensions, None]] = {}
    for one in (metric for page in pages for metric in page["Metrics"]):
        dimensions = tuple((of["Name"], of["Value"]) for of in one.get("Dimensions", ()))
        found.setdefault((one["Namespace"], one["MetricName"]), {})[dimensions] = None
    return {key: list(distinct) for key, distinct in found.items()}


def _query(name: str, question: Question) -> dict[str, Any]:
    namespace, metric, dimensions, statistic = question
    named = [{"Name": key, "Value": value} for key, value in dimensions]
    asked = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": int(PERIOD.total_seconds()), "Stat": statistic}}


def _refuse(result: Mapping[str, Any]) -> None:
    """A part of the answer may fail although the answer as a whole is there."""
    if result["StatusCode"] == FORBIDDEN:
        raise ProviderRefusedError(
            "The permission cloudwatch:GetMetricData is missing: add it to the policy of the role or user.",
            permission="cloudwatch:GetMetricData",
        )
    if result["StatusCode"] == FAULT:
        raise ProviderUnavailableError("CloudWatch could not read all metrics that it was asked for.")


def _frame(times: list[datetime], values: list[float], start: datetime, end: datetime) -> pl.DataFrame:
    frame = pl.DataFrame({"at": times, "value": values}, schema={"at": POINTS["at"], "value": pl.Float64})
    return frame.filter(pl.col("at").is_between(start, end, closed="left"))
