"""List prices of AWS services: on demand and reserved, by service and region, as files of PRICES."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field

from collectors.aws.clients import Aws
from collectors.aws.settings import Regions, Role, Secrets, clients, external_id, listed
from collectors.connections import PRICES as BRINGS_PRICES
from collectors.connections import Allowed, Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import ProviderRefusedError
from collectors.prices import PRICES
from collectors.records import write_records

Row = dict[str, object]

EVERYTHING: Final[tuple[dict[str, str], ...]] = ({},)
_PLAIN_LINUX: Final = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
PARTS: Final[Mapping[str, tuple[dict[str, str], ...]]] = {
    "AmazonEC2": (
        {"productFamily": "Compute Instance", **_PLAIN_LINUX},
        {"productFamily": "Compute Instance (bare metal)", **_PLAIN_LINUX},
        {"productFamily": "Storage"},
        {"productFamily": "Storage Snapshot"},
        {"productFamily": "System Operation"},
        {"productFamily": "Provisioned Throughput"},
    ),
    "AmazonRDS": (
        {"productFamily": "Database Instance"},
        {"productFamily": "Serverless"},
        {"productFamily": "Database Storage"},
        {"productFamily": "Provisioned IOPS"},
    ),
}
"""What is asked of services whose whole list would be a hundred thousand prices; of all others everything."""

TERMS: Final = {"1yr": "1 year", "3yr": "3 years"}
POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "pricing:GetProducts", "Resource": "*"}],
}


def _services(value: str) -> str:
    services = listed(value)
    if wrong := [one for one in services if not (one.isascii() and one.isalnum())]:
        raise ValueError(f"{wrong[0]} is no code of a service: it looks like AmazonEC2.")
    return ", ".join(services or ("AmazonEC2", "AmazonRDS", "AmazonSageMaker"))


def _some_regions(value: str) -> str:
    if not value:
        raise ValueError("Name at least one region, for example eu-central-1.")
    return value


class Settings(Fields):
    """Which lists, and as whom they are asked for."""

    regions: Annotated[Regions, AfterValidator(_some_regions)] = Field(
        title="Regions", description="Whose prices, with commas between them, for example eu-central-1, us-east-1."
    )
    services: Annotated[str, AfterValidator(_services)] = Field(
        "AmazonEC2, AmazonRDS, AmazonSageMaker",
        title="Services",
        description="Codes as in AWS's price list, with commas between them.",
    )
    role_arn: Role = Field("", title="Role", description="ARN of the role that asks; empty: the identity or key.")
    external_id: str = external_id()


class AwsPrices(Connection):
    """Public prices: what an account has negotiated is on its bill."""

    kind: ClassVar = "aws-prices"
    title: ClassVar = "AWS list prices"
    help: ClassVar = "Public on-demand and reserved prices of EC2 (Linux), EBS, RDS, SageMaker and other services."
    brings: ClassVar = BRINGS_PRICES
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "aws-read-role.yaml"
    template_help: ClassVar = (
        'is a CloudFormation template that asks for the external id, and makes the role: choose "yes" for list prices.'
    )

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        in_china = settings.regions.startswith("cn-")
        self._aws: Aws = clients(
            secrets,
            region="cn-northwest-1" if in_china else "us-east-1",
            role=settings.role_arn,
            external_id=settings.external_id,
        )

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._aws.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:  # noqa: ARG003 - the same for every list
        """IAM policy of the role or user: public prices, nothing else."""
        return json.dumps(POLICY, indent=2)

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The services and regions."""
        return f"{settings['services']} in {settings['regions']}"

    def check(self) -> Iterator[Check]:
        """Sign in, take on the role, ask for one price of each service."""
        steps: list[tuple[str, Callable[[], str]]] = [("Sign in to AWS", self._aws.identity)]
        if self.settings.role_arn:
            steps.append(("Take on the role", self._aws.take_role))
        yield from try_steps([*steps, ("Ask for prices", self._try_each)])

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - lists hold what is in force
        """One list for each service and region, in the version that its first product names."""
        for service in listed(self.settings.services):
            for region in listed(self.settings.regions):
                yield RemoteDelivery(f"{service} {region}", f"{service}/{region}", self._version(service, region))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """One list, in the order of its SKUs, so that the same prices are the same file."""
        service, _, region = address.partition("/")
        found: list[Row] = []
        for product in self._products(service, region):
            found += prices_of(product)
            progress(0, 0)
        if not found:
            raise ProviderRefusedError(f"AWS has no prices of {service} in {region}: check the service and the region.")
        listing = f"aws/{service}/{region}"
        rows = sorted(found, key=lambda row: (str(row["sku_id"]), str(row["sku_price_id"]), str(row["tier_start"])))
        path = write_records(PRICES, ({**row, "listing": listing} for row in rows), folder)
        size = path.stat().st_size
        progress(size, size)
        return path

    def _version(self, service: str, region: str) -> str:
        """Of a list, and when it was published; empty where AWS says neither: then only its prices tell."""
        first = self._aws.call(
            self._aws.client("pricing"), "get_products", ServiceCode=service, Filters=_filters(region), MaxResults=1
        )
        said: Iterator[dict[str, str]] = map(json.loads, first["PriceList"])
        return " ".join(one[name] for one in said for name in ("version", "publicationDate") if one.get(name))

    def _products(self, service: str, region: str) -> Iterator[dict[str, Any]]:
        client = self._aws.client("pricing")
        for part in PARTS.get(service, EVERYTHING):
            for page in self._aws.pages(client, "get_products", ServiceCode=service, Filters=_filters(region, part)):
                yield from map(json.loads, page["PriceList"])

    def _try_each(self) -> str:
        region = listed(self.settings.regions)[0]
        for service in listed(self.settings.services):
            if next(self._products(service, region), None) is None:
                raise ProviderRefusedError(f"AWS has no prices of {service} in {region}: check both.")
        return f"{self.settings.services} in {region}"


