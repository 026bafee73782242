"""What goes wrong while AWS is listed: it is named, the rest is listed, and nothing is taken for gone."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from werkzeug.wrappers import Request, Response

from collectors.aws.accounts import MOST_FAULTS
from collectors.aws.inventory import PERMISSIONS, SORTS, AwsInventory
from collectors.aws.sorts import Sort
from collectors.connections import Check, Window
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from tests.aws import AwsServer, sts_error
from tests.sources.aws_looks import (
    ACCOUNT,
    HERE,
    OTHER,
    by_type,
    denied,
    ends,
    inventory,
    is_asked,
    look,
    make_endpoint,
    refusal,
)


@pytest.mark.parametrize(
    ("action", "types"),
    [
        ("ec2:DescribeInstances", ["EC2 instance"]),
        ("ec2:DescribeAddresses", ["Elastic IP"]),
        ("autoscaling:DescribeAutoScalingGroups", ["Auto Scaling group"]),
        ("rds:DescribeDBInstances", ["RDS instance"]),
        ("sagemaker:ListEndpoints", ["SageMaker endpoint"]),
        ("eks:ListClusters", ["EKS cluster", "EKS node group"]),
        ("lambda:ListFunctions", ["Lambda function"]),
        ("s3:ListAllMyBuckets", ["S3 bucket"]),
    ],
)
def test_what_may_not_be_listed_is_named_and_everything_else_is_listed(
    aws: AwsServer, tmp_path: Path, action: str, types: list[str]
) -> None:
    denied(aws, action)
    made = inventory()

    rows = look(made, tmp_path)

    missed = {sort.type for sort in SORTS if sort.resource_type in types}
    assert ends(rows) == {f"{ACCOUNT}/{HERE}/{sort.type}" for sort in SORTS if sort.type not in missed}
    assert list(made.warnings) == [
        f"{action} is missing in {ACCOUNT} ({HERE}): {name}s there are not listed." for name in types
    ]


def test_without_their_tags_resources_are_not_told_as_if_they_had_none(aws: AwsServer, tmp_path: Path) -> None:
    aws.client("s3", HERE).create_bucket(Bucket="x-files", CreateBucketConfiguration={"LocationConstraint": HERE})
    denied(aws, "tag:GetResources")
    made = inventory()

    rows = look(made, tmp_path)

    assert f"{ACCOUNT}/{HERE}/s3:bucket" not in ends(rows)
    assert list(made.warnings) == [
        f"tag:GetResources is missing in {ACCOUNT} ({HERE}): S3 buckets there are not listed."
    ]


def test_who_may_list_nothing_at_all_is_refused(aws: AwsServer, tmp_path: Path) -> None:
    def refuse(request: Request) -> Response | None:
        return None if is_asked(request, "sts:GetCallerIdentity") else refusal(request, "ec2:DescribeInstances")

    aws.spoils.append(refuse)

    with pytest.raises(ProviderRefusedError, match="ec2:DescribeInstances"):
        look(inventory(), tmp_path)


def test_the_test_of_a_connection_names_everything_that_is_missing(aws: AwsServer) -> None:
    denied(aws, "sagemaker:ListEndpoints", "rds:DescribeDBClusters", "tag:GetResources")

    checks = list(inventory().check())

    assert [one.ok for one in checks] == [True, True, False]
    for missing in ("sagemaker:ListEndpoints", "rds:DescribeDBClusters", "tag:GetResources"):
        assert missing in checks[-1].says
    assert "ec2:" not in checks[-1].says


def test_the_test_of_a_good_connection_says_what_can_be_listed(aws: AwsServer) -> None:
    checks = list(inventory().check())

    assert [(one.step, one.ok) for one in checks] == [
        ("Sign in to AWS", True),
        ("List the regions", True),
        ("List what exists", True),
    ]
    assert f"All {len(SORTS)} types" in checks[-1].says


@pytest.fixture
def user(aws: AwsServer) -> Iterator[Callable[[str], dict[str, str]]]:
    """Makes keys of a user who has one policy; from then on the server holds everybody to theirs."""

    def make(policy: str) -> dict[str, str]:
        iam = aws.client("iam")
        iam.create_user(UserName="looker")
        iam.put_user_policy(UserName="looker", PolicyName="look", PolicyDocument=policy)
        key = iam.create_access_key(UserName="looker")["AccessKey"]
        urllib3.request("POST", f"{aws.url}/moto-api/reset-auth", body=b"0")
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    yield make
    urllib3.request("POST", f"{aws.url}/moto-api/reset-auth", body=b"inf")


NOT_CHECKED_BY_MOTO = ("eks", "lambda")
"""moto refuses what they are asked, whatever the policy says, and what the tagging API is asked."""


def held_to_account(sorts: Sequence[Sort]) -> set[str]:
    """The lists of those types that moto checks permissions for."""
    return {f"{ACCOUNT}/{HERE}/{sort.type}" for sort in sorts if sort.service not in NOT_CHECKED_BY_MOTO}


def test_the_policy_beside_the_form_is_enough_to_list_everything(
    aws: AwsServer, user: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    make_endpoint(aws, "chat")
    made = inventory(keys=user(AwsInventory.policy({})))

    rows = look(made, tmp_path)

    left_out = {one.partition(" ")[0] for one in made.warnings}
    assert left_out == {"eks:ListClusters", "lambda:ListFunctions", "tagging:GetResources"}  # moto's name for it
    assert ends(rows) == held_to_account([sort for sort in SORTS if sort.type != "sagemaker:endpoint"])


def test_without_the_name_of_the_account_everything_is_listed_and_the_run_says_so(
    aws: AwsServer, tmp_path: Path
) -> None:
    aws.client("s3", HERE).create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": HERE})
    denied(aws, "account:GetAccountInformation")
    made = inventory()

    (bucket,) = by_type(look(made, tmp_path))["S3 bucket"]

    assert (bucket["sub_account_id"], bucket["sub_account_name"]) == (ACCOUNT, "")
    assert list(made.warnings) == [
        f"account:GetAccountInformation is missing in {ACCOUNT} (global): the account is shown by its number alone."
    ]


def test_each_permission_of_the_policy_is_needed(
    aws: AwsServer, user: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    make_endpoint(aws, "chat")
    policy = json.loads(AwsInventory.policy({}))
    taken = ("ec2:DescribeVolumes", "rds:DescribeDBClusters", "sagemaker:DescribeEndpointConfig")
    policy["Statement"][0]["Action"] = [one for one in PERMISSIONS if one not in taken]
    made = inventory(keys=user(json.dumps(policy)))

    rows = look(made, tmp_path)

    missed = ("ec2:volume", "rds:cluster", "sagemaker:endpoint")
    assert ends(rows) == held_to_account([sort for sort in SORTS if sort.type not in missed])
    told = [one.partition(" ")[0] for one in made.warnings]
    assert told[:3] == list(taken)


def test_accounts_are_listed_each_by_its_role(aws: AwsServer, tmp_path: Path) -> None:
    aws.client("ec2", HERE).run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    roles = [f"arn:aws:iam::{account}:role/FinOpsRead" for account in (ACCOUNT, OTHER)]
    made = inventory(roles=", ".join(roles))

    assert [one.name for one in made.remote(Window(datetime.now(UTC).date()))] == [ACCOUNT, OTHER]
    found = by_type(look(made, tmp_path))

    assert [row["sub_account_id"] for row in found["EC2 instance"]] == [ACCOUNT]  # the other one's is its own
    assert {body.partition("RoleArn=")[2].partition("&")[0] for body in aws.bodies if "AssumeRole" in body} == {
        role.replace(":", "%3A").replace("/", "%2F") for role in roles
    }


def test_a_role_that_may_not_be_taken_on_says_what_it_needs(aws: AwsServer, tmp_path: Path) -> None:
    denied(aws, "sts:AssumeRole")
    made = inventory(roles=f"arn:aws:iam::{OTHER}:role/FinOpsRead")

    with pytest.raises(ProviderRefusedError, match="its trust policy has to name this server and the external id"):
        look(made, tmp_path)
    assert steps(made)[-1] == (f"Take on the role of {OTHER}", False)


def steps(made: AwsInventory) -> list[tuple[str, bool]]:
    """The steps of a connection's test."""
    checks: list[Check] = list(made.check())
    return [(one.step, one.ok) for one in checks]


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("ExpiredToken", "The security token included in the request is expired", "The access key has expired"),
        ("InvalidClientTokenId", "The security token is invalid", "AWS does not know the access key"),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261122T100000Z is now earlier than 20261122T110000Z",
            "The clock of this server is not that of AWS, which says",
        ),
    ],
)
def test_credentials_that_are_no_good_end_a_look_at_once(
    aws: AwsServer, tmp_path: Path, code: str, message: str, said: str
) -> None:
    def refuse(request: Request) -> Response | None:
        return sts_error(403, code, message)(request) if is_asked(request, "sts:GetCallerIdentity") else None

    aws.spoils.append(refuse)

    with pytest.raises(ProviderRefusedError, match=said):
        look(inventory(), tmp_path)
    assert len(aws.bodies) == 0  # nothing else was asked


