"""List prices of Google Cloud: the SKUs of services in the Cloud Billing Catalog, in the currency of the bill."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from collectors import connections
from collectors.connections import Allowed, Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import ProviderRefusedError
from collectors.gcp.assets import PROVIDER
from collectors.gcp.errors import Api
from collectors.gcp.identity import ANSWER_SECONDS, Google, Secrets
from collectors.prices import PRICES
from collectors.records import write_records
from collectors.transfer import check_space

CATALOG: Final = Api(
    title="Cloud Billing API",
    service="cloudbilling.googleapis.com",
    scopes=("https://www.googleapis.com/auth/cloud-billing.readonly",),
    roles={
        "billing.accounts.list": "Billing Account Viewer (roles/billing.viewer) on the billing account",
        "billing.accounts.get": "Billing Account Viewer (roles/billing.viewer) on the billing account",
    },
    missing="Check services and currency.",
)
USAGE_TYPES: Final = {
    "OnDemand": ("Standard", None),
    "Preemptible": ("Dynamic", None),
    "Commit1Yr": ("Committed", "1 year"),
    "Commit3Yr": ("Committed", "3 years"),
}
"""How a SKU is consumed -> FOCUS's pricing category, and the term."""

PAGE: Final = 5000
POLICY: Final = """\
# public list prices: an identity of any project will do, and no role is needed
gcloud services enable cloudbilling.googleapis.com --project=PROJECT
gcloud iam service-accounts create finops-reader --project=PROJECT
"""


class Settings(Fields):
    """Whose prices."""

    services: str = Field(
        "Compute Engine",
        title="Services",
        description="As bills name them, with commas between: Compute Engine, Vertex AI, Cloud Storage.",
    )
    regions: str = Field(
        "",
        title="Regions",
        description="With commas between, for example europe-west3, us-central1. Left empty, all. Prices that hold"
        " everywhere always come.",
    )
    currency: str = Field("USD", title="Currency", description="Three letters, best that of the bill.")

    @field_validator("services")
    @classmethod
    def _has_services(cls, value: str) -> str:
        if not (names := _listed(value)):
            raise ValueError("Name at least one service, for example Compute Engine.")
        return ", ".join(names)

    @field_validator("regions")
    @classmethod
    def _are_regions(cls, value: str) -> str:
        names = [name.lower() for name in _listed(value)]
        if wrong := [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z]+\d+)?", name)]:
            raise ValueError(f"{wrong[0][:40]!r} is no region: write its code, for example europe-west3.")
        return ", ".join(names)

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z]{3}", value):
            raise ValueError("Write the three letters of a currency, for example EUR.")
        return value.upper()


class Catalog(Google):
    """The Cloud Billing API: public services and SKUs, and the billing accounts that the identity may see."""

    def __init__(self, key: str) -> None:
        super().__init__(CATALOG, key)

    def services(self) -> dict[str, str]:
        """Display name of every service -> its resource name."""
        ask = partial(self._catalog, "list_services")
        return {one.display_name: one.name for page in self._pages(ask, {}) for one in page.services}

    def skus(self, service: str, currency: str) -> Iterator[Sequence[Any]]:
        """The SKUs of a service with their prices of now, page by page."""
        ask = partial(self._catalog, "list_skus")
        for page in self._pages(ask, {"parent": service, "currency_code": currency}):
            yield page.skus

    def accounts(self) -> dict[str, str]:
        """The billing accounts that the identity may see: number -> name that people gave it."""
        pages = self._pages(self._accounts, {})
        return {
            one.name.removeprefix("billingAccounts/"): one.display_name
            for page in pages
            for one in page.billing_accounts
        }

    def _pages(self, ask: Any, request: Mapping[str, Any]) -> Iterator[Any]:
        """Plain messages: half a million fields are read of a large service."""
        token = ""
        while True:
            page = self.ask(partial(ask, {**request, "page_size": PAGE, "page_token": token}))
            plain = type(page).pb(page)
            yield plain
            token = plain.next_page_token
            if not token:
                return

    def _catalog(self, method: str, request: Mapping[str, Any]) -> Any:
        from google.cloud import billing_v1  # noqa: PLC0415 - nobody without a Google source loads it
        from google.cloud.billing_v1.services.cloud_catalog.transports import CloudCatalogRestTransport  # noqa: PLC0415

        transport = CloudCatalogRestTransport(host=self.host(), credentials=self.credential())
        client = billing_v1.CloudCatalogClient(transport=transport)
        return next(iter(getattr(client, method)(request=request, retry=None, timeout=ANSWER_SECONDS).pages))

    def _accounts(self, request: Mapping[str, Any]) -> Any:
        from google.cloud import billing_v1  # noqa: PLC0415
        from google.cloud.billing_v1.services.cloud_billing.transports import CloudBillingRestTransport  # noqa: PLC0415

        transport = CloudBillingRestTransport(host=self.host(), credentials=self.credential())
        client = billing_v1.CloudBillingClient(transport=transport)
        found = client.list_billing_accounts(request={**request, "page_size": 100}, retry=None, timeout=ANSWER_SECONDS)
        return next(iter(found.pages))


