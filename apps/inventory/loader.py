"""Frames -> resources: replaces what a source's listings hold, in one transaction, by COPY; history is kept."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import polars as pl
from django.db import connection

from apps.core.copying import copy_frames
from apps.core.errors import OutdatedError
from apps.core.locks import hold
from apps.core.sql import run_sql
from apps.inventory.models import Listing, Resource, ResourceState
from apps.inventory.owners import decide_owners
from apps.inventory.signals import tags_changed

TEXTS: Final = (
    *("provider", "resource_id", "sub_account_id", "sub_account_name", "region_id", "kind", "resource_type", "name"),
    "listing",
)
STAGED: Final = {
    "ordinal": "bigint",
    **dict.fromkeys((*TEXTS, "state", "size", "parent_id"), "text"),
    "created_at": "timestamptz",
    **dict.fromkeys(("alias_list", "tags", "details"), "jsonb"),
}


def replace(
    frames: Iterable[pl.DataFrame], *, source: str, delivery_id: int, at: datetime, is_whole: bool = True
) -> int:
    """Make the frames (of collectors.resources.RESOURCES) what their listings hold since `at`; how many resources.

    What a listing has no longer is closed at `at`, unless the frames are not the whole of it: a row that cannot be
    read closes nothing. What stays the same is not written. Runs in the caller's transaction, and may be repeated.
    Raises OutdatedError where one of the listings has been read after `at`.
    """
    hold(f"inventory of {source}")
    resources = _stage(frames)
    _refuse_outdated(source, delivery_id, at)
    given = {"source": source, "delivery_id": delivery_id, "at": at, "is_whole": is_whole}
    run_sql("inventory", "replace_listings", given, **_columns())
    decide_owners(only_new=True)
    if names := _names_of_changed():
        tags_changed.send(sender=Resource, names=names)
    return resources


def _columns() -> dict[str, list[str]]:
    described, stated = list(Resource.DESCRIBED), list(ResourceState.DESCRIBED)
    return {
        "described": described,
        "described_of_r": [f"r.{name}" for name in described],
        "excluded": [f"excluded.{name}" for name in described],
        "stated": stated,
        "state_of_t": [f"t.{name}" for name in stated],
        "state_of_s": [f"s.{name}" for name in stated],
    }


def _stage(frames: Iterable[pl.DataFrame]) -> int:
    rows = resources = 0

    def numbered() -> Iterable[pl.DataFrame]:
        nonlocal rows, resources
        for frame in frames:
            yield _as_staged(frame).with_row_index("ordinal", offset=rows)
            rows += frame.height
            resources += frame["resource_id"].count()  # a row without one ends a listing

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_resource")
        columns = ", ".join(f"{name} {kind}" for name, kind in STAGED.items())
        cursor.execute(f"CREATE TEMPORARY TABLE staged_resource ({columns}) ON COMMIT DROP")
    copy_frames("staged_resource", tuple(STAGED), numbered())
    return resources


def _as_staged(frame: pl.DataFrame) -> pl.DataFrame:
    """Empty texts and objects instead of nulls."""
    frame = frame.rename({"resource_name": "name", "aliases": "alias_list"})
    return frame.with_columns(
        pl.col("state").fill_null("unknown"),
        pl.col("alias_list").fill_null("[]"),
        pl.col("tags", "details").fill_null("{}"),
    ).with_columns(pl.col(pl.String).fill_null(""))


def _refuse_outdated(source: str, delivery_id: int, at: datetime) -> None:
    """Two deliveries of one listing cannot tell of the same moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT listing FROM staged_resource")
        names = [name for (name,) in cursor.fetchall()]
    known = Listing.objects.filter(source=source, name__in=names, read_at__gte=at).order_by("name")
    newer = known.exclude(delivery_id=delivery_id).first()
    if newer is not None:
        raise OutdatedError(
            f"Delivery {newer.delivery_id}, which came later, was loaded first for the listing {newer}."
            " Nothing of this one was loaded; import it again if it is the newer one."
        )


def _names_of_changed() -> list[str]:
    """The ids by which bills may call resources whose tags or ids are other than before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT unnest(aliases || aliases_before || resource_id) FROM told_resource WHERE is_named_anew"
        )
        return [name for (name,) in cursor.fetchall()]
