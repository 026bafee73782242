"""CloudWatch: what moto's has of a day becomes hours, with numbers that were worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from moto.sagemaker.models import sagemaker_backends

from collectors.aws.clients import Aws
from collectors.connections import Window
from tests.aws import AwsServer
from tests.sources.aws_looks import ACCOUNT, HERE, THERE, count, make_endpoint
from tests.sources.aws_measured import (
    DAY,
    MACHINE,
    MAY,
    date_endpoint,
    every_five,
    fetched,
    hour_of,
    put,
    watch,
)

NOON = datetime(2026, 6, 2, 12, 30, tzinfo=UTC)
_SAGEMAKER = "/aws/sagemaker/Endpoints"


def at(hour: int) -> datetime:
    """An hour of the day that is read."""
    return datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's clock says noon of the day after."""
    monkeypatch.setattr(Aws, "now", lambda _: NOON)


def test_averages_are_of_five_minutes_and_maxima_of_what_was_measured_in_them(aws: AwsServer, tmp_path: Path) -> None:
    busy = dict.fromkeys(range(600, 660, 5), 20.0) | dict.fromkeys(range(602, 660, 5), 40.0)
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {**busy, 655: 80.0, 657: 100.0})

    cpu = hour_of(fetched(watch(), tmp_path), "cpu")

    # eleven times (20 + 40) / 2 and once (80 + 100) / 2
    assert cpu["average"] == pytest.approx((11 * 0.3 + 0.9) / 12)
    assert cpu["p95"] == pytest.approx(0.3 + 0.45 * (0.9 - 0.3))  # rank 10.45 of 0 to 11
    assert cpu["maximum"] == 1.0
    assert cpu["points"] == pytest.approx([0.3] * 11 + [0.9])
    assert cpu["peaks"] == pytest.approx([0.4] * 11 + [1.0])
    assert (cpu["provider"], cpu["resource_id"], cpu["device"], cpu["minutes"]) == ("AWS", "i-1", "", 60)
    assert cpu["signal"] == "CPUUtilization"


def test_what_was_not_measured_is_a_gap_and_no_zero(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {600: 50.0, 605: 0.0, 625: 25.0})

    hours = fetched(watch(), tmp_path)

    assert hours.height == 1
    cpu = hour_of(hours, "cpu")
    assert (cpu["minutes"], cpu["average"]) == (15, 0.25)
    assert cpu["points"] == [0.5, 0.0, None, None, None, 0.25, *[None] * 6]


def test_traffic_is_what_came_and_went_by_the_second_and_half_of_it_is_none(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, "AWS/EC2", "NetworkIn", MACHINE, {600: 1000.0, 601: 2000.0, 605: 9000.0, 610: 500.0})
    put(aws, "AWS/EC2", "NetworkOut", MACHINE, {600: 6000.0, 605: 21000.0})

    network = hour_of(fetched(watch(), tmp_path), "network_bytes_per_second")

    assert network["points"][:3] == [30.0, 100.0, None]  # 9,000 and 30,000 bytes in 300 seconds
    assert (network["average"], network["maximum"], network["minutes"]) == (65, 100, 10)


