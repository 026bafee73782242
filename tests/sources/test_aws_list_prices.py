"""List prices of AWS: every term, tier and payment option as AWS says it, read through its own SDK page after page."""

import csv
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from collectors.aws.prices import AwsPrices
from collectors.connections import Allowed, Window
from collectors.errors import ProviderRefusedError
from collectors.files import find_deliveries
from collectors.prices import PRICES
from collectors.records import read_records
from tests.aws import KEYS, AwsServer, Silent

HERE = "eu-central-1"
PAGE = 2


def rate(code: str, price: str, *, unit: str = "Hrs", said: str = "", **more: str) -> dict[str, Any]:
    """A price dimension."""
    return {code: {"rateCode": code, "unit": unit, "description": said, "pricePerUnit": {"USD": price}, **more}}


def term(rates: dict[str, Any], **attributes: str) -> dict[str, Any]:
    """An offer term."""
    return {"priceDimensions": rates, "effectiveDate": "2026-06-01T00:00:00Z", "termAttributes": attributes}


def reserved(length: str, payment: str, offering: str, rates: dict[str, Any]) -> dict[str, Any]:
    """A reservation's term."""
    return term(rates, LeaseContractLength=length, PurchaseOption=payment, OfferingClass=offering)


def product(sku: str, family: str, terms: dict[str, Any], *, service: str = "AmazonEC2", **said: str) -> dict[str, Any]:
    """A product as an item of a price list."""
    names = {"AmazonEC2": "Amazon Elastic Compute Cloud", "AmazonSageMaker": "Amazon SageMaker"}
    attributes = {"regionCode": HERE, "servicecode": service, "servicename": names[service], **said}
    return {
        "product": {"sku": sku, "productFamily": family, "attributes": attributes},
        "serviceCode": service,
        "terms": terms,
        "version": "20260601000000",
        "publicationDate": "2026-06-01T00:00:00Z",
    }


LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
MACHINE = product(
    "SKU1",
    "Compute Instance",
    {
        "OnDemand": {"SKU1.J": term(rate("SKU1.J.6", "0.1150000000", said="$0.115 per On Demand Linux m5.large"))},
        "Reserved": {
            "SKU1.A": reserved("1yr", "No Upfront", "standard", rate("SKU1.A.6", "0.0710000000")),
            "SKU1.B": reserved(
                "3yr",
                "All Upfront",
                "standard",
                rate("SKU1.B.6", "0.0000000000") | rate("SKU1.B.2", "1175", unit="Quantity", said="Upfront Fee"),
            ),
            "SKU1.C": reserved("3yr", "All Upfront", "convertible", rate("SKU1.C.2", "1300", unit="Quantity")),
        },
    },
    instanceType="m5.large",
    **LINUX,
)
WINDOWS = product(
    "SKU2",
    "Compute Instance",
    {"OnDemand": {"SKU2.J": term(rate("SKU2.J.6", "0.2070000000"))}},
    instanceType="m5.large",
    **{**LINUX, "operatingSystem": "Windows"},
)
DISK = product(
    "SKU3",
    "Storage",
    {
        "OnDemand": {
            "SKU3.J": term(
                rate("SKU3.J.1", "0.0952000000", unit="GB-Mo", beginRange="0", endRange="51200")
                | rate("SKU3.J.2", "0.0900000000", unit="GB-Mo", beginRange="51200", endRange="Inf")
            )
        }
    },
    volumeApiName="gp3",
)
MODEL_HOST = product(
    "SKU4",
    "ML Instance",
    {"OnDemand": {"SKU4.J": term(rate("SKU4.J.6", "1.7600000000"))}},
    service="AmazonSageMaker",
    instanceName="ml.g5.xlarge",
    instanceType="ml.g5.xlarge-Hosting",
)
GONE = product("SKU5", "Storage", {})
PRODUCTS = [MACHINE, WINDOWS, DISK, MODEL_HOST, GONE]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, aws: AwsServer) -> Iterator[list[dict[str, Any]]]:
    """A price list service of a few products, PAGE of them a page; what it was asked."""
    seen: list[dict[str, Any]] = []

    @Request.application
    def answer(request: Request) -> Response:
        assert request.headers["X-Amz-Target"] == "AWSPriceListService.GetProducts"
        words = json.loads(request.get_data())
        seen.append(words)
        found = [one for one in PRODUCTS if _matches(one, words)]
        start = int(words.get("NextToken", 0))
        end = start + min(words.get("MaxResults", PAGE), PAGE)
        page = {"PriceList": [json.dumps(one) for one in found[start:end]], "FormatVersion": "aws_v1"}
        if end < len(found):
            page["NextToken"] = str(end)
        return Response(json.dumps(page), content_type="application/x-amz-json-1.1")

    http = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", f"http://127.0.0.1:{http.server_port}")
    yield seen
    http.shutdown()
    thread.join()


