"""Azure's list prices over HTTPS: what a price of theirs is as rows, paging, and what goes wrong."""

from datetime import date
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from werkzeug.wrappers import Request, Response

from apps.core.errors import UserError
from apps.pricing.models import Price
from apps.sources import connecting
from apps.sources.connections import connection
from collectors.azure.prices import AzurePrices
from collectors.connections import Allowed
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.files import find_deliveries
from collectors.prices import PRICES
from collectors.records import read_records
from tests.azure import AzureServer, azure, azure_for_all
from tests.sources.conftest import look_again, work

__all__ = ["azure", "azure_for_all"]
HOME = (ip_network("127.0.0.0/8"),)
METER = "000a794b-bdb0-58be-a0cd-0c3a0f222923"
ITEM: dict[str, Any] = {
    "currencyCode": "USD",
    "tierMinimumUnits": 0.0,
    "retailPrice": 0.1,
    "unitPrice": 0.1,
    "armRegionName": "westeurope",
    "location": "EU West",
    "effectiveStartDate": "2023-09-01T00:00:00Z",
    "meterId": METER,
    "meterName": "D2s v5",
    "productId": "DZH318Z0BPS6",
    "skuId": "DZH318Z0BPS6/00TG",
    "productName": "Virtual Machines Dsv5 Series",
    "skuName": "D2s v5",
    "serviceName": "Virtual Machines",
    "serviceFamily": "Compute",
    "unitOfMeasure": "1 Hour",
    "type": "Consumption",
    "isPrimaryMeterRegion": True,
    "armSkuName": "Standard_D2s_v5",
}
LIST = [
    {**ITEM, "savingsPlan": [{"unitPrice": 0.0423, "retailPrice": 0.0423, "term": "3 Years"}]},
    {**ITEM, "type": "Reservation", "reservationTerm": "1 Year", "retailPrice": 517.0, "unitPrice": 517.0},
    {**ITEM, "skuName": "D2s v5 Spot", "meterName": "D2s v5 Spot", "meterId": "spot", "retailPrice": 0.0129},
    {**ITEM, "productName": f"{ITEM['productName']} Windows", "meterId": "windows", "retailPrice": 0.192},
    {**ITEM, "type": "DevTestConsumption", "meterId": "devtest"},
    {**ITEM, "isPrimaryMeterRegion": False, "meterId": "elsewhere"},
    {**ITEM, "armRegionName": "eastus2", "meterId": "east"},
    {**ITEM, "serviceName": "Storage", "unitOfMeasure": "10K", "meterId": "tier", "tierMinimumUnits": 51200.0},
]


