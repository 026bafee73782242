"""The API of users, teams, tokens and the audit log."""

from typing import Any

from django.db import transaction
from django.urls import include, path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from apps.accounts import audit, queries, serializers, services, tokens
from apps.accounts.models import ApiToken, AuditEvent, Role, Team, User
from apps.accounts.pages import made_by, person
from apps.accounts.permissions import allows
from apps.accounts.roles import GRANTS, Capability
from apps.accounts.scope import scope_of
from apps.core.errors import UserError
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.requests import refuse_unknown


class UserViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, GenericViewSet[User]):
    """People and programs that sign in. They are never deleted, only deactivated: `is_active` false."""

    queryset = queries.users()
    lookup_value_regex = r"\d+"
    permission_classes = [allows(Capability.SEE_PEOPLE, Capability.MANAGE_PEOPLE)]
    serializer_class = serializers.UserSerializer

    def perform_create(self, serializer: Any) -> None:
        """A new user, with a password that is good for one sign-in."""
        serializer.instance = services.create_user(**serializer.validated_data, **made_by(self.request))

    @extend_schema(request=serializers.UserChangeSerializer(partial=True), responses=serializers.UserSerializer)
    @transaction.atomic
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given: role, teams, name, address; `is_active` false locks the user out."""
        user = self.get_object()
        changes = serializers.UserChangeSerializer(user, data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        given = dict(changes.validated_data)
        teams, is_active = given.pop("teams", None), given.pop("is_active", user.is_active)
        if given:
            services.update_user(user=user, **given, **made_by(request))
        if teams is not None:
            services.set_membership(user=user, teams=teams, **made_by(request))
        if is_active != user.is_active:
            change = services.reactivate_user if is_active else services.deactivate_user
            change(user=user, **made_by(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=serializers.PasswordSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def password(self, request: Request, pk: str) -> Response:
        """Give the user a new password, good for one sign-in. Your own is changed on its page."""
        new = serializers.PasswordSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        user = self.get_object()
        if user == request.user:
            raise UserError("Change your own password on the password page, where you stay signed in.")
        services.set_password(user=user, password=new.validated_data["password"], **made_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=serializers.MeSerializer)
    @action(detail=False, permission_classes=[allows(Capability.SEE_COSTS)])
    def me(self, request: Request) -> Response:
        """Who you are to the API, and what you may do."""
        user = person(request)
        me = {
            "id": user.pk,
            "username": user.username,
            "role": user.role,
            "teams": user.teams.order_by("slug").values_list("slug", flat=True),
            "capabilities": sorted(GRANTS[Role(user.role)]),
            "token_scope": request.auth.scope if isinstance(request.auth, ApiToken) else None,
        }
        return Response(serializers.MeSerializer(me).data)


class TeamViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Team]):
    """Owners of costs. Who leads teams sees theirs."""

    permission_classes = [allows(Capability.SEE_TEAMS, Capability.MANAGE_TEAMS)]
    serializer_class = serializers.TeamSerializer
    queryset = Team.objects.all()
    lookup_field = "slug"
    lookup_value_regex = r"[-\w]+"

    def get_queryset(self) -> Any:
        """The teams that the caller may see."""
        return queries.teams(scope=scope_of(self.request.user))

    def perform_create(self, serializer: Any) -> None:
        """A new team; costs are allocated again."""
        serializer.instance = services.create_team(**serializer.validated_data, **made_by(self.request))

    @extend_schema(request=serializers.TeamChangeSerializer(partial=True), responses=serializers.TeamSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change what is given; costs are allocated again."""
        team = self.get_object()
        changes = serializers.TeamChangeSerializer(team, data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        services.update_team(team=team, **changes.validated_data, **made_by(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a team; its costs are allocated again."""
        services.delete_team(team=self.get_object(), **made_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]):
    """Your API tokens; an admin sees everybody's."""

    permission_classes = [allows(Capability.MANAGE_OWN_TOKENS)]
    serializer_class = serializers.TokenSerializer
    queryset = ApiToken.objects.all()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> Any:
        """The tokens that the caller may see."""
        return queries.tokens_for(person(self.request))

    @extend_schema(responses={201: serializers.IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token for yourself. Its text is in this answer and nowhere else."""
        wanted = self.get_serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        expires_at = wanted.validated_data.get("expires_at")
        limit = request.auth.expires_at if isinstance(request.auth, ApiToken) else None
        if limit and (expires_at is None or expires_at > limit):
            raise UserError("A token cannot make one that outlives it.", field="expires_at")
        issued = tokens.issue_token(user=person(request), **wanted.validated_data, **made_by(request))
        answer = serializers.IssuedTokenSerializer(issued.token, context={"text": issued.text})
        return Response(answer.data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke a token for good; it stays in the list."""
        tokens.revoke_token(token=self.get_object(), **made_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(list=extend_schema(parameters=[serializers.AuditFilterSerializer]))
class AuditViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[AuditEvent]):
    """Who changed what and when, newest first."""

    permission_classes = [allows(Capability.SEE_AUDIT)]
    serializer_class = serializers.AuditEventSerializer
    queryset = AuditEvent.objects.all()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> Any:
        """The events that the parameters ask for."""
        given = self.request.query_params
        wanted = serializers.AuditFilterSerializer(data=given)
        refuse_unknown(given, (*wanted.fields, *PAGE_PARAMETERS))
        wanted.is_valid(raise_exception=True)
        return queries.audit_events(**wanted.validated_data)

    @extend_schema(responses=serializers.ChainReportSerializer)
    @action(detail=False, pagination_class=None)
    def verify(self, request: Request) -> Response:
        """Walk the whole chain and say whether it is intact, and if not, where it breaks."""
        return Response(serializers.ChainReportSerializer(audit.verify()).data)


router = SimpleRouter()
router.register("users", UserViewSet, basename="api-user")
router.register("teams", TeamViewSet, basename="api-team")
router.register("tokens", TokenViewSet, basename="api-token")
router.register("audit", AuditViewSet, basename="api-audit")
urlpatterns = [path("", include(router.urls))]
