"""The API of clusters: what their nodes' bills are made of, and by which prices they are divided."""

from typing import Any, cast

from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import Organisation, User
from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.clusters.dimensions import NAMES
from apps.clusters.models import Prices
from apps.clusters.parameters import Asked, Granularity, KnownMetric, asked
from apps.clusters.queries import ClusterCosts, Idle, NodeMatches, Reason, cluster_costs, node_matches
from apps.clusters.services import read_price, set_prices
from apps.clusters.table import Row, table
from apps.clusters.wording import REASONS
from apps.core.exact import ExactField, exact_text
from apps.core.periods import PERIOD_NAMES
from apps.core.requests import remote_address
from apps.costs.parameters import AS_BILLED, DEFAULT_PERIOD, MAX_LIMIT
from apps.costs.queries import freshness

MONEY: dict[str, Any] = {"help_text": "exact decimal text"}
PARAMETERS = [
    OpenApiParameter("start", OpenApiTypes.DATE, description="first day (UTC)"),
    OpenApiParameter("end", OpenApiTypes.DATE, description="last day, included"),
    OpenApiParameter("period", enum=PERIOD_NAMES, default=DEFAULT_PERIOD),
    OpenApiParameter("granularity", enum=list(Granularity), default="none"),
    OpenApiParameter("group_by", description=f"up to 3 of {', '.join(NAMES)} or label:KEY, with commas between"),
    OpenApiParameter("metric", enum=list(KnownMetric), default="effective"),
    OpenApiParameter("currency", description=f"ISO 4217, or {AS_BILLED}; the organisation's when not given"),
    OpenApiParameter("idle", enum=list(Idle), default="own", description="shared: pods bear what nobody had"),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"groups up to {MAX_LIMIT:,}; the rest is summed"),
    OpenApiParameter("filter[namespace]", description="any dimension in the brackets; values with commas between"),
]


class ClusterTotalSerializer(serializers.Serializer[object]):
    """What the rows of one currency add up to."""

    currency = serializers.CharField()
    cost = serializers.CharField(**MONEY)
    allocated = serializers.CharField(help_text="of it, what pods had")
    idle = serializers.CharField(help_text="and what nobody had")


class ClusterRowSerializer(serializers.Serializer[object]):
    """One group's part of the nodes' bills, or with `idle` what nobody had."""

    keys = serializers.DictField(
        child=serializers.CharField(allow_null=True, allow_blank=True),
        help_text="dimension -> value; empty = has none; null = the rest beyond `limit`, or not told apart when idle",
    )
    date = serializers.DateField(required=False)
    currency = serializers.CharField()
    cost = serializers.CharField(**MONEY)
    idle = serializers.BooleanField()
    other = serializers.BooleanField(required=False, help_text="true on the row of the rest, absent on the others")
    groups = serializers.IntegerField(required=False, help_text="how many groups the rest holds")
    cpu_core_hours = serializers.CharField(help_text="by the larger of request and use")
    memory_gib_hours = serializers.CharField()
    gpu_hours = serializers.CharField()


class UnmatchedNodeSerializer(serializers.Serializer[object]):
    """A node of which days have no bill."""

    cluster = serializers.CharField()
    node = serializers.CharField()
    resource_id = serializers.CharField(allow_blank=True)
    reason = serializers.ChoiceField(list(Reason))
    detail = serializers.CharField(help_text="the reason as a sentence")
    days = serializers.IntegerField()
    first = serializers.DateField()
    last = serializers.DateField()


class ClusterMetaSerializer(serializers.Serializer[object]):
    """What was asked, resolved, and how fresh the answer is."""

    start = serializers.DateField()
    end = serializers.DateField()
    granularity = serializers.ChoiceField(list(Granularity))
    group_by = serializers.ListField(child=serializers.CharField())
    metric = serializers.ChoiceField(list(KnownMetric))
    currency = serializers.CharField(allow_null=True, help_text="of every amount; null when there are several")
    idle = serializers.ChoiceField(list(Idle))
    limit = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateField(allow_null=True, help_text="newest complete day with costs")
    nodes = serializers.IntegerField(help_text="that have a bill; 0 for who sees the costs of some teams alone")


class ClusterCostsSerializer(serializers.Serializer[object]):
    """What clusters cost."""

    meta = ClusterMetaSerializer()
    total = serializers.CharField(
        allow_null=True, help_text="exact decimal text; null when there are several currencies"
    )
    totals = ClusterTotalSerializer(many=True)
    rows = ClusterRowSerializer(many=True, help_text="add up to the totals exactly")
    unmatched = UnmatchedNodeSerializer(many=True)


