"""What goes wrong while CloudWatch is read: it is named, the rest is read, and nothing is taken for idle."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from werkzeug.wrappers import Request, Response

from collectors.aws.clients import Aws
from collectors.aws.metrics import PERMISSIONS, AwsCloudWatch
from collectors.connections import kind_of
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from tests.aws import AwsServer
from tests.sources.aws_looks import ACCOUNT, HERE, THERE, denied, is_asked, make_endpoint
from tests.sources.aws_measured import (
    GIB,
    MACHINE,
    date_endpoint,
    every_five,
    fetched,
    hour_of,
    make_database,
    put,
    watch,
)

ENDPOINT = {"EndpointName": "chat", "VariantName": "blue"}


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's clock says noon of the day after."""
    monkeypatch.setattr(Aws, "now", lambda _: datetime(2026, 6, 2, 12, 30, tzinfo=UTC))


@pytest.fixture
def measured(aws: AwsServer) -> AwsServer:
    """A machine, a database and an endpoint that were measured."""
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {600: 50.0})
    put(aws, "AWS/RDS", "FreeableMemory", {"DBInstanceIdentifier": "orders"}, {600: GIB})
    put(aws, "/aws/sagemaker/Endpoints", "GPUUtilization", ENDPOINT, {600: 50.0})
    return aws


def answer(said: dict[str, Any], operation: str, *, times: int = 9) -> Any:
    """Answers an operation otherwise than moto does."""
    left = [times]

    def spoil(request: Request) -> Response | None:
        if not is_asked(request, f"cloudwatch:{operation}") or not left[0]:
            return None
        left[0] -= 1
        return Response(json.dumps(said), 200, {"Content-Type": "application/x-amz-json-1.0"})

    return spoil


@pytest.mark.parametrize("action", ["rds:DescribeDBInstances", "rds:DescribeEvents"])
def test_without_their_machines_endpoints_and_memory_of_databases_are_left_out_and_said(
    measured: AwsServer, tmp_path: Path, action: str
) -> None:
    make_database(measured)
    denied(measured, action, "sagemaker:ListEndpoints")
    made = watch()

    hours = fetched(made, tmp_path)

    assert hours["metric"].to_list() == ["cpu"]
    where = f"is missing in {ACCOUNT} ({HERE}):"
    endpoints, databases = made.warnings
    assert endpoints == (
        f"sagemaker:ListEndpoints {where} what endpoints there use of their GPUs, processors and memory is left out."
    )
    assert databases == f"{action} {where} the memory of databases there is left out."


def test_what_is_measured_of_gpus_that_a_machine_does_not_have_is_a_gap(aws: AwsServer, tmp_path: Path) -> None:
    make_endpoint(aws, "chat", instance="ml.m5.large")
    date_endpoint("chat")
    put(aws, "/aws/sagemaker/Endpoints", "GPUUtilization", ENDPOINT, {600: 50.0})

    assert fetched(watch(), tmp_path).height == 0


