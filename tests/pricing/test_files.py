"""Price lists that come as files: from a csv to what the page shows, and real prices of three clouds."""

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from apps.accounts.scope import Scope
from apps.pricing.models import Price
from apps.pricing.queries import Wanted, choices, prices
from apps.sources.models import Delivery
from collectors.prices import PRICES
from collectors.records import write_records
from tests.shared import SHARED
from tests.sources.conftest import Import, import_bills

__all__ = ["import_bills"]
ALL = Scope.everything()
REAL = SHARED / "data" / "prices" / "instance_prices.csv"
OFFERS = {
    "on_demand_usd_hour": ("Standard", None),
    "spot_usd_hour": ("Dynamic", None),
    "commit_1y_usd_hour": ("Committed", "1 year"),
    "commit_3y_usd_hour": ("Committed", "3 years"),
}
"""Columns of the real prices, and what they are in FOCUS's words."""


def real_rows() -> Iterator[Mapping[str, object]]:
    """Every price of the file, each a row of its own."""
    with REAL.open(newline="") as file:
        for row in csv.DictReader(file):
            for column, (category, term) in OFFERS.items():
                if row[column]:
                    yield {
                        "provider": row["provider"],
                        "sku_id": f"{row['instance_type']} {category} {term or ''}".strip(),
                        "size": row["instance_type"],
                        "region_id": row["region"],
                        "operating_system": "Linux",
                        "pricing_category": category,
                        "term": term,
                        "list_unit_price": Decimal(row[column]),
                        "pricing_unit": "Hours",
                        "pricing_currency": "USD",
                        "valid_from": row["price_date"],
                        "listing": f"{row['provider']}/{row['region']}",
                    }


def test_a_csv_that_somebody_wrote_is_imported_and_replaced_by_the_next(import_bills: Import, tmp_path: Path) -> None:
    header = "Provider,SKU ID,Size,Region ID,List Unit Price,Pricing Unit,Pricing Currency\n"
    path = tmp_path / "prices.csv"
    path.write_text(f"{header}Acme,A1,a1.large,eu,0.25,Hours,EUR\nAcme,A2,a2.large,eu,0.5,Hours,EUR\n")

    (line,) = import_bills(path, "--source", "acme")
    path.write_text(f"{header}Acme,A1,a1.large,eu,0.3,Hours,EUR\n")
    import_bills(path, "--source", "acme")

    assert (line["status"], line["format"], line["rows_loaded"]) == ("loaded", "List prices", 2)
    (price,) = prices(Wanted(), scope=ALL)
    assert (price.size, price.list_unit_price, price.pricing_currency) == ("a1.large", Decimal("0.3"), "EUR")
    assert Price.objects.count() == 3
    assert price.list.delivery_id == Delivery.objects.latest("pk").pk


def test_a_price_that_cannot_be_read_is_rejected_by_name_and_the_others_come(
    import_bills: Import, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(
        "provider,sku_id,list_unit_price,pricing_unit,pricing_currency\nAcme,A1,free,Hours,EUR\nAcme,A2,1,Hours,EUR\n"
    )

    (line,) = import_bills(path, exit_code=1)

    assert (line["rows_loaded"], line["rows_rejected"]) == (1, 1)
    assert [price.sku_id for price in prices(Wanted(), scope=ALL)] == ["A2"]


# over 5 s: 20,000 real prices through the whole path
@pytest.mark.skipif(not REAL.exists(), reason="the shared folder with real prices is not beside this checkout")
def test_real_prices_of_three_clouds_arrive_to_the_last_digit(import_bills: Import, tmp_path: Path) -> None:
    rows = list(real_rows())
    path = write_records(PRICES, rows, tmp_path)

    (line,) = import_bills(path, "--source", "prices")

    assert (line["rows_read"], line["rows_loaded"], line["rows_rejected"]) == (len(rows), len(rows), 0)
    standard = Price.objects.filter(pricing_category="Standard")
    assert standard.count() == 8_196
    assert sum(price.list_unit_price for price in Price.objects.all()) == sum(row["list_unit_price"] for row in rows)  # type: ignore[misc]
    (p5,) = prices(Wanted(size="p5.48xlarge", region="us-east-1"), scope=ALL)
    assert (p5.list_unit_price, str(p5.valid_from)) == (Decimal("55.04"), "2026-07-20")
    offered = choices(scope=ALL)
    assert offered.provider == ("aws", "azure", "gcp")
    assert offered.pricing_category == ("Committed", "Dynamic", "Standard")
