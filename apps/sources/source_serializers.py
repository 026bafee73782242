"""How connections and their runs look in the API. Credentials go in and never come out."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import User
from apps.core.exact import ExactField
from apps.costs.schema import MONEY
from apps.sources.connecting import REFRESH_HOURS
from apps.sources.models import Run
from apps.sources.runs import MOST_MONTHS
from apps.sources.states import SourceState, State
from collectors.connections import BRINGS, KINDS


class TextsField(serializers.DictField):
    """Names and texts; what a kind has to be told is in the documentation of sources."""

    child = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=10_000)


class SourceSerializer(serializers.Serializer[SourceState]):
    """A source and how it is doing."""

    id = serializers.IntegerField(source="source.pk")
    name = serializers.CharField(source="source.name")
    kind = serializers.CharField(source="source.kind", help_text=f"upload, or one of: {', '.join(KINDS)}")
    brings = serializers.ChoiceField(source="source.brings", choices=list(BRINGS))
    settings = serializers.DictField(
        source="source.settings", child=serializers.CharField(), help_text="where it looks"
    )
    has_secrets = serializers.SerializerMethodField()
    owner = serializers.CharField(source="source.owner.username", default=None, allow_null=True)
    is_active = serializers.BooleanField(source="source.is_active")
    paused_reason = serializers.CharField(source="source.paused_reason")
    refresh_hours = serializers.IntegerField(source="source.refresh_hours")
    state = serializers.SerializerMethodField()
    newest_day = serializers.DateField(allow_null=True, help_text="of its costs")
    lag_days = serializers.IntegerField(source="lag", allow_null=True)
    usual_lag_days = serializers.IntegerField(source="usual_lag", allow_null=True)
    open_runs = serializers.IntegerField()
    error = serializers.CharField(source="last_failure.error", default="", help_text="of the newest run, if it failed")
    warning = serializers.CharField(help_text="what could not be had although the rest could")
    last_success_at = serializers.DateTimeField(source="source.last_success_at", allow_null=True)
    next_run_at = serializers.DateTimeField(source="source.next_run_at", allow_null=True)
    created_at = serializers.DateTimeField(source="source.created_at")

    @extend_schema_field(serializers.BooleanField())
    def get_has_secrets(self, one: SourceState) -> bool:
        """Whether credentials are saved."""
        return bool(one.source.secrets)

    @extend_schema_field(serializers.ChoiceField(choices=[state.value.lower() for state in State]))
    def get_state(self, one: SourceState) -> str:
        """In lower case."""
        return one.state.value.lower()


class ConnectSerializer(serializers.Serializer[Any]):
    """A new connection."""

    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=list(KINDS))
    settings = TextsField()
    secrets = TextsField(write_only=True, default=dict)
    refresh_hours = serializers.ChoiceField(
        choices=list(REFRESH_HOURS), default=None, allow_null=True, help_text="null = as its kind asks for"
    )
    months = serializers.IntegerField(min_value=1, max_value=MOST_MONTHS, default=13, help_text="to begin with")


class SourceChangeSerializer(serializers.Serializer[Any]):
    """What of a connection can be changed; of settings and secrets those that are named, the others stay."""

    settings = TextsField(default=dict)
    secrets = TextsField(write_only=True, default=dict)
    refresh_hours = serializers.ChoiceField(choices=list(REFRESH_HOURS), required=False)
    owner = serializers.SlugRelatedField[User](
        slug_field="username", queryset=User.objects.filter(is_active=True), allow_null=True, required=False
    )


class BackfillSerializer(serializers.Serializer[Any]):
    """How far back to look."""

    months = serializers.IntegerField(min_value=1, max_value=MOST_MONTHS)


class CheckSerializer(serializers.Serializer[Any]):
    """A step of a connection test."""

    step = serializers.CharField()
    ok = serializers.BooleanField()
    says = serializers.CharField(help_text="what was seen, or what is missing")


class ChangeSerializer(serializers.Serializer[Any]):
    """What a correction changed of a service in a sub account; both are null in the sum of all others."""

    service = serializers.CharField(allow_null=True, allow_blank=True)
    sub_account = serializers.CharField(allow_null=True, allow_blank=True)
    before = ExactField(**MONEY)
    after = ExactField(**MONEY)
    count = serializers.IntegerField(help_text="services and sub accounts in it")


class CorrectionSerializer(serializers.Serializer[Any]):
    """A billing period that was over and that a newer delivery changed: effective cost of the bills that changed."""

    billing_period = serializers.DateField()
    currency = serializers.CharField()
    before = ExactField(**MONEY)
    after = ExactField(**MONEY)
    changed_at = serializers.DateTimeField()
    delivery = serializers.IntegerField(source="delivery_id")
    changes = ChangeSerializer(many=True)


class MissingDaysSerializer(serializers.Serializer[Any]):
    """Days that follow each other, both included."""

    start = serializers.DateField(source="first")
    end = serializers.DateField(source="last")
    days = serializers.IntegerField()


class GapsSerializer(serializers.Serializer[Any]):
    """Which days of the last thirteen months have costs."""

    start = serializers.DateField(source="calendar.first", allow_null=True, help_text="first day with costs")
    end = serializers.DateField(source="calendar.last", allow_null=True, help_text="newest day with costs")
    may_change_from = serializers.DateField(allow_null=True, help_text="first day that may still change")
    missing = MissingDaysSerializer(
        source="calendar.missing", many=True, help_text="without costs, between days with some"
    )


class RunSerializer(serializers.ModelSerializer[Run]):
    """One collection; without a name it looks for what is new."""

    requested_by = serializers.CharField(source="requested_by.username", default=None, allow_null=True)

    class Meta:
        model = Run
        fields: ClassVar = [
            "id", "name", "address", "billing_period", "status", "attempt", "requested_by", "delivery", "rows", "bytes",
            "bytes_total", "calls", "error", "queued_at", "started_at", "finished_at", "next_attempt_at",
        ]  # fmt: skip
