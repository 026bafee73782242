"""CloudFormation templates: clean, and each role may do what the forms and policies need, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.connections import kind_of

DEPLOY = Path(__file__).parents[2] / "deploy"
READ, ACT = DEPLOY / "aws-read-role.yaml", DEPLOY / "aws-act-role.yaml"
PROTECTED = "aws:ResourceTag/finops:protect"


def resources(template: Path) -> dict[str, Any]:
    """What a template makes, by name."""
    from cfnlint.decode import cfn_yaml  # it is slow to load, and for tests alone

    made: dict[str, Any] = cfn_yaml.load(str(template))["Resources"]
    return made


def statements(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """What a policy, or the policies of a role, say; parts that depend on a parameter as if it were given."""
    said = resource["Properties"]
    documents = [one["PolicyDocument"] for one in said["Policies"]] if "Policies" in said else [said["PolicyDocument"]]
    found = [one for document in documents for one in document["Statement"]]
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in found]


def actions(resource: dict[str, Any], effect: str = "Allow") -> list[str]:
    """What is allowed, or denied."""
    found = [one["Action"] for one in statements(resource) if one["Effect"] == effect]
    return [action for one in found for action in ([one] if isinstance(one, str) else one)]


@pytest.mark.parametrize("template", [READ, ACT], ids=["read", "act"])
def test_a_template_is_clean(template: Path) -> None:
    from cfnlint import lint_file  # type: ignore[attr-defined]

    assert [str(match) for match in lint_file(template)] == []


@pytest.mark.parametrize("kind", ["aws-exports", "s3-files", "aws-inventory", "aws-prices", "aws-cloudwatch"])
def test_the_form_of_each_kind_offers_the_template_that_reads(kind: str) -> None:
    assert kind_of(kind).template == READ.name


@pytest.mark.parametrize(
    ("policy", "kind", "settings"),
    [
        ("BucketPolicy", "aws-exports", {"bucket": "b", "prefix": "p"}),
        ("BucketPolicy", "s3-files", {"bucket": "b"}),
        ("InventoryPolicy", "aws-inventory", {}),
        ("PricePolicy", "aws-prices", {}),
        ("MetricsPolicy", "aws-cloudwatch", {}),
    ],
)
def test_the_role_that_reads_grants_what_the_form_names_and_no_more(
    policy: str, kind: str, settings: dict[str, str]
) -> None:
    named = json.loads(kind_of(kind).policy(settings))["Statement"]
    wanted = [
        action for one in named for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    ]

    granted = actions(resources(READ)[policy])

    assert [one for one in granted if one != "kms:Decrypt"] == wanted


def test_only_the_path_that_is_told_can_be_read() -> None:
    listing, reading, decrypting = statements(resources(READ)["BucketPolicy"])

    assert listing["Condition"]["StringLike"]["s3:prefix"]["Fn::If"][1] == {"Fn::Sub": "${ExportPath}/*"}
    assert reading["Resource"]["Fn::If"][1]["Fn::Sub"].endswith("${BucketName}/${ExportPath}/*")
    assert decrypting["Resource"] == {"Ref": "KeyArn"}
    named = json.loads(kind_of("aws-exports").policy({"bucket": "b", "prefix": "p"}))["Statement"]
    assert named[0]["Condition"] == {"StringLike": {"s3:prefix": "p/*"}}
    assert named[1]["Resource"] == "arn:aws:s3:::b/p/*"


def test_the_role_that_reads_can_change_nothing() -> None:
    granted = [action for name, one in resources(READ).items() if name != "ReadRole" for action in actions(one)]

    assert all(action.partition(":")[2].startswith(("Describe", "List", "Get", "Decrypt")) for action in granted)


@pytest.mark.parametrize("template", [READ, ACT], ids=["read", "act"])
def test_nobody_takes_a_role_on_without_the_external_id(template: Path) -> None:
    roles = [one for one in resources(template).values() if one["Type"] == "AWS::IAM::Role"]

    for role in roles:
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"AWS": {"Ref": "TrustedPrincipal"}}
        assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}


@pytest.mark.parametrize("role", ["StopRole", "DisposeRole"])
def test_what_is_tagged_as_protected_is_never_touched(role: str) -> None:
    made = resources(ACT)
    (denied,) = statements(made["ProtectPolicy"])

    assert {"Ref": "ProtectPolicy"} in made[role]["Properties"]["ManagedPolicyArns"]
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == ("Deny", "*", "*")
    # the tag is there, and does not say false
    assert denied["Condition"] == {"Null": {PROTECTED: "false"}, "StringNotEqualsIgnoreCase": {PROTECTED: "false"}}


def test_who_stops_cannot_start_and_nobody_deletes_but_who_was_made_for_it() -> None:
    made = resources(ACT)
    stops, starts = actions(made["StopRole"]), actions(made["StartRole"])

    assert not set(stops) & set(starts)
    assert all(action.partition(":")[2].startswith("Stop") for action in stops)
    assert all(action.partition(":")[2].startswith("Start") for action in starts if action != "kms:CreateGrant")
    assert made["DisposeRole"]["Condition"] == "DisposesOfDisks"
    assert actions(made["DisposeRole"]) == ["ec2:CreateSnapshot", "ec2:CreateTags", "ec2:DeleteVolume"]
    everything = [action for one in made.values() for action in actions(one)]
    for word in ("Terminate", "iam:", "ModifyInstanceAttribute", "PutBucket", "Release"):
        assert not [action for action in everything if word in action]
    assert [action for action in everything if "Delete" in action] == ["ec2:DeleteVolume"]


def test_tags_are_only_set_on_snapshots_while_they_are_made() -> None:
    """So that no role can take the tag away that protects."""
    (tagging,) = [one for one in statements(resources(ACT)["DisposeRole"]) if one["Action"] == "ec2:CreateTags"]

    assert tagging["Condition"] == {"StringEquals": {"ec2:CreateAction": "CreateSnapshot"}}
    assert tagging["Resource"]["Fn::Sub"].endswith(":snapshot/*")


def test_no_action_is_allowed_on_everything() -> None:
    roles = [one for name, one in resources(ACT).items() if name != "ProtectPolicy"]

    assert not [one for role in roles for one in statements(role) if one["Resource"] == "*"]
