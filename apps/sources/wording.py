"""What pages say of runs and sources: states as pills, progress, durations and corrections in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.utils import timezone

from apps.core import money
from apps.core.periods import Period
from apps.core.progress import time_left
from apps.sources.days import CalendarMonth, Mark
from apps.sources.models import Run
from apps.sources.overlaps import Doubt
from apps.sources.restatements import Correction
from apps.sources.states import State
from collectors.connections import BILLS, INVENTORY, KUBERNETES, PRICES, UTILISATION

CENT: Final = Decimal("0.01")
MOST_GAPS: Final = 5
LEFT: Final = {
    BILLS: "Its costs stay in the books.",
    INVENTORY: "Its resources are closed; their history stays.",
    PRICES: "Its list prices end; what they were stays.",
    KUBERNETES: "The clusters' days and the shares of their costs stay; its resources are closed.",
    UTILISATION: "What was measured stays.",
}
"""What becomes of what a source has brought when it is disconnected: what was stays, what it said of now ends."""
PILLS: Final = {  # the class that colours it, the icon
    State.PAUSED: ("warn", "pause"),
    State.COLLECTING: ("info", "clock"),
    State.FAILED: ("bad", "oct"),
    State.RETRYING: ("warn", "warn"),
    State.LATE: ("warn", "clock"),
    State.NEW: ("", "clock"),
    State.HEALTHY: ("good", "check"),
    State.FILES: ("", "upload"),
}
RUN_PILLS: Final = {
    Run.Status.QUEUED: ("", "clock", "Queued"),
    Run.Status.RUNNING: ("info", "clock", "Running"),
    Run.Status.WAITING: ("warn", "warn", "Waiting"),
    Run.Status.DONE: ("good", "check", "Loaded"),
    Run.Status.UNCHANGED: ("", "check", "Unchanged"),
    Run.Status.REFUSED: ("bad", "oct", "Refused"),
    Run.Status.FAILED: ("bad", "oct", "Failed"),
    Run.Status.CANCELLED: ("", "x", "Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Pill:
    """A state as it is drawn: never by its colour alone."""

    kind: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as a page shows it; `permille` is of its bytes, None where nothing can be said of how far it is."""

    run: Run
    title: str
    pill: Pill
    said: str
    permille: int | None

    @classmethod
    def of(cls, run: Run, *, now: datetime | None = None) -> "RunLine":
        """What to say of the run at `now`."""
        now = now or timezone.now()
        done, total = _moved(run)
        share = min(done / total, 1.0) if total else 0.0
        is_moving = run.status == Run.Status.RUNNING and bool(total)
        return cls(
            run, title_of(run), run_pill(run), _said(run, share, now), round(share * 1000) if is_moving else None
        )

    @property
    def took(self) -> timedelta | None:
        """From its first attempt to its end."""
        run = self.run
        return run.finished_at - run.started_at if run.finished_at and run.started_at else None


def state_pill(state: State) -> Pill:
    """How a source is doing."""
    kind, icon = PILLS[state]
    return Pill(kind, icon, state.value)


def run_pill(run: Run) -> Pill:
    """How a run is doing; one that looks finds something or nothing."""
    kind, icon, word = RUN_PILLS[Run.Status(run.status)]
    if run.error and run.status in Run.GOOD:
        kind, icon = "warn", "warn"
    if not run.name and run.status in Run.GOOD:
        word = "Found new" if run.status == Run.Status.DONE else "Nothing new"
    return Pill(kind, icon, word)


def title_of(run: Run) -> str:
    """What a run is about."""
    if not run.name:
        return "Looking for what is new"
    return money.month(run.billing_period) if run.billing_period else run.name


def correction_sentence(one: Correction) -> str:
    """`June 2026 changed by +$13,424.53 on 15 Jul 2026`: to the cent, since it is there to be compared with a bill."""
    change = one.after - one.before
    if not change:
        day = money.day(one.changed_at.date(), year=True)
        return f"{money.month(one.billing_period)} was told otherwise on {day}; its sum is the same"
    cents = abs(change).quantize(CENT)
    amount = money.exact_money(cents, one.currency) if cents else f"less than {money.exact_money(CENT, one.currency)}"
    sign = "+" if change > 0 else money.MINUS
    return (
        f"{money.month(one.billing_period)} changed by {sign}{amount} on {money.day(one.changed_at.date(), year=True)}"
    )


