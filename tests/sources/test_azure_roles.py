"""The scripts that make Azure's roles: what they grant, and nothing else."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from collectors.connections import kind_of
from tests.azure import ACCOUNT, CLIENT, CONTAINER
from tests.sources.azure import SETTINGS
from tests.sources.azure_resources import FIRST_SUB, SECOND_SUB

DEPLOY = Path(__file__).parents[2] / "deploy"
CALLS = "a call\n"


def run(folder: Path, script: str, *arguments: str, known: str = "") -> list[str]:
    """What a script asks of the Azure CLI, which knows a role where `known` says so."""
    asked, az = folder / "asked", folder / "az"
    az.write_text(
        f"#!/bin/sh\nprintf '{CALLS.strip()}\\n%s\\n' \"$*\" >> {asked}\n"
        'case "$*" in\n'
        '  *"account show --name"*) echo "/subscriptions/1/sa";;\n'
        '  *"ad app create"*) echo made-client;;\n'
        f'  *"definition list"*) echo "{known}";;\n'
        "esac\n"
    )
    az.chmod(0o755)
    command = ["sh", str(DEPLOY / script), *arguments]
    subprocess.run(command, check=True, env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True)
    return asked.read_text().split(CALLS)[1:]


def test_the_reader_gets_one_container_and_reader_on_subscriptions(tmp_path: Path) -> None:
    asked = run(
        tmp_path,
        "azure-read-role.sh",
        f"account={ACCOUNT}",
        f"container={CONTAINER}",
        f"subscriptions={FIRST_SUB},{SECOND_SUB}",
        f"client={CLIENT}",
    )
    granted = [re.findall(r"--role (.+) --scope (\S+)", one)[0] for one in asked if "role assignment create" in one]

    assert granted == [
        ("Storage Blob Data Reader", f"/subscriptions/1/sa/blobServices/default/containers/{CONTAINER}"),
        ("Reader", f"/subscriptions/{FIRST_SUB}"),
        ("Reader", f"/subscriptions/{SECOND_SUB}"),
    ]
    assert not any("app create" in one for one in asked)


def test_who_reads_metrics_gets_the_role_for_them_alone(tmp_path: Path) -> None:
    asked = run(tmp_path, "azure-read-role.sh", f"metrics={FIRST_SUB},{SECOND_SUB}", f"client={CLIENT}")
    granted = [re.findall(r"--role (.+) --scope (\S+)", one)[0] for one in asked if "role assignment create" in one]

    assert granted == [("Monitoring Reader", f"/subscriptions/{one}") for one in (FIRST_SUB, SECOND_SUB)]


def test_the_policies_beside_the_forms_grant_the_same() -> None:
    container = kind_of("azure-files").policy({**SETTINGS, "client_id": CLIENT})
    assert container == kind_of("azure-exports").policy({**SETTINGS, "client_id": CLIENT})
    assert f'--scope "$account_id/blobServices/default/containers/{CONTAINER}"' in container
    assert f"client_id={CLIENT}\n" in container

    inventory = kind_of("azure-inventory").policy({"subscriptions": f"{FIRST_SUB}, {SECOND_SUB}", "client_id": CLIENT})
    assert inventory.count("role assignment create") == inventory.count('--role "Reader"') == 1
    assert f"for subscription in {FIRST_SUB} {SECOND_SUB}; do" in inventory
    assert "; rm" not in kind_of("azure-inventory").policy({"subscriptions": "x; rm -rf /"})


@pytest.mark.parametrize(("known", "verb"), [("", "create"), ("a-role", "update")])
def test_the_actor_may_stop_and_start_and_nothing_else(tmp_path: Path, known: str, verb: str) -> None:
    asked = run(tmp_path, "azure-act-role.sh", f"subscription={FIRST_SUB}", "group=rg-ml", known=known)
    roles = [json.loads(one[one.index("{") :]) for one in asked if one.startswith(f"role definition {verb}")]
    granted = [re.findall(r"--role (.+) --scope (\S+)", one)[0] for one in asked if "role assignment create" in one]

    assert granted == [
        (f"FinOps {does} in {FIRST_SUB}", f"/subscriptions/{FIRST_SUB}/resourceGroups/rg-ml")
        for does in ("stops", "starts")
    ]
    verbs = [
        {action.rpartition("/")[0].rpartition("/")[2] for action in role["Actions"] if action.endswith("/action")}
        for role in roles
    ]
    assert verbs == [{"deallocate", "stop", "pause"}, {"start", "resume"}]
    others = {action for role in roles for action in role["Actions"] if not action.endswith(("/action", "/read"))}
    assert not others
    assert not any("*" in action for role in roles for action in role["Actions"])


@pytest.mark.parametrize("script", ["azure-read-role.sh", "azure-act-role.sh"])
def test_a_script_that_is_told_nothing_or_nonsense_says_how_it_is_called(tmp_path: Path, script: str) -> None:
    for arguments, said in (([], "Usage: sh"), (["--help"], "is not known")):
        command = ["sh", str(DEPLOY / script), *arguments]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (ended.returncode, said in ended.stderr) == (2, True)
