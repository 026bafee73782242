"""What runs: one line per resource and meter, with everything that its charges have in common."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

import polars as pl

from apps.demo.focus import DECIMAL
from apps.demo.tables import Row, find, rows

DAYS: Final = 396  # the longest demo, thirteen months: what grows began small so many days before its end
DAYS_OF_A_MONTH: Final = 30
WHOLE_UNITS: Final = ("Tokens", "Requests", "Events")
NO_LIMIT: Final = 1 << 40
FOREVER: Final = 1 << 20
CURRENCY: Final = "USD"

SCHEMA: Final = pl.Schema(
    {
        "provider": pl.String(),
        "line_id": pl.UInt64(),
        "quantity": pl.Int64(),  # thousandths of a unit a day, before growth and rhythm
        "growth": pl.Int64(),  # thousandths by which the quantity grew in DAYS
        "rhythm": pl.String(),
        "from_age": pl.Int64(),  # days before the last day: the line's first
        "to_age": pl.Int64(),  # and its last
        "whole": pl.Boolean(),  # counted, not measured
        "limit": pl.Int64(),  # thousandths a day: a machine runs 24 hours at most
        "pricing": pl.String(),  # "", "spot" or the commitment that pays
        "list_price": DECIMAL,
        "contracted_price": DECIMAL,
        "commitment_units": DECIMAL,  # of the commitment per unit used
        "commitment_unit_cost": DECIMAL,
    }
)
"""How a line behaves; further columns describe its charges, by their FOCUS names."""


@cache
def lines() -> pl.DataFrame:
    """All lines of all providers: SCHEMA and FOCUS columns."""
    made = [line for row in rows("fleet") for line in _lines_of(row)]
    described = [name for line in made for name in line if name not in SCHEMA]
    return pl.DataFrame(made, schema=pl.Schema({**SCHEMA, **dict.fromkeys(described, pl.String())}))


def common_columns(provider: Row) -> dict[str, str]:
    """The FOCUS columns that all charges of a provider share."""
    return {
        "ProviderName": provider["name"],
        "PublisherName": provider["name"],
        "InvoiceIssuerName": provider["name"],
        "BillingAccountId": provider["billing_account_id"],
        "BillingAccountName": provider["billing_account_name"],
        "BillingAccountType": provider["billing_account_type"],
        "BillingCurrency": CURRENCY,
        "PricingCurrency": CURRENCY,
    }


def account_columns(provider: str, slug: str) -> dict[str, str]:
    """The FOCUS columns of a sub account."""
    account = find("accounts", provider=provider, slug=slug)
    kind = find("providers", slug=provider)["sub_account_type"]
    return {"SubAccountId": account["id"], "SubAccountName": account["name"], "SubAccountType": kind}


def service_columns(provider: str, service: str) -> dict[str, str]:
    """The FOCUS columns of a service."""
    found = find("services", provider=provider, service=service)
    return {
        "ServiceName": service,
        "ServiceCategory": found["category"],
        "ServiceSubcategory": found["subcategory"],
    }


def region_columns(provider: str, region: str) -> dict[str, str | None]:
    """The FOCUS columns of a region; nulls where the service knows none."""
    name = find("regions", provider=provider, id=region)["name"] if region else None
    return {"RegionId": region or None, "RegionName": name}


def digest(*words: str) -> str:
    """Hexadecimal digits that look random and are the same in every run."""
    return hashlib.sha256("/".join(words).encode()).hexdigest()


def _lines_of(row: Row) -> Iterator[dict[str, Any]]:
    """One line per resource of a row of the fleet, and one per disk of it."""
    count, initial = int(row["count"]), int(row["initial"])
    for place in range(count):
        name = row["name"] if count == 1 else f"{row['name']}-{place + 1:02}"
        began = FOREVER if place < initial else DAYS * (count - place) // (count - initial + 1)
        ages = {"from_age": int(row["from_age"] or began), "to_age": int(row["to_age"] or 0)}
        yield _line(row, name, row["sku"], place) | ages
        if row["disk_gb"]:
            disk = {**row, "quantity": str(round(int(row["disk_gb"]) / DAYS_OF_A_MONTH, 3))}
            always = {"rhythm": "always", "growth": "0", "pricing": ""}
            yield _line({**disk, **always}, f"{name}-disk", _provider(row)["disk_sku"], place) | ages


def _provider(row: Row) -> Row:
    return find("providers", slug=row["provider"])


def _line(row: Row, name: str, sku_name: str, place: int) -> dict[str, Any]:
    provider, sku = _provider(row), find("skus", provider=row["provider"], sku=sku_name)
    return {
        "provider": row["provider"],
        "line_id": int(digest(row["provider"], name, sku_name)[:8], 16),
        "quantity": int(Decimal(row["quantity"]) * 1000),
        "growth": int(row["growth"]),
        "rhythm": row["rhythm"],
        "whole": sku["unit"] in WHOLE_UNITS,
        "limit": 24_000 if sku["instance_type"] else NO_LIMIT,
        **_prices(row["pricing"], provider, sku),
        **common_columns(provider),
        **account_columns(row["provider"], row["account"]),
        **service_columns(row["provider"], sku["service"]),
        **region_columns(row["provider"], row["region"]),
        **_sku_columns(sku, row["pricing"]),
        **_resource_columns(row, name, sku, place),
        "ChargeDescription": f"{sku['meter']}, {sku_name}",
        "Tags": _tags(row, provider),
    }


def _prices(pricing: str, provider: Row, sku: Row) -> dict[str, Any]:
    """List and contracted price, and what a unit takes out of the commitment that pays for it."""
    price = Decimal(sku["price"])
    prices: dict[str, Any] = {
        "pricing": pricing,
        "list_price": price,
        "contracted_price": price * (1 - Decimal(provider["discount"])),
    }
    if pricing in ("", "spot"):
        return prices
    commitment = find("commitments", provider=provider["slug"], slug=pricing)
    in_money = commitment["category"] == "Spend"
    units = price * (1 - Decimal(commitment["discount"])) if in_money else Decimal(1)
    return prices | {"commitment_units": units, "commitment_unit_cost": Decimal(commitment["unit_cost"])}


def _sku_columns(sku: Row, pricing: str) -> dict[str, str | None]:
    terms = {"": "on-demand", "spot": "spot"}.get(pricing, "committed")
    return {
        "PricingUnit": sku["unit"],
        "ConsumedUnit": sku["unit"],
        "SkuId": sku["sku"],
        "SkuMeter": sku["meter"],
        "SkuPriceId": f"{sku['sku']}/{terms}",
        "SkuPriceDetails": _price_details(sku),
    }


def _price_details(sku: Row) -> str | None:
    if not sku["instance_type"]:
        return None
    known: dict[str, str | int] = {"InstanceType": sku["instance_type"]}
    for name, column in (("CoreCount", "vcpus"), ("MemorySize", "memory_gib"), ("GpuCount", "gpus")):
        if sku[column]:
            known[name] = int(sku[column])
    return _json(known | ({"x_GpuModel": sku["gpu_model"]} if sku["gpu_model"] else {}))


def _resource_columns(row: Row, name: str, sku: Row, place: int) -> dict[str, str | None]:
    pattern = find("resources", provider=row["provider"], type=sku["resource_type"])["pattern"]
    account = find("accounts", provider=row["provider"], slug=row["account"])["id"]
    spread = digest(row["provider"], account, name)[:17]
    zoned = sku["instance_type"] and row["provider"] in ("aws", "gcp")
    zone = f"{row['region']}{'-' if row['provider'] == 'gcp' else ''}{'abc'[place % 3]}"
    return {
        "ResourceId": pattern.format(account=account, region=row["region"], name=name, hash=spread),
        "ResourceName": name,
        "ResourceType": sku["resource_type"],
        "AvailabilityZone": zone if zoned else None,
    }


def _tags(row: Row, provider: Row) -> str | None:
    tags = {
        "team": row["team"],
        provider["environment_key"]: row["environment"],
        provider["workload_key"]: row["workload"],
    }
    return _json({key: value for key, value in tags.items() if value})


def _json(values: Mapping[str, str | int]) -> str | None:
    return json.dumps(values, sort_keys=True, separators=(",", ":")) if values else None
