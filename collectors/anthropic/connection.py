"""Anthropic's cost and usage reports of an organisation, asked with a key of its Admin API."""

from datetime import date
from typing import ClassVar

from pydantic import Field, SecretStr

from collectors.anthropic.costs import Anthropic
from collectors.live_answers import AdminKey, LiveCosts, Question

VERSION = "2023-06-01"


class Secrets(AdminKey):
    """How it signs in."""

    admin_key: SecretStr = Field(
        title="Admin key",
        description=(
            "It begins with sk-ant-admin. An admin of the organisation makes it in the Console under Settings > Admin"
            " keys. Such keys cannot be limited to reading: make one for this alone."
        ),
    )


class AnthropicCosts(LiveCosts):
    """Costs by workspace and description, and tokens of messages beside them."""

    kind: ClassVar = "anthropic"
    title: ClassVar = "Anthropic"
    help: ClassVar = "What the Anthropic API costs an organisation, by day, workspace and model, and the tokens used."
    Secrets: ClassVar = Secrets

    api = Anthropic()
    address = "https://api.anthropic.com"
    costs = Question(Anthropic.costs_address, ("workspace_id", "description"))
    usage = Question(
        "/v1/organizations/usage_report/messages", ("workspace_id", "model", "service_tier", "context_window")
    )
    group_parameter = "group_by[]"
    key_begins = "sk-ant-admin"
    key_is_made = (
        "An admin of the organisation makes admin keys in the Console under Settings > Admin keys. API keys of a"
        " workspace cannot read costs, and accounts of single people have no Admin API."
    )

    def headers(self, key: str) -> dict[str, str]:
        """A key in a header of its own, and the version of the API whose words are known."""
        return {"x-api-key": key, "anthropic-version": VERSION}

    def stamp(self, day: date) -> str:
        """RFC 3339."""
        return f"{day}T00:00:00Z"
