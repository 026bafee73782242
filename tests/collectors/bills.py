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


AZURE_ROW = {
    "BillingAccountId": "8611537",
    "BillingAccountName": "Trey Research",
    "BillingPeriodStartDate": "06/01/2026",
    "BillingPeriodEndDate": "06/30/2026",
    "BillingCurrency": "USD",
    "SubscriptionId": "1caaa5a3-2b66-438e-8ab4-bce37d518c5d",
    "SubscriptionName": "Research",
    "Date": "06/02/2026",
    "Product": "Virtual Machines Dv3 Series - D2 v3 - EU West",
    "PartNumber": "AAA-1",
    "MeterId": "f31064a2",
    "MeterCategory": "Virtual Machines",
    "MeterSubCategory": "Dv3 Series",
    "MeterName": "D2 v3",
    "Quantity": "24",
    "UnitOfMeasure": "1 Hour",
    "UnitPrice": "0.11",
    "EffectivePrice": "0.11",
    "PayGPrice": "0.12",
    "Cost": "2.64",
    "ResourceLocation": "EU West",
    "ConsumedService": "Microsoft.Compute",
    "ResourceId": "/subscriptions/1caaa5a3/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/VM1",
    "ResourceName": "VM1",
    "ResourceGroup": "RG",
    "ReservationId": "",
    "ReservationName": "",
    "benefitId": "",
    "benefitName": "",
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
    "PublisherType": "Azure",
    "PublisherName": "",
    "Tags": '"env": "prod","team": "ml"',
    "AdditionalInfo": '{"ServiceType":"Standard_D2_v3","VCPUs":2,"VMName":"VM1"}',
}

GCP_ROW = {
    "billing_account_id": "01A2B3-C4D5E6-F70819",
    "service.id": "6F81-5844-456A",
    "service.description": "Compute Engine",
    "sku.id": "8C61-80B1-C43A",
    "sku.description": "N1 Predefined Instance Core running in Americas",
    "usage_start_time": "2026-06-02T03:00:00",
    "usage_end_time": "2026-06-02T04:00:00",
    "project.id": "ml-train-518161",
    "project.name": "ml-train",
    "project.labels": '[{"key": "team", "value": "ml"}]',
    "labels": '[{"key": "env", "value": "prod"}]',
    "system_labels": "[]",
    "location.location": "us-central1",
    "location.region": "us-central1",
    "location.zone": "us-central1-a",
    "cost": "1.5",
    "currency": "USD",
    "usage.amount": "3600",
    "usage.unit": "seconds",
    "usage.amount_in_pricing_units": "1",
    "usage.pricing_unit": "hour",
    "credits": "[]",
    "invoice.month": "202606",
    "cost_type": "regular",
    "cost_at_list": "2",
    "price.effective_price": "1.5",
    "resource.name": "projects/ml-train-518161/instances/vm",
    "resource.global_name": "//compute.googleapis.com/projects/ml-train-518161/zones/us-central1-a/instances/42",
}


OCI_ROW = {
    "lineItem/referenceNo": "ref-1",
    "lineItem/tenantId": "ocid1.tenancy.oc1..aaaa",
    "lineItem/intervalUsageStart": "2026-06-02T03:00Z",
    "lineItem/intervalUsageEnd": "2026-06-02T04:00:00Z",
    "product/service": "COMPUTE",
    "product/compartmentId": "ocid1.compartment.oc1..bbbb",
    "product/compartmentName": "ml",
    "product/region": "eu-frankfurt-1",
    "product/availabilityDomain": "fra-1",
    "product/resourceId": "ocid1.instance.oc1.eu-frankfurt-1.cccc",
    "usage/billedQuantity": "2",
    "cost/subscriptionId": "0012345",
    "cost/productSku": "B93113",
    "product/Description": "Standard - E4",
    "cost/unitPrice": "0.025",
    "cost/myCost": "0.05",
    "cost/currencyCode": "USD",
    "cost/billingUnitReadable": "1 NONE HOURS OCPUS",
    "cost/skuUnitDescription": "OCPU Hours",
    "cost/overageFlag": "false",
    "lineItem/isCorrection": "false",
    "lineItem/backreferenceNo": "17035",
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


def azure(**changes: str) -> dict[str, str]:
    """A row of an Azure export with other values."""
    return {**AZURE_ROW, **changes}


def gcp(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """A row of a Google Cloud export with other values."""
    return {**GCP_ROW, **(changes or {})}


def oci(**changes: str) -> dict[str, str]:
    """A row with other values; `cost_myCost` stands for `cost/myCost`."""
    return {**OCI_ROW, **{name.replace("_", "/", 1): value for name, value in changes.items()}}


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


def azure_bill(folder: Path, *rows: Mapping[str, str]) -> Bill:
    """What an Azure export of these rows says."""
    return read(write_csv(folder / "azure.csv", *rows))


def gcp_bill(folder: Path, *rows: Mapping[str, str]) -> Bill:
    """What a Google Cloud export of these rows says."""
    return read(write_csv(folder / "gcp.csv", *rows))


def names_of(paths: Iterable[Path]) -> list[str]:
    """File names alone."""
    return [path.name for path in paths]
