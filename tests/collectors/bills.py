"""Small bills for tests, and what reading them gives."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from collectors.billing import detect, read_delivery
from collectors.files import FoundDelivery

FOCUS_ROW = {
    "BilledCost": "1.50",
    "EffectiveCost": "1.25",
    "BillingAccountId": "000123",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-06-01T00:00:00Z",
    "BillingPeriodEnd": "2026-07-01T00:00:00Z",
    "ChargePeriodStart": "2026-06-02T03:00:00Z",
    "ChargePeriodEnd": "2026-06-02T04:00:00Z",
    "ChargeCategory": "Usage",
    "ServiceName": "Compute",
    "ProviderName": "AWS",
    "ResourceId": "i-1",
}

CUR_ROW = {
    "identity/LineItemId": "abc",
    "bill/InvoiceId": "",
    "bill/InvoicingEntity": "Amazon Web Services, Inc.",
    "bill/BillingEntity": "AWS",
    "bill/BillType": "Anniversary",
    "bill/PayerAccountId": "012345678901",
    "bill/BillingPeriodStartDate": "2026-06-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2026-07-01T00:00:00Z",
    "lineItem/UsageAccountId": "000000000042",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-06-02T03:00:00Z",
    "lineItem/UsageEndDate": "2026-06-02T04:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:m5.large",
    "lineItem/Operation": "RunInstances",
    "lineItem/ResourceId": "i-0abc",
    "lineItem/UsageAmount": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedRate": "0.096",
    "lineItem/UnblendedCost": "0.096",
    "lineItem/BlendedCost": "0.08",
    "lineItem/LineItemDescription": "$0.096 per hour",
    "lineItem/LegalEntity": "Amazon Web Services, Inc.",
    "product/ProductName": "Amazon Elastic Compute Cloud",
    "product/instanceType": "m5.large",
    "product/vcpu": "2",
    "product/memory": "8 GiB",
    "product/region": "eu-west-1",
    "product/sku": "SKU1",
    "pricing/publicOnDemandCost": "0.1",
    "pricing/publicOnDemandRate": "0.1",
    "pricing/term": "OnDemand",
    "pricing/unit": "Hrs",
    "reservation/EffectiveCost": "",
    "reservation/ReservationARN": "",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "",
    "reservation/UnusedRecurringFee": "",
    "reservation/UnusedQuantity": "",
    "savingsPlan/SavingsPlanARN": "",
    "savingsPlan/SavingsPlanEffectiveCost": "",
    "savingsPlan/TotalCommitmentToDate": "",
    "savingsPlan/UsedCommitment": "",
}


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that reading one delivery gave."""

    format: str
    charges: pl.DataFrame
    totals: pl.DataFrame
    rejected: pl.DataFrame
    rows_read: int
    rounded_values: int

    @property
    def charge(self) -> dict[str, object]:
        """The only charge."""
        (row,) = self.charges.rows(named=True)
        return row

    @property
    def fault(self) -> tuple[int, str, str]:
        """Row, column and reason of the only rejected row."""
        (row,) = self.rejected.rows(named=True)
        return row["row"], row["column"], row["reason"]

    def summed(self, column: str) -> Decimal:
        """The sum of a measure over all charges."""
        return Decimal(self.charges[column].sum())


def focus(**changes: str) -> dict[str, str]:
    """A FOCUS row with other values."""
    return {**FOCUS_ROW, **changes}


def cur(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """A CUR row with other values."""
    return {**CUR_ROW, **(changes or {})}


def csv_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows as CSV under the columns of all of them, as Python's own writer puts it."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, *rows: Mapping[str, str]) -> Path:
    """A CSV file of rows, gzipped when it is called so."""
    content = csv_text(rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(*paths: Path, batch_rows: int = 1000) -> Bill:
    """One delivery of these files."""
    return read_found(FoundDelivery(paths[0], paths), batch_rows=batch_rows)


def read_found(found: FoundDelivery, *, batch_rows: int = 1000) -> Bill:
    """Everything that a found delivery says."""
    batches = list(read_delivery(found, batch_rows=batch_rows))
    return Bill(
        format=detect(found).name,
        charges=pl.concat(batch.charges for batch in batches),
        totals=pl.concat(batch.totals for batch in batches),
        rejected=pl.concat(batch.rejected for batch in batches),
        rows_read=sum(batch.rows_read for batch in batches),
        rounded_values=sum(batch.rounded_values for batch in batches),
    )


def focus_bill(folder: Path, *rows: Mapping[str, str]) -> Bill:
    """What a FOCUS file of these rows says."""
    return read(write_csv(folder / "focus.csv", *rows))


def cur_bill(folder: Path, *rows: Mapping[str, str]) -> Bill:
    """What a legacy CUR file of these rows says."""
    return read(write_csv(folder / "cur.csv", *rows))


def names_of(paths: Iterable[Path]) -> list[str]:
    """File names alone."""
    return [path.name for path in paths]
