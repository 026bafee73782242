"""The API of utilisation: how busy things were, what their idleness costs, and the push of points."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Organisation, User
from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.errors import UserError
from apps.core.exact import exact_text
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.parsers import JSONParser
from apps.core.periods import Period
from apps.core.problems import TooLarge
from apps.core.requests import refuse_unknown, remote_address
from apps.costs.parameters import PERIOD_PARAMETERS, Parameters
from apps.utilization import schema
from apps.utilization.parameters import GPU_PARAMETERS, metric, which
from apps.utilization.queries import Gpu, Granularity, Money, Unmatched, fleet, readings_of, unmatched
from apps.utilization.services import push
from collectors.errors import RefusedFileError
from collectors.pushed import MOST_POINTS, PointsRefusedError, read_openmetrics

LARGEST_BODY = 4_000_000
CENT = Decimal("0.01")


class OpenMetricsParser(BaseParser):
    """The exposition text of OpenMetrics, as the rows of a batch."""

    media_type = "application/openmetrics-text"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """As JSON would say it."""
        del media_type, parser_context
        try:
            return {"points": list(read_openmetrics(stream.read().decode()))}
        except (UnicodeDecodeError, RefusedFileError) as error:
            raise exceptions.ParseError(str(error)) from error


class UtilizationView(GenericAPIView[Any]):
    """How busy devices and resources were."""

    permission_classes = [allows(Capability.SEE_COSTS, Capability.PUSH_UTILIZATION)]
    parser_classes = [JSONParser, OpenMetricsParser]
    serializer_class = schema.ReadingSerializer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body that is too large before anything reads it."""
        if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
            raise TooLarge(f"A batch has at most {LARGEST_BODY:,} bytes: send several.")
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="utilization", parameters=schema.UTILIZATION, responses=schema.ReadingSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Average, 95th percentile and maximum by hour or day, oldest first; where nothing was observed is no row."""
        parameters = Parameters(request.query_params)
        refuse_unknown(
            parameters.given, (*PERIOD_PARAMETERS, "resource_id", "device", "metric", "granularity", *PAGE_PARAMETERS)
        )
        found = readings_of(
            parameters.word("granularity", Granularity, Granularity.HOUR),
            parameters.period(_today(), Organisation.current()),
            resource_id=parameters.get("resource_id"),
            device=parameters.get("device"),
            metric=metric(parameters),
            scope=scope_of(request.user),
        )
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(
        operation_id="utilization_push",
        request={"application/json": schema.PushSerializer, OpenMetricsParser.media_type: OpenApiTypes.STR},
        responses={200: schema.PushedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Push points, all or none. The same batch again changes nothing; of a moment the last value counts."""
        rows = request.data.get("points") if isinstance(request.data, dict) else None
        if not isinstance(rows, list):
            raise UserError('Send an object like {"points": [...]}.', field="points")
        if len(rows) > MOST_POINTS:
            raise UserError(f"A batch has at most {MOST_POINTS:,} points: send several.", field="points")
        try:
            made = push(rows, actor=cast("User", request.user), remote_address=remote_address(request))
        except PointsRefusedError as refused:
            raise exceptions.ValidationError(
                {".".join(filter(None, ("points", str(one.row), one.field))): [one.reason] for one in refused.faults}
            ) from refused
        return Response(asdict(made), status=status.HTTP_200_OK)


class GpusView(GenericAPIView[Any]):
    """GPUs, and what they cost."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    serializer_class = schema.GpuSerializer

    @extend_schema(operation_id="gpus", parameters=schema.GPUS, responses=schema.GpuSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every GPU that was measured in the period: how busy it was, who held it, its cost and what of it was idle."""
        parameters, scope = Parameters(request.query_params), scope_of(request.user)
        refuse_unknown(parameters.given, (*GPU_PARAMETERS, *PAGE_PARAMETERS))
        organisation = Organisation.current()
        period, currency = parameters.period(_today(), organisation), parameters.currency(organisation)
        page = self.paginate_queryset(fleet(period, which(parameters), currency=currency, scope=scope))
        reasons = {one.device_id: one for one in unmatched(period, scope=scope)}
        rows = [_gpu(gpu, period, reasons.get(gpu.device.pk)) for gpu in page or []]
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


def _gpu(gpu: Gpu, period: Period, missing: Unmatched | None) -> dict[str, Any]:
    facts = {name: getattr(gpu, name) for name in gpu.__slots__}
    return facts | {
        "money": [_money(one, period) for one in gpu.money],
        "unmatched": missing and missing.reason.value,
        "unmatched_detail": missing.reason.sentence if missing else "",
    }


def _money(of: Money, period: Period) -> dict[str, str]:
    amounts = {name: exact_text(getattr(of, name)) for name in ("cost", "used", "idle", "unallocated")}
    per_day = (of.cost / period.days).quantize(CENT) if period.days else of.cost
    return {"currency": of.currency, "cost_per_day": exact_text(per_day), **amounts}


def _today() -> date:
    return timezone.now().date()


urlpatterns = [
    path("utilization/", UtilizationView.as_view(), name="api-utilization"),
    path("gpus/", GpusView.as_view(), name="api-gpus"),
]
