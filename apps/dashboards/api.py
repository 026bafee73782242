"""The API of saved views."""

from typing import Any, ClassVar

from django.urls import include, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from apps.accounts.pages import made_by, person
from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.core.errors import UserError
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.requests import refuse_unknown
from apps.dashboards import addresses, services
from apps.dashboards.models import SavedView
from apps.dashboards.queries import saved_views


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """A page's address with a name."""

    path = serializers.ChoiceField(choices=list(addresses.PAGES), help_text="the page")
    query = serializers.CharField(
        allow_blank=True, max_length=SavedView.LONGEST_QUERY, help_text="the address's parameters, in stable order"
    )
    owner = serializers.CharField(source="owner.username", read_only=True)
    address = serializers.SerializerMethodField(help_text="what opens it")

    class Meta:
        model = SavedView
        fields: ClassVar = ["id", "name", "path", "query", "address", "owner", "is_shared", "created_at", "updated_at"]

    def get_address(self, view: SavedView) -> str:
        """The page's address with the view open."""
        return addresses.link(view.path, view.query, view=view.pk)


class SavedViewChangeSerializer(SavedViewSerializer):
    """What of a view can be changed: all but the page that it is of."""

    class Meta(SavedViewSerializer.Meta):
        read_only_fields: ClassVar = ["path"]


class SavedViewViewSet(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, GenericViewSet[SavedView]
):
    """Your saved views, and those that others share. Each shows its filters to whoever sees it, and no numbers."""

    permission_classes = [allows(Capability.SEE_COSTS)]
    serializer_class = SavedViewSerializer
    queryset = SavedView.objects.all()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> Any:
        """The views that the caller may open."""
        return saved_views(user=person(self.request), path=self.request.query_params.get("path", ""))

    @extend_schema(parameters=[OpenApiParameter("path", enum=list(addresses.PAGES), description="the page")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your own first, then shared ones, by name."""
        refuse_unknown(request.query_params, ("path", *PAGE_PARAMETERS))
        if request.query_params.get("path", "") not in ("", *addresses.PAGES):
            raise UserError(f"Use one of: {', '.join(addresses.PAGES)}.", field="path")
        return super().list(request, *args, **kwargs)

    def perform_create(self, serializer: Any) -> None:
        """A new view of your own."""
        serializer.instance = services.save_view(**serializer.validated_data, **made_by(self.request))

    @extend_schema(request=SavedViewChangeSerializer(partial=True), responses=SavedViewSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given of a view of your own."""
        view = self.get_object()
        changes = SavedViewChangeSerializer(view, data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        services.update_view(view=view, **changes.validated_data, **made_by(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a view of your own; an admin may delete anybody's shared one."""
        services.delete_view(view=self.get_object(), **made_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


router = SimpleRouter()
router.register("saved-views", SavedViewViewSet, basename="api-saved-view")
urlpatterns = [path("", include(router.urls))]
