"""The scripts that make Google Cloud's roles: each grants the permissions that are used, where they are used."""

import os
import re
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
READ, ACT = DEPLOY / "gcp-read-role.sh", DEPLOY / "gcp-act-role.sh"
PROJECT = "northwind-finops"
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in *" describe "*) exit {known} ;; esac
"""


def run(script: Path, folder: Path, *arguments: str, known: bool = False) -> tuple[int, list[str], str]:
    """Exit code, what Google's programs were asked, and what was said; `known` when everything is there already."""
    log = folder / "asked"
    log.unlink(missing_ok=True)
    for name in ("gcloud", "bq"):
        (folder / name).write_text(FAKE.format(log=log, known=0 if known else 1))
        (folder / name).chmod(0o755)
    done = subprocess.run(
        ["sh", str(script), *arguments],
        env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, log.read_text().splitlines() if log.exists() else [], done.stdout + done.stderr


def permissions(asked: list[str]) -> dict[str, set[str]]:
    """The permissions of each role that was made or changed."""
    made = (re.search(r"iam roles (?:create|update) (\w+) .*--permissions=(\S+)", line) for line in asked)
    return {found[1]: set(found[2].split(",")) for found in made if found}


def grants(asked: list[str]) -> list[str]:
    """Who was let in where, by which role."""
    return [line.replace(" --condition=None --quiet", "") for line in asked if "add-iam-policy-binding" in line]


MEMBER = f"--member=serviceAccount:finops-reader@{PROJECT}.iam.gserviceaccount.com"


def test_bills_inventory_and_files_get_the_permissions_that_are_used_and_no_others(tmp_path: Path) -> None:
    code, asked, said = run(
        READ, tmp_path, PROJECT, "table=nw-billing.export.gcp_billing_export_v1_1", "inventory=folders/77",
        "bucket=nw-bills", "roles=organizations/123",
    )  # fmt: skip

    assert code == 0, said
    assert permissions(asked) == {
        "finopsRunQueries": {"bigquery.jobs.create"},
        "finopsReadTable": {"bigquery.tables.get", "bigquery.tables.getData"},
        "finopsReadInventory": {"cloudasset.assets.listResource"},
        "finopsUseApis": {"serviceusage.services.use"},
        "finopsReadFiles": {"storage.objects.get", "storage.objects.list"},
    }
    role = "--role=organizations/123/roles"
    assert grants(asked) == [
        f"gcloud projects add-iam-policy-binding {PROJECT} {MEMBER} {role}/finopsRunQueries",
        f"gcloud resource-manager folders add-iam-policy-binding 77 {MEMBER} {role}/finopsReadInventory",
        f"gcloud projects add-iam-policy-binding {PROJECT} {MEMBER} {role}/finopsUseApis",
        f"gcloud storage buckets add-iam-policy-binding gs://nw-bills {MEMBER} {role}/finopsReadFiles --quiet",
    ]
    (granted,) = (line for line in asked if line.startswith("bq"))
    assert granted.endswith(
        "GRANT `organizations/123/roles/finopsReadTable` ON TABLE `nw-billing.export.gcp_billing_export_v1_1` TO"
        f" '{MEMBER.removeprefix('--member=')}'"
    )
    assert not any("keys create" in line for line in asked)


def test_the_focus_export_is_granted_as_the_dataset_that_google_shares(tmp_path: Path) -> None:
    _, asked, _ = run(READ, tmp_path, PROJECT, f"table={PROJECT}.gcp_billing_immutable_1_eu.gcp_billing_export_focus_1")
    assert any(f"ON SCHEMA `{PROJECT}.gcp_billing_immutable_1_eu` TO" in line for line in asked)


def test_prices_need_no_role(tmp_path: Path) -> None:
    code, asked, _ = run(READ, tmp_path, PROJECT, "prices=yes")
    assert code == 0
    assert not permissions(asked)
    assert not grants(asked)
    assert f"gcloud services enable cloudbilling.googleapis.com --project={PROJECT} --quiet" in asked


def test_metrics_are_read_in_each_project_that_is_named(tmp_path: Path) -> None:
    code, asked, said = run(READ, tmp_path, PROJECT, f"metrics={PROJECT},other-project", "roles=organizations/123")
    assert code == 0, said
    assert permissions(asked) == {
        "finopsReadMetrics": {"monitoring.timeSeries.list", "monitoring.metricDescriptors.list"}
    }
    role = "--role=organizations/123/roles/finopsReadMetrics"
    assert grants(asked) == [
        f"gcloud projects add-iam-policy-binding {one} {MEMBER} {role}" for one in (PROJECT, "other-project")
    ]
    assert "gcloud services enable monitoring.googleapis.com --project=other-project --quiet" in asked

    code, asked, said = run(READ, tmp_path, PROJECT, "metrics=other-project")
    assert (code, asked) == (2, [])
    assert "other-project is not nw-billing: say where the roles are kept" in said.replace(PROJECT, "nw-billing")


@pytest.mark.parametrize("script", [READ, ACT])
def test_a_workload_identity_needs_no_key_and_a_key_is_made_only_when_it_is_asked_for(
    tmp_path: Path, script: Path
) -> None:
    where = "prices=yes" if script == READ else f"projects/{PROJECT}"
    _, asked, said = run(script, tmp_path, PROJECT, where, "workload=finops/worker")
    (granted,) = (line for line in asked if "workloadIdentityUser" in line)
    assert f"--member=serviceAccount:{PROJECT}.svc.id.goog[finops/worker]" in granted
    assert "iam.gke.io/gcp-service-account=finops-" in said
    assert not any("keys create" in line for line in asked)

    _, asked, _ = run(script, tmp_path, PROJECT, where, f"key={tmp_path}/key.json")
    assert sum(f"keys create {tmp_path}/key.json" in line for line in asked) == 1


@pytest.mark.parametrize("script", [READ, ACT])
def test_it_may_be_run_again_and_then_changes_what_is_there(tmp_path: Path, script: Path) -> None:
    where = f"inventory=projects/{PROJECT}" if script == READ else f"projects/{PROJECT}"
    code, asked, said = run(script, tmp_path, PROJECT, where, known=True)
    assert code == 0, said
    assert not any(" create " in line for line in asked)
    assert sum("iam roles update" in line for line in asked) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Usage: sh gcp-"),
        ((PROJECT, "organizations/5"), "organizations/5"),
        ((PROJECT, f"projects/{PROJECT}", "tabel=a.b.c"), "is not known"),
    ],
)
@pytest.mark.parametrize("script", [READ, ACT])
def test_what_is_typed_wrong_is_named_before_anything_is_made(
    tmp_path: Path, script: Path, arguments: tuple[str, ...], said: str
) -> None:
    if script == READ:
        arguments = tuple(f"inventory={one}" if "s/" in one else one for one in arguments)
    code, asked, told = run(script, tmp_path, *arguments)
    assert code == 2
    assert said in told
    assert asked == []


