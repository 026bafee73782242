"""What a newer price list does to what was known: it replaces, closes, keeps, and never doubles."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.accounts.scope import Scope
from apps.core.errors import OutdatedError
from apps.pricing.models import Price, PriceList
from apps.pricing.queries import Wanted, prices
from tests.pricing.conftest import NOON, Load

ALL = Scope.everything()


def now(**wanted: str) -> list[tuple[str, Decimal]]:
    return [(one.sku_id, one.list_unit_price) for one in prices(Wanted(**wanted), scope=ALL)]  # type: ignore[arg-type]


def on(day: date) -> list[tuple[str, Decimal]]:
    return [(one.sku_id, one.list_unit_price) for one in prices(Wanted(as_of=day), scope=ALL)]


def test_a_price_has_every_digit_that_the_list_has(listed: Load) -> None:
    assert listed({"list_unit_price": "0.000000250000000001", "tier_start": "51200.5"}) == 1

    price = Price.objects.get()
    assert price.list_unit_price == Decimal("0.000000250000000001")
    assert (price.tier_start, price.term, price.valid_from) == (Decimal("51200.5"), "", None)
    assert (price.list.source, price.list.name, price.list.read_at) == ("aws-prices", "ec2/eu-central-1", NOON)


def test_a_price_that_changed_closes_the_old_row_and_keeps_it(listed: Load) -> None:
    listed({}, {"sku_id": "C5", "list_unit_price": "0.097"})
    listed({"list_unit_price": "0.107"}, {"sku_id": "C5", "list_unit_price": "0.097"}, days=9)

    assert now() == [("C5", Decimal("0.097")), ("M5", Decimal("0.107"))]
    old = Price.objects.get(seen_until__isnull=False)
    assert (old.list_unit_price, old.seen_from, old.seen_until) == (Decimal("0.115"), NOON, NOON + timedelta(days=9))
    assert Price.objects.count() == 3
    assert on(date(2026, 7, 9)) == [("C5", Decimal("0.097")), ("M5", Decimal("0.115"))]
    assert on(date(2026, 7, 10)) == now()
    assert on(date(2026, 6, 30)) == []


def test_what_ended_ended_when_it_ended_however_often_its_list_is_read_again(listed: Load) -> None:
    listed({"list_unit_price": "1"})
    for day in (1, 2, 3):
        listed({"list_unit_price": "2"}, days=day)

    assert Price.objects.get(list_unit_price=1).seen_until == NOON + timedelta(days=1)


def test_a_day_ends_at_midnight(listed: Load) -> None:
    listed({"list_unit_price": "1"})
    listed({"list_unit_price": "2"}, days=0.5)  # the first moment of 2 July

    assert on(date(2026, 7, 1)) == [("M5", Decimal(1))]
    assert on(date(2026, 7, 2)) == [("M5", Decimal(2))]


def test_a_price_that_comes_back_is_a_new_row(listed: Load) -> None:
    listed({})
    listed({"sku_id": "C5"}, days=1)
    listed({}, days=2)

    assert now() == [("M5", Decimal("0.115"))]
    assert Price.objects.filter(sku_id="M5").count() == 2


def test_the_same_list_again_writes_no_price(listed: Load) -> None:
    listed({}, {"sku_id": "C5"})
    before = list(Price.objects.order_by("pk").values())
    assert listed({"sku_id": "C5"}, {}, days=1, delivery=2) == 2

    assert list(Price.objects.order_by("pk").values()) == before
    only = PriceList.objects.get()
    assert (only.read_at, only.delivery_id) == (NOON + timedelta(days=1), 2)


def test_only_what_stands_in_the_same_list_is_replaced(listed: Load) -> None:
    listed({}, {"sku_id": "M5-PARIS", "listing": "ec2/eu-west-3"})
    listed({"sku_id": "M6"}, days=1)
    listed({"sku_id": "OTHER"}, days=1, source="other-prices")

    assert {sku for sku, _ in now()} == {"M6", "M5-PARIS", "OTHER"}


def test_a_list_without_a_name_is_the_only_one_of_its_source(listed: Load) -> None:
    listed({"listing": None}, {"listing": None, "sku_id": "C5"}, source="files")
    listed({"listing": None}, source="files", days=1)

    assert now() == [("M5", Decimal("0.115"))]


def test_a_list_that_was_read_to_its_end_and_is_empty_closes_what_was_in_it(listed: Load) -> None:
    listed({})
    end = dict.fromkeys(("sku_id", "size", "operating_system", "pricing_category", "list_unit_price", "pricing_unit"))
    assert listed(end, days=1) == 0

    assert now() == []
    assert PriceList.objects.get().read_at == NOON + timedelta(days=1)


def test_a_list_that_was_read_earlier_brings_nothing_old_back(listed: Load) -> None:
    listed({"list_unit_price": "0.107"}, days=9, delivery=7)
    with pytest.raises(
        OutdatedError, match="Delivery 7, which came later, was loaded first for the list aws-prices ec2"
    ):
        listed({}, days=1)

    assert now() == [("M5", Decimal("0.107"))]
    assert Price.objects.count() == 1


def test_a_date_alone_makes_no_other_price(listed: Load) -> None:
    listed({"valid_from": date(2026, 6, 1)}, {"valid_from": date(2026, 5, 1)})
    listed({"valid_from": date(2026, 7, 1)}, days=1)

    assert Price.objects.get().valid_from == date(2026, 5, 1)


def test_filters_take_what_is_equal_and_the_search_every_word(listed: Load) -> None:
    listed(
        {"description": "$0.115 per On Demand Linux m5.large"},
        {"sku_id": "C5", "size": "c5.large", "region_id": "eu-west-3", "operating_system": "Windows"},
        {"sku_id": "SPOT", "pricing_category": "Dynamic", "provider": "Google Cloud", "service_name": "Compute Engine"},
    )

    assert [sku for sku, _ in now(size="c5.large")] == ["C5"]
    assert [sku for sku, _ in now(region="eu-west-3")] == ["C5"]
    assert [sku for sku, _ in now(operating_system="Windows")] == ["C5"]
    assert [sku for sku, _ in now(pricing_category="Dynamic")] == ["SPOT"]
    assert [sku for sku, _ in now(provider="Google Cloud", service="Compute Engine")] == ["SPOT"]
    assert [sku for sku, _ in now(search="LINUX m5.large")] == ["M5"]
    assert now(search="linux c5") == []
    assert now(search="100%") == []
