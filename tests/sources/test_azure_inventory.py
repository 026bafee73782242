"""What exists in Azure, asked of Resource Graph over HTTPS: rows, subscriptions without a role, paging, faults."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from werkzeug.wrappers import Request, Response

from apps.core.errors import UserError
from apps.inventory.models import Resource
from apps.sources import connecting
from apps.sources.connections import connection
from apps.sources.models import Source
from collectors.azure.inventory import AzureInventory
from collectors.azure.kinds import TYPES
from collectors.connections import Allowed
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.files import find_deliveries
from collectors.records import read_records
from collectors.resources import RESOURCES
from tests.azure import SECRET, TOKEN, AzureServer, arm_error, azure, azure_for_all, entra_error
from tests.sources.azure import APPLICATION
from tests.sources.azure_resources import CARD, ESTATE, FIRST_SUB, SECOND_SUB, disk, identity, resource
from tests.sources.conftest import look_again, work

__all__ = ["azure", "azure_for_all"]
GRAPH = "Microsoft.ResourceGraph"
ODD = '{"totalRecords": 1, "count": 1, "data": ["no row"], "resultTruncated": "false", "facets": []}'
OTHER = "00000000-aaaa-bbbb-cccc-00000000000f"


@pytest.fixture
def estate(azure: AzureServer) -> AzureServer:
    """Two subscriptions that the application may read."""
    azure.subscriptions |= {FIRST_SUB: "ml", SECOND_SUB: "data"}
    azure.resources += ESTATE
    return azure


def made(subscriptions: str = "", secret: str = SECRET) -> AzureInventory:
    """A connection as the application of the tests."""
    settings = AzureInventory.Settings.model_validate({"subscriptions": subscriptions, **APPLICATION})
    secrets = AzureInventory.Secrets.model_validate({"client_secret": secret})
    return AzureInventory(settings, secrets, Allowed())


def listed(folder: Path, subscriptions: str = "") -> pl.DataFrame:
    """What a fetch writes, as the importer reads it; nothing of it is rejected."""
    path = made(subscriptions).fetch("", folder, lambda _done, _total: None)
    (found,) = find_deliveries([path])
    batches = list(read_records(found, RESOURCES))
    assert all(batch.rejected.is_empty() for batch in batches)
    return pl.concat(batch.records for batch in batches)


def one(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    """The row of that name."""
    return rows.row(by_predicate=pl.col("resource_name") == name, named=True)


def test_what_exists_is_told_with_its_state_size_and_owner(estate: AzureServer, tmp_path: Path) -> None:
    rows = listed(tmp_path)
    trainer = one(rows, "trainer")

    assert trainer == {
        "provider": "Microsoft",
        "sub_account_id": FIRST_SUB,
        "sub_account_name": "ml",
        "region_id": "westeurope",
        "resource_id": identity("Microsoft.Compute/virtualMachines", "trainer").lower(),
        "aliases": None,
        "resource_name": "trainer",
        "kind": "machine",
        "resource_type": "Virtual machine",
        "size": "Standard_NC24ads_A100_v4",
        "state": "running",
        "created_at": datetime(2026, 5, 1, 8, 30, 0, 123456, tzinfo=UTC),
        "parent_id": None,
        "tags": '{"env":"","team":"ml-platform"}',
        "details": '{"platform":"Linux","provider_state":"PowerState/running","resource_group":"rg-ml","zone":"2"}',
        "listing": f"{FIRST_SUB}/microsoft.compute/virtualmachines",
    }
    states = dict(rows.drop_nulls("resource_id").select("resource_name", "state").iter_rows())
    assert states == {
        "trainer": "running",
        "idle": "stopped",
        "parked": "stopped",
        "unknown": "unknown",
        "trainer-os": "attached",
        "orphan": "unattached",
        "before-upgrade": "available",
        "used": "attached",
        "left": "unattached",
        "inference": "running",
        "gpu": "running",
        "spare": "stopped",
        "lab": "available",
        "anna": "running",
        "cluster": "available",
        "ranker": "failed",
        "reports": "running",
        "sales": "stopped",
        "northwinddata": "available",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("idle", {"details": '{"platform":"Linux","provider_state":"PowerState/stopped","resource_group":"rg-ml"}'}),
        ("trainer-os", {"size": "Premium_LRS 128 GiB", "parent_id": "virtualmachines/trainer"}),
        ("before-upgrade", {"kind": "snapshot", "parent_id": "disks/trainer-os"}),
        ("used", {"kind": "address", "parent_id": CARD.rpartition("/providers/")[2].lower()}),
        ("gpu", {"kind": "node_group", "size": "Standard_NC4as_T4_v3", "parent_id": "managedclusters/inference"}),
        ("gpu", {"resource_id": "managedclusters/inference/agentpools/gpu", "tags": '{"team":"search"}'}),
        ("gpu", {"listing": f"{FIRST_SUB}/microsoft.containerservice/managedclusters"}),
        ("anna", {"kind": "notebook", "size": "STANDARD_DS3_V2", "parent_id": "workspaces/lab"}),
        ("cluster", {"kind": "cluster", "size": "STANDARD_NC6S_V3"}),
        ("ranker", {"kind": "endpoint", "created_at": datetime(2026, 4, 2, 10, tzinfo=UTC)}),
        ("sales", {"kind": "database", "size": "GP_S_Gen5_2", "parent_id": "servers/reports"}),
        ("reports", {"region_id": "westeurope", "size": None}),
        ("northwinddata", {"kind": "bucket", "sub_account_id": SECOND_SUB, "size": "Standard_LRS"}),
    ],
)
def test_each_type_has_its_own_words(
    estate: AzureServer, tmp_path: Path, name: str, expected: dict[str, object]
) -> None:
    row = one(listed(tmp_path), name)
    for column, value in expected.items():
        exact = not column.endswith("_id") or column == "region_id"
        assert row[column] == value if exact else str(row[column]).endswith(str(value)), column


def test_one_odd_resource_hides_no_other(azure: AzureServer, tmp_path: Path) -> None:
    azure.subscriptions |= {FIRST_SUB: "ml"}
    pools = {"agentPoolProfiles": [{"vmSize": "a size and no name"}, "no pool", {"name": "gpu"}]}
    azure.resources += [
        disk("as-text", "Unattached", tags='{"team": "search"}'),
        disk("много-名前", "Unattached", tags={"a.b:c/d": None, "ключ": "ü", **{f"tag{n}": "v" for n in range(500)}}),
        resource("Microsoft.ContainerService/managedClusters", "odd", properties=pools),
        resource("Microsoft.ContainerService/managedClusters", "odder", properties={"agentPoolProfiles": "none"}),
    ]

    rows = listed(tmp_path)

    assert sorted(rows["resource_name"].drop_nulls()) == ["as-text", "gpu", "odd", "odder", "много-名前"]
    tags = json.loads(one(rows, "много-名前")["tags"])
    assert (tags["a.b:c/d"], tags["ключ"], len(tags)) == ("", "ü", 502)


def test_every_listing_is_told_to_its_end_also_an_empty_one(estate: AzureServer, tmp_path: Path) -> None:
    ends = listed(tmp_path).filter(pl.col("resource_id").is_null())

    assert set(ends["listing"]) == {f"{sub}/{one.type}" for sub in (FIRST_SUB, SECOND_SUB) for one in TYPES}


def test_the_same_answer_is_the_same_file(estate: AzureServer, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    first, second = (made().fetch("", folder, lambda _d, _t: None).read_bytes() for folder in folders)

    assert first == second


def test_only_the_subscriptions_that_are_named_are_read(estate: AzureServer, tmp_path: Path) -> None:
    assert set(listed(tmp_path, SECOND_SUB)["sub_account_id"]) == {SECOND_SUB}


def test_a_test_tells_subscriptions_and_what_is_in_them(estate: AzureServer) -> None:
    found = list(made().check())

    assert [(step.step, step.ok) for step in found] == [
        ("Sign in to Azure", True),
        ("List the subscriptions", True),
        ("Count what exists", True),
    ]
    assert [step.says for step in found[1:]] == ["ml, data.", "17 resources in 2 subscriptions"]


def test_without_a_role_there_is_no_subscription_and_the_role_is_named(azure: AzureServer, tmp_path: Path) -> None:
    """Resource Graph answers with nothing, which must not close what was there."""
    azure.resources += ESTATE
    said = list(made().check())[-1]

    assert (said.step, said.ok) == ("List the subscriptions", False)
    assert said.says.startswith("The role Reader is missing: assign it on a subscription.")
    with pytest.raises(ProviderRefusedError) as refused:
        listed(tmp_path)
    assert refused.value.permission == "Reader"


def test_a_subscription_that_may_not_be_read_is_a_warning_beside_the_others(
    estate: AzureServer, tmp_path: Path
) -> None:
    connected = made(f"{SECOND_SUB}, {OTHER}")
    connected.fetch("", tmp_path, lambda _done, _total: None)

    assert list(connected.warnings) == [
        f"The role Reader is missing on the subscription {OTHER}: what is in it is not listed."
    ]
    assert OTHER not in (tmp_path / "resources.csv").read_text()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (arm_error(403, "AuthorizationFailed"), ProviderRefusedError, "The role Reader is missing"),
        (arm_error(401, "ExpiredAuthenticationToken"), ProviderRefusedError, "Azure does not let us in"),
        (arm_error(400, "BadRequest", "ResponsePayloadTooLarge: ..."), ProviderRefusedError, "name fewer"),
        (arm_error(400, "BadRequest", "Query is invalid."), ProviderRefusedError, "refuses the question (BadRequest)"),
        (arm_error(429, "RateLimiting", **{"Retry-After": "7"}), ProviderUnavailableError, "fewer requests"),
        (arm_error(500, "InternalServerError"), ProviderUnavailableError, "a fault of its own"),
        (lambda _: Response("<html>", 200, {"Content-Type": "text/html"}), ProviderUnavailableError, "something else"),
        (lambda _: Response('{"data": [', 200, {"Content-Type": "application/json"}), ProviderUnavailableError, "page"),
        (lambda _: Response("{}", 200, {"Content-Type": "application/json"}), ProviderUnavailableError, "page"),
        (lambda _: Response("null", 200, {"Content-Type": "application/json"}), ProviderUnavailableError, "page"),
        (lambda _: Response("", 200, {"Content-Type": "application/json"}), ProviderUnavailableError, "page"),
        (lambda _: Response(ODD, 200, {"Content-Type": "application/json"}), ProviderUnavailableError, "page"),
    ],
)
def test_what_azure_answers_instead_of_a_page_is_told(
    estate: AzureServer, tmp_path: Path, answer: Any, kind: type[Exception], said: str
) -> None:
    estate.spoil(times=9, path=GRAPH, answer=answer)
    with pytest.raises(kind) as told:
        listed(tmp_path)
    assert said in str(told.value)
    assert getattr(told.value, "retry_after", None) == (7.0 if "fewer requests" in said else None)


def test_a_fault_for_a_moment_is_not_even_noticed(estate: AzureServer, tmp_path: Path) -> None:
    estate.spoil(times=2, path=GRAPH, answer=arm_error(502, "BadGateway"))

    assert listed(tmp_path).height > len(ESTATE)


def test_a_secret_that_has_expired_is_told_and_never_shown(estate: AzureServer, tmp_path: Path) -> None:
    estate.spoil(times=9, path="oauth2", answer=entra_error("AADSTS7000222: The provided client secret is expired."))
    with pytest.raises(ProviderRefusedError, match="The client secret has expired") as told:
        listed(tmp_path)
    assert SECRET not in str(told.value)
    assert TOKEN not in str(told.value)


def test_what_comes_and_goes_between_two_pages_hides_nothing_else(estate: AzureServer, tmp_path: Path) -> None:
    """What is taken away from a page that was read would shift the next one: a row would be left out, and closed."""
    there = {one["name"] for one in estate.resources if one["name"] not in ("trainer", "master", "not-listed")}
    asked: list[Request] = []

    def change(request: Request) -> None:
        asked.append(request)
        if len(asked) == 6:  # some pages were read
            _take_away(estate, "trainer")
        estate.resources.append(disk(f"new-{len(asked):03}", "Unattached"))

    estate.spoil(times=999, path=GRAPH, answer=change)  # type: ignore[arg-type]
    found = listed(tmp_path).drop_nulls("resource_id")

    assert there <= set(found["resource_name"])
    assert found["resource_id"].is_unique().all()


def test_parts_that_tell_far_less_than_was_counted_close_nothing(estate: AzureServer, tmp_path: Path) -> None:
    said = '{"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "false", "facets": []}'
    nothing = Response(said, 200, {"Content-Type": "application/json"})
    estate.spoil(times=99, path=GRAPH, answer=lambda asked: nothing if b"hash(" in asked.get_data() else None)
    with pytest.raises(NotReadyError, match=r"Azure counted \d+ and gave 0"):
        listed(tmp_path)


def test_pages_that_never_end_are_no_answer(estate: AzureServer, tmp_path: Path) -> None:
    said = '{"totalRecords": 9, "count": 1, "data": [{}], "resultTruncated": "false", "$skipToken": "on", "facets": []}'
    estate.spoil(times=99, path=GRAPH, answer=lambda _: Response(said, 200, {"Content-Type": "application/json"}))
    with pytest.raises(ProviderUnavailableError, match="something else than a page"):
        listed(tmp_path)
    assert sum(GRAPH in one for one in estate.asked) < 20


def test_a_truncated_answer_is_not_taken_for_the_whole(estate: AzureServer, tmp_path: Path) -> None:
    said = '{"totalRecords": 9, "count": 0, "data": [], "resultTruncated": "true", "facets": []}'
    estate.spoil(path=GRAPH, answer=lambda _: Response(said, 200, {"Content-Type": "application/json"}))
    with pytest.raises(ProviderUnavailableError, match="left something out"):
        listed(tmp_path)


def test_the_quota_is_kept_to(estate: AzureServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    page = '{"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "false", "facets": []}'
    used_up = {"x-ms-user-quota-remaining": "0", "Content-Type": "application/json"}

    def answer(wait: str) -> Any:
        return lambda _: Response(page, 200, {**used_up, "x-ms-user-quota-resets-after": wait})

    graph = made()._graph
    estate.spoil(path=GRAPH, answer=answer("00:00:04"))
    assert list(graph.rows("resources", ())) == []
    estate.spoil(path=GRAPH, answer=answer("00:10:00"))
    assert list(graph.rows("resources", ())) == []
    assert [pause for pause in slept if pause] == [4.0]
    with pytest.raises(ProviderUnavailableError) as told:
        list(graph.rows("resources", ()))
    assert told.value.retry_after == 600.0


def test_an_id_that_is_none_is_told() -> None:
    with pytest.raises(UserError, match="northwind is no id of a subscription") as told:
        connection("azure-inventory", {"subscriptions": f"{FIRST_SUB}, northwind"}, {})
    assert told.value.field == "subscriptions"


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
def test_the_whole_way_into_the_inventory_and_what_is_gone_is_closed(estate: AzureServer) -> None:
    source = connecting.connect(
        name="azure inventory",
        kind="azure-inventory",
        settings={"subscriptions": "", **APPLICATION},
        secrets={"client_secret": SECRET},
        months=13,
        actor=None,
    )
    assert [(run.status, run.error) for run in work(source)] == [("done", ""), ("done", "")]
    assert Resource.objects.filter(closed_at=None).count() == 19

    assert [run.status for run in look_again(source)] == ["done", "unchanged"]
    _take_away(estate, "orphan")
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert [one.name for one in Resource.objects.exclude(closed_at=None)] == ["orphan"]
    assert Source.objects.get().failures == 0


def _take_away(estate: AzureServer, name: str) -> None:
    estate.resources[:] = [one for one in estate.resources if one["name"] != name]