NEVER = re.compile(r"\.(create|delete|setIamPolicy|setLabels|setMetadata|actAs)\b|^iam\.|resetWindowsPassword")


def test_acting_is_stopping_and_starting_and_never_making_or_deleting(tmp_path: Path) -> None:
    code, asked, said = run(ACT, tmp_path, PROJECT, f"projects/{PROJECT}")
    made = permissions(asked)

    assert code == 0, said
    assert made["finopsStop"] - made["finopsStart"] == {"compute.instances.stop", "notebooks.instances.stop"}
    assert made["finopsStart"] - made["finopsStop"] == {"compute.instances.start", "notebooks.instances.start"}
    assert not [one for one in made["finopsStop"] | made["finopsStart"] if NEVER.search(one)]
    assert not any("endpoints" in line for line in asked)

    _, asked, _ = run(ACT, tmp_path, PROJECT, f"projects/{PROJECT}", "endpoints=yes")
    assert "aiplatform.endpoints.undeploy" in permissions(asked)["finopsStop"]
    assert "aiplatform.endpoints.deploy" in permissions(asked)["finopsStart"]


def test_reading_can_change_nothing(tmp_path: Path) -> None:
    _, asked, _ = run(
        READ,
        tmp_path,
        PROJECT,
        f"table={PROJECT}.a.b",
        f"inventory=projects/{PROJECT}",
        "bucket=b",
        "prices=yes",
        f"metrics={PROJECT}",
    )
    words = {one.rpartition(".")[2] for role in permissions(asked).values() for one in role}
    assert words == {"create", "get", "getData", "listResource", "use", "list"}
    assert [one for role in permissions(asked).values() for one in role if one.endswith(".create")] == [
        "bigquery.jobs.create"
    ]
