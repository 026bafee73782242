"""Live sources: what a kind of connection does and needs to be told, and the registry of kinds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, field_validator

from collectors.errors import CollectorError

KINDS: Final[dict[str, str]] = {
    "aws-exports": "collectors.aws.connection:AwsExports",
    "aws-inventory": "collectors.aws.inventory:AwsInventory",
    "aws-prices": "collectors.aws.prices:AwsPrices",
    "aws-cloudwatch": "collectors.aws.metrics:AwsCloudWatch",
    "s3-files": "collectors.aws.files:S3Files",
    "azure-exports": "collectors.azure.connection:AzureExports",
    "azure-monitor": "collectors.azure.metrics:AzureMonitor",
    "azure-files": "collectors.azure.files:AzureFiles",
    "azure-inventory": "collectors.azure.inventory:AzureInventory",
    "azure-prices": "collectors.azure.prices:AzurePrices",
    "oci-reports": "collectors.oci.reports:OciReports",
    "oci-inventory": "collectors.oci.inventory:OciInventory",
    "gcp-bigquery": "collectors.gcp.connection:GcpBigQuery",
    "gcp-inventory": "collectors.gcp.inventory:GcpInventory",
    "gcp-prices": "collectors.gcp.prices:GcpPrices",
    "gcp-monitoring": "collectors.gcp.metrics:GcpMonitoring",
    "gcs-files": "collectors.gcp.files:GcsFiles",
    "openai": "collectors.openai.connection:OpenAiCosts",
    "anthropic": "collectors.anthropic.connection:AnthropicCosts",
    "kubernetes": "collectors.kubernetes.connection:KubernetesCluster",
    "prometheus": "collectors.exporters.connection:Exporters",
    "https": "collectors.https.connection:HttpsFile",
    "folder": "collectors.folder.connection:Folder",
}
"""Where the class of each kind is; a module is imported when its kind is used, and its SDK when it is called."""

BILLS: Final = "Bills"
INVENTORY: Final = "What exists"
PRICES: Final = "List prices"
KUBERNETES: Final = "Kubernetes"
UTILISATION: Final = "Utilisation"
BRINGS: Final = (BILLS, INVENTORY, PRICES, KUBERNETES, UTILISATION)
"""What connections bring, in the order in which pages group them."""
LONGEST_TEXT: Final = 10_000
Network = IPv4Network | IPv6Network
Progress = Callable[[int, int], None]
"""Told bytes so far and bytes in all (0: not known); raises to stop the transfer."""


@dataclass(frozen=True, slots=True)
class Window:
    """The billing periods that are looked at: that of `first` and later ones."""

    first: date

    def holds(self, billing_period: date | None) -> bool:
        """Whether a period, named by its first day, is looked at; what has none always is."""
        return billing_period is None or billing_period >= self.first.replace(day=1)


@dataclass(frozen=True, slots=True)
class RemoteDelivery:
    """A bill as the provider has it: a billing period's, or one of a location that knows no periods."""

    name: str  # one delivery of this name is collected at a time
    address: str  # where it is; all that `fetch` needs to know
    fingerprint: str  # differs when the content does; empty where only the content itself tells
    billing_period: date | None = None
    is_empty: bool = False  # it says that there is nothing: of use only where something was collected before


@dataclass(frozen=True, slots=True)
class Covers:
    """What a delivery says all of: what an earlier one of its name said there, and it does not, was taken back."""

    parts: frozenset[str] | None = None  # `bill_part` of charges; None: all that its name is about


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a connection test: what was tried, whether it went well, and what was seen or is missing."""

    step: str
    ok: bool
    says: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator of this server allows connections to reach."""

    folders: tuple[Path, ...] = ()
    networks: tuple[Network, ...] = ()  # private ones; public addresses need no leave
    max_bytes: int = 2_000_000_000  # of a file that is fetched from a web address


class Fields(BaseModel):
    """What a kind needs to be told. Forms are made of it: titles, descriptions and choices are what people read."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_kept(cls, value: object) -> object:
        if isinstance(value, str) and (len(value) > LONGEST_TEXT or not value.isprintable()):
            raise ValueError(f"It is longer than {LONGEST_TEXT:,} characters, or holds one that cannot be printed.")
        return value


class NoSecrets(Fields):
    """A kind that needs none."""


class Connection(ABC):
    """One kind of source, told where to look. It lists what there is and fetches it; it never reads a bill."""

    kind: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    Settings: ClassVar[type[Fields]]
    Secrets: ClassVar[type[Fields]] = NoSecrets
    brings: ClassVar[str] = BILLS  # one of BRINGS
    template: ClassVar[str] = ""  # file in deploy/ that makes what the policy needs
    template_help: ClassVar[str] = ""  # what that file is, as the rest of a sentence that begins with its name
    refresh_hours: ClassVar[int] = 24  # how often it is looked at unless somebody chooses otherwise
    holds_latest: ClassVar[bool] = (
        True  # whether what it shows is the provider's last word, also when it was seen before
    )
    covers: Covers | None = None  # of the last `fetch`; None: it speaks of what it holds alone

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        self.settings = settings
        self.secrets = secrets
        self.allowed = allowed

    @property
    def calls(self) -> int:
        """How often the provider was asked."""
        return 0

    @property
    def warnings(self) -> Sequence[str]:
        """What could not be had of the last `remote` or `fetch` although the rest could: sentences for people."""
        return ()

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:  # noqa: ARG003 - kinds that have one read them
        """The least that the provider has to grant, ready to be pasted; `settings` may be incomplete."""
        return ""

    @classmethod
    @abstractmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """Where it looks, in one line."""

    @abstractmethod
    def check(self) -> Iterator[Check]:
        """Try what collecting needs, step by step, up to the first that fails."""

    @abstractmethod
    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """What there is, oldest first. Raises ProviderRefusedError or ProviderUnavailableError."""

    @abstractmethod
    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """Copy one delivery into an empty folder; the manifest, file or folder by which it can be found there.

        Raises ProviderUnavailableError when it is incomplete or changes while it is being read.
        """


def kind_of(name: str) -> type[Connection]:
    """The class of a kind. Raises KeyError for one that there is not."""
    module, _, attribute = KINDS[name].partition(":")
    found: type[Connection] = getattr(import_module(module), attribute)
    return found


def try_steps(steps: Iterable[tuple[str, Callable[[], str]]]) -> Iterator[Check]:
    """Call each step; what it returns or raises is what the check says. Ends with the first that fails."""
    for name, step in steps:
        try:
            said = step()
        except CollectorError as error:
            yield Check(name, False, str(error))
            return
        yield Check(name, True, said)
