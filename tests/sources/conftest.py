"""Bills for tests: small FOCUS files, and the command line that imports them."""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from apps.sources.commands import import_

Import = Callable[..., list[dict[str, Any]]]
Bill = Callable[..., Path]

CHARGE = {
    "ProviderName": "AWS",
    "PublisherName": "AWS",
    "InvoiceIssuerName": "Amazon Web Services, Inc.",
    "BillingAccountId": "111",
    "BillingAccountName": "Northwind",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-06-01T00:00:00Z",
    "BillingPeriodEnd": "2026-07-01T00:00:00Z",
    "ChargePeriodStart": "2026-06-03T00:00:00Z",
    "ChargePeriodEnd": "2026-06-03T01:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "Compute",
    "ChargeFrequency": "Usage-Based",
    "BilledCost": "1.5",
    "EffectiveCost": "1.5",
    "ListCost": "2",
    "ContractedCost": "1.5",
    "PricingQuantity": "1",
    "PricingUnit": "Hours",
    "ServiceName": "Amazon EC2",
    "ServiceCategory": "Compute",
    "SubAccountId": "222",
    "SubAccountName": "ml",
    "Tags": '{"team": "ml-platform"}',
}


@pytest.fixture
def bill(tmp_path: Path) -> Bill:
    """Writes a FOCUS 1.0 csv: each row is CHARGE with the given columns changed."""

    def write(name: str, rows: Iterable[dict[str, str]]) -> Path:
        path = tmp_path / name
        charges = [{**CHARGE, **row} for row in rows]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, {name: None for charge in [CHARGE, *charges] for name in charge})
            writer.writeheader()
            writer.writerows(charges)
        return path

    return write


@pytest.fixture
def import_bills(db: None) -> Import:
    """Runs `finops import --json` and gives its lines; `exit_code` is what it has to end with."""

    def run(*arguments: object, exit_code: int = 0) -> list[dict[str, Any]]:
        result = CliRunner().invoke(import_, [*map(str, arguments), "--json"], catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run