def test_gpus_of_the_agent_are_devices_and_its_sums_over_machines_are_not_counted(
    aws: AwsServer, tmp_path: Path
) -> None:
    for index, use in (("0", 50.0), ("1", 12.5)):
        card = {**MACHINE, "index": index, "name": "NVIDIA A10G", "arch": "Ampere", "InstanceType": "g5.12xlarge"}
        put(aws, "CWAgent", "nvidia_smi_utilization_gpu", card, every_five(use))
        put(aws, "CWAgent", "nvidia_smi_memory_used", card, every_five(6144.0))
        put(aws, "CWAgent", "nvidia_smi_memory_total", card, every_five(24576.0))
        put(aws, "CWAgent", "nvidia_smi_power_draw", card, every_five(75.5))
    put(aws, "CWAgent", "nvidia_smi_utilization_gpu", {**MACHINE, "index": "0"}, every_five(99.0))
    put(aws, "CWAgent", "nvidia_smi_utilization_gpu", {"AutoScalingGroupName": "a", "index": "0"}, every_five(99.0))
    put(aws, "CWAgent", "mem_used_percent", {**MACHINE, "ImageId": "ami-1"}, every_five(62.5))
    put(aws, "CWAgent", "mem_used_percent", {"host": "ip-10-0-0-7"}, every_five(12.5))

    hours = fetched(watch(), tmp_path)

    assert hour_of(hours, "gpu", device="nvidia0")["average"] == 0.5
    second = hour_of(hours, "gpu", device="nvidia1")
    assert (second["average"], second["device_model"], second["resource_id"]) == (0.125, "NVIDIA A10G", "i-1")
    assert hours.filter(metric="gpu").height == 2
    assert hour_of(hours, "gpu_memory", device="nvidia1")["average"] == 0.25
    assert hour_of(hours, "gpu_memory_mib", device="nvidia1")["average"] == 6144
    assert hour_of(hours, "power_watts", device="nvidia1")["maximum"] == 75.5
    assert hour_of(hours, "memory", resource_id="i-1")["average"] == 0.625
    assert hour_of(hours, "memory", resource_id="")["node"] == "ip-10-0-0-7"


def test_an_endpoint_is_measured_against_all_gpus_and_processors_of_its_machines(
    aws: AwsServer, tmp_path: Path
) -> None:
    make_endpoint(aws, "chat", instance="ml.g4dn.12xlarge")  # 4 GPUs and 48 processors; AWS writes its ARN so
    date_endpoint("chat")
    of = {"EndpointName": "Chat", "VariantName": "blue"}
    put(aws, "/aws/sagemaker/Endpoints", "GPUUtilization", of, {600: 100.0, 602: 300.0})
    put(aws, "/aws/sagemaker/Endpoints", "GPUMemoryUtilization", of, {600: 40.0})
    put(aws, "/aws/sagemaker/Endpoints", "CPUUtilization", of, {600: 1200.0})
    put(aws, "/aws/sagemaker/Endpoints", "MemoryUtilization", of, {600: 30.0})
    put(aws, "/aws/sagemaker/Endpoints", "GPUUtilization", {**of, "InstanceId": "i-9"}, {600: 400.0})
    put(aws, "AWS/SageMaker", "Invocations", of, {600: 1.0, 601: 1.0, 602: 1.0})

    hours = fetched(watch(), tmp_path)

    gpu = hour_of(hours, "gpu")
    assert (gpu["average"], gpu["maximum"]) == (0.5, 0.75)
    assert hour_of(hours, "gpu_memory")["average"] == pytest.approx(0.1)
    assert hour_of(hours, "cpu")["average"] == 0.25
    assert hour_of(hours, "memory")["average"] == pytest.approx(0.3)
    assert hour_of(hours, "requests_per_second")["average"] == 0.01
    assert set(hours["resource_id"]) == {f"arn:aws:sagemaker:{HERE}:{ACCOUNT}:endpoint/chat"}


def test_variants_of_an_endpoint_count_by_the_gpus_and_machines_that_they_had_then(
    aws: AwsServer, tmp_path: Path
) -> None:
    make_endpoint(aws, "chat", instance="ml.g4dn.12xlarge", green="ml.g4dn.xlarge")  # by now 2 x 4 GPUs, and 1 x 1
    date_endpoint("chat", changed=NOON)  # it was scaled since, and nothing else
    blue, green = ({"EndpointName": "chat", "VariantName": name} for name in ("blue", "green"))
    put(aws, _SAGEMAKER, "GPUUtilization", blue, {600: 400.0})  # each machine a sample a minute: one machine
    for machine in (10.0, 40.0, 10.0):  # and three
        put(aws, _SAGEMAKER, "GPUUtilization", green, {600: machine})
    made = watch()

    (gpu,) = fetched(made, tmp_path).filter(metric="gpu").rows(named=True)

    assert gpu["average"] == pytest.approx((4 * 1.0 + 3 * 0.2) / (4 + 3))
    assert gpu["maximum"] == pytest.approx((4 * 1.0 + 3 * 0.4) / (4 + 3))
    assert list(made.warnings) == []