@pytest.mark.parametrize("action", ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"])
def test_who_may_read_no_metrics_is_refused_with_the_permission(
    measured: AwsServer, tmp_path: Path, action: str
) -> None:
    denied(measured, action)

    with pytest.raises(ProviderRefusedError, match=action) as told:
        fetched(watch(), tmp_path)
    assert told.value.permission == action


def test_a_region_that_cannot_be_read_is_left_out_and_said(measured: AwsServer, tmp_path: Path) -> None:
    put(measured, "AWS/EC2", "CPUUtilization", {"InstanceId": "i-there"}, {600: 1.0}, region=THERE)

    def broken(request: Request) -> Response | None:
        here = f"/{THERE}/monitoring/" in request.headers.get("Authorization", "")
        body = '{"__type": "AccessDeniedException", "message": "not authorized to perform: cloudwatch:ListMetrics"}'
        return Response(body, 400, {"Content-Type": "application/json"}) if here else None

    measured.spoils.append(broken)
    made = watch(regions=f"{HERE}, {THERE}")

    assert "i-there" not in fetched(made, tmp_path)["resource_id"].to_list()
    assert list(made.warnings)[-1:] == [
        f"cloudwatch:ListMetrics is missing in {ACCOUNT} ({THERE}): nothing there is measured."
    ]


@pytest.mark.parametrize("service", ["monitoring", "rds"])
def test_a_fault_of_one_region_puts_the_day_off_so_that_it_is_read_whole(
    measured: AwsServer, tmp_path: Path, service: str
) -> None:
    def broken(request: Request) -> Response | None:
        here = f"/{HERE}/{service}/" in request.headers.get("Authorization", "")
        return Response("{}", 500, {"Content-Type": "application/json"}) if here else None

    measured.spoils.append(broken)

    with pytest.raises(ProviderUnavailableError):
        fetched(watch(regions=f"{THERE}, {HERE}"), tmp_path)


def test_pages_of_an_answer_belong_together(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {600: 1.0})
    start = datetime(2026, 6, 1, 10, tzinfo=UTC).timestamp()

    def page(first: int, token: str = "") -> dict[str, Any]:
        times = [start + 300 * (first + number) for number in range(6)]
        of = [
            {"Id": name, "Timestamps": times, "Values": [20.0] * 6, "StatusCode": "PartialData"}
            for name in ("q0", "q1")
        ]
        return {"MetricDataResults": of, **({"NextToken": token} if token else {})}

    aws.spoils.append(answer(page(0, "more"), "GetMetricData", times=1))
    aws.spoils.append(answer(page(6), "GetMetricData", times=1))

    cpu = hour_of(fetched(watch(), tmp_path), "cpu")

    assert cpu["points"] == pytest.approx([0.2] * 12)


@pytest.mark.parametrize(
    ("status", "kind"), [("InternalError", ProviderUnavailableError), ("Forbidden", ProviderRefusedError)]
)
def test_an_answer_that_failed_in_part_is_not_loaded(
    aws: AwsServer, tmp_path: Path, status: str, kind: type[Exception]
) -> None:
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, every_five(50.0))
    result = {"Id": "q0", "Timestamps": [], "Values": [], "StatusCode": status}
    aws.spoils.append(answer({"MetricDataResults": [result]}, "GetMetricData"))

    with pytest.raises(kind):
        fetched(watch(), tmp_path)


def test_the_test_of_a_connection_names_everything_that_is_missing(aws: AwsServer) -> None:
    actions = ("cloudwatch:GetMetricData", "rds:DescribeDBInstances", "rds:DescribeEvents", "ec2:DescribeInstanceTypes")
    denied(aws, *actions)

    *_, last = watch().check()

    assert (last.step, last.ok) == ("Read metrics", False)
    for missing in actions:
        assert missing in last.says
    assert "sagemaker" not in last.says


def test_the_test_of_a_good_connection_says_so(aws: AwsServer) -> None:
    assert [(one.step, one.ok, one.says) for one in watch().check()][1:] == [
        ("List the regions", True, HERE),
        ("Read metrics", True, f"Metrics can be listed and read in {HERE}."),
    ]


@pytest.fixture
def keys(aws: AwsServer) -> Iterator[dict[str, str]]:
    """Keys of a user who has the policy beside the form; from then on the server holds everybody to theirs."""
    iam = aws.client("iam")
    policy = kind_of("aws-cloudwatch").policy({}).replace("cloudwatch:", "monitoring:")  # moto's name for it
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    yield {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    urllib3.request("POST", f"{aws.url}/moto-api/reset-auth", body=b"inf")


def test_the_policy_beside_the_form_is_enough(aws: AwsServer, tmp_path: Path, keys: dict[str, str]) -> None:
    make_endpoint(aws, "chat")
    date_endpoint("chat")
    make_database(aws)
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {600: 50.0})
    put(aws, "AWS/RDS", "FreeableMemory", {"DBInstanceIdentifier": "orders"}, {600: GIB})
    put(aws, "/aws/sagemaker/Endpoints", "GPUUtilization", ENDPOINT, {600: 50.0})
    urllib3.request("POST", f"{aws.url}/moto-api/reset-auth", body=b"0")
    made = watch(keys=keys)

    hours = fetched(made, tmp_path)

    assert sorted(hours["metric"]) == ["cpu", "gpu", "memory"]
    assert list(made.warnings) == []
    assert len(PERMISSIONS) == 9
    assert AwsCloudWatch.place({"roles": "", "regions": HERE}) == f"the account of its own identity: {HERE}"
