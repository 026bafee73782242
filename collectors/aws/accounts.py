"""Looking into AWS accounts: a role for each, some regions or all that are enabled, and what could not be had there."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

from pydantic import Field

from collectors.aws.clients import Aws
from collectors.aws.errors import EXPIRED, NOT_ENABLED, NOT_SUBSCRIBED, code_of
from collectors.aws.listing import Region
from collectors.aws.settings import Regions, Roles, Secrets, account_of, clients, external_id, home_of, listed
from collectors.connections import Allowed, Check, Connection, Fields, try_steps
from collectors.errors import CollectorError, ProviderRefusedError, ProviderUnavailableError

MOST_FAULTS: Final = 3
"""Questions that may fail in one look; with more of them AWS as a whole is not well."""

NO_REGION: Final = "The region is not enabled"


class Settings(Fields):
    """Which accounts and regions."""

    roles: Roles = Field(
        "",
        title="Roles",
        description="ARNs of the roles that look, one an account, with commas between them. Empty: the account whose"
        " identity or key is used.",
    )
    regions: Regions = Field(
        "",
        title="Regions",
        description="With commas between them, for example eu-central-1, us-east-1. Empty: all that are enabled.",
    )
    external_id: str = external_id()


class AccountsConnection(Connection):
    """A kind that looks into each of some accounts."""

    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    permissions: ClassVar[tuple[str, ...]]
    asks: ClassVar[str]  # what a test calls asking all that it asks

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._asked: list[Aws] = []
        self._warnings: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return sum(aws.calls for aws in self._asked)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be had although the rest could."""
        return self._warnings

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:  # noqa: ARG003 - the same for every account
        """IAM policy of each role or user: what is asked, nothing else."""
        statement = {"Effect": "Allow", "Action": list(cls.permissions), "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The accounts and regions."""
        accounts = ", ".join(map(account_of, listed(settings["roles"]))) or "the account of its own identity"
        return f"{accounts}: {settings['regions'] or 'all regions'}"

    def check(self) -> Iterator[Check]:
        """Sign in, take on each role, list the regions, and ask everything once in the first of them."""
        steps: list[tuple[str, Callable[[], str]]] = [("Sign in to AWS", self.clients("").identity)]
        for role in listed(self.settings.roles) or ("",):
            account = self.account(role)
            of = f" of {account_of(role)}" if role else ""
            if role:
                steps.append((f"Take on the role{of}", account.aws.take_role))
            steps.append((f"List the regions{of}", account.list_regions))
            steps.append((f"{self.asks}{of}", account.try_each))
        yield from try_steps(steps)

    @abstractmethod
    def account(self, role: str) -> "Account":
        """The account of a role, or with none that of the identity or key."""

    def accounts(self) -> dict[str, str]:
        """Numbers of the accounts, each with its role: empty for that of the identity or key."""
        roles = listed(self.settings.roles)
        return {account_of(role): role for role in roles} or {account_of(self.clients("").identity()): ""}

    def clients(self, role: str) -> Aws:
        """Clients of an account, by its role."""
        regions = listed(self.settings.regions)
        made = clients(
            self.secrets,
            region=regions[0] if regions else home_of(role),
            role=role,
            external_id=self.settings.external_id,
        )
        self._asked.append(made)
        return made


@dataclass
class Account(ABC):
    """One account: whom one asks of it, and what could not be had."""

    verb: ClassVar[str]  # what is done with all that is asked
    said: ClassVar[str]  # that it can be done
    then: ClassVar[str]  # what follows where it cannot

    aws: Aws
    role: str  # empty: the account of the identity
    wanted: tuple[str, ...]  # regions; none: all
    read: int = 0  # questions that were answered to their end
    problems: list[CollectorError] = field(default_factory=list)
    _left_out: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _faults: int = 0

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Those that were named, else all that are enabled."""
        if self.wanted:
            return self.wanted
        found = self.aws.call(self.aws.client("ec2"), "describe_regions")["Regions"]
        return tuple(sorted(one["RegionName"] for one in found))

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each permission or fault, with the regions that it was met in."""
        return tuple(
            f"{what} in {self.number} ({', '.join(regions)}): {then}"
            for (what, then), regions in self._left_out.items()
        )

    @abstractmethod
    def questions(self, region: Region) -> Iterator[tuple[str, Callable[[], object]]]:
        """All that is asked, once each, with the service that is asked."""

    def try_each(self) -> str:
        """Ask everything in one region. Raises ProviderRefusedError that names all that is missing."""
        region = self.region(self.regions[0])
        missing: dict[str, ProviderRefusedError] = {}
        for service, ask in self.questions(region):
            try:
                ask()
            except (ProviderRefusedError, ProviderUnavailableError) as error:
                why = self.why(region.name, service, error)
                if why and isinstance(error, ProviderUnavailableError):
                    raise
                if why and isinstance(error, ProviderRefusedError):
                    missing.setdefault(why, error)
        if missing:
            raise ProviderRefusedError(
                f"Not everything can be {self.verb} in {self.number} ({region.name}): {', '.join(missing)}. Add what is"
                f" missing to the policy of the role or user{self.then}.",
                permission=next(iter(missing.values())).permission,
            )
        return f"{self.said} in {region.name}."

    def region(self, name: str) -> Region:
        """One of its regions."""
        return Region(self.aws, self.number, self.partition, name)

    def list_regions(self) -> str:
        """The regions in words."""
        return ", ".join(self.regions)

    def leave_out(
        self, region: str, service: str, then: str, error: ProviderRefusedError | ProviderUnavailableError
    ) -> None:
        """Note why something is left out, and what follows (`then`) where the region itself can be asked.

        Raises the error when credentials are over, AWS asks for patience, or as a whole is not well.
        """
        if code_of(error) in EXPIRED:
            raise error
        why = self.why(region, service, error)
        if not why:
            return
        if isinstance(error, ProviderUnavailableError):
            self._faults += 1
            if error.retry_after is not None or self._faults > MOST_FAULTS:
                raise error
        self.problems.append(error)
        self.note(region, why, "nothing there is listed." if why == NO_REGION else then)

    def note(self, region: str, why: str, then: str) -> None:
        """Remember a sentence of `warnings`: what is missing in a region, and what follows."""
        regions = self._left_out.setdefault((why, then), [])
        if region not in regions:
            regions.append(region)

    def why(self, region: str, service: str, error: ProviderRefusedError | ProviderUnavailableError) -> str:
        """Why something cannot be had, empty when there can be nothing."""
        code = code_of(error)
        if code in NOT_SUBSCRIBED:
            return ""
        if isinstance(error, ProviderUnavailableError):
            return str(error).rstrip(".") if self.aws.is_offered(service, region) else ""
        if error.permission:
            return f"{error.permission} is missing"
        return NO_REGION if code in NOT_ENABLED else str(error).rstrip(".")

    @cached_property
    def arn(self) -> str:
        """Of its role, or of the identity."""
        return self.role or self.aws.identity()

    @property
    def number(self) -> str:
        """As bills name it."""
        return account_of(self.arn)

    @property
    def partition(self) -> str:
        """The second part of its ARNs."""
        return self.arn.split(":")[1]
