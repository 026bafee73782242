"""How busy things of AWS accounts are, by CloudWatch: files of UTILIZATION, one delivery an account and day."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from collectors.aws.accounts import Account, AccountsConnection
from collectors.aws.cloudwatch import CloudWatch, Told, hours_told, unknown
from collectors.aws.listing import Region
from collectors.aws.machines import SERVICES, Machines, events, machines_of
from collectors.aws.measures import MEASURES
from collectors.aws.settings import listed
from collectors.cloud_metrics import HOUR, days, stretch, write_hours
from collectors.connections import UTILISATION, Progress, RemoteDelivery, Window
from collectors.errors import ProviderRefusedError, ProviderUnavailableError

KEPT: Final = timedelta(days=63)
"""How long CloudWatch keeps points of five minutes."""

SETTLED: Final = timedelta(hours=3)
"""How long after a day's end its last points may come."""

MOST_NAMES: Final = 5
"""That a warning says."""

PERMISSIONS: Final = (
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeRegions",
    "rds:DescribeDBInstances",
    "rds:DescribeEvents",
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:ListEndpoints",
)
_UNMEASURED: Final = {
    "AWS/RDS": "the memory of databases there is left out.",
    "/aws/sagemaker/Endpoints": "what endpoints there use of their GPUs, processors and memory is left out.",
}
_CHANGED: Final = {
    "AWS/RDS": "what a database used of its memory is left out where its class is not known: before it was last"
    " changed, more than two weeks ago, of which RDS tells no changes, and of one that is gone.",
    "/aws/sagemaker/Endpoints": "what an endpoint used of GPUs, processors and memory until it was changed or taken"
    " away is left out.",
}


class AwsCloudWatch(AccountsConnection):
    """Machines, their GPUs, databases, endpoints and functions."""

    kind: ClassVar = "aws-cloudwatch"
    title: ClassVar = "AWS CloudWatch"
    help: ClassVar = (
        "How busy EC2, RDS, SageMaker endpoints and Lambda are, and with the CloudWatch agent the memory and the NVIDIA"
        " GPUs of machines. AWS charges for each metric that is read."
    )
    brings: ClassVar = UTILISATION
    refresh_hours: ClassVar = 6
    template: ClassVar = "aws-read-role.yaml"
    template_help: ClassVar = (
        'is a CloudFormation template that asks for the external id, and makes the role: choose "yes" for utilisation.'
    )
    permissions: ClassVar = PERMISSIONS
    asks: ClassVar = "Read metrics"

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The days of each account, by AWS's clock."""
        accounts, now = self.accounts(), self.clients("").now()
        for day, state in days(window.first, now, kept=KEPT, settled=SETTLED):
            for number, role in accounts.items():
                yield RemoteDelivery(f"{number} {day}", f"{role or number}@{day}", state, day.replace(day=1))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A day of an account. Raises ProviderRefusedError when nothing at all could be read."""
        role, _, day = address.rpartition("@")
        account = self.account(role if self.settings.roles else "")
        start, end = stretch(date.fromisoformat(day), account.aws.now())
        hours = list(account.hours(start, end, lambda: progress(0, 0)))
        self._warnings = account.warnings
        if not account.read and account.problems:
            raise account.problems[0]
        return write_hours(hours, folder, progress)

    def account(self, role: str) -> "Metrics":
        return Metrics(self.clients(role), role, listed(self.settings.regions))


class Metrics(Account):
    """One account: what its regions say, and what could not be had."""

    verb: ClassVar = "read"
    said: ClassVar = "Metrics can be listed and read"
    then: ClassVar = ""

    def hours(self, start: datetime, end: datetime, tick: Callable[[], None]) -> Iterator[pl.DataFrame]:
        """Hours of each region; one that could not be read to its end is left out as a whole."""
        for name in self.regions:
            tick()
            try:
                hours = self._hours(self.region(name), start, end, tick)
            except (ProviderRefusedError, ProviderUnavailableError) as error:
                self._leave_out(name, "cloudwatch", "nothing there is measured.", error)
                continue
            self.read += 1
            yield hours

    def questions(self, region: Region) -> Iterator[tuple[str, Callable[[], object]]]:
        """Lists and answers of CloudWatch, and what tells of machines."""
        watch, end = CloudWatch(region), self.aws.now()
        asked = next(iter(MEASURES))
        nobody = ("AWS/EC2", asked.parts[0], (("InstanceId", "i-0"),), asked.statistic)
        yield "cloudwatch", lambda: watch.told(asked)
        yield "cloudwatch", lambda: watch.answers([nobody], end - HOUR, end)
        yield "ec2", lambda: self.aws.call(self.aws.client("ec2", region.name), "describe_instance_types", MaxResults=5)
        for sort in SERVICES.values():
            yield sort.service, lambda sort=sort: region.try_list(sort)  # type: ignore[misc]
        yield "rds", lambda: events(region, "blue-green-deployment", "notification")

    def _hours(self, region: Region, start: datetime, end: datetime, tick: Callable[[], None]) -> pl.DataFrame:
        watch, told = CloudWatch(region), list[Told]()
        for measure in MEASURES:
            told += watch.told(measure)
            tick()
        known = self._machines(region, {one.measure.namespace for one in told if one.measure.per})
        answers = watch.answers((question for one in told for question in one.questions), start, end)
        tick()
        for namespace, machines in known.items():
            of = (one for one in told if one.measure.namespace == namespace)
            self._say_unknown(region.name, namespace, unknown(of, answers, machines))
        return hours_told(told, answers, {name: one for found in known.values() for name, one in found.items()})

    def _say_unknown(self, region: str, namespace: str, resources: set[str]) -> None:
        names = sorted(arn.rpartition("/" if "/" in arn else ":")[2] for arn in resources)
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        if names:
            said = f"Not known all day is what {', '.join(names[:MOST_NAMES])}{more} ran on"
            self.note(region, said, _CHANGED[namespace])

    def _machines(self, region: Region, namespaces: set[str]) -> dict[str, dict[str, Machines]]:
        """By namespace; without those that may not be read."""
        found: dict[str, dict[str, Machines]] = {}
        for namespace in sorted(namespaces):
            try:
                found[namespace] = machines_of(region, namespace)
            except (ProviderRefusedError, ProviderUnavailableError) as error:
                self._leave_out(region.name, SERVICES[namespace].service, _UNMEASURED[namespace], error)
        return found

    def _leave_out(
        self, region: str, service: str, then: str, error: ProviderRefusedError | ProviderUnavailableError
    ) -> None:
        """Leave out what is refused; a fault puts the day off, which is read once when it is complete."""
        if isinstance(error, ProviderUnavailableError) and self.why(region, service, error):
            said = f"{str(error).rstrip('.')} ({self.number}, {region})."
            raise ProviderUnavailableError(said, retry_after=error.retry_after) from error
        self.leave_out(region, service, then, error)
