"""The API of costs: what they add up to, the charges behind that, as FOCUS files, and exchange rates."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.http import StreamingHttpResponse
from django.urls import include, path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.generics import ListAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import Organisation, User
from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core.exact import exact_text
from apps.core.requests import remote_address
from apps.core.time_limit import unlimited
from apps.costs import rates, schema
from apps.costs.export import FocusExport, Format
from apps.costs.focus import Version
from apps.costs.models import ExchangeRate
from apps.costs.parameters import MAX_LIMIT, PERIOD_PARAMETERS, Parameters, YesNo, cost_query
from apps.costs.queries import (
    ChargeList,
    ChargeOrder,
    CostQuery,
    CostRow,
    CostTable,
    CostTotal,
    Freshness,
    Granularity,
    cost_leaves,
    cost_table,
    freshness,
)
from apps.costs.screen import ScreenExport


class CostsView(APIView):
    """Cost by dimension and date."""

    permission_classes = [allows(Capability.SEE_COSTS)]

    @extend_schema(operation_id="costs", parameters=schema.COSTS, responses=schema.CostsSerializer)
    def get(self, request: Request) -> Response:
        """Cost of a period by up to three dimensions, compared and converted. Rows add up to `total` exactly."""
        today, scope = timezone.now().date(), scope_of(request.user)
        query = cost_query(request.query_params, today=today, organisation=Organisation.current())
        table = cost_table(query, scope=scope)
        return Response(
            {
                "meta": _meta(table, freshness(today=today, scope=scope), today, scope),
                "total": _money(table.total),
                "totals": [_total(total) for total in table.totals],
                "rows": [_row(query, row) for row in table.rows],
            }
        )


class ChargesView(ListAPIView[Any]):
    """The charges behind a cost."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    serializer_class = schema.ChargeSerializer

    @extend_schema(operation_id="charges", parameters=schema.CHARGES)
    def get(self, request: Request) -> Response:
        """Charges of a period, as billed, with the delivery and the row that each came from."""
        return self.list(request)

    def get_queryset(self) -> Any:
        """The charges that the parameters ask for; the caller's scope holds here too."""
        parameters = Parameters(self.request.query_params)
        parameters.refuse_others((*PERIOD_PARAMETERS, "order_by", "page", "page_size"))
        return ChargeList(
            period=parameters.period(timezone.now().date(), Organisation.current()),
            scope=scope_of(self.request.user),
            filters=parameters.filters(),
            order_by=parameters.word("order_by", ChargeOrder, ChargeOrder.DEAREST),
        )


class OneAnswer(BaseContentNegotiation):
    """For downloads: what comes is chosen by a parameter of theirs, so neither Accept nor `format` picks a renderer."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The first one; nothing is sent."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one, for problems."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ExportView(APIView):
    """Costs as FOCUS files."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    content_negotiation_class = OneAnswer

    @extend_schema(operation_id="costs_export", parameters=schema.EXPORT, responses=schema.EXPORTED)
    def get(self, request: Request) -> StreamingHttpResponse:
        """What was charged in a period as FOCUS Cost and Usage rows, as billed, streamed; only a header when nothing.

        A download that breaks off is one that failed: its last chunk is missing.
        """
        parameters, today, scope = Parameters(request.query_params), timezone.now().date(), scope_of(request.user)
        parameters.refuse_others((*PERIOD_PARAMETERS, "format", "version"))
        format_ = parameters.word("format", Format, Format.CSV)
        found = FocusExport(
            period=parameters.period(today, Organisation.current()),
            scope=scope,
            filters=parameters.filters(),
            version=parameters.word("version", Version, Version.V1_2),
        )
        name = found.file_name(format_, freshness(today=today, scope=scope).day)
        return _download(unlimited(found.chunks(format_)), format_, name)


