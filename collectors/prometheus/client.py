"""A Prometheus to be asked: instant and range queries as polars frames, in stretches that any server answers."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, repeat
from typing import Any, Final

import polars as pl

from collectors.connections import Network
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.patience import patiently
from collectors.prometheus.access import PrometheusSecrets, PrometheusSettings, in_lines
from collectors.prometheus.errors import TookTooLongError, TooMuchError, no_prometheus, of_way

MOST_POINTS: Final = 10_000
"""Of a series at once: servers refuse 11,000 and more."""

DAY: Final = timedelta(days=1)
MOST_BYTES: Final = 32_000_000
"""Of one answer: about a million points. More is asked for in smaller stretches."""

HALVINGS: Final = 3
"""Of a question that a server does not answer in time: one that is slow with an eighth is slow with anything."""

POINTS: Final = pl.Schema({"series": pl.Int64(), "time": pl.Datetime("us", "UTC"), "value": pl.Float64()})


@dataclass(frozen=True, slots=True)
class Answer:
    """Series and their points. `series` numbers the rows of `labels`, one text column a label, null where it has none.

    Values are doubles, as Prometheus keeps them, NaN among them where it says so.
    """

    labels: pl.DataFrame
    points: pl.DataFrame

    def frame(self, *names: str) -> pl.DataFrame:
        """The points with these labels beside them; a label that no series has is null."""
        missing = [pl.lit(None, pl.String).alias(name) for name in names if name not in self.labels.columns]
        labels = self.labels.with_columns(missing).select("series", *names)
        return self.points.join(labels, on="series", how="left").drop("series").select(*names, "time", "value")


@dataclass
class _Collected:
    """Series of several answers: the same labels are the same series."""

    numbers: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    frames: list[pl.DataFrame] = field(default_factory=list)
    has_twins: bool = False  # an answer had the same series twice

    def add(self, result: Sequence[Mapping[str, Any]], key: str) -> None:
        """Series as the API has them, their points under `key`; a series of histograms has none there."""
        told = [series for series in result if key in dict(series)]
        points = [series[key] if key == "values" else [series[key]] for series in told]
        flat = list(chain.from_iterable(chain.from_iterable(points)))
        names = (tuple(sorted(series["metric"].items())) for series in told)
        numbers = [self.numbers.setdefault(name, len(self.numbers)) for name in names]
        self.has_twins |= len(set(numbers)) < len(numbers)
        self.frames.append(
            pl.DataFrame(
                {
                    "series": pl.Series(chain.from_iterable(map(repeat, numbers, map(len, points))), dtype=pl.Int64),
                    "time": (pl.Series(flat[0::2], dtype=pl.Float64) * 1e6).round().cast(pl.Int64),
                    "value": pl.Series(flat[1::2], dtype=pl.String).cast(pl.Float64),
                }
            ).cast({"time": POINTS["time"]})
        )

    def answer(self) -> Answer:
        """All of it."""
        names = sorted({name for labels in self.numbers for name, _ in labels})
        texts = [dict(labels) for labels in self.numbers]
        columns = {name: pl.Series([one.get(name) for one in texts], dtype=pl.String) for name in names}
        numbers = pl.Series(range(len(texts)), dtype=pl.Int64)
        points = pl.concat(self.frames) if self.frames else POINTS.to_frame()
        if self.has_twins:
            points = points.unique(("series", "time"), keep="first", maintain_order=True)
        return Answer(pl.DataFrame({"series": numbers, **columns}), points)


class Prometheus:
    """One server, as whoever the secrets say. Libraries are loaded with the first question."""

    def __init__(
        self, settings: PrometheusSettings, secrets: PrometheusSecrets, networks: Sequence[Network] = ()
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._networks = networks

    @property
    def calls(self) -> int:
        """How many questions were asked."""
        return self._opened[0].calls if "_opened" in self.__dict__ else 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What came with answers that may be incomplete, each sentence once."""
        return tuple(self._opened[0].warnings) if "_opened" in self.__dict__ else ()

    def now(self) -> datetime:
        """The server's clock, to the second."""
        with self._understood():
            result = self._ask("custom_query", query="time()")
            return datetime.fromtimestamp(int(float(result[1])), UTC)

    def query(self, promql: str, at: datetime) -> Answer:
        """Each series' value at a time; what is older than the server's look-back (5 minutes) is not there."""
        found = _Collected()
        asked = {"query": promql, "params": {"time": f"{at.timestamp():.3f}"}}
        with self._understood():
            found.add(self._ask("custom_query", **asked), "value")
        return found.answer()

    def range(
        self, promql: str, start: datetime, end: datetime, step: timedelta, *, longest: timedelta = DAY
    ) -> Answer:
        """Each series' values at `start`, a `step` later and so on, before `end`; where it has none there is no point.

        Asked for in stretches of `longest` at most, and in smaller ones where the server does not answer so much.
        """
        found = _Collected()
        for stretch in _stretches(start, end, step, longest):
            with self._understood():
                for result in self._parts(promql, *stretch, step):
                    found.add(result, "values")
        return found.answer()

    def _parts(
        self, promql: str, first: datetime, count: int, step: timedelta, patience: int = HALVINGS
    ) -> Iterator[Sequence[Any]]:
        """A stretch of `count` points; halved where it is too much, and `patience` times where it takes too long."""
        last = first + (count - 1) * step
        words = {"query": promql, "start_time": first, "end_time": last, "step": f"{step.total_seconds():g}"}
        try:
            result = self._ask("custom_query_range", **words)
        except (TooMuchError, TookTooLongError) as error:
            patience -= isinstance(error, TookTooLongError)
            if count == 1 or patience < 0:
                raise
            half = count // 2
            yield from self._parts(promql, first, half, step, patience)
            yield from self._parts(promql, first + half * step, count - half, step, patience)
            return
        yield result

    def _ask(self, method: str, **words: Any) -> Any:
        from requests import RequestException  # noqa: PLC0415 - nobody without a Prometheus loads it

        faults = (RequestException, ProviderUnavailableError)
        asked = getattr(self._opened[1], method)
        return patiently(lambda: asked(**words), faults, self._explain)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Around the reading of an answer: one in another shape than the API's is nobody's we know."""
        try:
            with _uncollected():
                yield
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            pl.exceptions.PolarsError,
        ) as error:
            raise no_prometheus(self._settings.url) from error

    def _explain(self, error: Exception) -> ProviderRefusedError | ProviderUnavailableError:
        return error if isinstance(error, ProviderUnavailableError) else of_way(error, self._settings.url)

    @cached_property
    def _opened(self) -> tuple[Any, Any]:
        from collectors.prometheus.session import GuardedAdapter, Session, connect, tls_context  # noqa: PLC0415

        settings, session = self._settings, Session(MOST_BYTES)
        token, password, certificate = (
            getattr(self._secrets, name).get_secret_value() for name in ("token", "password", "certificate")
        )
        try:
            context = tls_context(in_lines(settings.authority), in_lines(certificate))
        except OSError as error:
            raise ProviderRefusedError(
                "The certificates cannot be used: check Certificate authority, and that the key belongs to the client"
                " certificate and has no password."
            ) from error
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"X-Scope-OrgID": settings.tenant} if settings.tenant else {}
        auth = (settings.user, password) if not token and (settings.user or password) else None
        return session, connect(settings.url, session, GuardedAdapter(self._networks, context), headers, auth)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Where hundreds of thousands of lists are made, looking through them for cycles takes most of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _stretches(start: datetime, end: datetime, step: timedelta, longest: timedelta) -> Iterable[tuple[datetime, int]]:
    """Where each stretch begins, and how many points it has."""
    points = -(-(end - start) // step)
    most = max(min(longest // step, MOST_POINTS), 1)
    return ((start + step * done, min(most, points - done)) for done in range(0, points, most))