@pytest.mark.parametrize(
    ("changed", "deployed", "first"),
    [
        (NOON, MAY, 0),  # scaled, with the machines that it was made with
        (at(6), at(5), 6),  # another configuration, whose machines were all there at six
        (NOON, at(2), 10),  # scaled after another configuration, which was there eight hours later at the latest
        (at(11), None, 11),  # nothing tells what was changed
        (NOON, None, 24),
    ],
)
def test_hours_before_an_endpoint_was_given_other_machines_are_left_out_and_said(
    aws: AwsServer, tmp_path: Path, changed: datetime, deployed: datetime | None, first: int
) -> None:
    make_endpoint(aws, "chat", instance="ml.g4dn.12xlarge")
    date_endpoint("chat", changed=changed, deployed=deployed)
    of = {"EndpointName": "chat", "VariantName": "blue"}
    put(aws, _SAGEMAKER, "GPUUtilization", of, {60 * hour: 100.0 for hour in range(24)})
    put(aws, "AWS/SageMaker", "Invocations", of, {0: 1.0})
    made = watch()

    hours = fetched(made, tmp_path)

    gpu = hours.filter(metric="gpu").sort("hour")
    assert gpu["hour"].dt.hour().to_list() == list(range(first, 24))
    assert set(gpu["average"]) <= {0.25}
    assert hours.filter(metric="requests_per_second").height == 1
    said = (
        f"Not known all day is what chat ran on in {ACCOUNT} ({HERE}): what an endpoint used of GPUs, processors and"
        " memory until it was changed or taken away is left out."
    )
    assert list(made.warnings) == ([said] if first else [])


def test_what_an_endpoint_that_is_gone_used_is_left_out_and_said(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, _SAGEMAKER, "GPUUtilization", {"EndpointName": "Old", "VariantName": "blue"}, {600: 100.0})
    made = watch()

    assert fetched(made, tmp_path).height == 0
    assert [said.partition(" ran on")[0] for said in made.warnings] == ["Not known all day is what old"]


def test_of_a_serverless_endpoint_its_memory_is_known_and_not_what_it_has(aws: AwsServer, tmp_path: Path) -> None:
    make_endpoint(aws, "chat")
    date_endpoint("chat")
    for variant in sagemaker_backends[ACCOUNT][HERE].endpoint_configs["chat-config"].production_variants:
        del variant["InstanceType"]
    of = {"EndpointName": "chat", "VariantName": "blue"}
    put(aws, _SAGEMAKER, "MemoryUtilization", of, {600: 25.0})
    put(aws, _SAGEMAKER, "CPUUtilization", of, {600: 50.0})
    made = watch()

    (memory,) = fetched(made, tmp_path).rows(named=True)

    assert (memory["metric"], memory["average"]) == ("memory", 0.25)
    assert list(made.warnings) == []


def test_while_an_endpoint_is_given_other_machines_it_is_not_measured_against_either(
    aws: AwsServer, tmp_path: Path
) -> None:
    make_endpoint(aws, "chat", instance="ml.g4dn.12xlarge")
    date_endpoint("chat")
    sagemaker_backends[ACCOUNT][HERE].endpoints["chat"].pending_deployment_summary = {
        "EndpointConfigName": "next",
        "StartTime": at(12),
    }
    of = {"EndpointName": "chat", "VariantName": "blue"}
    put(aws, _SAGEMAKER, "GPUUtilization", of, {60 * hour: 100.0 for hour in range(24)})
    made = watch()

    assert fetched(made, tmp_path).filter(metric="gpu")["hour"].dt.hour().max() == 11
    assert len(made.warnings) == 1


def test_a_function_says_how_often_it_was_called(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, "AWS/Lambda", "Invocations", {"FunctionName": "resize"}, {600: 30.0, 604: 30.0})
    put(aws, "AWS/Lambda", "Invocations", {"FunctionName": "resize", "Resource": "resize:live"}, {600: 30.0})

    (calls,) = fetched(watch(), tmp_path).rows(named=True)

    assert calls["resource_id"] == f"arn:aws:lambda:{HERE}:{ACCOUNT}:function:resize"
    assert calls["average"] == 0.2


