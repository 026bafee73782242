"""OpenAI and Anthropic say which models are in use: resources that join with what they cost."""

from datetime import date
from typing import Any

import pytest
from django.db import connection

from apps.inventory.models import Resource, ResourceState
from apps.sources.models import Run
from collectors.errors import RefusedFileError
from collectors.model_usage import models_in_use
from collectors.openai.costs import OpenAi
from tests.sources.conftest import look_again, work
from tests.sources.cost_apis import KINDS, CostServer, cost_server
from tests.sources.test_live_costs import connected, months

__all__ = ["cost_server"]
pytestmark = pytest.mark.usefixtures("db", "home")


def usage_of(server: CostServer) -> dict[date, list[dict[str, Any]]]:
    return server.answers[KINDS[server.kind].usage.path]


def test_each_model_is_a_resource_by_the_name_that_its_charges_have(cost_server: CostServer) -> None:
    source = connected(cost_server)

    *_, models = work(source)

    assert (models.name, models.status, models.error) == ("models", "done", "")
    found = {one.resource_id: one for one in Resource.objects.all()}
    assert found
    assert {one.kind for one in found.values()} == {"model"}
    assert {one.provider for one in found.values()} == {KINDS[cost_server.kind].api.provider}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT resource_id FROM costs_chargekey WHERE resource_id IS NOT NULL")
        charged = {model for (model,) in cursor.fetchall()}
    assert charged & set(found)


def test_another_day_of_use_makes_no_new_state_of_a_model(cost_server: CostServer) -> None:
    source = connected(cost_server)
    work(source)
    states = ResourceState.objects.count()

    for lines in usage_of(cost_server).values():
        for line in lines:
            line["output_tokens"] += 7
    look_again(source, months())

    assert states
    assert ResourceState.objects.count() == states


def test_the_same_use_is_not_fetched_again_and_a_model_that_nobody_uses_any_more_is_closed(
    cost_server: CostServer,
) -> None:
    source = connected(cost_server)
    work(source)
    (look,) = look_again(source, months())
    assert look.status == "unchanged"

    gone = next(line["model"] for lines in usage_of(cost_server).values() for line in lines if line["model"])
    for day, lines in usage_of(cost_server).items():
        usage_of(cost_server)[day] = [line for line in lines if line["model"] != gone]
    look_again(source, months())

    assert Run.objects.filter(name="models", status="done").count() == 2
    kept = Resource.objects.filter(resource_id=gone)
    assert [one.closed_at is not None for one in kept] == [True]


def test_a_bucket_without_a_time_is_refused() -> None:
    with pytest.raises(RefusedFileError, match="no time"):
        list(models_in_use([{"start_time": None, "results": []}], OpenAi()))
