"""Frames of KUBERNETES_USAGE -> node days and pod days: replaces what a source said of a cluster's days, by COPY."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import polars as pl
from django.db import connection
from psycopg import sql

from apps.clusters.models import Pod, Prices
from apps.clusters.owners import LOCK, decide_owners
from apps.core.copying import copy_frames
from apps.core.errors import OutdatedError
from apps.core.locks import hold
from apps.core.sql import run_sql
from collectors.errors import RefusedFileError
from collectors.kubernetes_usage import KUBERNETES_USAGE

COLUMNS: Final = tuple(KUBERNETES_USAGE.schema)
_TYPES: Final = {"day": "date", "labels": "jsonb"}
_ANALYSED: Final = "clusters_nodeday, clusters_pod, clusters_podday"


def replace(
    frames: Iterable[pl.DataFrame],
    *,
    source: str,
    delivery_id: int,
    at: datetime,  # noqa: ARG001 - as all loaders of records
    is_whole: bool = True,  # noqa: ARG001
) -> int:
    """Make the rows what is known of their clusters' days; runs in the caller's transaction. Returns how many.

    Raises RefusedFileError where another source has told of one of these days already, OutdatedError where a later
    delivery was loaded first.
    """
    hold(LOCK)
    rows = _stage(frames)
    _refuse_other_sources(source)
    _refuse_older(source, delivery_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM clusters_podday WHERE node_day_id IN (SELECT n.id FROM clusters_nodeday n JOIN"
            " (SELECT DISTINCT cluster, day FROM staged_usage) s USING (cluster, day) WHERE n.source = %s)",
            [source],
        )
        cursor.execute(
            "DELETE FROM clusters_nodeday n USING (SELECT DISTINCT cluster, day FROM staged_usage) s"
            " WHERE n.cluster = s.cluster AND n.day = s.day AND n.source = %s",
            [source],
        )
    given = {"source": source, "delivery_id": delivery_id}
    run_sql("clusters", "load", given, columns=Pod.DESCRIBED)
    decide_owners(only_new=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(id) FROM loaded_node_day")
        set_shares(cursor.fetchone()[0] or [])
        cursor.execute("DROP TABLE staged_usage, staged_pod, loaded_node_day")
        cursor.execute(f"ANALYZE {_ANALYSED}")
    return rows


def set_shares(nodes: list[int] | None) -> None:
    """Divide node days anew among their pods; all of them when None. Runs in the caller's transaction."""
    prices = Prices.current()
    run_sql("clusters", "share", {"nodes": nodes, **{name: getattr(prices, name) for name in Prices.NAMES}})


def _stage(frames: Iterable[pl.DataFrame]) -> int:
    kinds = {name: "numeric" if dtype.is_numeric() else "text" for name, dtype in KUBERNETES_USAGE.schema.items()}
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL({**kinds, **_TYPES}[name])) for name in COLUMNS
    )
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_usage, staged_pod, loaded_node_day")
        cursor.execute(sql.SQL("CREATE TEMPORARY TABLE staged_usage ({}) ON COMMIT DROP").format(columns))
        copy_frames("staged_usage", COLUMNS, frames)
        cursor.execute("SELECT count(*) FROM staged_usage")
        return int(cursor.fetchone()[0])


def _refuse_older(source: str, delivery_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.delivery_id, n.cluster, n.day FROM clusters_nodeday n"
            " JOIN (SELECT DISTINCT cluster, day FROM staged_usage) s USING (cluster, day)"
            " WHERE n.source = %s AND n.delivery_id > %s LIMIT 1",
            [source, delivery_id],
        )
        if found := cursor.fetchone():
            raise OutdatedError(
                f"Delivery {found[0]}, which came later, was loaded first for cluster {found[1]} on {found[2]}."
                " Nothing of this one was loaded."
            )


def _refuse_other_sources(source: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.source, n.cluster, n.day FROM clusters_nodeday n"
            " JOIN (SELECT DISTINCT cluster, day FROM staged_usage) s USING (cluster, day)"
            " WHERE n.source <> %s ORDER BY n.day LIMIT 1",
            [source],
        )
        if found := cursor.fetchone():
            raise RefusedFileError(
                f"The source {found[0]} has told of cluster {found[1]} on {found[2]} already: two of one cluster would"
                " count twice. Disconnect one of them, or give the clusters different names."
            )
