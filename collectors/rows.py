"""From raw rows to charges, the same for every format: judge each row, add up the totals, group, describe, condense."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import polars as pl

from collectors.charges import (
    REJECTED_SCHEMA,
    SCHEMA,
    TOTAL_KEYS,
    TOTALS_SCHEMA,
    add_up,
    condense,
)
from collectors.rejections import Fault, reject
from collectors.tables import ROW, RawBatch
from collectors.values import (
    LARGEST_AMOUNT,
    LARGEST_QUANTITY,
    Parsed,
    as_date_end,
    as_text,
    identity_text,
    last_day_end,
    parse_decimals,
    parse_times,
)

PERIODS: Final = ("billing_period_start", "billing_period_end", "charge_period_start", "charge_period_end")
FACTS: Final = ("day", "charge_period_start", "charge_period_end", "invoice_id", "invoice_detail_id")
LONGEST_ACCOUNT: Final = 500
"""Characters of a billing account id: what an index of the database can hold in any alphabet."""


Reading = Callable[[pl.Series], pl.Series]
"""A column of the file as the values that its rows are to be read from."""

ROWS: Final = "rows"
"""The column that says how many rows of the file a charge stands for: 0 for what was split off a row."""

WHOLE_BILL: Final = pl.lit("")


def as_it_is(rows: pl.DataFrame) -> pl.DataFrame:
    """Every row is one charge."""
    return rows


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one table has what: positions in its header."""

    header: tuple[str, ...]
    keys: Mapping[str, int]  # billing_account_id, billing_currency, invoice_id, invoice_detail_id
    periods: Mapping[str, int]  # PERIODS; a bill that states no billing period is one of the calendar month
    amounts: Mapping[str, int]  # decimals of each row, by the format's own names
    needed_amounts: Sequence[str]  # those of them that may not be null where they matter
    prices: Mapping[str, int]  # PRICE_COLUMNS
    descriptive: Sequence[int]  # everything else that tells charges apart
    nulls: Sequence[str]  # words that mean null
    readings: Mapping[str, Reading] = field(default_factory=dict)  # of those keys, periods, ... that are not as stated
    part: pl.Expr = WHOLE_BILL  # `bill_part` of a row, out of its parsed columns
    split: Callable[[pl.DataFrame], pl.DataFrame] = as_it_is  # accepted rows into charges, where one row is several

    @property
    def wanted(self) -> list[int]:
        """Every position that is read."""
        maps = (self.keys, self.periods, self.amounts, self.prices)
        return sorted({position for found in maps for position in found.values()} | set(self.descriptive))

    def read(self, frame: pl.DataFrame, name: str, position: int) -> pl.Series:
        """What stands under `name` in the rows of a raw frame."""
        return self.readings.get(name, _as_stated)(frame[str(position)])


def _as_stated(values: pl.Series) -> pl.Series:
    return values


class Adapter(Protocol):
    """What a format knows about its tables; positions of the layout are the column names of its frames ("0", "1")."""

    @property
    def layout(self) -> Layout:
        """Where this table has what."""

    def matters(self, amount: str) -> pl.Expr:
        """In which rows an unreadable amount or price is a fault; elsewhere it counts as null."""

    def measures(self) -> Mapping[str, pl.Expr]:
        """MEASURE_COLUMNS of a row out of `amount_column` columns and descriptive ones."""

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """KEY_COLUMNS of grouped rows out of descriptive columns; what is left out is null."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A raw batch after judging: accepted rows grouped by all that tells them apart, rejected rows, totals."""

    groups: pl.DataFrame
    totals: pl.DataFrame
    rejected: pl.DataFrame
    rounded: int


NOTHING_JUDGED: Final = Judged(pl.DataFrame(), TOTALS_SCHEMA.to_frame(), REJECTED_SCHEMA.to_frame(), 0)


def amount_column(name: str) -> str:
    """The column that holds a parsed amount of the layout."""
    return f"amount {name}"