def _matches(item: dict[str, Any], words: dict[str, Any]) -> bool:
    known = {**item["product"]["attributes"], "productFamily": item["product"]["productFamily"]}
    filters = {one["Field"]: one["Value"] for one in words["Filters"]}
    return item["serviceCode"] == words["ServiceCode"] and filters.items() <= known.items()


def prices(**settings: str) -> AwsPrices:
    """A connection to the price list service of the tests."""
    secrets = AwsPrices.Secrets(
        access_key_id=KEYS["aws_access_key_id"], secret_access_key=KEYS["aws_secret_access_key"]
    )
    return AwsPrices(AwsPrices.Settings(**{"regions": HERE, "services": "AmazonEC2", **settings}), secrets, Allowed())


def fetched(made: AwsPrices, folder: Path) -> list[dict[str, str]]:
    """The rows of every list of a connection."""
    rows: list[dict[str, str]] = []
    for one in made.remote(Window(datetime.now(UTC).date())):
        to = folder / one.name.replace(" ", "-")
        to.mkdir(parents=True)
        with made.fetch(one.address, to, lambda _done, _total: None).open(newline="") as file:
            rows += list(csv.DictReader(file))
    return rows


@pytest.mark.usefixtures("asked")
def test_a_machine_has_a_price_on_demand_and_for_each_standard_reservation(tmp_path: Path) -> None:
    machine = {row["sku_price_id"]: row for row in fetched(prices(), tmp_path) if row["size"] == "m5.large"}

    assert set(machine) == {"SKU1.J.6", "SKU1.A.6", "SKU1.B.6", "SKU1.B.2"}
    on_demand = machine["SKU1.J.6"]
    assert on_demand["list_unit_price"] == "0.1150000000"  # as AWS writes it
    assert (on_demand["pricing_category"], on_demand["term"], on_demand["pricing_unit"]) == ("Standard", "", "Hrs")
    assert (on_demand["service_name"], on_demand["region_id"]) == ("Amazon Elastic Compute Cloud", HERE)
    assert (on_demand["operating_system"], on_demand["valid_from"]) == ("Linux", "2026-06-01")
    year = machine["SKU1.A.6"]
    assert (year["pricing_category"], year["term"], year["payment"]) == ("Committed", "1 year", "No Upfront")


@pytest.mark.usefixtures("asked")
def test_what_is_paid_once_is_never_taken_for_the_price_of_an_hour(tmp_path: Path) -> None:
    machine = {row["sku_price_id"]: row for row in fetched(prices(), tmp_path)}

    once, hourly = machine["SKU1.B.2"], machine["SKU1.B.6"]
    assert (once["pricing_unit"], once["list_unit_price"]) == ("3 years", "1175")
    assert (hourly["pricing_unit"], Decimal(hourly["list_unit_price"])) == ("Hrs", 0)
    assert {once["payment"], hourly["payment"]} == {"All Upfront"}
    assert {once["term"], hourly["term"]} == {"3 years"}


@pytest.mark.usefixtures("asked")
def test_tiers_say_from_which_quantity_they_hold(tmp_path: Path) -> None:
    disk = [row for row in fetched(prices(), tmp_path) if row["size"] == "gp3"]

    assert [(row["tier_start"], row["list_unit_price"]) for row in disk] == [
        ("0", "0.0952000000"),
        ("51200", "0.0900000000"),
    ]


@pytest.mark.usefixtures("asked")
def test_machines_of_sagemaker_are_called_as_in_the_inventory(tmp_path: Path) -> None:
    (row,) = fetched(prices(services="AmazonSageMaker"), tmp_path)

    assert (row["size"], row["service_name"]) == ("ml.g5.xlarge", "Amazon SageMaker")