class NodePricesSerializer(serializers.ModelSerializer[Prices]):
    """What a core, a GiB and a GPU are worth for an hour. Only their ratios count."""

    cpu_core_hour, memory_gib_hour, gpu_hour = ExactField(), ExactField(), ExactField()

    class Meta:
        model = Prices
        fields = Prices.NAMES


class ClustersView(APIView):
    """What clusters cost."""

    permission_classes = [allows(Capability.SEE_COSTS)]

    @extend_schema(operation_id="clusters", parameters=PARAMETERS, responses=ClusterCostsSerializer)
    def get(self, request: Request) -> Response:
        """The bills of a period's nodes, divided among pods by the larger of request and use; idle on its own line."""
        today, scope = timezone.now().date(), scope_of(request.user)
        question = asked(request.query_params, today=today, organisation=Organisation.current())
        newest = freshness(today=today, scope=scope).day
        costs = cluster_costs(question.query, scope=scope)
        matches = node_matches(question.query, newest=newest, scope=scope)
        rows = table(costs, limit=question.limit, by_day=question.query.by_day)
        return Response(
            {
                "meta": _meta(question, costs, matches) | {"as_of": newest},
                "total": _total(costs),
                "totals": [
                    {
                        "currency": currency,
                        "cost": exact_text(costs.total(currency)),
                        "allocated": exact_text(costs.total(currency, idle=False)),
                        "idle": exact_text(costs.total(currency, idle=True)),
                    }
                    for currency in costs.currencies
                ],
                "rows": [_row(question, row) for row in rows],
                "unmatched": [_unmatched(one) for one in matches.unmatched],
            }
        )


class PricesView(APIView):
    """The prices that divide a node's bill."""

    permission_classes = [allows(Capability.SEE_COSTS, Capability.MANAGE_RATES)]

    @extend_schema(operation_id="cluster_prices", responses=NodePricesSerializer)
    def get(self, request: Request) -> Response:
        """What a core, a GiB and a GPU are worth for an hour."""
        return Response(NodePricesSerializer(Prices.current()).data)

    @extend_schema(operation_id="cluster_prices_set", request=NodePricesSerializer, responses=NodePricesSerializer)
    def put(self, request: Request) -> Response:
        """Divide every day anew, past ones too, by other prices."""
        given = NodePricesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        prices = {name: read_price(text, name) for name, text in given.validated_data.items()}
        actor, address = cast("User", request.user), remote_address(request)
        return Response(NodePricesSerializer(set_prices(**prices, actor=actor, remote_address=address)).data)


def _meta(question: Asked, costs: ClusterCosts, matches: NodeMatches) -> dict[str, Any]:
    query = question.query
    return {
        "start": query.period.first,
        "end": query.period.last,
        "granularity": Granularity.DAY if query.by_day else Granularity.NONE,
        "group_by": [key.name for key in query.group_by],
        "metric": query.metric,
        "currency": query.currency or (costs.currencies[0] if len(costs.currencies) == 1 else None),
        "idle": query.idle,
        "limit": question.limit,
        "nodes": matches.matched,
    }


def _total(costs: ClusterCosts) -> str | None:
    if len(costs.currencies) > 1:
        return None
    return exact_text(costs.total(costs.currencies[0])) if costs.currencies else "0"


def _row(question: Asked, row: Row) -> dict[str, Any]:
    names = (key.name for key in question.query.group_by)
    return {
        "keys": dict(zip(names, row.keys, strict=True)),
        **({"date": row.day} if question.query.by_day else {}),
        "currency": row.currency,
        "cost": exact_text(row.cost),
        "idle": row.is_idle,
        **({"other": True, "groups": row.groups} if row.is_rest else {}),
        **{name: exact_text(getattr(row, name)) for name in ("cpu_core_hours", "memory_gib_hours", "gpu_hours")},
    }


def _unmatched(one: Any) -> dict[str, Any]:
    names = ("cluster", "node", "resource_id", "reason", "days", "first", "last")
    return {**{name: getattr(one, name) for name in names}, "detail": REASONS[one.reason]}


urlpatterns = [
    path("clusters/", ClustersView.as_view(), name="api-clusters"),
    path("clusters/prices/", PricesView.as_view(), name="api-cluster-prices"),
]