def judge(batch: RawBatch, adapter: Adapter) -> Judged:
    """Read every value of every row strictly; a row with a fault is rejected whole, with the first of its faults."""
    layout, frame = adapter.layout, batch.frame
    decimals = {
        name: parse_decimals(layout.read(frame, name, at), layout.nulls, largest=_largest(name))
        for name, at in _decimals(layout).items()
    }
    times = {
        name: parse_times(layout.read(frame, name, at), layout.nulls, as_stated=name.startswith("billing"))
        for name, at in layout.periods.items()
    }
    if "billing_period_start" not in times:
        times |= _calendar_month(times["charge_period_start"])
    texts = {name: _key_text(layout.read(frame, name, at), layout.nulls) for name, at in layout.keys.items()}
    faults = [*_key_faults(layout, texts), *_time_faults(layout, times), *_amount_faults(adapter, frame, decimals)]
    rows = _with_parsed(frame, layout, decimals, times, texts).with_columns(**adapter.measures())
    rejected = reject(batch, layout.header, rows, faults)
    accepted = rows.filter(~pl.col(ROW).is_in(rejected["row"].implode())) if rejected.height else rows
    charges = layout.split(accepted)
    return Judged(
        groups=_group(charges, layout),
        totals=_totals(charges),
        rejected=rejected,
        rounded=sum(parsed.rounded for parsed in decimals.values()),
    )


def merge(groups: Sequence[pl.DataFrame], layout: Layout) -> pl.DataFrame:
    """Groups of several batches as one frame of groups."""
    return add_up(pl.concat(groups), _grouping(layout), pl.col("row_count").sum(), pl.col(ROW).min())


def to_charges(groups: pl.DataFrame, adapter: Adapter) -> pl.DataFrame:
    """A condensed charges frame with SCHEMA."""
    described = adapter.describe(groups)
    facts = groups.select(
        *(name for name in groups.columns if name in SCHEMA and name not in described.columns),
        pl.col(ROW).alias("first_row"),
    )
    known = described.hstack(facts)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in SCHEMA.items() if name not in known.columns]
    return condense(known.with_columns(missing).select(SCHEMA.names()))


def _decimals(layout: Layout) -> dict[str, int]:
    """Every decimal column of a row by the name that it gets."""
    return {**{amount_column(name): at for name, at in layout.amounts.items()}, **layout.prices}


def _calendar_month(start: Parsed) -> dict[str, Parsed]:
    """The billing period of a bill that states none: the month in which the charge starts."""
    first = start.values.dt.truncate("1mo")
    return {
        "billing_period_start": Parsed(first, None),
        "billing_period_end": Parsed(first.dt.offset_by("1mo"), None),
    }


def _largest(name: str) -> int:
    return LARGEST_QUANTITY if "quantity" in name or "usage_amount" in name else LARGEST_AMOUNT


def _key_text(raw: pl.Series, nulls: Sequence[str]) -> pl.Series:
    return as_text(raw).alias("text").to_frame().select(identity_text("text", nulls)).to_series()


def _key_faults(layout: Layout, texts: Mapping[str, pl.Series]) -> Iterator[Fault]:
    for name in ("billing_account_id", "billing_currency"):
        yield from _empty(layout.keys[name], texts[name])
    account, currency = texts["billing_account_id"], texts["billing_currency"]
    if (long := account.str.len_chars() > LONGEST_ACCOUNT).any():
        told = pl.lit(f"is longer than {LONGEST_ACCOUNT} characters: no account is called so")
        yield Fault(layout.keys["billing_account_id"], pl.select(pl.when(long).then(told)).to_series())
    if not (known := currency.str.contains("^[A-Za-z]{3}$")).all():
        message = pl.format("is not a currency code: {}", currency)
        yield Fault(layout.keys["billing_currency"], pl.select(pl.when(~known).then(message)).to_series())


