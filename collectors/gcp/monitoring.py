"""Asking Cloud Monitoring for the series of a measure, aligned to five minutes, page by page."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import Any, Final

import polars as pl

from collectors.cloud_metrics import KEYS, PERIOD, POINTS
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.assets import PROVIDER
from collectors.gcp.errors import Api, text_of
from collectors.gcp.identity import Google, follow
from collectors.gcp.measures import MEASURES, Measure, Part

PAGE_POINTS: Final = 20_000
MONITORING: Final = Api(
    title="Cloud Monitoring API",
    service="monitoring.googleapis.com",
    scopes=("https://www.googleapis.com/auth/monitoring.read",),
    roles=dict.fromkeys(
        ("monitoring.timeSeries.list", "monitoring.metricDescriptors.list"),
        "the role of deploy/gcp-read-role.sh, or Monitoring Viewer (roles/monitoring.viewer), on the project",
    ),
    missing="Check how the project is spelt.",
    project="the project",
)

Series = Mapping[str, Any]
Labels = dict[str, str]


class Monitoring(Google):
    """Cloud Monitoring, of one project at a time."""

    def __init__(self, key: str) -> None:
        super().__init__(MONITORING, key)

    def now(self, project: str) -> datetime:
        """What time it is by Google's clock, told with whether metrics can be listed."""
        asked = {"filter": f'metric.type = "{MEASURES[0].parts[0].type}"', "pageSize": 1}
        answer = self.ask(lambda: self.get(f"/v3/projects/{project}/metricDescriptors", asked))
        return parsedate_to_datetime(answer.headers["Date"])

    def series(self, project: str, asked: Mapping[str, Any]) -> Iterator[Series]:
        """Every series; a metric that nobody has ever written has none."""
        from google.api_core.exceptions import NotFound  # noqa: PLC0415 - nobody without a Google source loads it

        path, token, before = f"/v3/projects/{project}/timeSeries", "", set[str]()
        while True:
            try:
                page = self.ask(partial(self._page, path, {**asked, **({"pageToken": token} if token else {})}))
            except ProviderRefusedError as error:
                if isinstance(error.__cause__, NotFound) and "metric" in text_of(error.__cause__).lower():
                    return
                raise
            yield from page.get("timeSeries", ())
            if not page.get("nextPageToken"):
                return
            token = follow(page["nextPageToken"], before)

    def _page(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A page that Google answers whole: parts of a day would look as if nothing else had been measured."""
        page = self.get(path, asked).json()
        if not isinstance(page, dict) or not isinstance(page.get("timeSeries", []), list):
            raise ProviderUnavailableError("Cloud Monitoring answered something else than series.")
        if page.get("executionErrors") or page.get("unreachable"):
            where = ", ".join(map(str, page.get("unreachable") or ())) or "a part of it"
            raise ProviderUnavailableError(f"Cloud Monitoring could not read all that it was asked for: {where}.")
        return page


@dataclass
class Look:
    """A stretch of time in a project."""

    monitoring: Monitoring
    project: str
    start: datetime
    end: datetime

    @cached_property
    def machines(self) -> dict[tuple[str, str], str]:
        """Ids of machines by project and name, as the first of MEASURES knows them."""
        named = MEASURES[0]
        found = [_labels(series, named) for series in self._series(named, named.parts[0], named.aligner)]
        return {(one["project_id"], one["instance_name"]): _fill(named.resource, one) for one in found}

    def points(self, measure: Measure) -> Iterator[pl.DataFrame]:
        """What there is of a measure as frames of POINTS, one for each of its parts."""
        for part in measure.parts:
            mean = self._frame(measure, part, measure.aligner)
            if mean.height and measure.peak and not part.is_whole:
                of = [name for name in POINTS if name not in ("value", "peak")]
                peak = self._frame(measure, part, measure.peak).select(*of, peak="value").unique(of, keep="last")
                mean = mean.drop("peak").join(peak, on=of, how="left", nulls_equal=True)
            yield mean.select(POINTS.names())

    def _frame(self, measure: Measure, part: Part, aligner: str) -> pl.DataFrame:
        frames = [pl.DataFrame(schema=POINTS)]
        for series in self._series(measure, part, aligner):
            keys = self._keys(measure, _labels(series, measure))
            if keys["resource_id"] or keys["node"]:
                words = {**keys, "part": part.type, "is_whole": part.is_whole}
                named = _times(series, measure.unit).with_columns(
                    pl.lit(is_).alias(name) for name, is_ in words.items()
                )
                frames.append(named.with_columns(peak="value").select(POINTS.names()).cast(POINTS))
        return pl.concat(frames)

    def _series(self, measure: Measure, part: Part, aligner: str) -> Iterator[Series]:
        asked = {
            "filter": " AND ".join(filter(None, (f'metric.type = "{part.type}"', part.only))),
            "interval.startTime": f"{self.start:%Y-%m-%dT%H:%M:%SZ}",
            "interval.endTime": f"{self.end:%Y-%m-%dT%H:%M:%SZ}",
            "aggregation.alignmentPeriod": f"{int(PERIOD.total_seconds())}s",
            "aggregation.perSeriesAligner": aligner,
            "aggregation.crossSeriesReducer": part.reducer,
            "aggregation.groupByFields": list(measure.labels),
            "pageSize": PAGE_POINTS,
        }
        yield from self.monitoring.series(self.project, asked)

    def _keys(self, measure: Measure, labels: Labels) -> Labels:
        node = (labels.get("project_id", ""), labels.get("node_name", ""))
        known = {**labels, "machine": self.machines.get(node, "") if node[1] else ""}
        said = {
            "provider": PROVIDER,
            "cluster": _fill(measure.cluster, known),
            "node": _fill(measure.node, known),
            "resource_id": _fill(measure.resource, known),
            "device": _fill(measure.device, known),
            "device_model": _fill(measure.model, known),
            "metric": measure.metric,
            "signal": measure.signal,
        }
        return {name: said[name] for name in KEYS}


def _labels(series: Series, measure: Measure) -> Labels:
    """What a series is grouped by, under its names in templates."""
    told = {
        "resource": series.get("resource", {}).get("labels", {}),
        "metric": series.get("metric", {}).get("labels", {}),
        "metadata": series.get("metadata", {}).get("systemLabels", {}),
    }
    parts = {name: (path.partition(".")[0], path.rpartition(".")[2]) for path, name in measure.labels.items()}
    labels = {name: str(told[kind].get(label, "")) for name, (kind, label) in parts.items()}
    if "database_id" in labels:
        labels["database"] = labels["database_id"].rpartition(":")[2]
    return labels


def _fill(template: str, labels: Labels) -> str:
    """A template with what is known; empty where a part of it is not."""
    asked = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    return template.format_map(labels) if all(labels.get(name) for name in asked) else ""


def _times(series: Series, unit: float) -> pl.DataFrame:
    """Where each five minutes begin, whose end is told, and its number; whole numbers are written as text."""
    points = series.get("points", ())
    ends = [datetime.fromisoformat(one["interval"]["endTime"]) for one in points]
    numbers = [one["value"].get("doubleValue", one["value"].get("int64Value", "nan")) for one in points]
    values = [float(number) / unit for number in numbers]
    frame = pl.DataFrame({"at": ends, "value": values}, schema={"at": POINTS["at"], "value": pl.Float64})
    return frame.with_columns(pl.col("at") - PERIOD)
