"""Asking Azure Monitor for metrics of many resources at once, by region and type. The SDK is loaded when called."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import polars as pl

from collectors.azure.errors import Way, for_now, on_the_way
from collectors.azure.graph import missing_role
from collectors.azure.measures import MEASURES, Measure
from collectors.azure.sign_in import TIMEOUTS, SignIn, credential_of
from collectors.cloud_metrics import KEYS, PERIOD, POINTS
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.patience import Problem, patiently

ENDPOINT: Final = "AZURE_MONITOR_METRICS_ENDPOINT"
"""Environment variable that leads to another cloud, as https://{region}.metrics.monitor.azure.us."""

PUBLIC: Final = "https://{region}.metrics.monitor.azure.com"
ROLE: Final = "Monitoring Reader"
OK: Final = 200
AT_ONCE: Final = 50
"""Resources in a question: Azure takes no more."""

PROVIDER: Final = "Microsoft"
_WAY: Final = Way(
    "This server cannot look up the address of Azure Monitor in a region.",
    "This server has no Azure identity of its own: give tenant id, client id and client secret of an application.",
)
_NO_ANSWER: Final = "Azure Monitor answered something else than metrics."
_FAILED: Final = re.compile(r'"errorCode"\s*:\s*"(?!Success")([^"]+)"')
"""What is said of a metric that could not be read, in an answer that is good otherwise; the SDK drops it."""

_ID_ENDS: Final = "/providers/microsoft.insights/metrics/"


@dataclass(frozen=True, slots=True)
class Group:
    """What can be asked for in one question: resources of one type and region of a subscription."""

    subscription: str
    region: str
    type: str


class Monitor:
    """Azure Monitor's metrics, asked as somebody who may read them."""

    def __init__(self, sign_in: SignIn) -> None:
        self.calls = 0
        self._sign_in = sign_in
        self._credential: Any = None
        self._clients: dict[str, Any] = {}
        self.failed: set[str] = set()
        """Azure's words for metrics that answers were without, for whoever asks to clear."""

    def points(
        self, group: Group, resources: Sequence[str], start: datetime, end: datetime, tick: Callable[[], None]
    ) -> Iterator[pl.DataFrame]:
        """What is known of some resources of a group at a time as frames of POINTS.

        Raises ProviderRefusedError or ProviderUnavailableError.
        """
        measures = MEASURES[group.type]
        for first in range(0, len(resources), AT_ONCE):
            tick()
            results = self._ask(group, resources[first : first + AT_ONCE], measures, start, end)
            told = [(one, measure) for result in results for one in result.metrics for measure in measures]
            frames = (_frame(one, measure) for one, measure in told if one.name in measure.names)
            yield pl.concat([pl.DataFrame(schema=POINTS), *frames])

    def _ask(
        self, group: Group, resources: Sequence[str], measures: Sequence[Measure], start: datetime, end: datetime
    ) -> Any:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - nobody without an Azure source loads it

        ask = partial(
            self._client(group.region).query_resources,
            resource_ids=list(resources),
            metric_namespace=group.type,
            metric_names=[name for measure in measures for name in measure.names],
            timespan=(start, end),
            granularity=PERIOD,
            aggregations=sorted({word for one in measures for word in (one.value, one.peak) if word}),
        )
        return patiently(ask, (AzureError, AttributeError, KeyError, TypeError, ValueError), partial(explain, group))

    def _client(self, region: str) -> Any:
        """A client of a region without the SDK's own retries, which sleep where nobody can cancel."""
        from azure.monitor.querymetrics import MetricsClient  # noqa: PLC0415

        if self._credential is None:
            self._credential = credential_of(self._sign_in)
        if region not in self._clients:
            endpoint = os.environ.get(ENDPOINT, PUBLIC)
            self._clients[region] = MetricsClient(
                endpoint.replace("{region}", region),
                self._credential,
                audience=endpoint.replace("{region}.", ""),
                raw_request_hook=self._count,
                raw_response_hook=self._note,
                retry_total=0,
                **TIMEOUTS,
            )
        return self._clients[region]

    def _count(self, _: Any) -> None:
        self.calls += 1

    def _note(self, response: Any) -> None:
        if response.http_response.status_code == OK:
            self.failed.update(_FAILED.findall(response.http_response.text()))


def explain(group: Group, error: Exception) -> Problem:
    """What an exception of the SDK means."""
    if isinstance(error, AttributeError | KeyError | TypeError | ValueError):
        return ProviderUnavailableError(_NO_ANSWER)
    if problem := on_the_way(error, _WAY):
        return problem
    answer: Any = getattr(error, "response", None)
    code = str(getattr(getattr(error, "error", None), "code", "") or "")
    if problem := for_now(code, answer):
        return problem
    if answer.status_code in (401, 403):
        return missing_role(f"the subscription {group.subscription}", ROLE)
    if answer.status_code == 200:
        return ProviderUnavailableError(_NO_ANSWER)
    return ProviderRefusedError(f"Azure Monitor refuses the question ({code or answer.status_code}).")


def _frame(told: Any, measure: Measure) -> pl.DataFrame:
    """The numbers of one metric of one resource; where Azure has none it says null, which is a gap."""
    resource = str(told.id).lower().partition(_ID_ENDS)[0]
    points = [point for series in told.timeseries for point in series.data]
    peaks = measure.peak or measure.value
    frame = pl.DataFrame(
        {
            "at": [point.timestamp for point in points],
            "value": [getattr(point, measure.value) for point in points],
            "peak": [getattr(point, peaks) for point in points],
        },
        schema={"at": POINTS["at"], "value": pl.Float64, "peak": pl.Float64},
    )
    numbers = {name: pl.col(name) / measure.unit for name in ("value", "peak")}
    read = frame.with_columns(**{name: 1 - number if measure.is_rest else number for name, number in numbers.items()})
    said = {"provider": PROVIDER, "resource_id": resource, "metric": measure.metric, "signal": measure.signal}
    words = [pl.lit(said.get(name, "")).alias(name) for name in KEYS]
    named = read.with_columns(*words, pl.lit(told.name).alias("part"), pl.lit(value=False).alias("is_whole"))
    return named.select(POINTS.names()).cast(POINTS)
