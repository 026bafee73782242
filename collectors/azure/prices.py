"""Azure's list prices, by the Retail Prices API, which asks nobody to sign in, as rows of the record set of prices."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from pydantic import Field, field_validator

from collectors import prices
from collectors.azure.units import pricing_unit
from collectors.connections import (
    PRICES,
    Allowed,
    Check,
    Connection,
    Fields,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.net import open_url
from collectors.patience import patiently
from collectors.records import write_records
from collectors.transfer import check_space, retry_after

Row = dict[str, object]
Item = Mapping[str, Any]
LARGEST_PAGE: Final = 32 << 20
MOST_PAGES: Final = 5_000
MACHINES: Final = "Virtual Machines"
NEEDED: Final = (
    "armRegionName",
    "currencyCode",
    "meterId",
    "meterName",
    "productName",
    "serviceName",
    "type",
    "unitOfMeasure",
)
TERMS: Final = {"1 year": "1 year", "3 year": "3 years", "3 years": "3 years", "5 years": "5 years"}
_REGION: Final = re.compile(r"[a-z0-9]{3,40}", re.ASCII)
_SERVICE: Final = re.compile(r"[\w .&()+/-]{2,100}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class Settings(Fields):
    """Prices of what, where, in which money."""

    regions: str = Field(
        title="Regions", description="As Azure writes them, separated by commas, for example westeurope, eastus2."
    )
    services: str = Field(
        MACHINES, title="Services", description="As bills name them, separated by commas, for example Virtual Machines."
    )
    currency: str = Field(
        "USD", title="Currency", description="Azure's prices are in US dollars; those in others are converted by Azure."
    )

    @field_validator("regions")
    @classmethod
    def _are_regions(cls, value: str) -> str:
        regions = [text.lower().replace(" ", "") for text in _parts(value)]
        if not regions or not all(map(_REGION.fullmatch, regions)):
            raise ValueError("Write regions as Azure does, in small letters without blanks: westeurope, eastus2.")
        return ", ".join(dict.fromkeys(regions))

    @field_validator("services")
    @classmethod
    def _are_services(cls, value: str) -> str:
        services = _parts(value)
        if not services or not all(map(_SERVICE.fullmatch, services)):
            raise ValueError("Write services as bills name them: Virtual Machines, Storage.")
        return ", ".join(dict.fromkeys(services))

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        if not _CURRENCY.fullmatch(value.upper()):
            raise ValueError("This is no currency: write three letters, for example EUR.")
        return value.upper()


class AzurePrices(Connection):
    """What services cost in regions, by the hour or the unit, and with reservations and savings plans."""

    kind: ClassVar = "azure-prices"
    title: ClassVar = "Azure list prices"
    help: ClassVar = "Microsoft's list prices of services in regions, with reservations, savings plans and spot."
    brings: ClassVar = PRICES
    Settings: ClassVar = Settings
    address: ClassVar = "https://prices.azure.com/api/retail/prices"

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._calls = 0
        self._bytes = 0

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._calls

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """Services and regions."""
        return f"{settings['services']} in {settings['regions']}"

    def check(self) -> Iterator[Check]:
        """Ask for the first prices of each service in each region."""
        steps = [(name, lambda address=address: self._try(address)) for name, address in self._listings()]
        yield from try_steps(steps)

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - prices have no billing period
        """A delivery for each service in each region; only reading it tells whether it has changed."""
        for name, address in self._listings():
            yield RemoteDelivery(name, address, "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A csv of the prices of one service in one region."""
        check_space(folder, 0)
        return write_records(prices.PRICES, self._rows(address, progress), folder)

    def _listings(self) -> Iterator[tuple[str, str]]:
        for service in _parts(self.settings.services):
            for region in _parts(self.settings.regions):
                asked = {
                    "api-version": "2023-01-01-preview",  # the one that has savings plans
                    "currencyCode": f"'{self.settings.currency}'",
                    "$filter": f"serviceName eq '{service}' and armRegionName eq '{region}'",
                }
                yield f"{service} in {region}", f"{self.address}?{urlencode(asked, quote_via=quote)}"

    def _rows(self, address: str, progress: Progress) -> Iterator[Row]:
        found = 0
        for item in self._items(address):
            for row in rows_of(item):
                found += 1
                yield row
            progress(self._bytes, 0)
        if not found:
            raise _nothing()

    def _try(self, address: str) -> str:
        items, following = self._page(address)
        if not items:
            raise _nothing()
        return f"{len(items):,} prices{' and more' if following else ''}"

    def _items(self, address: str) -> Iterator[Item]:
        """Every price, page by page."""
        pages = 0
        following = address
        while following:
            if urlsplit(following).hostname != urlsplit(self.address).hostname or pages > MOST_PAGES:
                raise ProviderUnavailableError("Azure's price list does not say where its next page is.")
            items, following = self._page(following)
            pages += 1
            yield from items

    def _page(self, address: str) -> tuple[list[Item], str]:
        """One page, asked for a few times where the API falters, and the address of the next one."""
        content = patiently(lambda: self._ask(address), (ProviderUnavailableError,), _still_unavailable)
        try:
            said = json.loads(content, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError):
            said = None
        items = said.get("Items") if isinstance(said, dict) else None
        if not isinstance(said, dict) or not isinstance(items, list) or not all(map(_is_price, items)):
            raise ProviderUnavailableError("Azure's price list answered something else than a page of prices.")
        return items, str(said.get("NextPageLink") or "")

    def _ask(self, address: str) -> bytes:
        self._calls += 1
        with open_url(address, headers={}, networks=self.allowed.networks, redirect=False) as answer:
            if answer.status == 429 or answer.status >= 500:
                wait = retry_after(answer.headers.get("Retry-After"))
                said = f"Azure's price list cannot answer now ({answer.status})."
                raise ProviderUnavailableError(said, retry_after=wait)
            if answer.status != 200:
                raise ProviderRefusedError(
                    f"Azure's price list refuses the question ({answer.status}): check services, regions and currency."
                )
            try:
                content = answer.read(LARGEST_PAGE, decode_content=True)
            except urllib3.exceptions.HTTPError as error:
                raise ProviderUnavailableError("The answer of Azure's price list broke off.") from error
        self._bytes += len(content)
        return content


