"""OpenAI's costs and usage of an organisation, asked with an admin key."""

from datetime import UTC, date, datetime, time
from typing import ClassVar

from pydantic import Field, SecretStr

from collectors.live_answers import AdminKey, LiveCosts, Question
from collectors.openai.costs import OpenAi


class Secrets(AdminKey):
    """How it signs in."""

    admin_key: SecretStr = Field(
        title="Admin key",
        description=(
            "It begins with sk-admin-. An owner of the organisation makes it under Settings > Organization > Admin"
            " keys; reading usage (api.usage.read) is all that it has to be allowed."
        ),
    )


class OpenAiCosts(LiveCosts):
    """Costs by project and line item, and tokens of completions beside them."""

    kind: ClassVar = "openai"
    title: ClassVar = "OpenAI"
    help: ClassVar = "What the OpenAI API costs an organisation, by day, project and model, and the tokens used."
    Secrets: ClassVar = Secrets

    api = OpenAi()
    address = "https://api.openai.com"
    costs = Question(OpenAi.costs_address, ("project_id", "line_item"))
    usage = Question("/v1/organization/usage/completions", ("project_id", "model", "batch", "service_tier"))
    group_parameter = "group_by"
    key_begins = "sk-admin-"
    key_is_made = (
        "An owner of the organisation makes admin keys under Settings > Organization > Admin keys; it has to be allowed"
        " to read usage (api.usage.read). Keys of a project or a service account cannot read costs."
    )

    def headers(self, key: str) -> dict[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {key}"}

    def stamp(self, day: date) -> str:
        """Unix seconds."""
        return str(int(datetime.combine(day, time(), UTC).timestamp()))
