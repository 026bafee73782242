"""How fast costs are answered: 13 months with 10 million daily facts, in the database and through the API."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client

from apps.accounts.models import Role, TokenScope, User
from apps.accounts.scope import Scope
from apps.accounts.tokens import issue_token
from apps.core.partitions import make_partitions
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs import loader
from apps.costs.dimensions import DIMENSION_NAMES, RESOURCE, Dimension
from apps.costs.queries import CostQuery, Granularity, cost_table
from apps.costs.rollups import roll_up
from tests.bench.databases import kept_database

PERIOD = Period(date(2025, 7, 1), date(2026, 7, 31))
MONTHS = [date(2025 + place // 12, place % 12 + 1, 1) for place in range(6, 19)]
MADE_BY = Path(__file__).with_name("explorer.sql")
DIMENSIONS = [name for name in DIMENSION_NAMES if name != RESOURCE]
GROUP_BYS = [*((name,) for name in DIMENSIONS), *combinations(DIMENSIONS, 2)]
TAGS = [("tag:env",), ("tag:cost-centre",), ("tag:app",), ("tag:app", "tag:env"), ("tag:app", "service")]
ROUNDS = 3


def explorer_db_p95(granularity: Granularity = Granularity.NONE) -> tuple[float, str]:
    """95th percentile over every one- and two-dimension group-by, in the database until the last row is here."""
    limit = None if granularity is Granularity.NONE else 10
    queries = [CostQuery(PERIOD, tuple(map(Dimension, names)), granularity, limit=limit) for names in GROUP_BYS]
    with organisation():
        return p95(lambda query: cost_table(query, scope=Scope.everything()), queries, clock=_in_database), "ms"


def explorer_api_p95() -> tuple[float, str]:
    """95th percentile over the same group-bys, from the request to the last byte of the answer."""
    return _p95_of_api({"group_by": ",".join(names)} for names in GROUP_BYS)


def explorer_tag() -> tuple[float, str]:
    """95th percentile over group-bys of tags, and of tags with another dimension, through the API."""
    return _p95_of_api({"group_by": ",".join(names)} for names in TAGS)


def explorer_resource() -> tuple[float, str]:
    """95th percentile of the 50 dearest of a service's 12,000 resources, whole months and partial ones, by the API."""
    drill = {"group_by": RESOURCE, "filter[service]": "service-7", "limit": "50"}
    return _p95_of_api([drill, drill | {"start": "2025-07-10", "end": "2026-07-20"}])


def _p95_of_api(questions: Iterable[dict[str, str]]) -> tuple[float, str]:
    with organisation():
        client, headers = Client(), {"Authorization": f"Bearer {_token()}"}
        period = {"start": str(PERIOD.first), "end": str(PERIOD.last)}

        def ask(question: dict[str, str]) -> None:
            answer = client.get(f"/api/v1/costs/?{urlencode(period | question)}", headers=headers)
            if answer.status_code != 200 or not answer.json()["rows"]:
                raise AssertionError(f"{question}: {answer.content[:500]!r}")

        return p95(ask, list(questions), clock=elapsed), "ms"


def p95(ask: Callable[[Any], object], questions: list[Any], *, clock: Callable[[Callable[[], object]], float]) -> float:
    """Milliseconds; every question once to warm up, then ROUNDS times."""
    for question in questions:
        ask(question)
    times = sorted(clock(partial(ask, question)) for _ in range(ROUNDS) for question in questions)
    return round(times[max(int(len(times) * 0.95) - 1, 0)] * 1000, 1)


def elapsed(work: Callable[[], object]) -> float:
    """Seconds until the work is done."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _in_database(work: Callable[[], object]) -> float:
    """Seconds spent in statements: the driver holds the whole result when one returns."""
    times: list[float] = []

    def timed(execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            times.append(time.perf_counter() - began)

    with connection.execute_wrapper(timed):
        work()
    return sum(times)


@contextmanager
def organisation() -> Iterator[None]:
    """Django's connection on the database of the large organisation, which is made on the first call and kept."""
    with kept_database("bench_explorer", made_by=_made_by(), fill=_fill):
        yield


def _fill() -> None:
    make_partitions(loader.PARTITIONED, MONTHS)
    with connection.cursor() as cursor:
        for statement in MADE_BY.read_text().split(";\n"):
            cursor.execute(statement)
    roll_up(list(range(1, len(MONTHS) + 1)))


@cache
def _made_by() -> str:
    """What the database was made from: another generator or other tables make it anew."""
    sources = (MADE_BY.read_text(), read_sql("costs", "tables"), read_sql("costs", "roll_up"))
    return sha256("".join(sources).encode()).hexdigest()


def _token() -> str:
    user, _ = User.objects.get_or_create(username="bench", defaults={"role": Role.VIEWER})
    return issue_token(user=user, name="bench", scope=TokenScope.READ, actor=None).text
