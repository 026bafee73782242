"""The charges behind a number, the values to pick from, and how far the data reaches."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.models import Statement
from apps.costs.queries import (
    ChargeList,
    ChargeOrder,
    Freshness,
    ValueList,
    dimension_values,
    freshness,
    tag_keys,
)
from apps.costs.selection import Filter
from tests.costs.conftest import JULY, JUNE, Ledger, owned

EVERYTHING = Scope.everything()
SERVICE = Dimension("service")


def test_a_charge_says_everything_that_the_bill_did_and_where_it_stands(ledger: Ledger) -> None:
    ledger(
        owned(
            date(2026, 6, 3),
            "1.5",
            team="ml",
            list_cost=None,
            pricing_quantity=Decimal("2.5"),
            resource_id="i-1",
            tags={"env": "prod", "size": 1.10},
            charge_period_start=datetime(2026, 6, 3, tzinfo=UTC),
            charge_period_end=datetime(2026, 7, 1, tzinfo=UTC),
            invoice_id="INV-7",
            row_count=3,
            first_row=17,
        )
    )

    (found,) = ChargeList(period=JUNE, scope=EVERYTHING)

    statement = Statement.objects.get()
    assert (found.statement_id, found.delivery_id, found.source) == (
        statement.pk,
        statement.delivery_id,
        statement.source,
    )
    assert (found.day, found.first_row, found.row_count) == (date(2026, 6, 3), 17, 3)
    assert (found.effective_cost, found.list_cost, found.pricing_quantity) == (Decimal("1.5"), None, Decimal("2.5"))
    assert (found.team, found.currency, found.invoice_id) == ("ml", "USD", "INV-7")
    assert found.charge_period_end == datetime(2026, 7, 1, tzinfo=UTC)
    assert found.columns["resource_id"] == "i-1"
    assert found.columns["tags"] == {"env": "prod", "size": Decimal("1.1"), "team": "ml"}
    assert not {"id", "digest", "group_id", "region_id"} & found.columns.keys()


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (ChargeOrder.DEAREST, [5, 3, 1]),
        (ChargeOrder.CHEAPEST, [1, 3, 5]),
        (ChargeOrder.NEWEST, [1, 5, 3]),
        (ChargeOrder.OLDEST, [3, 5, 1]),
    ],
)
def test_charges_come_in_the_order_asked_page_by_page(
    ledger: Ledger, order_by: ChargeOrder, expected: list[int]
) -> None:
    ledger(owned(date(2026, 6, 1), "3"), owned(date(2026, 6, 2), "5"), owned(date(2026, 6, 3), "1"))

    charges = ChargeList(period=JUNE, scope=EVERYTHING, order_by=order_by)

    assert [int(charge.effective_cost) for charge in charges] == expected
    assert [int(charge.effective_cost) for charge in charges[1:3]] == expected[1:]
    assert (len(charges), int(charges[-1].effective_cost), list(charges[3:9])) == (3, expected[2], [])
    with pytest.raises(IndexError):
        charges[3]


def test_equal_charges_keep_their_order_from_page_to_page(ledger: Ledger) -> None:
    ledger(*(owned(date(2026, 6, day), "1", resource_id=f"r{day % 3}") for day in range(1, 21)))

    charges = ChargeList(period=JUNE, scope=EVERYTHING)
    pages = [charge for start in range(0, 20, 3) for charge in charges[start : start + 3]]

    assert len({(charge.first_row, charge.day) for charge in pages}) == 20


def test_charges_are_filtered_like_their_sum(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1", service_name="EC2"), owned(date(2026, 6, 1), "2", service_name="S3"))

    kept = ChargeList(period=JUNE, scope=EVERYTHING, filters=[Filter(SERVICE, ("S3",))])

    assert [charge.effective_cost for charge in kept] == [2]
    assert list(ChargeList(period=JULY, scope=EVERYTHING)) == []


def test_values_to_pick_are_those_with_costs_in_the_months_of_the_period(ledger: Ledger) -> None:
    ledger(
        *(owned(date(2026, 6, 30), "1", service_name=name) for name in ("Glue", "AmazonEC2", "amazonS3", "100%_cpu")),
        owned(date(2026, 6, 30), "1", service_name=None),
        owned(date(2026, 8, 1), "1", service_name="Later"),
    )

    def pick(**more: object) -> ValueList:
        return dimension_values(SERVICE, period=Period(date(2026, 6, 1), date(2026, 7, 2)), scope=EVERYTHING, **more)  # type: ignore[arg-type]

    assert pick() == ValueList(("", "100%_cpu", "AmazonEC2", "Glue", "amazonS3"), more=False)
    assert pick(search="AMAZON") == ValueList(("AmazonEC2", "amazonS3"), more=False)
    assert pick(search="%_") == ValueList(("100%_cpu",), more=False)
    assert pick(limit=2) == ValueList(("", "100%_cpu"), more=True)


def test_values_of_resources_and_tags_can_be_picked(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1", resource_id="i-1", tags={"env": "prod"}), owned(date(2026, 6, 1), "1"))

    assert dimension_values(Dimension("resource"), period=JUNE, scope=EVERYTHING).values == ("", "i-1")
    assert dimension_values(Dimension("tag:env"), period=JUNE, scope=EVERYTHING).values == ("", "prod")
    assert tag_keys(scope=EVERYTHING) == ("env",)


def test_the_data_reaches_to_the_newest_day_that_is_complete(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 17), "1", provider_name="AWS"),
        owned(date(2026, 6, 18), "1", provider_name="AWS"),
        owned(date(2026, 6, 20), "1", provider_name="AWS"),
        owned(date(2026, 6, 12), "1", provider_name="Oracle"),
        owned(date(2025, 1, 31), "1", provider_name="Gone"),
        owned(date(2026, 7, 1), "1", provider_name="Future"),
    )

    fresh = freshness(today=date(2026, 6, 18), scope=EVERYTHING)

    assert fresh.day == date(2026, 6, 17)
    assert reached(fresh) == [
        ("Gone", date(2025, 1, 31)),
        ("Oracle", date(2026, 6, 12)),
        ("AWS", date(2026, 6, 17)),
    ]


def test_on_the_first_of_a_month_the_data_reaches_into_the_month_before(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 30), "1", provider_name="AWS"), owned(date(2026, 7, 1), "1", provider_name="AWS"))

    assert freshness(today=date(2026, 7, 1), scope=EVERYTHING).day == date(2026, 6, 30)


def test_the_newest_complete_day_is_one_with_data(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 18), "1", provider_name="Today"))
    ledger(
        owned(date(2026, 6, 3), "1", provider_name="AWS"),
        owned(date(2026, 6, 18), "1", provider_name="AWS"),
        owned(date(2026, 5, 9), "1", provider_name="Oracle"),
        owned(date(2026, 6, 18), "1", provider_name="Oracle"),
    )

    fresh = freshness(today=date(2026, 6, 18), scope=EVERYTHING)

    assert fresh.day == date(2026, 6, 3)
    assert reached(fresh) == [
        ("Oracle", date(2026, 5, 9)),
        ("AWS", date(2026, 6, 3)),
    ]


def test_a_fee_counts_as_fresh_only_where_a_provider_has_nothing_else_before_today(ledger: Ledger) -> None:
    ends = {
        "charge_period_start": datetime(2026, 6, 9, tzinfo=UTC),
        "charge_period_end": datetime(2026, 7, 9, tzinfo=UTC),
    }
    ledger(
        owned(date(2026, 6, 3), "1", provider_name="AWS"),
        *(owned(date(2026, 6, 9), "1", provider_name=name, **ends) for name in ("AWS", "Oracle")),
        *(owned(date(2026, 6, 18), "1", provider_name=name) for name in ("AWS", "Oracle")),
    )

    fresh = freshness(today=date(2026, 6, 18), scope=EVERYTHING)

    assert reached(fresh) == [
        ("AWS", date(2026, 6, 3)),
        ("Oracle", date(2026, 6, 9)),
    ]


def test_how_fresh_each_provider_is_on_any_day_is_what_python_finds(ledger: Ledger) -> None:
    chance = random.Random(6)
    rows = [
        (chance.choice(["AWS", "Oracle", "Azure"]), date(2026, 5, 1) + timedelta(chance.randrange(75)), is_long)
        for is_long in (True, False)
        for _ in range(18)
    ]
    ledger(*(owned(day, "1", provider_name=name, **(_month_from(day) if long else {})) for name, day, long in rows))

    for today in (date(2026, 4, 29) + timedelta(number) for number in range(85)):
        newest: dict[str, tuple[bool, date]] = {}
        for name, day, is_long in rows:
            if day < today:
                newest[name] = max(newest.get(name, (False, date.min)), (not is_long, day))
        expected = sorted((day, name) for name, (_, day) in newest.items())
        found = freshness(today=today, scope=EVERYTHING).providers
        assert [(one.day, one.provider) for one in found] == expected


def test_without_data_nothing_is_fresh(db: None) -> None:
    fresh = freshness(today=date(2026, 7, 1), scope=EVERYTHING)

    assert (fresh.day, fresh.providers) == (None, ())


def reached(fresh: Freshness) -> list[tuple[str, date]]:
    """Each provider with its newest complete day."""
    return [(one.provider, one.day) for one in fresh.providers]


def _month_from(day: date) -> dict[str, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return {"charge_period_start": start, "charge_period_end": start + timedelta(30)}