class GcpPrices(Connection):
    """List prices of services."""

    kind: ClassVar = "gcp-prices"
    title: ClassVar = "Google Cloud list prices"
    help: ClassVar = "What Google Cloud asks for a unit, on demand, spot and committed, by the Cloud Billing Catalog."
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    brings: ClassVar = connections.PRICES

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._catalog = Catalog(secrets.key.get_secret_value())
        self._unknown: list[str] = []

    @property
    def calls(self) -> int:
        """How many pages were asked for."""
        return self._catalog.calls

    @property
    def warnings(self) -> Sequence[str]:
        """Services that the catalog does not have."""
        return [
            f"The Cloud Billing Catalog has no service called {name}: check how it is spelt." for name in self._unknown
        ]

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:  # noqa: ARG003 - list prices are public
        """Commands that make a service account; it needs no role."""
        return POLICY

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The services."""
        return f"{settings['services']} ({settings['currency']})"

    def check(self) -> Iterator[Check]:
        """Sign in, find the services, read the first prices of one."""
        yield from try_steps(
            [
                ("Sign in to Google Cloud", self._catalog.identity),
                ("Find the services", lambda: ", ".join(self._services())),
                ("Read prices", self._read_some),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - prices of now have no period
        """The services; only their content tells whether a price has changed."""
        for title, name in self._services().items():
            yield RemoteDelivery(title, f"catalog://{name}/{title}", "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The prices of a service, as a csv of list prices in the order of SKUs."""
        check_space(folder, 0)
        service, _, title = address.removeprefix("catalog://").removeprefix("services/").partition("/")
        return write_records(PRICES, self._rows(f"services/{service}", title, progress), folder)

    def _rows(self, service: str, title: str, progress: Progress) -> Iterator[Mapping[str, object]]:
        rows: list[dict[str, object]] = []
        done, regions = 0, set(_listed(self.settings.regions))
        for skus in self._catalog.skus(service, self.settings.currency):
            for sku in skus:
                rows += price_rows(sku, title, regions)
            done += sum(sku.ByteSize() for sku in skus)
            progress(done, 0)
        listing = {"listing": service}
        yield {"provider": PROVIDER, "service_name": title, **listing}
        for row in sorted(rows, key=lambda row: (str(row["sku_id"]), str(row["region_id"]), row["tier_start"])):
            yield {**row, **listing}

    def _services(self) -> dict[str, str]:
        """Those of the form that there are, by the catalog's spelling of their names."""
        there_are = {title.lower(): (title, name) for title, name in self._catalog.services().items()}
        wanted = _listed(self.settings.services)
        self._unknown = [title for title in wanted if title.lower() not in there_are]
        found = dict(there_are[title.lower()] for title in wanted if title.lower() in there_are)
        if not found:
            raise ProviderRefusedError(self.warnings[0])
        return found

    def _read_some(self) -> str:
        title, name = next(iter(self._services().items()))
        skus = next(iter(self._catalog.skus(name, self.settings.currency)))
        return f"{title}: {len(skus):,} SKUs on the first page"


def price_rows(sku: Any, service: str, regions: set[str]) -> Iterator[dict[str, object]]:
    """A row of PRICES for each region and tier of a SKU, of all regions where `regions` is empty.

    A SKU's time of effect is not kept: asked for the prices of now, Google tells a time of the last hours.
    """
    category, term = USAGE_TYPES.get(sku.category.usage_type, ("Other", None))
    for info in sku.pricing_info[-1:]:
        expression = info.pricing_expression
        for region in sku.service_regions or ("",):
            if regions and region not in ("", "global", *regions):
                continue
            for rate in expression.tiered_rates:
                yield {
                    "provider": PROVIDER,
                    "service_name": service,
                    "sku_id": sku.sku_id,
                    "description": sku.description,
                    "region_id": region if region != "global" else None,
                    "pricing_category": category,
                    "term": term,
                    "tier_start": Decimal(repr(rate.start_usage_amount)),
                    "list_unit_price": Decimal(rate.unit_price.units) + Decimal(rate.unit_price.nanos).scaleb(-9),
                    "pricing_unit": expression.usage_unit_description or expression.usage_unit,
                    "pricing_currency": rate.unit_price.currency_code,
                }


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
