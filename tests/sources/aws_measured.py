"""Metrics in CloudWatch for tests, and connections that read them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from moto.rds.models import Event, rds_backends
from moto.sagemaker.models import sagemaker_backends

from collectors.aws.metrics import AwsCloudWatch
from collectors.connections import Allowed
from tests.aws import KEYS, AwsServer
from tests.sources.aws_looks import ACCOUNT, HERE

DAY = date(2026, 6, 1)
MACHINE = {"InstanceId": "i-1"}
GIB = 2.0**30
_BLUE_GREEN = "blue-green-deployment", "bgd-1", ["notification"]
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def put(
    aws: AwsServer,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    samples: Mapping[int, float],
    *,
    region: str = HERE,
    day: date = DAY,
) -> None:
    """Samples by the minute of the day at which they were taken."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    data = [
        {"MetricName": name, "Dimensions": named, "Timestamp": start + timedelta(minutes=at), "Value": value}
        for at, value in samples.items()
    ]
    client = aws.client("cloudwatch", region)
    for first in range(0, len(data), 500):
        client.put_metric_data(Namespace=namespace, MetricData=data[first : first + 500])


def date_endpoint(
    name: str, *, made: datetime = MAY, changed: datetime | None = None, deployed: datetime | None = MAY
) -> None:
    """When moto's endpoint and its configuration were made, changed and, with their images looked up, deployed."""
    backend = sagemaker_backends[ACCOUNT][HERE]
    endpoint, config = backend.endpoints[name], backend.endpoint_configs[f"{name}-config"]
    endpoint.creation_time, endpoint.last_modified_time, config.creation_time = made, changed or made, made
    for variant in endpoint.production_variants:
        variant["DeployedImages"] = [{"ResolutionTime": deployed}] if deployed else []


def make_database(
    aws: AwsServer,
    *happened: tuple[datetime, str],
    name: str = "orders",
    class_: str = "db.m5.large",
    made: datetime = MAY,
) -> str:
    """A database of moto that was made then, with what happened to it; its ARN."""
    told = aws.client("rds", HERE).create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass=class_, Engine="postgres", AllocatedStorage=20
    )
    backend = rds_backends[ACCOUNT][HERE]
    database = backend.databases[name]
    database.instance_create_time = made
    for when, message in happened:
        event = Event("DB_INSTANCE_CREATE", database)
        event.date, event.message, event.event_categories = when, message, ["configuration change"]
        if "witchover" in message:
            event.source_type, event.source_identifier, event.event_categories = _BLUE_GREEN
        backend.events.append(event)
    return str(told["DBInstance"]["DBInstanceArn"])


def every_five(value: float, *, hour: int = 10, points: int = 12) -> dict[int, float]:
    """The same number every five minutes of an hour."""
    return {hour * 60 + 5 * number: value for number in range(points)}


def watch(*, regions: str = HERE, roles: str = "", keys: Mapping[str, str] = KEYS) -> AwsCloudWatch:
    """A connection with the keys of the tests."""
    secrets = AwsCloudWatch.Secrets.model_validate(
        {"access_key_id": keys["aws_access_key_id"], "secret_access_key": keys["aws_secret_access_key"]}
    )
    return AwsCloudWatch(AwsCloudWatch.Settings(regions=regions, roles=roles), secrets, Allowed())


def fetched(made: AwsCloudWatch, folder: Path, *, day: date = DAY, of: str = ACCOUNT) -> pl.DataFrame:
    """A day as it is fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    return pl.read_parquet(made.fetch(f"{of}@{day}", folder, lambda _done, _total: None))


def hour_of(hours: pl.DataFrame, metric: str, *, hour: int = 10, **keys: str) -> dict[str, Any]:
    """The one row of a metric and hour."""
    return hours.filter(pl.col("hour").dt.hour() == hour, metric=metric, **keys).row(0, named=True)