def test_credentials_that_expire_in_the_middle_of_a_look_end_it_and_are_no_lack_of_lists(
    aws: AwsServer, tmp_path: Path
) -> None:
    def refuse(request: Request) -> Response | None:
        if not is_asked(request, "sagemaker:ListEndpoints"):
            return None
        body = json.dumps({"__type": "ExpiredTokenException", "message": "The security token is expired"})
        return Response(body, 400, {"X-Amzn-Errortype": "ExpiredTokenException"})

    aws.spoils.append(refuse)

    with pytest.raises(ProviderRefusedError, match="The access key has expired"):
        look(inventory(), tmp_path)


# six seconds, which moto itself keeps to also when the machine is busy
def test_a_region_that_does_not_answer_is_waited_for_once_and_the_others_are_listed(
    aws: AwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.patience.TRIES", 1)
    monkeypatch.setattr("collectors.aws.clients.PATIENT_BY_US", ("rds",))  # not by the SDK either
    monkeypatch.setattr("collectors.aws.clients.TIMEOUTS", {"connect_timeout": 6, "read_timeout": 6})
    released = threading.Event()

    def hang(request: Request) -> Response | None:
        if "/me-south-1/rds/" not in request.headers.get("Authorization", ""):
            return None
        released.wait(20)
        return Response("too late")

    aws.spoils.append(hang)
    made = inventory(regions=f"me-south-1, {HERE}")

    rows = look(made, tmp_path)
    released.set()

    assert ends([row for row in rows if row["region_id"] == HERE]) == {f"{ACCOUNT}/{HERE}/{one.type}" for one in SORTS}
    assert ends([row for row in rows if row["region_id"] == "me-south-1"]) == {
        f"{ACCOUNT}/me-south-1/{one.type}" for one in SORTS if one.service in ("ec2", "autoscaling")
    }
    assert list(made.warnings) == [
        f"AWS did not answer in time in {ACCOUNT} (me-south-1): what follows there is not listed."
    ]


def test_a_region_that_is_not_enabled_is_named_once(aws: AwsServer, tmp_path: Path) -> None:
    def unknown(request: Request) -> Response | None:
        signed = request.headers.get("Authorization", "")
        if "/me-south-1/" not in signed:
            return None
        message = "The security token included in the request is invalid."
        if any(f"/{service}/" in signed for service in ("ec2", "rds", "autoscaling", "s3")):
            return sts_error(403, "InvalidClientTokenId", message)(request)
        body = json.dumps({"__type": "UnrecognizedClientException", "message": message})
        return Response(body, 400, {"X-Amzn-Errortype": "UnrecognizedClientException"})

    aws.spoils.append(unknown)
    made = inventory(regions=f"{HERE}, me-south-1")

    rows = look(made, tmp_path)

    assert {row["region_id"] for row in rows} == {HERE}
    assert list(made.warnings) == [f"The region is not enabled in {ACCOUNT} (me-south-1): nothing there is listed."]


def broken(service: str) -> Callable[[Request], Response | None]:
    """A service that has a fault of its own; its name as requests are signed for it."""

    def answer(request: Request) -> Response | None:
        signed = f"/{service}/aws4_request" in request.headers.get("Authorization", "")
        return Response("<html>Oh no</html>", 500) if signed else None

    return answer


def test_a_service_that_is_broken_is_left_out_and_what_was_known_of_it_stays(
    aws: AwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws.spoils.append(broken("lambda"))
    made = inventory()

    rows = look(made, tmp_path)

    assert f"{ACCOUNT}/{HERE}/lambda:function" not in ends(rows)
    assert len(ends(rows)) == len(SORTS) - 1
    assert list(made.warnings) == [
        f"AWS has a fault of its own (500) in {ACCOUNT} ({HERE}): Lambda functions there are not listed."
    ]


def test_when_too_much_is_broken_the_look_is_put_off_as_a_whole(
    aws: AwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws.spoils.append(broken("ec2"))
    assert sum(sort.service == "ec2" for sort in SORTS) > MOST_FAULTS

    with pytest.raises(ProviderUnavailableError, match="AWS has a fault of its own"):
        look(inventory(), tmp_path)


def test_a_moment_of_throttling_is_not_even_noticed(aws: AwsServer, tmp_path: Path) -> None:
    left = [1]

    def throttle(request: Request) -> Response | None:
        if left[0] and is_asked(request, "ec2:DescribeInstances"):
            left[0] -= 1
            return sts_error(503, "RequestLimitExceeded", "Request limit exceeded.")(request)
        return None

    aws.spoils.append(throttle)
    made = inventory()

    assert len(ends(look(made, tmp_path))) == len(SORTS)
    assert list(made.warnings) == []


def test_a_service_that_a_region_does_not_have_is_nothing_to_talk_about(
    aws: AwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr("collectors.aws.clients.Aws.is_offered", lambda *_: False)
    made = inventory()

    rows = look(made, tmp_path)

    assert list(made.warnings) == []
    assert {one for one in ends(rows) if "sagemaker" in one} == set()
    assert [ok for _, ok in steps(made)] == [True, True, True]


def test_what_the_sdk_knows_of_regions_tells_whether_a_service_is_offered() -> None:
    (aws,) = [inventory().clients("")]

    assert aws.is_offered("ec2", HERE)
    assert not aws.is_offered("lightsail", "me-south-1")


def test_a_look_is_cancelled_between_two_lists(aws: AwsServer, tmp_path: Path) -> None:
    class StopHereError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if "Action=DescribeVolumes" in " ".join(aws.bodies):
            raise StopHereError

    with pytest.raises(StopHereError):
        inventory().fetch("", tmp_path, stop)
    assert "Action=DescribeSnapshots" not in " ".join(aws.bodies)


def test_the_policy_names_every_permission_that_is_asked_for() -> None:
    called = {f"{sort.service}:{call.operation.replace('_', '').lower()}" for sort in SORTS for call in sort.calls}
    called = {"s3:listallmybuckets" if one == "s3:listbuckets" else one for one in called}

    assert {one.lower() for one in PERMISSIONS} == called | {
        "account:getaccountinformation",
        "ec2:describeregions",
        "tag:getresources",
    }