def _filters(region: str, part: Mapping[str, str] = EVERYTHING[0]) -> list[dict[str, str]]:
    fields = {"regionCode": region, **part}
    return [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in fields.items()]


def prices_of(product: Mapping[str, Any]) -> Iterator[Row]:
    """Every price of a product, as the price list API tells of it: a row for each tier of each of its terms.

    What is paid at the start of a term has a row of its own, whose unit is the term: AWS calls it Quantity, as it
    calls other things. Convertible reservations are left out: the standard ones compare.
    """
    attributes, terms = product["product"]["attributes"], product.get("terms", {})
    known = {
        "provider": "AWS",
        "service_name": attributes.get("servicename") or product["serviceCode"],
        "sku_id": product["product"]["sku"],
        "region_id": attributes.get("regionCode"),
        "size": _size(attributes),
        "operating_system": attributes.get("operatingSystem"),
    }
    for term in terms.get("OnDemand", {}).values():
        yield from _rows(term, {**known, "pricing_category": "Standard"})
    for term in terms.get("Reserved", {}).values():
        said = term["termAttributes"]
        if said.get("OfferingClass", "standard") == "standard":
            length, payment = TERMS.get(said["LeaseContractLength"]), said.get("PurchaseOption")
            yield from _rows(term, {**known, "pricing_category": "Committed", "term": length, "payment": payment})


def _rows(term: Mapping[str, Any], known: Row) -> Iterator[Row]:
    for rate in term["priceDimensions"].values():
        for currency, price in rate["pricePerUnit"].items():
            yield {
                **known,
                "sku_price_id": rate["rateCode"],
                "description": rate.get("description", "")[:600],
                "tier_start": rate.get("beginRange", "0"),
                "list_unit_price": price,
                "pricing_unit": known["term"] if _is_upfront(rate, known) else rate["unit"],
                "pricing_currency": currency,
                "valid_from": term["effectiveDate"][:10],
            }


def _is_upfront(rate: Mapping[str, Any], known: Row) -> bool:
    return known["pricing_category"] == "Committed" and rate["unit"] == "Quantity"


def _size(attributes: Mapping[str, str]) -> str:
    """The instance type as inventories have it, or the type of a volume; SageMaker adds what it is used for."""
    return attributes.get("instanceName") or attributes.get("instanceType") or attributes.get("volumeApiName") or ""
