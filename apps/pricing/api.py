"""The API of list prices."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.exact import ExactField
from apps.core.pagination import PAGE_PARAMETERS
from apps.pricing import queries
from apps.pricing.models import Price
from apps.pricing.parameters import wanted

FILTERS = [
    *(
        OpenApiParameter(name, description=f"{column}, as the price list has it")
        for name, column in queries.EXACT.items()
    ),
    OpenApiParameter("search", description="words that description, service, size or SKU have, in any case"),
    OpenApiParameter("as_of", OpenApiTypes.DATE, description="what was listed at the end of that day (UTC); else now"),
]


class PriceSerializer(serializers.ModelSerializer[Price]):
    """A list price, and from when to when it stood in its list."""

    source = serializers.CharField(source="list.source")  # type: ignore[assignment]  # a field of this name
    listing = serializers.CharField(source="list.name", help_text="list of the source that it stands in")
    read_at = serializers.DateTimeField(source="list.read_at", help_text="when that list was read last")
    tier_start = ExactField(help_text="quantity from which it holds")
    list_unit_price = ExactField(help_text="exact decimal text, for one `pricing_unit`")

    class Meta:
        model = Price
        fields: ClassVar = [
            *("id", "source", "listing", "read_at"),
            *Price.FIELDS,
            *("valid_from", "seen_from", "seen_until"),
        ]


class PricesView(GenericAPIView[Price]):
    """List prices: public, so everybody who is signed in sees all of them."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    serializer_class = PriceSerializer
    queryset = Price.objects.all()

    @extend_schema(parameters=FILTERS, responses=PriceSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Prices by provider, service, region and size."""
        asked = wanted(request.query_params, besides=PAGE_PARAMETERS)
        page = self.paginate_queryset(queries.prices(asked, scope=scope_of(request.user)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


urlpatterns = [path("prices/", PricesView.as_view(), name="api-prices")]