@pytest.fixture
def price_list(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> AzureServer:
    """The list at an address of this machine."""
    monkeypatch.setattr(AzurePrices, "address", f"{azure.url}/api/retail/prices")
    azure.price_list += LIST
    return azure


def made(**settings: str) -> AzurePrices:
    """A connection to the list."""
    return AzurePrices(
        AzurePrices.Settings.model_validate({"regions": "westeurope", **settings}), None, Allowed(networks=HOME)
    )


def listed(folder: Path, **settings: str) -> pl.DataFrame:
    """What a fetch of the first listing writes, as the importer reads it; nothing of it is rejected."""
    connected = made(**settings)
    delivery = next(iter(connected.remote(None)))  # type: ignore[arg-type]
    (found,) = find_deliveries([connected.fetch(delivery.address, folder, lambda _done, _total: None)])
    batches = list(read_records(found, PRICES))
    assert all(batch.rejected.is_empty() for batch in batches)
    return pl.concat(batch.records for batch in batches)


def test_a_price_is_told_for_the_hour_the_term_and_in_savings_plans(price_list: AzureServer, tmp_path: Path) -> None:
    rows = listed(tmp_path)
    told = rows.select("sku_id", "pricing_category", "term", "payment", "list_unit_price", "pricing_unit").rows()

    assert told == [
        (METER, "Standard", None, None, Decimal("0.1"), "Hours"),
        (METER, "Committed", "3 years", None, Decimal("0.0423"), "Hours"),
        (METER, "Committed", "1 year", "All Upfront", Decimal(517), "1 year"),
        ("spot", "Dynamic", None, None, Decimal("0.0129"), "Hours"),
        ("windows", "Standard", None, None, Decimal("0.192"), "Hours"),
    ]
    assert rows.row(0, named=True) == {
        "provider": "Microsoft",
        "service_name": "Virtual Machines",
        "sku_id": METER,
        "sku_price_id": "DZH318Z0BPS6/00TG",
        "description": "Virtual Machines Dsv5 Series - D2s v5",
        "region_id": "westeurope",
        "size": "Standard_D2s_v5",
        "operating_system": "Linux",
        "pricing_category": "Standard",
        "term": None,
        "payment": None,
        "tier_start": Decimal(0),
        "list_unit_price": Decimal("0.1"),
        "pricing_unit": "Hours",
        "pricing_currency": "USD",
        "valid_from": date(2023, 9, 1),
        "listing": "Virtual Machines/westeurope/USD",
    }
    assert rows["operating_system"].to_list()[-1] == "Windows"


def test_amounts_keep_the_digits_of_the_answer(price_list: AzureServer, tmp_path: Path) -> None:
    """A double of 0.1 is not 0.1, and a price of many digits is more than a double holds."""
    said = '{"Items": [%s], "NextPageLink": null}'
    item = {name: value for name, value in ITEM.items() if name != "retailPrice"}
    text = str(item).replace("'", '"').replace("True", "true")[:-1] + ', "retailPrice": 0.123456789012345678}'
    price_list.spoil(path="prices", answer=lambda _: Response(said % text, 200))

    assert listed(tmp_path)["list_unit_price"].to_list() == [Decimal("0.123456789012345678")]


def test_tiers_and_blocks_of_other_services(price_list: AzureServer, tmp_path: Path) -> None:
    row = listed(tmp_path, services="Storage").row(0, named=True)

    assert (row["tier_start"], row["pricing_unit"], row["operating_system"]) == (Decimal(51200), "10000 Units", None)


def test_each_service_in_each_region_is_a_listing_of_its_own(price_list: AzureServer) -> None:
    connected = made(regions="westeurope, eastus2", services="Virtual Machines, Storage")
    names = [one.name for one in connected.remote(None)]  # type: ignore[arg-type]

    assert names == [
        "Virtual Machines in westeurope",
        "Virtual Machines in eastus2",
        "Storage in westeurope",
        "Storage in eastus2",
    ]
    checks = list(connected.check())
    assert [(one.step, one.ok) for one in checks] == [(name, name != "Storage in eastus2") for name in names]
    assert checks[0].says == "3 prices and more"
    assert "has nothing of this service in this region" in checks[-1].says


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Response("slow down", 429, {"Retry-After": "30"}), ProviderUnavailableError, "cannot answer now (429)"),
        (Response("oh", 503), ProviderUnavailableError, "cannot answer now (503)"),
        (Response("no", 400), ProviderRefusedError, "refuses the question (400)"),
        (Response("<html>", 200), ProviderUnavailableError, "something else than a page of prices"),
        (Response('{"Items": [{"retailPrice": 1}]}', 200), ProviderUnavailableError, "something else than a page"),
        (Response('{"Items": [', 200), ProviderUnavailableError, "something else than a page of prices"),
        (
            Response('{"Items": [], "NextPageLink": "https://example.com/next"}', 200),
            ProviderUnavailableError,
            "does not say where its next page is",
        ),
    ],
)
def test_what_is_answered_instead_of_prices_is_told(
    price_list: AzureServer, tmp_path: Path, answer: Response, kind: type[Exception], said: str
) -> None:
    price_list.spoil(times=9, path="prices", answer=lambda _: answer)
    with pytest.raises(kind) as told:
        listed(tmp_path)
    assert said in str(told.value)
    assert getattr(told.value, "retry_after", None) == (30.0 if answer.status_code == 429 else None)


def test_a_page_that_breaks_off_leaves_no_part_of_the_list(price_list: AzureServer, tmp_path: Path) -> None:
    asked: list[Request] = []

    def second(request: Request) -> Response | None:
        asked.append(request)
        return Response('{"Items": [', 200) if len(asked) > 1 else None

    price_list.spoil(times=9, path="prices", answer=second)
    with pytest.raises(ProviderUnavailableError):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"regions": ""}, "regions"),
        ({"regions": "west europe'"}, "regions"),
        ({"regions": "westeurope", "services": "a' or 'b"}, "services"),
        ({"regions": "westeurope", "currency": "dollars"}, "currency"),
    ],
)
def test_what_is_typed_wrong_is_named(typed: dict[str, str], field: str) -> None:
    with pytest.raises(UserError) as told:
        connection("azure-prices", typed, {})
    assert told.value.field == field


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
def test_the_whole_way_into_the_prices_and_what_is_gone_goes(price_list: AzureServer, settings: Any) -> None:
    settings.ALLOWED_NETWORKS = HOME
    source = connecting.connect(
        name="azure prices", kind="azure-prices", settings={"regions": "westeurope"}, secrets={}, months=1, actor=None
    )
    assert [(run.status, run.error) for run in work(source)] == [("done", ""), ("done", "")]
    assert Price.objects.filter(list_unit_price=Decimal("0.0423"), term="3 years").count() == 1

    assert [run.status for run in look_again(source)] == ["done", "unchanged"]
    price_list.price_list[:] = [one for one in price_list.price_list if one["meterId"] != "spot"]
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert [price.sku_id for price in Price.objects.exclude(seen_until=None)] == ["spot"]
