"""What exists in AWS accounts is told with size, state, tags and where it belongs, list by list, region by region."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from collectors.aws import listing
from collectors.aws.inventory import SORTS
from tests.aws import AwsServer
from tests.sources.aws_looks import ACCOUNT, HERE, TAGS, THERE, by_type, ends, inventory, is_asked, look, make_endpoint


@pytest.fixture
def machines(aws: AwsServer) -> Any:
    """The EC2 of a region that holds nothing else than what a test makes."""
    return aws.client("ec2", HERE)


def run_instance(ec2: Any, **words: Any) -> str:
    """One machine with a team; its id."""
    tags = [{"ResourceType": "instance", "Tags": [*TAGS, {"Key": "Name", "Value": "trainer"}]}]
    words = {"InstanceType": "p4d.24xlarge", "TagSpecifications": tags, **words}
    made = ec2.run_instances(**{"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1, **words})
    return str(made["Instances"][0]["InstanceId"])


def test_a_machine_is_told_with_size_state_tags_and_where_it_belongs(machines: Any, tmp_path: Path) -> None:
    instance = run_instance(machines)

    (row,) = by_type(look(inventory(), tmp_path))["EC2 instance"]

    assert (row["resource_id"], row["kind"], row["state"]) == (instance, "machine", "running")
    assert row["aliases"] == [f"arn:aws:ec2:{HERE}:{ACCOUNT}:instance/{instance}"]
    assert (row["resource_name"], row["size"], row["tags"]["team"]) == ("trainer", "p4d.24xlarge", "search")
    assert (row["sub_account_id"], row["region_id"], row["provider"]) == (ACCOUNT, HERE, "AWS")
    assert row["sub_account_name"] == "Northwind research"
    assert row["listing"] == f"{ACCOUNT}/{HERE}/ec2:instance"
    assert row["details"]["zone"].startswith(HERE)
    assert row["details"]["lifecycle"] == "on-demand"
    assert row["created_at"].endswith("Z")


def test_a_stopped_machine_says_since_when_and_a_terminated_one_is_not_told(machines: Any, tmp_path: Path) -> None:
    stopped, gone = run_instance(machines), run_instance(machines)
    machines.stop_instances(InstanceIds=[stopped])
    machines.terminate_instances(InstanceIds=[gone])

    (row,) = by_type(look(inventory(), tmp_path))["EC2 instance"]

    assert (row["resource_id"], row["state"]) == (stopped, "stopped")
    since = datetime.fromisoformat(row["details"]["stopped_since"])
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60


def test_disks_snapshots_and_addresses_say_whether_anything_uses_them(
    machines: Any, aws: AwsServer, tmp_path: Path
) -> None:
    instance = run_instance(machines)
    loose = machines.create_volume(AvailabilityZone=f"{HERE}a", Size=100, VolumeType="gp3", Iops=4000)["VolumeId"]
    snapshot = machines.create_snapshot(VolumeId=loose)["SnapshotId"]
    used, unused = (machines.allocate_address(Domain="vpc") for _ in range(2))
    machines.associate_address(AllocationId=used["AllocationId"], InstanceId=instance)

    found = by_type(look(inventory(), tmp_path))

    disks = {row["resource_id"]: row for row in found["EBS volume"]}
    assert disks[loose]["state"] == "unattached"
    assert (disks[loose]["size"], disks[loose]["details"]["iops"]) == ("gp3 100 GiB", 4000)
    (root,) = [row for row in found["EBS volume"] if row["resource_id"] != loose]
    assert (root["state"], root["parent_id"]) == ("attached", instance)
    assert any("Action=DescribeSnapshots" in body and "Owner.1=self" in body for body in aws.bodies)
    (own,) = [row for row in found["EBS snapshot"] if row["aliases"] == [snapshot]]  # moto has others of its own
    assert own["resource_id"] == f"arn:aws:ec2:{HERE}:{ACCOUNT}:snapshot/{snapshot}"
    assert (own["resource_name"], own["parent_id"], own["size"]) == (snapshot, loose, "100 GiB")
    addresses = {row["aliases"][0]: row for row in found["Elastic IP"]}
    assert addresses[used["AllocationId"]]["state"] == "attached"
    assert addresses[used["AllocationId"]]["parent_id"] == instance
    assert addresses[unused["AllocationId"]]["state"] == "unattached"
    assert addresses[unused["AllocationId"]]["resource_name"] == unused["PublicIp"]


def test_databases_name_their_cluster_and_engine(aws: AwsServer, tmp_path: Path) -> None:
    rds = aws.client("rds", HERE)
    rds.create_db_cluster(
        DBClusterIdentifier="books", Engine="aurora-postgresql", MasterUsername="root", MasterUserPassword="12345678"
    )
    rds.create_db_instance(
        DBInstanceIdentifier="books-1",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="books",
        Tags=TAGS,
    )

    found = by_type(look(inventory(), tmp_path))

    (cluster,) = found["RDS cluster"]
    (database,) = found["RDS instance"]
    assert database["resource_id"] == f"arn:aws:rds:{HERE}:{ACCOUNT}:db:books-1"
    assert database["parent_id"] == cluster["resource_id"] == f"arn:aws:rds:{HERE}:{ACCOUNT}:cluster:books"
    assert (database["size"], database["state"]) == ("db.r6g.large", "running")
    assert (database["tags"], database["details"]["engine"]) == ({"team": "search"}, "aurora-postgresql")
    rds.stop_db_cluster(DBClusterIdentifier="books")
    assert by_type(look(inventory(), tmp_path / "later"))["RDS cluster"][0]["state"] == "stopped"


def test_endpoints_say_on_what_they_run_and_notebooks_whether(aws: AwsServer, tmp_path: Path) -> None:
    make_endpoint(aws, "chat")
    notebook = {"NotebookInstanceName": "lab", "InstanceType": "ml.t3.medium", "RoleArn": "arn:aws:iam::1:role/x"}
    aws.client("sagemaker", HERE).create_notebook_instance(**notebook, Tags=TAGS)

    found = by_type(look(inventory(), tmp_path))

    (endpoint,) = found["SageMaker endpoint"]
    assert endpoint["resource_id"] == f"arn:aws:sagemaker:{HERE}:{ACCOUNT}:endpoint/chat"
    assert (endpoint["size"], endpoint["state"]) == ("ml.g4dn.xlarge", "running")
    assert endpoint["details"]["instances"] == 2
    assert endpoint["details"]["variants"] == "blue: ml.g4dn.xlarge"
    assert endpoint["tags"] == {"team": "search"}
    (lab,) = found["SageMaker notebook"]
    assert (lab["size"], lab["state"], lab["tags"]) == ("ml.t3.medium", "running", {"team": "search"})


def test_node_groups_belong_to_their_cluster(aws: AwsServer, tmp_path: Path) -> None:
    eks, role = aws.client("eks", HERE), f"arn:aws:iam::{ACCOUNT}:role/x"
    for name in ("one", "two"):
        eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": ["a"]}, tags={"team": "search"})
    scaling = {"minSize": 1, "maxSize": 5, "desiredSize": 3}
    eks.create_nodegroup(
        clusterName="two",
        nodegroupName="gpus",
        scalingConfig=scaling,
        subnets=["a"],
        nodeRole=role,
        instanceTypes=["g5.xlarge", "g5.2xlarge"],
        capacityType="SPOT",
    )

    found = by_type(look(inventory(), tmp_path))

    clusters = {row["resource_name"]: row for row in found["EKS cluster"]}
    assert clusters["one"]["tags"] == {"team": "search"}
    (group,) = found["EKS node group"]
    assert group["parent_id"] == clusters["two"]["resource_id"]
    assert (group["size"], group["state"]) == ("g5.xlarge, g5.2xlarge", "running")
    assert (group["details"]["wanted"], group["details"]["lifecycle"]) == (3, "SPOT")


def test_scaling_groups_functions_and_buckets_are_told_each_in_its_region(aws: AwsServer, tmp_path: Path) -> None:
    scaling = aws.client("autoscaling", HERE)
    scaling.create_launch_configuration(LaunchConfigurationName="x", ImageId="ami-1", InstanceType="m5.large")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="workers",
        LaunchConfigurationName="x",
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        AvailabilityZones=[f"{HERE}a"],
        Tags=[{"Key": "team", "Value": "search", "PropagateAtLaunch": True}],
    )
    for region in (HERE, THERE):
        place = {} if region == THERE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        aws.client("s3", region).create_bucket(Bucket=f"files-{region}", **place)
    aws.client("s3", HERE).put_bucket_tagging(Bucket=f"files-{HERE}", Tagging={"TagSet": TAGS})

    found = by_type(look(inventory(regions=f"{HERE} {THERE}"), tmp_path))

    (group,) = found["Auto Scaling group"]
    assert (group["state"], group["details"]["largest"], group["tags"]) == ("stopped", 4, {"team": "search"})
    buckets = {row["resource_id"]: row for row in found["S3 bucket"]}
    assert {name: row["region_id"] for name, row in buckets.items()} == {f"files-{HERE}": HERE, f"files-{THERE}": THERE}
    assert buckets[f"files-{HERE}"]["tags"] == {"team": "search"}
    assert buckets[f"files-{HERE}"]["aliases"] == [f"arn:aws:s3:::files-{HERE}"]


def test_every_list_that_was_read_says_so_also_when_nothing_is_in_it(aws: AwsServer, tmp_path: Path) -> None:
    rows = look(inventory(regions=f"{HERE}, {THERE}"), tmp_path)

    assert ends(rows) == {f"{ACCOUNT}/{region}/{sort.type}" for region in (HERE, THERE) for sort in SORTS}


def test_without_regions_all_that_are_enabled_are_looked_into(aws: AwsServer, tmp_path: Path) -> None:
    regions = "".join(f"<item><regionName>{name}</regionName></item>" for name in (HERE, THERE))
    answer = f"<DescribeRegionsResponse><regionInfo>{regions}</regionInfo></DescribeRegionsResponse>"

    def two(request: Request) -> Response | None:
        return Response(answer, content_type="text/xml") if is_asked(request, "ec2:DescribeRegions") else None

    aws.spoils.append(two)

    assert {row["region_id"] for row in look(inventory(regions=""), tmp_path)} == {HERE, THERE}


def test_lists_are_read_page_after_page(machines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(listing.PAGE_SIZES, "ec2", 5)
    run_instance(machines, MinCount=12, MaxCount=12)

    assert len(by_type(look(inventory(), tmp_path))["EC2 instance"]) == 12