def doubt_sentence(one: Doubt) -> str:
    """`A and B both bring costs of account 1234 in June 2026: $5.30 may be counted twice`; to the cent, as a bill."""
    accounts = f"account {one.accounts[0]}" if len(one.accounts) == 1 else money.counted(len(one.accounts), "account")
    first, last = money.month(one.months[0]), money.month(one.months[-1])
    when = f"in {first}" if first == last else f"from {first} to {last}"
    amount = money.exact_money(max(one.cost.quantize(CENT), CENT), one.currency)
    return f"{' and '.join(one.sources)} both bring costs of {accounts} {when}: {amount} may be counted twice"


def missing_sentence(missing: Sequence[Period]) -> str:
    """`3 days are missing: 4–6 Oct`; the newest five stretches, and how many more there are."""
    if not missing:
        return ""
    count, before = sum(one.days for one in missing), len(missing) - MOST_GAPS
    told = ", ".join(money.days(one.first, one.last, year=True) for one in missing[-MOST_GAPS:])
    more = f", and {money.counted(before, 'more stretch', 'more stretches')} before" if before > 0 else ""
    return f"{money.counted(count, 'day')} {'is' if count == 1 else 'are'} missing: {told}{more}."


def month_sentence(month: CalendarMonth) -> str:
    """What a month of the calendar holds: `All 30 days loaded`, `27 of 30 days; 4–6 Oct missing`."""
    days, loaded = len(month.marks), month.count(Mark.LOADED)
    unsettled = month.count(Mark.OPEN)
    parts = [f"All {days} days" if loaded == days else f"{loaded + unsettled} of {days} days"]
    if unsettled:
        parts[0] += f", {unsettled} of them may still change"
    if month.missing:
        parts.append(f"{', '.join(money.days(one.first, one.last) for one in month.missing)} missing")
    if month.rejected_rows:
        parts.append(f"{money.counted(month.rejected_rows, 'row')} rejected")
    if month.failure:
        parts.append(f"the newest run failed: {month.failure}")
    return "; ".join(parts)


def lag_sentence(lag: int | None, usual: int | None) -> str:
    """How old the newest data is, against what is usual: `2 days ago, usually 1`."""
    if lag is None:
        return ""
    ago = "today" if lag <= 0 else "yesterday" if lag == 1 else f"{money.number(lag)} days ago"
    return ago if usual is None else f"{ago}, usually {money.counted(usual, 'day')}"


def seen_sentence(at: datetime | None) -> str:
    """How long ago a source without bills was last read to its end: `seen 10 minutes ago`."""
    return f"seen {money.ago(at, timezone.now())}" if at else ""


def first_month(day: date | None) -> str:
    """The month that a look begins with."""
    return f"from {money.month(day)} on" if day else ""


def _said(run: Run, share: float, now: datetime) -> str:
    """The second line of a run that is open: how far it is, or what it waits for."""
    match run.status:
        case Run.Status.QUEUED:
            return "Starts when a worker is free."
        case Run.Status.WAITING:
            wait = max((run.next_attempt_at or now) - now, timedelta())
            return f"{run.error} Attempt {run.attempt + 1} in {money.duration(wait)}."
        case Run.Status.RUNNING:
            return _running(run, share, now)
        case _:
            return run.error


def _moved(run: Run) -> tuple[int, int]:
    """Bytes so far and in all: of the files while they are fetched, then of reading them."""
    if run.delivery is not None and run.is_open:
        return run.delivery.bytes_read, run.delivery.bytes_total
    return run.bytes, run.bytes_total


def _running(run: Run, share: float, now: datetime) -> str:
    if not run.name:
        return f"{money.counted(run.rows, 'delivery', 'deliveries')} found so far."
    if run.delivery is not None:
        rest = "Writing to the database." if share >= 1 else ""
        return f"{money.size(run.bytes)} fetched, {money.counted(run.rows, 'row')} read. {rest}".strip()
    left = time_left(share, now - (run.started_at or now))
    of = f" of {money.size(run.bytes_total)}" if run.bytes_total else ""
    return f"{money.size(run.bytes)}{of} fetched. {left}".strip()
