"""Frames -> facts: replaces what a source said about a billing account's period, in one transaction, by COPY."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl
from django.db import connection, transaction
from django.db.models.functions import Now
from psycopg import sql

from apps.core.copying import copy_frames
from apps.core.errors import OutdatedError
from apps.core.locks import hold
from apps.core.partitions import make_partitions, partition_of
from apps.core.sql import run_sql
from apps.costs.allocation import allocate_new_keys, hold_allocation
from apps.costs.models import Statement
from apps.costs.rollups import note_restatements, roll_up
from apps.costs.spool import FACT_COLUMNS, STATEMENT_KEYS, Spool, SpooledStatement
from collectors.charges import JSON_COLUMNS, KEY_COLUMNS

PARTITIONED = ("costs_dailycharge", "costs_dailycost")
MONTHLY = ("costs_monthlygroupcost", "costs_monthlycost")
DESCRIPTIVE = ("costs_chargekey", "costs_chargegroup")
OVERLOOKED = 0.05  # of the charge keys that the planner knows of
MANY_FACTS = 50_000  # from here on the planner has to hear of all months: nobody else tells it of a table in partitions
COPIED = ("statement_id", "key_id", *FACT_COLUMNS)


class NotReconciledError(Exception):
    """The facts do not add up to what the files say; nothing was loaded. A fault of this program, not of a file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The statements that are current now, and those that they replaced."""

    statements: tuple[Statement, ...]
    superseded: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Covered:
    """What a delivery says all of: what these older ones said there, and it does not, was taken back."""

    deliveries: frozenset[int]
    parts: frozenset[str] | None  # of bills; None: all that they said
    accounts: frozenset[str] | None  # billing accounts; None: all


def prepare(spool: Spool) -> pl.DataFrame:
    """Make what the facts refer to: charge keys, their groups, partitions. Returns `key_no`, `key_id`.

    Commits on its own: keys without facts show nowhere, so a crash in between leaves nothing to clean up.
    """
    with transaction.atomic():
        make_partitions(PARTITIONED, spool.months)
    with transaction.atomic():
        hold_allocation()
        hold("charge keys")
        return _load_keys(spool)


def replace(
    spool: Spool, key_ids: pl.DataFrame, *, source: str, delivery_id: int, covered: Covered | None = None
) -> Loaded:
    """Make the spooled charges the current ones of their statements; runs in the caller's transaction.

    What is `covered` and has no charges any more gets a statement of no rows in the place of what it had.
    Readers see the old facts until it commits. Raises NotReconciledError when the sums differ, OutdatedError when a
    delivery with a higher number has been loaded for one of the statements.
    """
    hold_allocation()
    spooled = spool.statements()
    superseded = [old for one in spooled for old in _supersede(source, one, delivery_id)]
    statements = [_insert_statement(one, source=source, delivery_id=delivery_id) for one in spooled]
    _copy_facts(spool, key_ids, statements)
    taken_back = _take_back(source, covered) if covered else []
    statements += [_insert_statement(_without_rows(one), source=source, delivery_id=delivery_id) for one in taken_back]
    superseded += taken_back
    for statement in statements:
        _prove(statement)
    roll_up([statement.pk for statement in statements])
    note_restatements(statements, superseded)
    for statement in superseded:
        delete_facts(statement)
    return Loaded(tuple(statements), tuple(superseded))


def analyse(spool: Spool) -> None:
    """Tell the database's planner what the cost tables hold now that the spooled facts are in them.

    Without it tables that were empty a moment ago are taken for empty, and joins for cheap that take minutes.
    """
    facts = PARTITIONED if spool.fact_rows > MANY_FACTS else _partitions(spool.months)
    analyse_tables(facts, DESCRIPTIVE if _are_many(spool.new_keys) else ())


def analyse_tables(facts: Sequence[str] = PARTITIONED, described: Sequence[str] = DESCRIPTIVE) -> None:
    """The same for these tables of facts, all of them when none is named, and for what goes with them."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join((*facts, *MONTHLY, *described))}")


