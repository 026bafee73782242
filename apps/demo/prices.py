"""What the demo's providers ask for what it uses: list prices that agree with the unit prices of its bills."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from apps.demo.commitments import COMMITMENTS
from apps.demo.lines import CURRENCY, digest, lines
from apps.demo.tables import Row, find
from apps.demo.usage import SPOT_FROM, SPOT_SPREAD

READINGS: Final = (28, 14, 0)
"""Days before the last one on which the lists were read, oldest first: spot has another price in each."""
READ_AT: Final = time(6)

Line = Mapping[str, Any]


def price_lists(until: date) -> Iterator[tuple[datetime, list[dict[str, object]]]]:
    """When the lists were read, and the rows of collectors.prices that they held then."""
    for age in READINGS:
        day = until - timedelta(days=age)
        yield datetime.combine(day, READ_AT, UTC), list(_listed(day))


def _listed(day: date) -> Iterator[dict[str, object]]:
    """Everything that the fleet has, in the regions where it has it; on spot where some of it runs on spot."""
    key = ("provider", "SkuId", "RegionId")
    on_spot = set(lines().filter(pricing="spot").select(key).iter_rows())
    for line in lines().unique(key, keep="first", maintain_order=True).iter_rows(named=True):
        sku = find("skus", provider=line["provider"], sku=line["SkuId"])
        yield _price(line, sku) | {"list_unit_price": sku["price"]}
        yield from (_committed(line, sku, one) for one in COMMITMENTS if _covers(one, line))
        if tuple(line[name] for name in key) in on_spot:
            yield _spot(line, sku, day)


def _covers(commitment: Row, line: Line) -> bool:
    is_there = commitment["region"] in ("", line["RegionId"]) and commitment["provider"] == line["provider"]
    return is_there and commitment["covers"] in (line["SkuId"], line["ServiceName"])


def _committed(line: Line, sku: Row, commitment: Row) -> dict[str, object]:
    """What a unit costs under a commitment: a part of the list price, or the price that was agreed on for this size."""
    in_money = commitment["category"] == "Spend"
    price = Decimal(sku["price"]) * (1 - Decimal(commitment["discount"])) if in_money else commitment["unit_cost"]
    return _price(line, sku) | {
        "sku_price_id": f"{line['SkuId']}/committed",
        "description": f"{line['SkuId']}, {commitment['type']}",
        "pricing_category": "Committed",
        "term": commitment["term"],
        "payment": "No Upfront",
        "list_unit_price": price,
    }


def _spot(line: Line, sku: Row, day: date) -> dict[str, object]:
    """A share of the list price from among those that bills ask for."""
    chance = int(digest(line["SkuId"], line["RegionId"], str(day))[:8], 16)
    return _price(line, sku) | {
        "sku_price_id": f"{line['SkuId']}/spot",
        "description": f"{line['SkuId']}, spot",
        "pricing_category": "Dynamic",
        "list_unit_price": Decimal(sku["price"]) * (SPOT_FROM + chance % SPOT_SPREAD) / 1000,
    }


def _price(line: Line, sku: Row) -> dict[str, object]:
    kind = find("resources", provider=line["provider"], type=sku["resource_type"])["kind"]
    return {
        "provider": line["ProviderName"],
        "service_name": line["ServiceName"],
        "sku_id": line["SkuId"],
        "sku_price_id": f"{line['SkuId']}/on-demand",
        "description": line["ChargeDescription"],
        "region_id": line["RegionId"],
        "size": sku["instance_type"],
        "operating_system": "Linux" if kind == "machine" else None,
        "pricing_category": "Standard",
        "pricing_unit": line["PricingUnit"],
        "pricing_currency": CURRENCY,
        "listing": "/".join(filter(None, (line["ProviderName"], line["ServiceName"], line["RegionId"]))),
    }
