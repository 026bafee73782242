"""CloudWatch: memory of databases, against what their classes have, for as long as these are known."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collectors.aws.clients import Aws
from tests.aws import AwsServer
from tests.sources.aws_looks import ACCOUNT, HERE
from tests.sources.aws_measured import DAY, GIB, every_five, fetched, hour_of, make_database, put, watch

NOON = datetime(2026, 6, 2, 12, 30, tzinfo=UTC)


def at(hour: int) -> datetime:
    """An hour of the day that is read."""
    return datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's clock says noon of the day after."""
    monkeypatch.setattr(Aws, "now", lambda _: NOON)


def test_memory_of_a_database_is_what_is_not_free_of_what_its_class_has(aws: AwsServer, tmp_path: Path) -> None:
    arn = make_database(aws)
    of = {"DBInstanceIdentifier": "orders"}
    put(aws, "AWS/RDS", "FreeableMemory", of, {600: 7 * GIB, 602: 5 * GIB})  # of 8 GiB
    put(aws, "AWS/RDS", "CPUUtilization", of, {600: 12.5})
    put(aws, "AWS/RDS", "ReadThroughput", of, {600: 100.0})
    put(aws, "AWS/RDS", "WriteThroughput", of, {600: 50.0})

    hours = fetched(watch(), tmp_path)

    memory = hour_of(hours, "memory")
    assert (memory["average"], memory["maximum"]) == (0.25, 0.375)
    assert set(hours["resource_id"]) == {arn}
    assert hour_of(hours, "cpu")["average"] == 0.125
    assert hour_of(hours, "disk_bytes_per_second")["average"] == 150


_BEGUN, _DONE = (
    "Applying modification to database instance class",
    "Finished applying modification to DB instance class",
)
_SWITCHED = (
    "Switchover from primary/read replica {0} to {0}-green completed. Renamed {0} to {0}-old and {0}-green to {0}."
)


@pytest.mark.parametrize(
    ("happened", "first"),
    [
        ([], 0),
        ([(at(2), "Finished applying modification to allocated storage")], 0),
        ([(at(6), _DONE), (at(5), _BEGUN)], 6),  # events may come in any order
        ([(at(5), _BEGUN), (at(6), _DONE), (at(9), _BEGUN)], 24),  # under way
        ([(at(7), _SWITCHED.format("orders"))], 7),  # another one was given its name
        ([(at(7), _SWITCHED.format("other"))], 0),
    ],
)
def test_memory_of_a_database_before_it_was_given_another_class_is_left_out_and_said(
    aws: AwsServer, tmp_path: Path, happened: list[tuple[datetime, str]], first: int
) -> None:
    make_database(aws, *happened)
    of = {"DBInstanceIdentifier": "orders"}
    put(aws, "AWS/RDS", "FreeableMemory", of, {60 * hour: 6 * GIB for hour in range(24)})  # of 8 GiB
    put(aws, "AWS/RDS", "CPUUtilization", of, {0: 12.5})
    made = watch()

    hours = fetched(made, tmp_path)

    memory = hours.filter(metric="memory").sort("hour")
    assert memory["hour"].dt.hour().to_list() == list(range(first, 24))
    assert set(memory["average"]) <= {0.25}
    assert hours.filter(metric="cpu").height == 1
    said = (
        f"Not known all day is what orders ran on in {ACCOUNT} ({HERE}): what a database used of its memory is left out"
        " where its class is not known: before it was last changed, more than two weeks ago, of which RDS tells no"
        " changes, and of one that is gone."
    )
    assert list(made.warnings) == ([said] if first else [])
    assert sum("Duration=20160&" in f"{body}&" for body in aws.bodies) == 2


def test_memory_of_a_database_is_known_from_when_it_was_made(aws: AwsServer, tmp_path: Path) -> None:
    make_database(aws, made=at(10) + timedelta(minutes=12))
    of = {"DBInstanceIdentifier": "orders"}
    put(aws, "AWS/RDS", "FreeableMemory", of, every_five(6 * GIB))  # of one of the same name before it

    (memory,) = fetched(watch(), tmp_path).rows(named=True)

    assert memory["points"] == [None] * 3 + [0.25] * 9


def test_of_days_before_the_last_two_weeks_no_memory_of_a_database_is_known(aws: AwsServer, tmp_path: Path) -> None:
    make_database(aws)
    day, of = date(2026, 5, 19), {"DBInstanceIdentifier": "orders"}
    put(aws, "AWS/RDS", "FreeableMemory", of, {60 * hour: 6 * GIB for hour in range(24)}, day=day)
    made = watch()

    hours = fetched(made, tmp_path, day=day)

    assert hours["hour"].dt.hour().to_list() == list(range(14, 24))  # half past one on the 19th, two weeks before NOON
    assert len(made.warnings) == 1


def test_of_serverless_databases_memory_is_not_known_and_of_one_that_is_gone_it_is_said(
    aws: AwsServer, tmp_path: Path
) -> None:
    make_database(aws, class_="db.serverless", made=NOON)
    for name in ("orders", "old"):
        put(aws, "AWS/RDS", "FreeableMemory", {"DBInstanceIdentifier": name}, {600: GIB})
    made = watch()

    assert fetched(made, tmp_path).height == 0
    assert [said.partition(" ran on")[0] for said in made.warnings] == ["Not known all day is what old"]
