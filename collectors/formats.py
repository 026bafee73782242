"""The registry of formats: which one a header belongs to, and the one sentence for those that are refused."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collectors.answers import CostApi
from collectors.anthropic.costs import Anthropic
from collectors.aws.columns import CUR_REQUIRED, is_cur_2, squashed
from collectors.aws.costs import CUR_2, CUR_LEGACY, CurCosts
from collectors.azure.columns import AZURE_REQUIRED, plain_name
from collectors.azure.costs import AZURE, AzureCosts
from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.files import FoundDelivery
from collectors.focus.costs import FOCUS_REQUIRED, FocusCosts
from collectors.focus.versions import cost_and_usage_version, other_dataset
from collectors.gcp.columns import GCP_REQUIRED
from collectors.gcp.columns import squashed as gcp_name
from collectors.gcp.costs import GCP, GcpCosts
from collectors.kubernetes import openshift
from collectors.kubernetes_usage import KUBERNETES_USAGE
from collectors.model_costs import ModelCosts
from collectors.oci.costs import OCI_COSTS, OCI_REQUIRED, OciCosts
from collectors.oci.focus import REFERENCE, OciFocus
from collectors.openai.costs import OpenAi
from collectors.prices import PRICES
from collectors.records import RecordBatch, RecordSet, read_records, spell
from collectors.resources import RESOURCES
from collectors.rows import Adapter
from collectors.tenancy import TENANCY
from collectors.utilization import UTILIZATION

RecordReader = Callable[[FoundDelivery, RecordSet], Iterator[RecordBatch]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be imported: of bills, or of `records`, which `read` reads.

    `adapter` turns a header of a bill (and a first row) into what reads its rows.
    """

    name: str
    adapter: Callable[..., Adapter] | None = None
    needs_first_row: bool = False
    records: RecordSet | None = None
    read: RecordReader = read_records


@dataclass(frozen=True, slots=True)
class _Family:
    """One kind of header: what it must have, spelt by `spell`, and which format of the family it is."""

    name: str
    required: tuple[str, ...]
    spell: Callable[[str], str]
    format: Callable[[Sequence[str]], Format]


def _focus(header: Sequence[str]) -> Format:
    name = f"FOCUS {cost_and_usage_version(header)}"
    if REFERENCE in map(str.lower, header):
        return Format(name, OciFocus, needs_first_row=True)
    return Format(name, FocusCosts)


def _cur(header: Sequence[str]) -> Format:
    return Format(CUR_2 if is_cur_2(header) else CUR_LEGACY, CurCosts)


def _gcp(header: Sequence[str]) -> Format:
    del header
    return Format(GCP, GcpCosts)


def _oci(header: Sequence[str]) -> Format:
    del header
    return Format(OCI_COSTS, OciCosts, needs_first_row=True)


def _azure(header: Sequence[str]) -> Format:
    del header
    return Format(AZURE, AzureCosts)


def _openshift(header: Sequence[str]) -> Format:
    del header
    return Format(openshift.FORMAT, records=KUBERNETES_USAGE, read=openshift.read_pod_usage)


def _records(records: RecordSet) -> _Family:
    return _Family(records.format, records.required, spell, lambda _: Format(records.format, records=records))


FAMILIES: Final = (
    _Family("FOCUS", FOCUS_REQUIRED, str.lower, _focus),
    _Family("AWS CUR", CUR_REQUIRED, squashed, _cur),
    _Family(AZURE, AZURE_REQUIRED, plain_name, _azure),
    _Family(GCP, GCP_REQUIRED, gcp_name, _gcp),
    _Family(OCI_COSTS, OCI_REQUIRED, str.lower, _oci),
    _Family(openshift.FORMAT, openshift.REQUIRED, openshift.spell, _openshift),
    *(_records(records) for records in (RESOURCES, PRICES, KUBERNETES_USAGE, UTILIZATION, TENANCY)),
)

APIS: Final[tuple[CostApi, ...]] = (OpenAi(), Anthropic())
"""Cost APIs whose answers can be imported, saved as JSON; what they say needs no header to be told."""

SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def recognise(header: Sequence[str], name: str) -> Format:
    """The format of a table by its header alone.

    Raises UnknownFormatError naming the columns that are missed, RefusedFileError for what is known and not imported.
    """
    for family in FAMILIES:
        if not _missing(family, header):
            return family.format(header)
    if dataset := other_dataset(header):
        raise RefusedFileError(f"{name} is a {dataset} file; only Cost and Usage can be imported for now.")
    if report := openshift.other_report(header):
        raise RefusedFileError(
            f"{name} is OpenShift's {report}: a node's bill is divided by its pod usage, so import the file whose name"
            " ends in pod_usage."
        )
    if separator := _separator(header):
        raise RefusedFileError(f"{name} is separated by {separator}: save it with commas.")
    raise UnknownFormatError(_unknown(header, name))


def format_of_answers(api: CostApi) -> Format:
    """The format of the tables that collectors.model_costs makes of a vendor's answers."""
    return Format(api.format, lambda _: ModelCosts(api.provider, api.sub_account_type))


def _separator(header: Sequence[str]) -> str:
    """What stands between the columns of a known format where commas should, empty when it is not that."""
    for mark, called in SEPARATORS.items():
        columns = [column.strip(' "') for column in ",".join(header).split(mark)]
        if not all(_missing(family, columns) for family in FAMILIES):
            return called
    return ""


def _missing(family: _Family, header: Sequence[str]) -> list[str]:
    present = {family.spell(column) for column in header}
    return [column for column in family.required if family.spell(column) not in present]


def _unknown(header: Sequence[str], name: str) -> str:
    nearest = min(FAMILIES, key=lambda family: len(_missing(family, header)) / len(family.required))
    missing = _missing(nearest, header)
    if len(missing) == len(nearest.required):
        known = ", ".join(family.name for family in FAMILIES)
        return f"{name} has none of the columns of a known format ({known})."
    return f"{name} looks most like {nearest.name} but misses {', '.join(missing)}."
