"""What Anthropic's cost report and usage report say of each line, in the words of collectors.model_costs.

Days start at 00:00 UTC in RFC 3339; an amount is cents as decimal text: "123.45" is 1.2345 dollars.
"""

import re
from typing import Final

from collectors.answers import COSTS, Result, as_scalar, others
from collectors.errors import RefusedFileError
from collectors.tokens import Dimensions

CURRENCY: Final = "USD"
"""The only one in which Anthropic bills; how many of an amount make one of another currency would be a guess."""

_NUMBER: Final = re.compile(r"([+-]?[\d.]+)(?:e([+-]?\d{1,6}))?", re.ASCII | re.IGNORECASE)
_KNOWN: Final = ("amount", "currency", "description", "model", "token_type", "workspace_id")
_SKU: Final = ("model", "token_type", "service_tier", "context_window")
_CACHE: Final = "cache_creation"


class Anthropic:
    """Anthropic's dialect."""

    provider = "Anthropic"
    format = "Anthropic cost report"
    costs_address = "/v1/organizations/cost_report"
    bucket_times = ("starting_at", "ending_at")
    sub_account_type = "Workspace"
    dimensions = Dimensions(
        strict=("model", "workspace_id"), loose=("service_tier", "context_window", "inference_geo", "speed")
    )

    def kind(self, result: Result) -> str:
        """By what it states: money, or tokens."""
        if "amount" in result:
            return COSTS
        return "usage" if "output_tokens" in result else ""

    def cost(self, result: Result) -> dict[str, str | None]:
        """A line of costs. No organisation is named in it: there is one in each answer."""
        currency = as_scalar(result.get("currency"))
        if currency is not None and currency.upper() != CURRENCY:
            raise RefusedFileError(
                f"An Anthropic cost report in {currency} cannot be read: only cents of {CURRENCY} can."
            )
        return {
            "account": self.provider,
            "sub_account": as_scalar(result.get("workspace_id")),
            "amount": dollars(as_scalar(result.get("amount"))),
            "currency": currency,
            "description": as_scalar(result.get("description")) or as_scalar(result.get("cost_type")),
            "sku": "/".join(filter(None, (as_scalar(result.get(name)) for name in _SKU)))
            or as_scalar(result.get("cost_type")),
            "token_type": as_scalar(result.get("token_type")),
            "model": as_scalar(result.get("model")),
            "quantity": None,
            "others": others(result, _KNOWN),
        }

    def by(self, result: Result) -> dict[str, str | None]:
        """Costs and usage call these alike."""
        return {name: as_scalar(result.get(name)) for name in (*self.dimensions.strict, *self.dimensions.loose)}

    def tokens(self, result: Result) -> dict[str, int | None]:
        """Tokens by the types of the cost report, where those of the cache are nested."""
        cache = result.get(_CACHE)
        nested = {f"{_CACHE}.{name}": count for name, count in cache.items()} if isinstance(cache, dict) else {}
        counts = {name: count for name, count in result.items() if name.endswith("_tokens")}
        return {name: count if isinstance(count, int) else None for name, count in {**counts, **nested}.items()}


def dollars(cents: str | None) -> str | None:
    """Cents as dollars, to the last digit; what is no number stays as it is, for whoever judges it."""
    number = _NUMBER.fullmatch(cents.strip()) if cents else None
    return cents if number is None else f"{number[1]}e{int(number[2] or 0) - 2}"