def test_only_what_can_be_compared_is_asked_for_and_all_pages_are_read(
    asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [product(f"P{number}", "ML Instance", MODEL_HOST["terms"], service="AmazonSageMaker") for number in range(5)]
    monkeypatch.setattr("tests.sources.test_aws_list_prices.PRODUCTS", [*PRODUCTS, *many])

    rows = fetched(prices(services="AmazonEC2 AmazonSageMaker"), tmp_path)

    assert {row["sku_id"] for row in rows} == {"SKU1", "SKU3", "SKU4", "P0", "P1", "P2", "P3", "P4"}
    lists = [words for words in asked if "MaxResults" not in words]
    assert {"Type": "TERM_MATCH", "Field": "operatingSystem", "Value": "Linux"} in lists[0]["Filters"]
    assert [words.get("NextToken") for words in lists if words["ServiceCode"] == "AmazonSageMaker"] == [None, "2", "4"]


def test_a_list_is_known_by_its_version_for_which_one_product_is_asked(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def marks() -> list[str]:
        return [
            one.fingerprint for one in prices(services="AmazonEC2 AmazonNew").remote(Window(datetime.now(UTC).date()))
        ]

    before = marks()

    assert before == ["20260601000000 2026-06-01T00:00:00Z", ""]
    assert [words["MaxResults"] for words in asked] == [1, 1]
    monkeypatch.setitem(MACHINE, "version", "20260602000000")
    assert marks()[0] != before[0]
    for name in ("version", "publicationDate"):
        monkeypatch.delitem(MACHINE, name)
    assert marks() == ["", ""]


@pytest.mark.usefixtures("asked")
def test_each_service_and_region_is_a_list_of_its_own_that_the_importer_knows(tmp_path: Path) -> None:
    made = prices(services="AmazonEC2 AmazonSageMaker")
    found = list(made.remote(Window(datetime.now(UTC).date())))
    assert [one.name for one in found] == [f"AmazonEC2 {HERE}", f"AmazonSageMaker {HERE}"]

    path = made.fetch(found[0].address, tmp_path, lambda _done, _total: None)

    (delivery,) = find_deliveries([path], root=tmp_path)
    batches = list(read_records(delivery, PRICES))
    assert sum(batch.rejected.height for batch in batches) == 0
    assert sum(batch.records.height for batch in batches) == 6
    assert set(batches[0].records["listing"]) == {f"aws/AmazonEC2/{HERE}"}


@pytest.mark.usefixtures("asked")
def test_the_same_prices_are_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def content(name: str) -> bytes:
        (tmp_path / name).mkdir()
        return prices().fetch(f"AmazonEC2/{HERE}", tmp_path / name, lambda _done, _total: None).read_bytes()

    before = content("before")
    monkeypatch.setattr("tests.sources.test_aws_list_prices.PRODUCTS", PRODUCTS[::-1])

    assert content("after") == before


@pytest.mark.usefixtures("asked")
def test_a_list_without_prices_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ProviderRefusedError, match="AWS has no prices of AmazonBraket in eu-central-1"):
        fetched(prices(services="AmazonBraket"), tmp_path)


@pytest.mark.usefixtures("asked")
def test_the_test_of_a_connection_asks_for_a_price() -> None:
    checks = [(one.step, one.ok) for one in prices().check()]

    assert checks == [("Sign in to AWS", True), ("Ask for prices", True)]


def test_who_may_not_ask_for_prices_is_told_the_permission(monkeypatch: pytest.MonkeyPatch, aws: AwsServer) -> None:
    said = json.dumps({"__type": "AccessDeniedException", "Message": "You may not."})

    def refuse(request: Request) -> Response | None:
        return Response(said, 400) if "GetProducts" in request.headers.get("X-Amz-Target", "") else None

    aws.spoils.append(refuse)

    last = list(prices().check())[-1]

    assert last.says == "The permission pricing:GetProducts is missing: add it to the policy of the role or user."


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"regions": ""}, "Name at least one region"), ({"services": "Amazon EC-2"}, "EC-2 is no code of a service")],
)
def test_lists_that_cannot_be_are_refused_in_words(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        prices(**settings)
