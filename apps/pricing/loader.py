"""Frames -> prices: replaces what a source's lists hold, in one transaction, by COPY."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl
from django.db import connection

from apps.core.copying import copy_frames
from apps.core.errors import OutdatedError
from apps.core.locks import hold
from apps.core.sql import run_sql
from apps.pricing.models import Price, PriceList

NUMBERS = ("tier_start", "list_unit_price")
STAGED = (*Price.FIELDS, "valid_from", "listing")


def replace(
    frames: Iterable[pl.DataFrame], *, source: str, delivery_id: int, at: datetime, is_whole: bool = True
) -> int:
    """Make the frames (of collectors.prices.PRICES) what their lists hold; how many prices these hold now.

    Prices that a list has no longer end at `at`, unless the frames are not the whole of it: a row that cannot be read
    ends no price. Those that stay are not written. Runs in the caller's transaction,
    and may be repeated. Raises OutdatedError where one of the lists has been read after `at`.
    """
    hold(f"prices of {source}")
    _stage(frames)
    _refuse_outdated(source, at)
    given = {"source": source, "delivery_id": delivery_id, "at": at, "is_whole": is_whole}
    run_sql("pricing", "replace_lists", given, fields=Price.FIELDS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM listed_price")
        return int(cursor.fetchone()[0])


def _stage(frames: Iterable[pl.DataFrame]) -> None:
    kinds = {**dict.fromkeys(STAGED, "text"), **dict.fromkeys(NUMBERS, "numeric(38, 18)"), "valid_from": "date"}
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_price")
        columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        cursor.execute(f"CREATE TEMPORARY TABLE staged_price ({columns}) ON COMMIT DROP")
    copy_frames("staged_price", STAGED, map(_without_nulls, frames))


def _refuse_outdated(source: str, at: datetime) -> None:
    later = PriceList.objects.filter(source=source, read_at__gt=at).order_by("name")
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT coalesce(listing, '') FROM staged_price")
        newer = later.filter(name__in=[name for (name,) in cursor.fetchall()]).first()
    if newer is not None:
        raise OutdatedError(
            f"Delivery {newer.delivery_id}, which came later, was loaded first for the list {newer}."
            " Nothing of this one was loaded; import it again if it is the newer list."
        )


def _without_nulls(frame: pl.DataFrame) -> pl.DataFrame:
    """What a list says nothing of is empty text, and a price without tiers holds from nothing on."""
    texts = [name for name in Price.FIELDS if name not in NUMBERS]
    return frame.with_columns(pl.col(texts).fill_null(""), pl.col("tier_start").fill_null(0))
