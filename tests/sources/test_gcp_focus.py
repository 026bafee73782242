"""Google's bills in FOCUS: its FOCUS export in BigQuery, and its view over the detailed export."""

from decimal import Decimal
from typing import Any

import pytest

from apps.costs.models import ChargeKey, Statement
from apps.sources.models import Delivery
from tests.gcp import NAME, GoogleServer, error, google, google_for_all, key
from tests.sources.conftest import look_again, work
from tests.sources.test_gcp_bigquery import checks, connect, last
from tests.sources.totals import stored

__all__ = ["google", "google_for_all", "key"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

TEXTS = (
    "BillingAccountId", "BillingCurrency", "ChargeCategory", "PricingCategory", "ProviderName", "PublisherName",
    "ResourceId", "ServiceName", "SkuId", "SubAccountId",
)  # fmt: skip
AMOUNTS = ["BilledCost", "EffectiveCost", "ContractedCost", "ListCost", "PricingQuantity"]
TIMES = ["BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd", "x_ExportTime"]
LISTS = ["x_Labels", "x_ProjectLabels", "x_SystemLabels", "x_Tags"]


def fields(*, tags: bool = False, date: bool = False) -> list[dict[str, Any]]:
    """The columns of the export, or of the view, which has Tags."""
    pair = [{"name": "Key", "type": "STRING"}, {"name": "Value", "type": "STRING"}]
    inherited = [*pair, {"name": "x_inherited", "type": "BOOLEAN"}]
    listed = ["Tags"] if tags else LISTS
    return [
        *({"name": name, "type": "STRING"} for name in TEXTS),
        *({"name": name, "type": "NUMERIC"} for name in AMOUNTS),
        *({"name": name, "type": "DATE" if date else "TIMESTAMP"} for name in TIMES),
        *({"name": name, "type": "RECORD", "mode": "REPEATED", "fields": inherited} for name in listed),
    ]


def charge(cost: str, month: str = "2026-06", **more: Any) -> dict[str, Any]:
    """A row as the query for a month gives it; Google's months begin at midnight in California."""
    following = f"{month[:5]}{int(month[5:]) + 1:02}"
    return {
        "BillingAccountId": "0123AB-4567CD-89EF01",
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{month}-01T07:00:00Z",
        "BillingPeriodEnd": f"{following}-01",
        "ChargePeriodStart": f"{month}-03T10:00:00Z",
        "ChargePeriodEnd": f"{month}-03T11:00:00Z",
        "ChargeCategory": "usage",
        "PricingCategory": "committed",
        "BilledCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        "ContractedCost": cost,
        "ProviderName": "Google Cloud",
        "PublisherName": None,
        "ServiceName": "Compute Engine",
        "SkuId": cost,
        "SubAccountId": "northwind-ml",
        "ResourceId": "//compute.googleapis.com/projects/441570621172/zones/europe-west4-a/disk/5731447681477044785",
        "Tags": [{"key": "team", "value": "of the project"}, {"key": "team", "value": "ml-platform"}],
        "x_ExportTime": f"{month}-04T06:00:00Z",
        **more,
    }


@pytest.fixture
def export(google: GoogleServer) -> GoogleServer:
    """Google's FOCUS export with June."""
    google.table["schema"] = {"fields": fields()}
    del google.table["timePartitioning"]
    google.export([charge("1.25"), charge("2.5")])
    return google


def test_the_export_is_collected_month_by_month_and_read_as_focus(export: GoogleServer, key: str) -> None:
    source = connect(key)
    work(source)

    assert {run.name: run.status for run in source.runs.exclude(name="")} == {"2026-06": "done"}
    assert Delivery.objects.get().format.startswith("FOCUS 1.")
    assert stored() == Decimal("3.75")
    charge, bill = ChargeKey.objects.all()[0], Statement.objects.get()
    assert (charge.provider_name, charge.charge_category, charge.pricing_category) == (
        "Google Cloud",
        "Usage",
        "Committed",
    )
    assert charge.tags == {"team": "ml-platform"}
    assert (str(bill.billing_period_start), str(bill.billing_period_end)) == ("2026-06-01", "2026-07-01")


def test_what_is_exported_later_for_a_month_replaces_it_whole(export: GoogleServer, key: str) -> None:
    source = connect(key)
    work(source)
    assert [run.status for run in look_again(source)] == ["unchanged"]

    export.export([charge("-0.75", x_ExportTime="2026-07-09T00:00:00Z"), charge("10", "2026-07")])
    look, *fetched = look_again(source)
    assert look.rows == 2
    assert [(run.name, run.status) for run in fetched] == [("2026-06", "done"), ("2026-07", "done")]
    assert stored() == Decimal(13)


def test_the_exports_lists_of_labels_become_tags_the_nearest_last(export: GoogleServer, key: str) -> None:
    work(connect(key))
    months, rows = (query["query"] for query in export.queries)

    order = [rows.index(f"UNNEST({name})") for name in ("x_ProjectLabels", "x_Tags", "x_SystemLabels", "x_Labels")]
    assert order == sorted(order)
    assert rows.count(") AS Tags") == 1
    assert f"FROM `{NAME}`\n  WHERE DATE(BillingPeriodStart) BETWEEN @first AND @last" in rows
    assert "DATE_ADD(DATE(BillingPeriodStart), INTERVAL 1 MONTH) AS BillingPeriodEnd" in rows
    assert "CAST(MAX(x_ExportTime) AS STRING)" in months


def test_the_view_keeps_its_tags_and_dates(export: GoogleServer, key: str) -> None:
    export.table["schema"] = {"fields": [one for one in fields(tags=True, date=True) if one["name"] != "x_ExportTime"]}
    export.table["type"] = "VIEW"
    source = connect(key)
    work(source)
    months, rows = (query["query"] for query in export.queries)

    assert stored() == Decimal("3.75")
    assert "ORDER BY tag.x_inherited DESC) AS Tags) " in " ".join(rows.split())
    assert "ARRAY_CONCAT" not in rows
    assert "WHERE BillingPeriodStart BETWEEN @first AND @last" in rows
    assert "CAST(SUM(BilledCost) AS STRING)" in months
    assert checks(key)[1].says == f"{NAME}: a view"


def test_the_billing_account_is_named_where_the_identity_may_see_it(export: GoogleServer, key: str) -> None:
    step = ("Name the billing account", True)
    assert last(checks(key)) == (
        *step,
        "0123AB-4567CD-89EF01 is not seen, and need not be for collecting. Seen: none.",
    )
    export.shelves.accounts = [
        {"name": "billingAccounts/0123AB-4567CD-89EF01", "displayName": "Northwind GmbH", "open": True},
        {"name": "billingAccounts/999999-4567CD-89EF01", "displayName": "Another", "open": True},
    ]
    assert last(checks(key)) == (*step, "0123AB-4567CD-89EF01: Northwind GmbH")

    export.shelves.accounts = export.shelves.accounts[1:]
    assert "Seen: 999999-4567CD-89EF01 (Another)." in last(checks(key))[2]

    export.spoil(times=9, path="/billingAccounts", answer=error(403, "forbidden", "It has no permission"))
    assert last(checks(key))[:2] == step
    assert "Not seen, and not needed for collecting. The permission billing.accounts.list" in last(checks(key))[2]
