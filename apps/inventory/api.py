"""The API of what exists: resources now or on a day, and one of them with its history."""

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
from apps.accounts.scope import scope_of
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.periods import parse_day
from apps.core.requests import refuse_unknown
from apps.inventory import queries
from apps.inventory.models import ResourceState
from apps.inventory.parameters import ORDER_WORDS, wanted
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
    OpenApiParameter("order_by", enum=ORDER_WORDS, description="name unless told otherwise"),
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
    region_id = serializers.CharField(source="resource.region_id")
    resource_id = serializers.CharField(source="resource.resource_id", help_text="as bills name it")
    aliases = serializers.ListField(source="resource.aliases", child=serializers.CharField())
    resource_name = serializers.CharField(source="resource.name")
    kind = serializers.ChoiceField(source="resource.kind", choices=KINDS)
    resource_type = serializers.CharField(source="resource.resource_type", help_text="the provider's word for it")
    created_at = serializers.DateTimeField(source="resource.created_at", allow_null=True)
    first_seen_at = serializers.DateTimeField(source="resource.first_seen_at")
    closed_at = serializers.DateTimeField(source="resource.closed_at", allow_null=True, help_text="null = it exists")

    class Meta:
        model = ResourceState
        fields: ClassVar = [
            "id", "source", "provider", "sub_account_id", "region_id", "resource_id", "aliases", "resource_name",
            "kind", "resource_type", "size", "state", "team", "parent_id", "tags", "details", "created_at",
            "first_seen_at", "closed_at", "valid_from", "valid_to",
        ]  # fmt: skip


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
        page = self.paginate_queryset(queries.resources(asked, scope=scope_of(request.user)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


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
            found = queries.state_of(pk, scope=scope, as_of=parse_day(day, "as_of") if day else None)
        except ResourceState.DoesNotExist:
            raise Http404(f"There is no resource {pk}.") from None
        return Response(self.get_serializer(found, context={"scope": scope}).data)


urlpatterns = [
    path("resources/", ResourcesView.as_view(), name="api-resources"),
    path("resources/<int:pk>/", ResourceView.as_view(), name="api-resource"),
]
