"""The API of the ledger of deliveries, and the addresses of the app's API."""

from typing import Any, cast

from django.http import StreamingHttpResponse
from django.urls import include, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.errors import UserError
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.problems import TooLarge
from apps.core.requests import refuse_unknown
from apps.sources import queries, serializers, services
from apps.sources.downloads import rejected_csv
from apps.sources.limits import too_large
from apps.sources.models import Delivery
from apps.sources.source_api import SourceViewSet
from collectors.errors import CollectorError

FILTER_NAMES = ("status", "source", "search")
FILTERS = [
    OpenApiParameter("status", enum=Delivery.Status.values),
    OpenApiParameter("source", description="name of the source"),
    OpenApiParameter("search", description="part of the path, or the start of the sha256"),
]


class DeliveryViewSet(GenericViewSet[Any]):
    """What was delivered, loaded and rejected, newest first."""

    permission_classes = [allows(Capability.SEE_DELIVERIES, Capability.IMPORT_BILLS)]
    serializer_class = serializers.DeliverySerializer
    queryset = Delivery.objects.all()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse an upload that is too large before anything reads it: signing in by session does, for its token."""
        if self.action == "create" and (said := too_large(request)):
            raise TooLarge(said)
        super().initial(request, *args, **kwargs)

    @extend_schema(parameters=FILTERS)
    def list(self, request: Request) -> Response:
        """Ledger entries."""
        wanted = _wanted(request)
        scope = scope_of(request.user)
        page = self.paginate_queryset(queries.deliveries(scope=scope, **wanted))
        return self.get_paginated_response(
            self.get_serializer(queries.reports(page or [], scope=scope), many=True).data
        )

    @extend_schema(responses=serializers.DeliveryDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One entry with its files and statements."""
        scope = scope_of(request.user)
        entry = get_object_or_404(queries.deliveries(scope=scope), pk=pk)
        (found,) = queries.reports([entry], scope=scope)
        return Response(serializers.DeliveryDetailSerializer(found).data)

    @extend_schema(
        request={"multipart/form-data": serializers.UploadSerializer},
        responses={202: serializers.ReceivedSerializer(many=True)},
    )
    def create(self, request: Request) -> Response:
        """Upload bills. They are loaded in the background: follow each entry's status."""
        upload = serializers.UploadSerializer(
            data={
                "files": request.FILES.getlist("files"),
                "source": request.POST.get("source", services.DEFAULT_SOURCE),
            }
        )
        upload.is_valid(raise_exception=True)
        try:
            received = services.start_upload(**upload.validated_data, actor=cast("User", request.user))
        except CollectorError as error:
            raise UserError(str(error)) from error
        return Response(serializers.ReceivedSerializer(received, many=True).data, status=status.HTTP_202_ACCEPTED)

    def get_parsers(self) -> Any:
        """Uploads come as forms."""
        return [MultiPartParser()]

    @extend_schema(responses=serializers.RejectedRowSerializer(many=True))
    @action(detail=True)
    def rejected(self, request: Request, pk: str) -> Response:
        """Rows that were not accepted, with the reason for each."""
        page = self.paginate_queryset(self._rejected(request, pk))
        return self.get_paginated_response(serializers.RejectedRowSerializer(page, many=True).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, url_path="rejected.csv")
    def rejected_csv(self, request: Request, pk: str) -> StreamingHttpResponse:
        """All rejected rows as csv, streamed."""
        return rejected_csv(self._rejected(request, pk), name=f"rejected-rows-of-delivery-{pk}.csv")

    def _rejected(self, request: Request, pk: str) -> Any:
        scope = scope_of(request.user)
        get_object_or_404(queries.deliveries(scope=scope), pk=pk)
        return queries.rejected_rows(int(pk), scope=scope)


def _wanted(request: Request) -> dict[str, str]:
    """The parameters that filter the ledger. Raises UserError for one that is not known or cannot be."""
    given = request.query_params
    refuse_unknown(given, (*FILTER_NAMES, *PAGE_PARAMETERS))
    status_, allowed = given.get("status", ""), Delivery.Status.values
    if status_ and status_ not in allowed:
        raise UserError(f"{status_!r} is not allowed. Use one of: {', '.join(allowed)}.", field="status")
    return {name: given.get(name, "") for name in FILTER_NAMES}


router = SimpleRouter()
router.register("sources", SourceViewSet, basename="api-source")
router.register("deliveries", DeliveryViewSet, basename="api-delivery")
urlpatterns = [path("", include(router.urls))]
