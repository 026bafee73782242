"""Currencies: kept apart, or converted exactly by the rate of each calendar month."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.models import ExchangeRate
from apps.costs.queries import CostQuery, Granularity, Metric, MissingRateError, cost_table
from tests.costs.conftest import JULY, JUNE, Ledger, owned

EVERYTHING = Scope.everything()
SERVICE = Dimension("service")
BOTH_MONTHS = Period(date(2026, 6, 1), date(2026, 7, 31))


def test_amounts_of_different_currencies_are_never_added(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 1), "10", billing_currency="EUR"),
        owned(date(2026, 6, 1), "7"),
        owned(date(2026, 6, 2), "1", service_name="S3"),
    )

    table = cost_table(CostQuery(JUNE, (SERVICE,), limit=1), scope=EVERYTHING)

    assert [(row.currency, row.keys, str(row.cost)) for row in table.rows] == [
        ("EUR", ("Compute",), "10"),
        ("USD", ("Compute",), "7"),
        ("USD", None, "1"),
    ]
    assert (table.total, table.currency) == (None, None)
    assert [(total.currency, str(total.cost)) for total in table.totals] == [("EUR", "10"), ("USD", "8")]


@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("dimension", [SERVICE, Dimension("resource")])
@pytest.mark.parametrize("last", [date(2026, 7, 31), date(2026, 7, 30)])
def test_every_month_is_converted_by_its_own_rate(
    ledger: Ledger, rate: Callable[..., ExchangeRate], granularity: Granularity, dimension: Dimension, last: date
) -> None:
    rate("EUR", date(2026, 6, 1), "1.1")
    rate("EUR", date(2026, 7, 1), "1.25")
    rate("EUR", date(2026, 7, 1), "0.5", reporting="GBP")
    ledger(
        owned(date(2026, 6, 30), "10.01", billing_currency="EUR"),
        owned(date(2026, 7, 1), "100", billing_currency="EUR"),
        owned(date(2026, 7, 2), "0.000000000000000001"),
    )

    query = CostQuery(Period(date(2026, 6, 1), last), (dimension,), granularity, currency="USD")
    table = cost_table(query, scope=EVERYTHING)

    assert table.total == Decimal("136.011000000000000001")
    assert {row.currency for row in table.rows} == {"USD"}


def test_groups_of_several_currencies_become_one_when_converted(
    ledger: Ledger, rate: Callable[..., ExchangeRate]
) -> None:
    rate("EUR", date(2026, 6, 1), "2")
    ledger(owned(date(2026, 6, 1), "1", billing_currency="EUR"), owned(date(2026, 6, 1), "1"))

    table = cost_table(CostQuery(JUNE, (SERVICE,), currency="USD", limit=1), scope=EVERYTHING)

    assert [(row.keys, str(row.cost)) for row in table.rows] == [(("Compute",), "3")]


@pytest.mark.parametrize("granularity", Granularity)
def test_the_rest_beyond_a_limit_is_converted_currency_by_currency(
    ledger: Ledger, rate: Callable[..., ExchangeRate], granularity: Granularity
) -> None:
    rate("EUR", date(2026, 6, 1), "2")
    ledger(owned(date(2026, 6, 1), "100"))
    ledger(
        *(owned(date(2026, 6, 1), "1", service_name=f"s{place}", billing_currency="EUR") for place in range(2)),
        *(owned(date(2026, 6, 1), "1", service_name=f"s{place}") for place in range(1, 3)),
    )

    table = cost_table(CostQuery(JUNE, (SERVICE,), granularity, currency="USD", limit=1), scope=EVERYTHING)

    assert [(row.keys, str(row.cost), row.groups) for row in table.rows] == [(("Compute",), "100", 1), (None, "6", 3)]


def test_a_comparison_and_unknown_prices_are_converted_by_their_own_months(
    ledger: Ledger, rate: Callable[..., ExchangeRate]
) -> None:
    rate("EUR", date(2026, 6, 1), "2")
    rate("EUR", date(2026, 7, 1), "3")
    ledger(owned(date(2026, 6, 10), "1", billing_currency="EUR"))
    ledger(
        owned(date(2026, 7, 10), "1", billing_currency="EUR"),
        owned(date(2026, 7, 11), "5", billing_currency="EUR", list_cost=None),
    )

    query = CostQuery(JULY, currency="USD", metric=Metric.LIST, compare=JUNE)
    (total,) = cost_table(query, scope=EVERYTHING).totals

    assert (total.cost, total.previous, total.delta, total.unpriced) == (
        Decimal(3),
        Decimal(2),
        Decimal(1),
        Decimal(15),
    )


def test_a_missing_rate_is_an_error_that_names_currencies_and_months(
    ledger: Ledger, rate: Callable[..., ExchangeRate]
) -> None:
    rate("EUR", date(2026, 5, 1), "1.1")
    rate("USD", date(2026, 6, 1), "0.9", reporting="EUR")
    ledger(
        owned(date(2026, 6, 1), "0", billing_currency="EUR"),
        owned(date(2026, 7, 1), "1", billing_currency="EUR"),
        owned(date(2026, 7, 1), "1", billing_currency="JPY"),
    )

    with pytest.raises(MissingRateError) as refused:
        cost_table(CostQuery(BOTH_MONTHS, currency="USD"), scope=EVERYTHING)

    assert str(refused.value) == (
        "No exchange rate EUR to USD for June 2026, July 2026. No exchange rate JPY to USD for July 2026."
    )
    assert refused.value.field == "currency"


def test_a_rate_that_only_the_comparison_needs_is_missed_too(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1", billing_currency="EUR"))

    with pytest.raises(MissingRateError, match="EUR to USD for June 2026"):
        cost_table(CostQuery(JULY, currency="USD", compare=JUNE), scope=EVERYTHING)


def test_an_empty_answer_is_in_the_currency_that_was_asked_for(db: None) -> None:
    table = cost_table(CostQuery(JUNE, currency="EUR"), scope=EVERYTHING)

    assert (table.currency, table.total) == ("EUR", Decimal(0))


def test_the_same_currency_needs_no_rate(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1"))

    assert cost_table(CostQuery(JUNE, currency="USD"), scope=EVERYTHING).total == Decimal(1)
