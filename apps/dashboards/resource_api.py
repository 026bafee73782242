"""The API of what exists: resources now or on a day with their cost, and one of them with its history."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.http import Http404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core.exact import exact_text
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.periods import parse_day
from apps.core.requests import refuse_unknown
from apps.dashboards.resource_costs import Amount
from apps.dashboards.resource_list import amounts_on, days_of, listed
from apps.inventory import queries
from apps.inventory.models import ResourceState
from apps.inventory.parameters import ORDER_WORDS, wanted
from apps.inventory.queries import Wanted
from collectors.resources import KINDS, STATES

AS_OF = OpenApiParameter("as_of", OpenApiTypes.DATE, description="as it was at the end of that day (UTC); else now")
TEXTS = {
    "provider": "as charges name it",
    "sub_account": "account, subscription or project",
    "region": "as the provider names it",
    "team": f"slug of the owner; {queries.NOBODY} for what nobody owns",
    "source": "name of the source that tells of it",
    "parent": "resource_id of what it belongs or is attached to",
    "search": "words that name, id, type or size have, in any case",
}
FILTERS = [
    *(OpenApiParameter(name, description=text) for name, text in TEXTS.items()),
    OpenApiParameter("tag", many=True, description="key=value, or the key alone for any value; all that are given"),
    OpenApiParameter("kind", enum=KINDS),
    OpenApiParameter("state", enum=STATES),
    OpenApiParameter("closed", enum=("no", "yes"), description="yes: also what exists no more, as it was last"),
    AS_OF,
    OpenApiParameter(
        "order_by", enum=ORDER_WORDS, description="name unless told otherwise; those without cost come last by cost"
    ),
]


class ResourceStateSerializer(serializers.ModelSerializer[ResourceState]):
    """What a resource was from one time to another."""

    class Meta:
        model = ResourceState
        fields: ClassVar = ["valid_from", "valid_to", "state", "size", "parent_id", "team", "tags", "details"]


class ResourceSerializer(serializers.ModelSerializer[ResourceState]):
    """Something that exists, as it is or was then."""

    id = serializers.IntegerField(source="resource.pk")
    source = serializers.CharField(source="resource.source")  # type: ignore[assignment]  # a field of this name
    provider = serializers.CharField(source="resource.provider")
    sub_account_id = serializers.CharField(source="resource.sub_account_id")
    sub_account_name = serializers.CharField(source="resource.sub_account_name")
    region_id = serializers.CharField(source="resource.region_id")
    resource_id = serializers.CharField(source="resource.resource_id", help_text="as bills name it")
    aliases = serializers.ListField(source="resource.aliases", child=serializers.CharField())
    resource_name = serializers.CharField(source="resource.name")
    kind = serializers.ChoiceField(source="resource.kind", choices=KINDS)
    resource_type = serializers.CharField(source="resource.resource_type", help_text="the provider's word for it")
    created_at = serializers.DateTimeField(source="resource.created_at", allow_null=True)
    first_seen_at = serializers.DateTimeField(source="resource.first_seen_at")
    closed_at = serializers.DateTimeField(source="resource.closed_at", allow_null=True, help_text="null = it exists")
    cost = serializers.SerializerMethodField(
        help_text="effective, of the last 30 complete days, or of those up to as_of; null = no charge names it"
    )
    idle_cost = serializers.SerializerMethodField(
        help_text="what of it was idle, or of GPUs held by nobody; null = nothing measured it"
    )
    currency = serializers.SerializerMethodField(
        help_text="the reporting currency; as billed where an exchange rate is missing, and all three null where that"
        " are several currencies"
    )

    class Meta:
        model = ResourceState
        fields: ClassVar = [
            "id", "source", "provider", "sub_account_id", "sub_account_name", "region_id", "resource_id", "aliases",
            "resource_name", "kind", "resource_type", "size", "state", "team", "parent_id", "cost", "idle_cost",
            "currency", "tags", "details", "created_at", "first_seen_at", "closed_at", "valid_from", "valid_to",
        ]  # fmt: skip

    def get_cost(self, state: ResourceState) -> str | None:
        """Decimal text."""
        amount = self._amount(state)
        return exact_text(amount.cost) if amount else None

    def get_idle_cost(self, state: ResourceState) -> str | None:
        """Decimal text."""
        amount = self._amount(state)
        return None if amount is None or amount.idle is None else exact_text(amount.idle)

    def get_currency(self, state: ResourceState) -> str | None:
        """An ISO 4217 code."""
        amount = self._amount(state)
        return amount.currency if amount else None

    def _amount(self, state: ResourceState) -> Amount | None:
        amounts = self.context["amounts"].get(state.resource_id, [])
        return amounts[0] if len(amounts) == 1 else None


class OneResourceSerializer(ResourceSerializer):
    """A resource with everything that it was."""

    history = serializers.SerializerMethodField()

    class Meta(ResourceSerializer.Meta):
        fields: ClassVar = [*ResourceSerializer.Meta.fields, "history"]

    @extend_schema_field(ResourceStateSerializer(many=True))
    def get_history(self, state: ResourceState) -> Any:
        """Newest first."""
        found = queries.history(state.resource, scope=self.context["scope"])
        return ResourceStateSerializer(found, many=True).data


class ResourcesView(GenericAPIView[ResourceState]):
    """What exists, within the caller's teams."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    serializer_class = ResourceSerializer
    queryset = ResourceState.objects.all()

    @extend_schema(parameters=FILTERS, responses=ResourceSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Resources by provider, account, region, kind, state, owner and tags."""
        asked = wanted(request.query_params, besides=PAGE_PARAMETERS)
        scope = scope_of(request.user)
        page = list(self.paginate_queryset(listed(asked, scope=scope)) or [])
        told = self.get_serializer(page, many=True, context=_context(page, asked, scope))
        return self.get_paginated_response(told.data)


class ResourceView(GenericAPIView[ResourceState]):
    """One resource."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    serializer_class = OneResourceSerializer
    queryset = ResourceState.objects.all()

    @extend_schema(parameters=[AS_OF], responses=OneResourceSerializer)
    def get(self, request: Request, pk: int, *args: Any, **kwargs: Any) -> Response:
        """One resource with its history."""
        refuse_unknown(request.query_params, ("as_of",))
        day = request.query_params.get("as_of", "")
        scope = scope_of(request.user)
        try:
            asked = Wanted(as_of=parse_day(day, "as_of") if day else None)
            found = queries.state_of(pk, scope=scope, as_of=asked.as_of)
        except ResourceState.DoesNotExist:
            raise Http404(f"There is no resource {pk}.") from None
        return Response(self.get_serializer(found, context=_context([found], asked, scope)).data)


def _context(states: Iterable[ResourceState], asked: Wanted, scope: Scope) -> dict[str, Any]:
    """What serializers need besides the states."""
    return {"scope": scope, "amounts": amounts_on(states, days_of(asked), scope=scope)}


urlpatterns = [
    path("resources/", ResourcesView.as_view(), name="api-resources"),
    path("resources/<int:pk>/", ResourceView.as_view(), name="api-resource"),
]