def test_more_than_five_hundred_questions_are_asked_in_batches_each_once(aws: AwsServer, tmp_path: Path) -> None:
    for number in range(260):  # an average and a maximum of each
        put(aws, "AWS/EC2", "CPUUtilization", {"InstanceId": f"i-{number:03}"}, {600: number / 10})

    hours = fetched(watch(), tmp_path)

    assert sum("MetricDataQueries" in body for body in aws.bodies) == 2
    assert hours.height == 260
    assert hour_of(hours, "cpu", resource_id="i-259")["average"] == pytest.approx(0.259)


def test_regions_are_read_one_after_the_other(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, "AWS/EC2", "CPUUtilization", {"InstanceId": "i-here"}, {600: 1.0})
    put(aws, "AWS/EC2", "CPUUtilization", {"InstanceId": "i-there"}, {600: 2.0}, region=THERE)

    hours = fetched(watch(regions=f"{HERE}, {THERE}"), tmp_path)

    assert sorted(hours["resource_id"]) == ["i-here", "i-there"]


def test_a_region_with_little_is_listed_in_one_question(aws: AwsServer, tmp_path: Path) -> None:
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {600: 1.0})
    lists = count(aws, "cloudwatch:ListMetrics")

    assert fetched(watch(regions=f"{HERE}, {THERE}"), tmp_path).height == 1
    assert len(lists) == 2


def test_of_a_region_with_more_than_a_page_namespaces_are_listed_and_of_a_large_one_each_metric(
    aws: AwsServer, tmp_path: Path
) -> None:
    images = [{"MetricName": "CPUUtilization", "Dimensions": [_named("ImageId", n)], "Value": 1.0} for n in range(501)]
    aws.client("cloudwatch", HERE).put_metric_data(Namespace="AWS/EC2", MetricData=images)
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {600: 1.0})
    put(aws, "AWS/Lambda", "Invocations", {"FunctionName": "resize"}, {600: 3.0})
    put(aws, "AWS/Other", "Invocations", {"FunctionName": "resize"}, {600: 3.0})
    lists = count(aws, "cloudwatch:ListMetrics")

    hours = fetched(watch(), tmp_path)

    assert sorted(hours["signal"]) == ["CPUUtilization", "Invocations"]
    assert len(lists) == 1 + 6 + 7  # the region, the namespaces, and the metrics of EC2 that are asked for


def _named(name: str, value: object) -> dict[str, str]:
    return {"Name": name, "Value": str(value)}


def test_an_account_in_which_nothing_is_measured_is_an_empty_file(aws: AwsServer, tmp_path: Path) -> None:
    assert fetched(watch(), tmp_path).height == 0


def test_days_are_offered_as_long_as_they_are_kept_and_change_until_they_are_settled(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(watch().remote(Window(date(2025, 1, 1))))

    assert [one.name for one in found[:1]] == [f"{ACCOUNT} 2026-04-01"]  # of 63 days before noon of 2 June
    assert len(found) == 63
    assert [one.fingerprint for one in found[-2:]] == ["complete", "until 2026-06-02T12:00Z"]
    assert found[-1].billing_period == date(2026, 6, 1)

    monkeypatch.setattr(Aws, "now", lambda _: NOON.replace(hour=2))
    assert [one.fingerprint for one in watch().remote(Window(DAY))] == ["until 2026-06-02T02:00Z"] * 2
    monkeypatch.setattr(Aws, "now", lambda _: NOON.replace(hour=0))
    assert [one.name for one in watch().remote(Window(DAY))] == [f"{ACCOUNT} {DAY}"]  # today has no full hour yet


def test_a_day_that_is_not_over_is_read_up_to_its_last_full_hour(
    aws: AwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(aws, "AWS/EC2", "CPUUtilization", MACHINE, {605: 10.0, 655: 20.0, 660: 30.0})
    monkeypatch.setattr(Aws, "now", lambda _: datetime(2026, 6, 1, 11, 4, tzinfo=UTC))

    assert fetched(watch(), tmp_path)["hour"].to_list() == [datetime(2026, 6, 1, 10, tzinfo=UTC)]


def test_the_clock_is_that_of_aws(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert abs(watch().clients("").now() - datetime.now(UTC)) < timedelta(minutes=1)
