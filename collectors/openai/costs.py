"""What OpenAI's costs API and its usage APIs say of each line, in the words of collectors.model_costs.

Days start at 00:00 UTC in Unix seconds; an amount is a JSON number in dollars (or text), its currency in lower case.
"""

import re
from typing import Final

from collectors.answers import COSTS, Result, as_scalar, others
from collectors.tokens import TOKENS, Dimensions

_USAGE: Final = "organization.usage."
_LINE: Final = re.compile(
    r"(?:[\w ]+ \| )?(?P<model>[^,|]+), (?P<type>input|output|cached input|cache writes)(?:, [\w ]+)?"
)
"""A line item of tokens: "gpt-4o-2024-08-06, cached input", "priority | gpt-5, output, long context"."""

_KNOWN: Final = (
    *("object", "amount", "line_item", "project_id", "project_name"),
    *("organization_id", "organization_name", "quantity", "quantity_unit"),
)
_NOT_TEXT: Final = re.compile(r"(?:in|out)put_(?:cached_)?(?:audio|image)_tokens")
_STANDARD: Final = ("", "default", "standard")


class OpenAi:
    """OpenAI's dialect."""

    provider = "OpenAI"
    format = "OpenAI costs"
    costs_address = "/v1/organization/costs"
    bucket_times = ("start_time", "end_time")
    sub_account_type = "Project"
    dimensions = Dimensions(strict=("model", "project"))

    def kind(self, result: Result) -> str:
        """By the object's name."""
        name = str(result.get("object") or "")
        if name == "organization.costs.result":
            return COSTS
        return f"usage ({name.split('.')[2]})" if name.startswith(_USAGE) else ""

    def cost(self, result: Result) -> dict[str, str | None]:
        """A line of costs; a quantity counts only with its unit."""
        amount = result.get("amount")
        value, currency = (amount.get("value"), amount.get("currency")) if isinstance(amount, dict) else (None, None)
        unit = as_scalar(result.get("quantity_unit"))
        item = as_scalar(result.get("line_item"))
        of_tokens = _LINE.fullmatch(item or "")
        return {
            "account": as_scalar(result.get("organization_id")) or self.provider,
            "account_name": as_scalar(result.get("organization_name")),
            "sub_account": as_scalar(result.get("project_id")),
            "sub_account_name": as_scalar(result.get("project_name")),
            "amount": as_scalar(value),
            "currency": as_scalar(currency),
            "description": item,
            "sku": item,
            "token_type": of_tokens["type"] if of_tokens else None,
            "model": of_tokens["model"].partition(" ")[0] if of_tokens else None,
            "quantity": as_scalar(result.get("quantity")) if unit else None,
            "unit": (TOKENS if unit == "tokens" else unit.replace("_", " ").capitalize()) if unit else None,
            "others": others(result, _KNOWN),
        }

    def by(self, result: Result) -> dict[str, str | None]:
        """Costs name the model in the line item; one that says "image" beside it is of no model that usage knows."""
        item = _LINE.fullmatch(str(result.get("line_item") or ""))
        model = item["model"] if item else as_scalar(result.get("model"))
        return {"model": model, "project": as_scalar(result.get("project_id"))}

    def tokens(self, result: Result) -> dict[str, int | None]:
        """Tokens by type. Input includes what was read from and written to the cache; what is priced apart (batches,
        tiers, sounds, images) cannot be told from the rest."""
        apart = (
            result.get("batch") is True
            or str(result.get("service_tier") or "") not in _STANDARD
            or any(value for name, value in result.items() if _NOT_TEXT.fullmatch(name))
        )
        cached, written = _count(result, "input_cached_tokens"), _count(result, "input_cache_write_tokens")
        fresh = result.get("input_uncached_tokens", _count(result, "input_tokens") - cached)
        counts = {
            "input": _whole(fresh) - written,
            "cached input": cached,
            "cache writes": written,
            "output": _count(result, "output_tokens"),
        }
        return {name: None if apart else count for name, count in counts.items()}


def _count(result: Result, name: str) -> int:
    return _whole(result.get(name))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
