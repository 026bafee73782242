"""What the page of GPUs is steered with: its parameters, and the choices of its controls."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, Literal, Self

from django.utils.datastructures import MultiValueDict

from apps.accounts.models import Organisation, Team
from apps.accounts.scope import Scope
from apps.clusters.page import Address
from apps.core.periods import Period
from apps.core.requests import refuse_unknown
from apps.costs.parameters import DEFAULT_PERIOD, PERIOD_PARAMETERS, ParameterError, Parameters
from apps.costs.views.controls import Choice, DayMenu, Stretch, day_menu
from apps.utilization.parameters import GPU_PARAMETERS, which
from apps.utilization.queries import Gpus, devices

PATH: Final = "/gpus/"
METRICS: Final = {"gpu": "Utilisation", "gpu_memory": "Memory", "power_watts": "Power", "tensor": "Tensor cores"}
FILTERS: Final = {"team": "Team", "model": "Model", "cluster": "Cluster", "node": "Node", "search": "Search"}
OF_THE_PAGE: Final = ("metric", "by", "kind", "page", "list")
ROWS_BY_GPU: Final = 100
"""With more GPUs the heatmap has a row for each node, unless GPUs are asked for."""


class Rows(StrEnum):
    """What a row of the heatmap is."""

    AUTOMATIC = ""
    GPU = "gpu"
    NODE = "node"


class Kind(StrEnum):
    """Which GPUs the list tells of."""

    ALL = ""
    CARD = "card"
    SLICE = "slice"
    SHARED = "shared"


KINDS: Final = {
    Kind.ALL: "All",
    Kind.CARD: "Whole cards",
    Kind.SLICE: "MIG slices",
    Kind.SHARED: "Shared in turns",
}


class PageAddress(Address):
    """The parameters of the page of GPUs."""

    def path(self, path: str = PATH, **changes: str) -> str:
        """The address with other values; an empty one leaves its parameter out."""
        return self.with_(changes, path)

    def query(self) -> str:
        """The parameters alone."""
        return self.path().partition("?")[2]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the page."""

    period: Period
    which: Gpus
    currency: str
    metric: str
    by: Rows
    kind: Kind

    def by_of(self, count: int) -> Literal["gpu", "node"]:
        """What a row of the heatmap is with so many GPUs."""
        if self.by is Rows.AUTOMATIC:
            return "gpu" if count <= ROWS_BY_GPU else "node"
        return "gpu" if self.by is Rows.GPU else "node"

    def as_billed(self) -> Self:
        """The same without a conversion of amounts."""
        return replace(self, currency="")


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to choose from."""

    teams: dict[str, str]
    models: list[str]
    clusters: list[str]


@dataclass(frozen=True, slots=True)
class Controls:
    """The options of every control, and the filters that are on with the way to be rid of them."""

    period: DayMenu
    selects: list[tuple[str, str, list[Choice]]]
    metric: list[Choice]
    by: list[Choice]
    kinds: list[Stretch]
    filters: list[Stretch]
    hidden: list[tuple[str, str]]


def asked(given: "MultiValueDict[str, str]", *, today: date, organisation: Organisation) -> Asked:
    """The question. Raises UserError with the `field` that cannot be used."""
    parameters = Parameters(given)
    refuse_unknown(given, (*GPU_PARAMETERS, *OF_THE_PAGE))
    metric = parameters.get("metric") or "gpu"
    if metric not in METRICS:
        raise ParameterError(f"{metric!r} is no metric of GPUs. Use one of: {', '.join(METRICS)}.", field="metric")
    return Asked(
        period=parameters.period(today, organisation),
        which=which(parameters),
        currency=parameters.currency(organisation),
        metric=metric,
        by=parameters.word("by", Rows, Rows.AUTOMATIC),
        kind=parameters.word("kind", Kind, Kind.ALL),
    )


def choices(scope: Scope) -> Known:
    """The teams, models and clusters of the GPUs that a reader may see."""
    found = devices(Gpus(), scope=scope).exclude(model="", device="").order_by().values_list("model", "cluster")
    pairs = list(found.distinct())
    teams = Team.objects.all() if scope.teams is None else Team.objects.filter(slug__in=scope.teams)
    return Known(
        teams=dict(teams.order_by("name").values_list("slug", "name")),
        models=sorted({model for model, _ in pairs}),
        clusters=sorted({cluster for _, cluster in pairs} - {""}),
    )


def controls(question: Asked, address: PageAddress, known: Known, organisation: Organisation, today: date) -> Controls:
    """The controls as this question sets them."""
    options = {
        "team": known.teams,
        "model": {name: name or "Not told" for name in known.models if name},
        "cluster": {name: name for name in known.clusters},
    }
    now = {name: getattr(question.which, name) for name in FILTERS}
    return Controls(
        period=_period(question.period, address, organisation, today),
        selects=[(name, FILTERS[name], _choices({"": "All"} | found, now[name])) for name, found in options.items()],
        metric=_choices(METRICS, question.metric),
        by=_choices({"": "By itself", "gpu": "GPUs", "node": "Nodes"}, question.by),
        kinds=[
            Stretch(text, "", address.path(kind=kind, list=""), question.kind is kind) for kind, text in KINDS.items()
        ],
        filters=[
            Stretch(title, options.get(name, {}).get(now[name], now[name]), _without(address, name), is_chosen=True)
            for name, title in FILTERS.items()
            if now[name]
        ],
        hidden=address.besides("team", "model", "cluster", "metric", "by", "page", "list"),
    )


def _without(address: PageAddress, name: str) -> str:
    return address.with_({name: "", "page": "", "list": ""}, PATH)


def _period(period: Period, address: PageAddress, organisation: Organisation, today: date) -> DayMenu:
    def url(name: str) -> str:
        return address.path(period=name, start="", end="", page="", list="")

    named = "" if address.parameters.get("start") else address.parameters.get("period", DEFAULT_PERIOD)
    hidden = address.besides(*PERIOD_PARAMETERS, "page", "list")
    return day_menu(period, named, url, hidden, organisation=organisation, today=today)


def _choices(options: "dict[str, str]", chosen: str) -> list[Choice]:
    return [Choice(value, text, value == chosen) for value, text in options.items()]
