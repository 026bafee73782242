"""The API of connections: connect, test, run, backfill, pause, resume, disconnect; their runs."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.pages import made_by
from apps.accounts.permissions import allows
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.pagination import PAGE_PARAMETERS
from apps.core.requests import refuse_unknown
from apps.costs.queries import freshness
from apps.sources import connecting, runs, source_serializers, states, taking_out
from apps.sources.connections import connection_of
from apps.sources.days import calendar
from apps.sources.models import Run, Source
from apps.sources.restatements import corrections

ONE = source_serializers.SourceSerializer
MOST_CORRECTIONS = 200


class SourceViewSet(GenericViewSet[Any]):
    """Where bills come from: connections that are collected, and streams of files that people bring."""

    permission_classes = [allows(Capability.SEE_DELIVERIES, Capability.MANAGE_SOURCES)]
    serializer_class = ONE
    queryset = Source.objects.all()
    lookup_value_regex = r"[0-9]{1,18}"

    @extend_schema(responses=ONE(many=True))
    def list(self, request: Request) -> Response:
        """Every source and how it is doing."""
        refuse_unknown(request.query_params, PAGE_PARAMETERS)
        page = self.paginate_queryset(states.sources_with_state(scope=scope_of(request.user)))
        return self.get_paginated_response(self.get_serializer(page or [], many=True).data)

    @extend_schema(responses=ONE)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One source."""
        return self._told(request, pk)

    @extend_schema(request=source_serializers.ConnectSerializer, responses={201: ONE})
    def create(self, request: Request) -> Response:
        """Connect a source. Test it with its own operation: nothing is asked of the provider before this answers."""
        given = source_serializers.ConnectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = connecting.connect(**given.validated_data, **made_by(request))
        return self._told(request, str(made.pk), status.HTTP_201_CREATED)

    @extend_schema(request=source_serializers.SourceChangeSerializer(partial=True), responses=ONE)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change where it looks, its credentials, how often it is collected, or its owner."""
        found = self._live(pk)
        given = source_serializers.SourceChangeSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        wanted = dict(given.validated_data)
        if "owner" in wanted:
            connecting.set_owner(found, owner=wanted.pop("owner"), **made_by(request))
        if wanted:
            connecting.change(
                found,
                settings=found.settings | wanted.get("settings", {}),
                secrets=wanted.get("secrets", {}),
                refresh_hours=wanted.get("refresh_hours", found.refresh_hours),
                **made_by(request),
            )
        return self._told(request, pk)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Disconnect: credentials are erased; deliveries and costs stay, resources are closed, list prices end."""
        connecting.disconnect(self._live(pk), **made_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=source_serializers.CheckSerializer(many=True))
    @action(detail=True, methods=["post"], pagination_class=None)
    def test(self, request: Request, pk: str) -> Response:
        """Try the connection, step by step, up to the first that fails."""
        checks = list(connection_of(self._live(pk)).check())
        return Response(source_serializers.CheckSerializer(checks, many=True).data)

    @extend_schema(request=None, responses={202: source_serializers.RunSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Look for what is new now."""
        return self._look(request, self._live(pk), runs.recheck_from(timezone.now().date()))

    @extend_schema(request=source_serializers.BackfillSerializer, responses={202: source_serializers.RunSerializer})
    @action(detail=True, methods=["post"])
    def backfill(self, request: Request, pk: str) -> Response:
        """Look so many months back, the present one included."""
        given = source_serializers.BackfillSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        since = runs.months_back(timezone.now().date(), given.validated_data["months"])
        return self._look(request, self._live(pk), since)

    @extend_schema(request=None, responses=ONE)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Collect nothing more until it is resumed."""
        connecting.pause(self._live(pk), **made_by(request))
        return self._told(request, pk)

    @extend_schema(request=None, responses=ONE)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Collect again, beginning now."""
        connecting.resume(self._live(pk), **made_by(request))
        return self._told(request, pk)

    @extend_schema(request=None, responses=ONE)
    @action(detail=True, methods=["post"], url_path="leave-out")
    def leave_out(self, request: Request, pk: str) -> Response:
        """Take the costs of a source that is not collected out of the books; importing one of its bills undoes it."""
        taking_out.take_out(get_object_or_404(Source, pk=pk), **made_by(request))
        return self._told(request, pk)

    @extend_schema(responses=source_serializers.RunSerializer(many=True))
    @action(detail=True)
    def runs(self, request: Request, pk: str) -> Response:
        """Its runs, newest first."""
        refuse_unknown(request.query_params, PAGE_PARAMETERS)
        found = get_object_or_404(Source, pk=pk)
        page = self.paginate_queryset(states.history(found, scope=scope_of(request.user)))
        return self.get_paginated_response(source_serializers.RunSerializer(page or [], many=True).data)

    @extend_schema(responses=source_serializers.CorrectionSerializer(many=True))
    @action(detail=True)
    def corrections(self, request: Request, pk: str) -> Response:
        """What newer deliveries have changed of billing periods that were over, newest first."""
        refuse_unknown(request.query_params, PAGE_PARAMETERS)
        found = get_object_or_404(Source, pk=pk)
        told: Any = corrections(found, scope=scope_of(request.user), most=MOST_CORRECTIONS)
        page = self.paginate_queryset(told)
        return self.get_paginated_response(source_serializers.CorrectionSerializer(page or [], many=True).data)

    @extend_schema(responses=source_serializers.GapsSerializer)
    @action(detail=True)
    def gaps(self, request: Request, pk: str) -> Response:
        """Which days of the last thirteen months are missing, and which may still change."""
        found, scope, today = get_object_or_404(Source, pk=pk), scope_of(request.user), timezone.now().date()
        changes_from = freshness(today=today, scope=scope).of_source(found.name)
        days = calendar(found, today=today, changes_from=changes_from, scope=scope)
        return Response(source_serializers.GapsSerializer({"calendar": days, "may_change_from": changes_from}).data)

    @extend_schema(request=None, responses=source_serializers.RunSerializer)
    @action(detail=True, methods=["post"], url_path=r"runs/(?P<run>[0-9]{1,18})/cancel")
    def cancel(self, request: Request, pk: str, run: str) -> Response:
        """End a run: at once where it waits, within moments where it is being executed."""
        found = get_object_or_404(Run, pk=run, source_id=pk)
        runs.cancel(found, **made_by(request))
        found.refresh_from_db()
        return Response(source_serializers.RunSerializer(found).data)

    def _live(self, pk: str) -> Source:
        """The connection of that id. Raises Http404, also for a stream of files: it has nothing to be changed."""
        found = Source.objects.select_related("owner").filter(pk=pk).first()
        if found is None or not found.is_live:
            raise Http404(f"There is no connection {pk}.")
        return found

    def _look(self, request: Request, source: Source, since: Any) -> Response:
        run = runs.queue_look(source, since=since, at_once=True, **made_by(request))
        return Response(source_serializers.RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    def _told(self, request: Request, pk: str, code: int = status.HTTP_200_OK) -> Response:
        found = states.sources_with_state(scope=scope_of(request.user), pk=int(pk))
        if not found:
            raise Http404(f"There is no source {pk}.")
        return Response(ONE(found[0]).data, status=code)
