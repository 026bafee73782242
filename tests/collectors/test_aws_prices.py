"""Units and unit prices of Cost and Usage Reports: only beside a quantity of what they are for."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.collectors.bills import cur_bill
from tests.collectors.test_aws import line


@pytest.mark.parametrize(
    ("line_type", "unit", "listed", "contracted"),
    [
        ("Usage", "Hrs", "0.1", "0.096"),
        ("SavingsPlanCoveredUsage", "Hrs", "0.1", "0.096"),
        ("DiscountedUsage", "Hrs", "0.1", "0.1"),
        ("RIFee", "Hrs", "0.1", "0.096"),
        ("SavingsPlanNegation", None, None, None),
        ("Credit", None, None, None),
    ],
)
def test_units_and_prices_stand_beside_a_quantity(
    tmp_path: Path, line_type: str, unit: str | None, listed: str | None, contracted: str | None
) -> None:
    charge = cur_bill(tmp_path, line(line_type)).charge

    assert charge["pricing_unit"] == unit
    assert (charge["pricing_quantity"] is None) == (unit is None)
    prices = (charge["list_unit_price"], charge["contracted_unit_price"])
    assert prices == tuple(None if price is None else Decimal(price) for price in (listed, contracted))