def _time_faults(layout: Layout, times: Mapping[str, Parsed]) -> Iterator[Fault]:
    for name, position in layout.periods.items():
        if (reasons := times[name].reasons) is not None:
            yield Fault(position, reasons)
        yield from _empty(position, times[name].values)
    for period in ("billing", "charge"):
        if f"{period}_period_end" not in layout.periods:
            continue
        start, end = times[f"{period}_period_start"].values, times[f"{period}_period_end"].values
        if (wrong := end < start).any():
            told = (time.dt.strftime("%Y-%m-%dT%H:%M:%SZ") for time in (end, start))
            wrongs = pl.select(pl.when(wrong).then(pl.format("ends before it starts: {} is before {}", *told)))
            yield Fault(layout.periods[f"{period}_period_end"], wrongs.to_series())


def _amount_faults(adapter: Adapter, frame: pl.DataFrame, decimals: Mapping[str, Parsed]) -> Iterator[Fault]:
    layout = adapter.layout
    for name, position in {**layout.amounts, **layout.prices}.items():
        parsed = decimals[name if name in layout.prices else amount_column(name)]
        if parsed.reasons is not None:
            where = pl.when(adapter.matters(name)).then(parsed.reasons)
            yield Fault(position, frame.select(where.alias("reason")).to_series())
        if name in layout.needed_amounts and parsed.values.null_count():
            empty = pl.when(adapter.matters(name) & parsed.values.is_null()).then(pl.lit("is empty"))
            yield Fault(position, frame.select(empty.alias("reason")).to_series())


def _empty(position: int, values: pl.Series) -> Iterator[Fault]:
    if values.null_count():
        yield Fault(position, pl.select(pl.when(values.is_null()).then(pl.lit("is empty"))).to_series())


def _with_parsed(
    frame: pl.DataFrame,
    layout: Layout,
    decimals: Mapping[str, Parsed],
    times: Mapping[str, Parsed],
    texts: Mapping[str, pl.Series],
) -> pl.DataFrame:
    """The rows with descriptive columns as text and everything else read; a charge within its day loses its period."""
    start = pl.col("charge_period_start")
    long = pl.col("charge_period_end") > start.dt.truncate("1d").dt.offset_by("1d")
    return (
        frame.select(ROW, *(as_text(frame[str(at)]).alias(str(at)) for at in layout.descriptive))
        .with_columns(
            *(parsed.values.alias(name) for name, parsed in (*decimals.items(), *times.items())),
            *(text.alias(name) for name, text in texts.items()),
        )
        .with_columns(last_day_end(pl.col("charge_period_end")), last_day_end(pl.col("billing_period_end")))
        .with_columns(
            pl.lit(1, dtype=pl.Int64).alias(ROWS),
            layout.part.alias("bill_part"),
            start.dt.date().alias("day"),
            *(pl.when(long).then(pl.col(name)).alias(name) for name in ("charge_period_start", "charge_period_end")),
            pl.col("billing_period_start").dt.date(),
            as_date_end(pl.col("billing_period_end")),
            pl.col("billing_currency").str.to_uppercase(),
        )
    )


def _grouping(layout: Layout) -> list[str]:
    """The columns in which rows must agree to become one."""
    facts = [name for name in FACTS if name in layout.keys or not name.startswith("invoice")]
    return [*(str(at) for at in layout.descriptive), *TOTAL_KEYS, *facts, *layout.prices]


def _group(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    return add_up(rows, _grouping(layout), pl.col(ROWS).sum().alias("row_count"), pl.col(ROW).min())


def _totals(rows: pl.DataFrame) -> pl.DataFrame:
    costs = ("billed_cost", "effective_cost")
    return (
        rows.group_by(TOTAL_KEYS)
        .agg(pl.col(ROWS).sum().alias("row_count"), *(pl.col(name).sum() for name in costs))
        .select(TOTALS_SCHEMA.names())
    )