class TableView(APIView):
    """The table of a page as a file."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    content_negotiation_class = OneAnswer

    @extend_schema(operation_id="costs_table", parameters=schema.TABLE, responses=schema.EXPORTED)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Cost by up to three dimensions, nested, as a file: the groups of the last level and the rest of each parent.

        `row` says what a line is: `group`, `other` or (in csv alone) `total`; the first two add up to it exactly.
        """
        given, today, scope = request.query_params, timezone.now().date(), scope_of(request.user)
        besides = ("children", "format", "header")
        query = cost_query(given, today=today, organisation=Organisation.current(), besides=besides)
        parameters = Parameters(given)
        children = parameters.number("children", MAX_LIMIT)
        format_ = parameters.word("format", Format, Format.CSV)
        comments = parameters.word("header", YesNo, YesNo.YES) is YesNo.YES
        found = cost_leaves(query, children=children, scope=scope)
        table = ScreenExport(found, freshness(today=today, scope=scope).day, given)
        return _download(table.chunks(format_, comments=comments), format_, table.file_name(format_))


class RateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ExchangeRate]):
    """Exchange rates by calendar month."""

    permission_classes = [allows(Capability.SEE_COSTS, Capability.MANAGE_RATES)]
    serializer_class = schema.RateSerializer
    queryset = rates.rates()

    @extend_schema(responses={201: schema.RateSerializer})
    def create(self, request: Request) -> Response:
        """Set the rate of two currencies and a month, whether or not there is one."""
        new = self.get_serializer(data=request.data)
        new.is_valid(raise_exception=True)
        rate = rates.set_rate(rate=rates.Rate.parse(new.validated_data), **_who(request))
        return Response(self.get_serializer(rate).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a rate; costs of its month can no longer be converted."""
        rates.delete_rate(exchange_rate=self.get_object(), **_who(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _download(chunks: Iterable[bytes], format_: Format, name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        chunks,
        content_type=format_.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _who(request: Request) -> dict[str, Any]:
    """What the audit log wants to know about the caller, whom the view's permission has let in."""
    return {"actor": cast("User", request.user), "remote_address": remote_address(request)}


def _meta(table: CostTable, fresh: Freshness, today: date, scope: Scope) -> dict[str, Any]:
    query = table.query
    return {
        "start": query.period.first,
        "end": query.period.last,
        "granularity": query.granularity,
        "group_by": [dimension.name for dimension in query.group_by],
        "metric": query.metric,
        "currency": table.currency,
        "compare": {"start": query.compare.first, "end": query.compare.last} if query.compare else None,
        "limit": query.limit,
        "order_by": query.order_by,
        "partial_from": max(today, query.period.first) if query.period.last >= today else None,
        "as_of": fresh.day,
        "may_change_from": fresh.changes_from(),
        "providers": [{"provider": one.provider, "as_of": one.day} for one in fresh.providers],
        "sources": [
            {
                "name": one.source if scope.teams is None else None,
                "provider": one.provider,
                "as_of": one.day,
                "loaded_at": one.loaded_at,
                "days_may_change": one.days_may_change,
            }
            for one in fresh.sources
        ],
    }


def _total(total: CostTotal) -> dict[str, Any]:
    return {
        "currency": total.currency,
        **_amounts(total),
        "long_charges": _money(total.long),
        "groups": total.groups,
    }


def _row(query: CostQuery, row: CostRow) -> dict[str, Any]:
    keys = row.keys or (None,) * len(query.group_by)
    shown: dict[str, Any] = {"keys": {one.name: key for one, key in zip(query.group_by, keys, strict=True)}}
    if query.granularity is not Granularity.NONE:
        shown["date"] = row.date
    rest = {"other": True, "groups": row.groups} if row.keys is None else {}
    return {**shown, "currency": row.currency, **_amounts(row), **rest}


def _amounts(of: CostRow | CostTotal) -> dict[str, str | None]:
    """The amounts that the question asked for."""
    amounts = {"cost": of.cost, "previous": of.previous, "delta": of.delta, "unpriced": of.unpriced}
    return {name: _money(amount) for name, amount in amounts.items() if amount is not None}


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else exact_text(amount)


router = SimpleRouter()
router.register("exchange-rates", RateViewSet, basename="api-exchange-rate")
urlpatterns = [
    path("costs/", CostsView.as_view(), name="api-costs"),
    path("costs/export/", ExportView.as_view(), name="api-costs-export"),
    path("costs/table/", TableView.as_view(), name="api-costs-table"),
    path("costs/charges/", ChargesView.as_view(), name="api-charges"),
    path("", include(router.urls)),
]