def _are_many(new_keys: int) -> bool:
    """Whether so many charge keys are more than the planner can overlook: keys are wide, and most bills bring few."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'costs_chargekey'::regclass")
        known: float = cursor.fetchone()[0]
    return new_keys > known * OVERLOOKED


def _partitions(months: Iterable[date]) -> list[str]:
    return [partition_of(table, month) for table in PARTITIONED for month in months]


def _load_keys(spool: Spool) -> pl.DataFrame:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL("jsonb" if name in JSON_COLUMNS else "text"))
        for name in KEY_COLUMNS
    )
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_key")
        cursor.execute(sql.SQL("CREATE TEMPORARY TABLE staged_key (key_no bigint, {}) ON COMMIT DROP").format(columns))
        copy_frames("staged_key", ("key_no", *KEY_COLUMNS), spool.keys())
        spool.new_keys = run_sql("costs", "insert_keys", {}, columns=KEY_COLUMNS)
        allocate_new_keys()
        cursor.execute("SELECT s.key_no, k.id FROM staged_key s JOIN costs_chargekey k USING (digest)")
        return pl.DataFrame(cursor.fetchall(), schema={"key_no": pl.Int64, "key_id": pl.Int64}, orient="row")


def _supersede(source: str, new: SpooledStatement, delivery_id: int) -> list[Statement]:
    """End what is current for this account, period and part, whatever its currency; its facts are still there.

    A whole bill and a part of one cannot stand side by side: what they share would count twice.
    """
    _hold(source, new)
    current = Statement.objects.filter(
        source=source,
        billing_account_id=new.billing_account_id,
        billing_period_start=new.billing_period_start,
        superseded_at=None,
    )
    old = list(current.filter(bill_part__in=["", new.bill_part]) if new.bill_part else current)
    for statement in old:
        if statement.delivery_id > delivery_id:
            raise OutdatedError(
                f"Delivery {statement.delivery_id}, which came later, was loaded first for {statement}."
                " Nothing of this one was loaded; import it again if it is the newer bill."
            )
    Statement.objects.filter(pk__in=[statement.pk for statement in old]).update(superseded_at=Now())
    return old


def _take_back(source: str, covered: Covered) -> list[Statement]:
    """End what is covered and current still after the new charges have replaced what they state anew."""
    stated = Statement.objects.filter(source=source, delivery_id__in=covered.deliveries, row_count__gt=0)
    if covered.parts is not None:
        stated = stated.filter(bill_part__in=covered.parts)
    if covered.accounts is not None:
        stated = stated.filter(billing_account_id__in=covered.accounts)
    for statement in stated.filter(superseded_at=None).order_by(*STATEMENT_KEYS):
        _hold(source, statement)
    gone = list(stated.filter(superseded_at=None).order_by(*STATEMENT_KEYS))
    Statement.objects.filter(pk__in=[statement.pk for statement in gone]).update(superseded_at=Now())
    return gone


def _without_rows(gone: Statement) -> SpooledStatement:
    """What there is now of a bill that was taken back."""
    return SpooledStatement(
        billing_account_id=gone.billing_account_id,
        billing_period_start=gone.billing_period_start,
        billing_period_end=gone.billing_period_end,
        billing_currency=gone.billing_currency,
        bill_part=gone.bill_part,
        row_count=0,
        billed_cost=Decimal(0),
        effective_cost=Decimal(0),
    )


def _hold(source: str, statement: SpooledStatement | Statement) -> None:
    hold(f"statement {source} {statement.billing_account_id} {statement.billing_period_start}")


def delete_facts(statement: Statement) -> None:
    """Delete the facts and rollups of a statement; runs in the caller's transaction."""
    with connection.cursor() as cursor:
        for table in PARTITIONED:
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE statement_id = %s AND day BETWEEN %s AND %s").format(
                    sql.Identifier(table)
                ),
                [statement.pk, statement.first_day, statement.last_day],
            )
        for table in MONTHLY:
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE statement_id = %s").format(sql.Identifier(table)), [statement.pk]
            )


def _insert_statement(new: SpooledStatement, *, source: str, delivery_id: int) -> Statement:
    return Statement.objects.create(
        source=source,
        delivery_id=delivery_id,
        billing_account_id=new.billing_account_id,
        billing_period_start=new.billing_period_start,
        billing_period_end=new.billing_period_end,
        billing_currency=new.billing_currency,
        bill_part=new.bill_part,
        row_count=new.row_count,
        billed_cost_in_file=new.billed_cost,
        effective_cost_in_file=new.effective_cost,
    )


def _copy_facts(spool: Spool, key_ids: pl.DataFrame, statements: Sequence[Statement]) -> None:
    statement_ids = pl.DataFrame(
        [(*(getattr(statement, name) for name in STATEMENT_KEYS), statement.pk) for statement in statements],
        schema={**dict.fromkeys(STATEMENT_KEYS, pl.String), "billing_period_start": pl.Date, "statement_id": pl.Int64},
        orient="row",
    )
    copy_frames("costs_dailycharge", COPIED, spool.facts(key_ids=key_ids, statement_ids=statement_ids))


def _prove(statement: Statement) -> None:
    """Read the facts back and hold them against the file's own sums."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(day), max(day), coalesce(sum(row_count), 0), coalesce(sum(billed_cost), 0),"
            " coalesce(sum(effective_cost), 0) FROM costs_dailycharge WHERE statement_id = %s",
            [statement.pk],
        )
        first_day, last_day, rows, billed, effective = cursor.fetchone()
    if (rows, billed, effective) != (
        statement.row_count,
        statement.billed_cost_in_file,
        statement.effective_cost_in_file,
    ):
        raise NotReconciledError(
            f"{statement.billing_account_id} {statement.billing_period_start}: {rows} rows, billed {billed}, effective"
            f" {effective} in the database, {statement.row_count} rows, billed {statement.billed_cost_in_file},"
            f" effective {statement.effective_cost_in_file} in the file. Nothing was loaded."
        )
    statement.first_day, statement.last_day = first_day, last_day
    statement.billed_cost, statement.effective_cost = billed, effective
    statement.save(update_fields=["first_day", "last_day", "billed_cost", "effective_cost"])
