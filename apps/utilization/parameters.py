"""What the parameters of an address ask of utilisation: the API and the pages read them here, in the same words."""

from dataclasses import fields
from typing import Final

from apps.costs.parameters import PERIOD_PARAMETERS, ParameterError, Parameters
from apps.utilization.queries import Gpus
from collectors.utilization import METRICS

GPU_FILTERS: Final = tuple(field.name for field in fields(Gpus))
GPU_PARAMETERS: Final = (*PERIOD_PARAMETERS, *GPU_FILTERS, "currency")


def which(parameters: Parameters) -> Gpus:
    """The filters of an address."""
    return Gpus(**{name: parameters.get(name).strip() for name in GPU_FILTERS})


def metric(parameters: Parameters) -> str:
    """A name of METRICS; empty when none is given. Raises ParameterError."""
    name = parameters.get("metric")
    if name and name not in METRICS:
        raise ParameterError(f"{name!r} is not a metric. Use one of: {', '.join(METRICS)}.", field="metric")
    return name
