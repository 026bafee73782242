"""AWS inventory and list prices as live sources: from the schedule to the rows that pages read."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.inventory.models import Resource
from apps.pricing.models import Price
from apps.sources import connecting, runs
from apps.sources.models import Source
from tests.aws import AwsServer
from tests.sources.aws_looks import ACCOUNT, HERE, denied
from tests.sources.conftest import SECRETS, look_again, work
from tests.sources.test_aws_list_prices import asked

__all__ = ["asked"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


def connect(kind: str, **settings: str) -> Source:
    """A source with the keys of the tests."""
    settings = {"regions": HERE, **settings}
    return connecting.connect(name=kind, kind=kind, settings=settings, secrets=SECRETS, months=1, actor=None)


def run_instance(aws: AwsServer) -> tuple[Any, str]:
    """The EC2 of a region and a machine in it."""
    ec2 = aws.client("ec2", HERE)
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="g5.xlarge")
    return ec2, made["Instances"][0]["InstanceId"]


def test_what_exists_is_listed_when_it_is_due_and_closed_when_it_is_gone(aws: AwsServer) -> None:
    # three looks of thirteen lists each at a server that makes every service anew
    ec2, machine = run_instance(aws)
    source = connect("aws-inventory")
    source.runs.all().delete()
    Source.objects.update(next_run_at=timezone.now() - timedelta(seconds=1))

    assert runs.queue_what_is_due(timezone.now()) == 1
    done = work(source)

    assert [(run.name, run.status, run.error) for run in done] == [("", "done", ""), (ACCOUNT, "done", "")]
    assert done[-1].calls > 10
    there = Resource.objects.get(resource_id=machine)
    assert (there.kind, there.closed_at, there.sub_account_id) == ("machine", None, ACCOUNT)

    assert [run.status for run in look_again(source)] == ["done", "unchanged"]
    ec2.terminate_instances(InstanceIds=[machine])
    look_again(source)

    assert Resource.objects.get(resource_id=machine).closed_at is not None


def test_what_could_not_be_listed_this_time_stays_open_and_the_run_says_so(aws: AwsServer) -> None:
    _, machine = run_instance(aws)
    source = connect("aws-inventory")
    work(source)
    denied(aws, "ec2:DescribeInstances")

    *_, run = look_again(source)

    assert run.status == "done"
    assert run.error == f"ec2:DescribeInstances is missing in {ACCOUNT} ({HERE}): EC2 instances there are not listed."
    assert Resource.objects.get(resource_id=machine).closed_at is None


@pytest.mark.usefixtures("asked")
def test_list_prices_are_fetched_list_by_list_and_loaded() -> None:
    source = connect("aws-prices", services="AmazonEC2 AmazonSageMaker")

    done = work(source)

    assert [run.status for run in done] == ["done"] * 3
    assert Price.objects.filter(size="m5.large", pricing_category="Committed").count() == 3
    assert Price.objects.get(size="ml.g5.xlarge").seen_until is None
    assert [run.status for run in look_again(source)] == ["unchanged"]  # of the same version, nothing is fetched
