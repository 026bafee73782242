"""What exists in AWS accounts: every type in every region, as files of RESOURCES; one delivery an account."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Final

from collectors.aws.accounts import Account, AccountsConnection
from collectors.aws.errors import is_silent
from collectors.aws.listing import Region, Row
from collectors.aws.settings import listed
from collectors.aws.sorts_ec2 import EC2
from collectors.aws.sorts_managed import MANAGED
from collectors.connections import INVENTORY, Progress, RemoteDelivery, Window
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.records import write_records
from collectors.resources import RESOURCES

SORTS: Final = EC2 + MANAGED
PERMISSIONS: Final = (
    "account:GetAccountInformation",
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeAddresses",
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
    "ec2:DescribeSnapshots",
    "ec2:DescribeVolumes",
    "eks:DescribeCluster",
    "eks:DescribeNodegroup",
    "eks:ListClusters",
    "eks:ListNodegroups",
    "lambda:ListFunctions",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "s3:ListAllMyBuckets",
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:ListEndpoints",
    "sagemaker:ListNotebookInstances",
    "tag:GetResources",
)


class AwsInventory(AccountsConnection):
    """Machines, disks, snapshots, addresses, databases, endpoints, notebooks, clusters, functions and buckets."""

    kind: ClassVar = "aws-inventory"
    title: ClassVar = "AWS inventory"
    help: ClassVar = "What exists in AWS accounts, with state and tags: EC2, EBS, RDS, SageMaker, EKS, Lambda and S3."
    brings: ClassVar = INVENTORY
    refresh_hours: ClassVar = 1
    template: ClassVar = "aws-read-role.yaml"
    template_help: ClassVar = (
        'is a CloudFormation template that asks for the external id, and makes the role: choose "yes" for inventory.'
    )
    permissions: ClassVar = PERMISSIONS
    asks: ClassVar = "List what exists"

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - what exists has no period
        """The accounts; only listing everything tells whether something has changed."""
        for number, role in self.accounts().items():
            yield RemoteDelivery(number, role or number, "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """Everything in an account. Raises ProviderRefusedError when nothing at all could be listed."""
        account = self.account(address if self.settings.roles else "")
        path = write_records(RESOURCES, account.rows(lambda: progress(0, 0)), folder)
        self._warnings = account.warnings
        if not account.read and account.problems:
            raise account.problems[0]
        size = path.stat().st_size
        progress(size, size)
        return path

    def account(self, role: str) -> "Inventory":
        return Inventory(self.clients(role), role, listed(self.settings.regions))


class Inventory(Account):
    """One account: what is listed of it, and what could not be."""

    verb: ClassVar = "listed"
    said: ClassVar = f"All {len(SORTS)} types can be listed"
    then: ClassVar = "; until then its list is left out"

    def rows(self, tick: Callable[[], None]) -> Iterator[Row]:
        """All that exists; a list that could not be read to its end is left out as a whole."""
        for region in map(self.region, self.regions):
            yield from self._rows_in(region, tick)

    def _rows_in(self, region: Region, tick: Callable[[], None]) -> Iterator[Row]:
        """All that exists in a region, up to where nothing there answers any more."""
        for sort in SORTS:
            tick()
            try:
                rows = list(region.rows(sort))
            except (ProviderRefusedError, ProviderUnavailableError) as error:
                gone = is_silent(error)
                then = "what follows there is" if gone else f"{sort.resource_type}s there are"
                self.leave_out(region.name, sort.service, f"{then} not listed.", error)
                if gone:
                    return
                continue
            self.read += 1
            yield from ({**row, "sub_account_name": self.name} for row in rows)
            yield region.end_of(sort)

    @cached_property
    def name(self) -> str:
        """As people call the account; empty where AWS does not tell."""
        try:
            said = self.aws.call(self.aws.client("account"), "get_account_information")
        except (ProviderRefusedError, ProviderUnavailableError) as error:
            missing = f"{permission} is missing" if (permission := getattr(error, "permission", "")) else str(error)
            self.note("global", missing.rstrip("."), "the account is shown by its number alone.")
            return ""
        return str(said.get("AccountName") or "")

    def questions(self, region: Region) -> Iterator[tuple[str, Callable[[], object]]]:
        """Each list, for its first resource."""
        for sort in SORTS:
            yield sort.service, partial(region.try_list, sort)
