"""Cloud Asset Inventory: what is typed, what is missing, and what goes wrong on the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from apps.core.errors import UserError
from apps.sources.connections import connection
from collectors.connections import Check, kind_of
from collectors.errors import CollectorError, ProviderRefusedError, ProviderUnavailableError
from tests.gcp import EMAIL, GoogleServer, google, google_for_all, key
from tests.gcp_apis import PARENT, api_error
from tests.sources.gcp_assets import MACHINE, ML, listed, project

__all__ = ["google", "google_for_all", "key"]


def checks(key: str) -> list[Check]:
    """What testing a connection says."""
    return list(connection("gcp-inventory", {"parent": PARENT}, {"key": key}).check())


def failure(key: str, folder: Path) -> CollectorError:
    """What listing fails with."""
    with pytest.raises(CollectorError) as told:
        listed(key, folder)
    return told.value


def test_a_connection_test_says_each_step(google: GoogleServer, key: str) -> None:
    google.shelves.assets = [project(), MACHINE]
    assert [(step.step, step.ok, step.says) for step in checks(key)] == [
        ("Sign in to Google Cloud", True, EMAIL),
        ("List the projects", True, "northwind-ml"),
        ("List the machines", True, "1 machines"),
    ]


DENIED = api_error(
    403, "PERMISSION_DENIED", "The caller does not have permission", "IAM_PERMISSION_DENIED",
    permission="cloudasset.assets.listResource",
)  # fmt: skip
PLAINLY_DENIED = api_error(403, "PERMISSION_DENIED", "The caller does not have permission")
NO_USE = api_error(
    403, "PERMISSION_DENIED",
    "Caller does not have required permission to use project 1. Grant the serviceusage.services.use permission.",
    "USER_PROJECT_DENIED",
)  # fmt: skip
DISABLED = api_error(
    403, "PERMISSION_DENIED", "Cloud Asset API has not been used in project 123456 before or it is disabled.",
    "SERVICE_DISABLED", service="cloudasset.googleapis.com", consumer="projects/123456",
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (DENIED, "The permission cloudasset.assets.listResource is missing: grant the role of deploy/gcp-read-role.sh"),
        (PLAINLY_DENIED, "The permission cloudasset.assets.listResource is missing"),
        (NO_USE, "The permission serviceusage.services.use is missing: grant Service Usage Consumer"),
        (
            DISABLED,
            "The Cloud Asset API is not enabled in 123456: enable it (gcloud services enable cloudasset.googleapis.com",
        ),
        (api_error(401, "UNAUTHENTICATED", "Invalid"), "Google Cloud does not take the credentials"),
        (api_error(404, "NOT_FOUND", "gone"), "Check how the project, folder or organisation is spelt."),
        (api_error(400, "INVALID_ARGUMENT", "bad"), "The Cloud Asset API refuses the question (400)."),
        (
            api_error(403, "PERMISSION_DENIED", "Request is prohibited", "SECURITY_POLICY_VIOLATED"),
            "A VPC Service Controls perimeter keeps this server out",
        ),
    ],
)
def test_what_is_missing_is_named(google: GoogleServer, key: str, tmp_path: Path, answer: Response, said: str) -> None:
    google.spoil(times=9, path="/assets", answer=lambda _: answer)
    told = failure(key, tmp_path)

    assert isinstance(told, ProviderRefusedError)
    assert said in str(told)
    assert [step.ok for step in checks(key)] == [True, False]


def test_a_quota_is_waited_for_as_long_as_google_asks(google: GoogleServer, key: str, tmp_path: Path) -> None:
    said = json.loads(api_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "RATE_LIMIT_EXCEEDED").get_data())
    said["error"]["details"].append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"})
    busy = Response(json.dumps(said), 429, {"Content-Type": "application/json"})
    google.spoil(times=9, path="/assets", answer=lambda _: busy)
    told = failure(key, tmp_path)

    assert isinstance(told, ProviderUnavailableError)
    assert told.retry_after == 37
    assert str(told) == "Google Cloud asks for fewer requests (RATE_LIMIT_EXCEEDED)."


def cut_off() -> Response:
    """An answer that ends before its length."""
    return Response(iter([b'{"assets": []}']), 200, {"Content-Type": "application/json", "Content-Length": "900"})


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: api_error(500, "INTERNAL", "Internal error"),
        lambda _: Response('{"assets": [', 200, {"Content-Type": "application/json"}),
        lambda _: cut_off(),
    ],
    ids=["fault", "half a page", "cut off"],
)
def test_a_page_that_falters_is_asked_for_again_and_one_that_lasts_is_waited_for(
    google: GoogleServer, key: str, tmp_path: Path, answer: Any
) -> None:
    google.shelves.assets = [project(), *({**MACHINE, "name": f"{ML}/instances/m{number}"} for number in range(3))]
    google.spoil(times=2, path="pageToken=2", answer=answer)
    assert listed(key, tmp_path).drop_nulls("resource_id").height == 3

    google.spoil(times=99, path="pageToken=2", answer=answer)
    assert isinstance(failure(key, tmp_path), ProviderUnavailableError)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("northwind-ml", "projects/northwind-ml"),
        (" projects/northwind-ml/ ", "projects/northwind-ml"),
        ("folders/123", "folders/123"),
        ("organizations/123", "organizations/123"),
    ],
)
def test_what_people_write_is_understood(typed: str, kept: str) -> None:
    assert connection("gcp-inventory", {"parent": typed}, {}).settings.parent == kept


@pytest.mark.parametrize("typed", ["", "Project One", "folders/marketing", "accounts/1", "projects/a/b"])
def test_what_is_typed_wrong_is_named(typed: str) -> None:
    with pytest.raises(UserError, match="This is none: write projects/ with an id"):
        connection("gcp-inventory", {"parent": typed}, {})


@pytest.mark.parametrize(
    ("parent", "said"),
    [
        ("organizations/123", "gcloud organizations add-iam-policy-binding 123"),
        ("folders/77", "gcloud resource-manager folders add-iam-policy-binding 77"),
        ("projects/northwind-ml", "gcloud projects add-iam-policy-binding northwind-ml"),
        ("", "gcloud projects add-iam-policy-binding PROJECT"),
    ],
)
def test_the_policy_grants_listing_and_nothing_else(parent: str, said: str) -> None:
    policy = kind_of("gcp-inventory").policy({"parent": parent})
    assert said in policy
    assert policy.count("--permissions=cloudasset.assets.listResource --stage=GA") == 1


def test_a_page_that_google_no_longer_gives_does_not_hide_a_type(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    google.shelves.assets = [project(), *({**MACHINE, "name": f"{ML}/instances/m{number}"} for number in range(3))]
    expired = api_error(400, "INVALID_ARGUMENT", "The page token is not valid any more.")
    google.spoil(times=9, path="pageToken=2", answer=lambda _: expired)
    told = failure(key, tmp_path)

    assert isinstance(told, ProviderUnavailableError)
    assert str(told) == "Cloud Asset Inventory did not give the next page."


def test_pages_that_lead_to_each_other_are_left(google: GoogleServer, key: str, tmp_path: Path) -> None:
    def again(request: Request) -> Response:
        following = "b" if request.args.get("pageToken") == "a" else "a"
        return Response(json.dumps({"nextPageToken": following}), 200, {"Content-Type": "application/json"})

    google.spoil(times=99, path="/assets", answer=again)
    told = failure(key, tmp_path)

    assert str(told) == "Google Cloud answers with the same pages again and again."
    assert isinstance(told, ProviderUnavailableError)
    assert sum("/assets" in one for one in google.asked) == 3


def test_assets_of_which_google_says_nothing_more_are_listed(google: GoogleServer, key: str, tmp_path: Path) -> None:
    bare, unowned = {**MACHINE, "name": f"{ML}/instances/bare"}, project("998")
    del bare["resource"], unowned["resource"]
    odd = {**MACHINE["resource"], "data": {**MACHINE["resource"]["data"], "labels": {"a.b:c": None, "ключ": "ü"}}}
    google.shelves.assets = [project(), unowned, bare, {**MACHINE, "resource": odd}]

    rows = {row["resource_name"]: row for row in listed(key, tmp_path).drop_nulls("resource_id").to_dicts()}

    assert (rows["bare"]["state"], rows["bare"]["region_id"]) == ("unknown", "europe-west4")
    assert json.loads(rows["trainer-1"]["tags"]) == {"a.b:c": "", "ключ": "ü"}