def rows_of(item: Item) -> Iterator[Row]:
    """A price of Azure's list as rows: what it costs without a commitment or for a term, and in savings plans.

    Prices for development and tests are for those who have such a subscription alone: they are left out. So are
    those of meters that another region's stand for.
    """
    if item["type"] == "DevTestConsumption" or item.get("isPrimaryMeterRegion") is False:
        return
    term = _term(item.get("reservationTerm"))
    if item["type"] == "Reservation":
        # the price is that of the whole term, whatever `unitOfMeasure` says; paid by the month it is the same
        committed = {"pricing_category": "Committed", "term": term, "payment": "All Upfront", "pricing_unit": term}
        yield {**_row(item), **committed}
        return
    is_spot = str(item.get("skuName")).endswith((" Spot", " Low Priority"))
    yield {**_row(item), "pricing_category": "Dynamic" if is_spot else "Standard"}
    for plan in item.get("savingsPlan") or ():
        said = f"{_description(item)}, savings plan"
        price = {"list_unit_price": plan["retailPrice"], "description": said}
        yield {**_row(item), **price, "pricing_category": "Committed", "term": _term(plan.get("term"))}


def _row(item: Item) -> Row:
    service, region, currency = (item[name] for name in ("serviceName", "armRegionName", "currencyCode"))
    return {
        "provider": "Microsoft",
        "service_name": service,
        "sku_id": item["meterId"],
        "sku_price_id": item.get("skuId"),
        "description": _description(item),
        "region_id": region,
        "size": item.get("armSkuName"),
        "operating_system": _system(item),
        "tier_start": item.get("tierMinimumUnits"),
        "list_unit_price": item["retailPrice"],
        "pricing_unit": pricing_unit(str(item["unitOfMeasure"])),
        "pricing_currency": currency,
        "valid_from": _day(item.get("effectiveStartDate")),
        "listing": f"{service}/{region}/{currency}",
    }


def _description(item: Item) -> str:
    return f"{item['productName']} - {item['meterName']}"


def _system(item: Item) -> str | None:
    """Of machines; Azure says it in the name of the product, and only of Windows."""
    if item["serviceName"] != MACHINES:
        return None
    return "Windows" if str(item["productName"]).endswith(" Windows") else "Linux"


def _term(text: object) -> str | None:
    return TERMS.get(str(text).lower()) if text else None


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _is_price(item: object) -> bool:
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(name), str) for name in NEEDED)
        and isinstance(item.get("retailPrice"), Decimal)
        and all(isinstance(plan.get("retailPrice"), Decimal) for plan in item.get("savingsPlan") or ())
    )


def _nothing() -> ProviderRefusedError:
    return ProviderRefusedError(
        "Azure's price list has nothing of this service in this region: check how both are written."
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _still_unavailable(error: Exception) -> ProviderUnavailableError:
    return ProviderUnavailableError(str(error), retry_after=getattr(error, "retry_after", None))
