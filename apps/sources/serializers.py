"""How the ledger of deliveries looks in the API: money as exact decimal text, beside its currency."""

from typing import Any

from rest_framework import serializers

from apps.sources.models import Delivery, DeliveryFile, RejectedRow
from apps.sources.queries import DeliveryReport

MONEY: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}


class DeliveryFileSerializer(serializers.ModelSerializer[DeliveryFile]):
    """One file of a delivery."""

    class Meta:
        model = DeliveryFile
        fields = ("name", "sha256", "size", "first_row", "rows_read")


class CurrencyTotalSerializer(serializers.Serializer[Any]):
    """Accepted rows of one currency: in the files, and in the database when they were loaded."""

    currency = serializers.CharField()
    row_count = serializers.IntegerField()
    billed_cost_in_file = serializers.DecimalField(**MONEY)
    billed_cost = serializers.DecimalField(**MONEY)
    effective_cost_in_file = serializers.DecimalField(**MONEY)
    effective_cost = serializers.DecimalField(**MONEY)


class StatementSerializer(CurrencyTotalSerializer):
    """What the delivery says about one billing account's period; superseded when a newer delivery replaced it."""

    currency = serializers.CharField(source="billing_currency")
    billing_account_id = serializers.CharField()
    billing_period_start = serializers.DateField()
    billing_period_end = serializers.DateField(help_text="exclusive")
    bill_part = serializers.CharField(
        help_text="which part of the bill this is, where bills come in parts; empty = the whole bill"
    )
    loaded_at = serializers.DateTimeField()
    superseded_at = serializers.DateTimeField(allow_null=True)


class DeliverySerializer(serializers.Serializer[DeliveryReport]):
    """A ledger entry."""

    id = serializers.IntegerField(source="delivery.pk")
    source = serializers.CharField(source="delivery.source.name")  # type: ignore[assignment]  # a field of this name
    path = serializers.CharField(source="delivery.path")
    sha256 = serializers.CharField(source="delivery.sha256")
    format = serializers.CharField(source="delivery.format")
    status = serializers.ChoiceField(source="delivery.status", choices=Delivery.Status.choices)
    origin = serializers.ChoiceField(source="delivery.origin", choices=Delivery.Origin.choices)
    received_by = serializers.CharField(source="delivery.actor.username", default=None, allow_null=True)
    received_at = serializers.DateTimeField(source="delivery.received_at")
    finished_at = serializers.DateTimeField(source="delivery.finished_at", allow_null=True)
    billing_periods = serializers.ListField(child=serializers.DateField(), help_text="first day of each")
    rows_read = serializers.IntegerField(source="delivery.rows_read")
    rows_loaded = serializers.IntegerField(source="delivery.rows_loaded")
    rows_rejected = serializers.IntegerField(source="delivery.rows_rejected")
    rejected_billed_cost = serializers.DecimalField(source="delivery.rejected_billed_cost", allow_null=True, **MONEY)
    rejected_effective_cost = serializers.DecimalField(
        source="delivery.rejected_effective_cost", allow_null=True, **MONEY
    )
    rounded_values = serializers.IntegerField(source="delivery.rounded_values")
    bytes_read = serializers.IntegerField(source="delivery.bytes_read")
    bytes_total = serializers.IntegerField(source="delivery.bytes_total")
    error = serializers.CharField(source="delivery.error")
    is_reconciled = serializers.BooleanField()
    is_current = serializers.BooleanField()
    totals = CurrencyTotalSerializer(many=True)


class DeliveryDetailSerializer(DeliverySerializer):
    """A ledger entry with its files and statements."""

    files = DeliveryFileSerializer(source="delivery.files.all", many=True)
    statements = StatementSerializer(many=True)


class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    """A row that was not accepted."""

    class Meta:
        model = RejectedRow
        fields = ("position", "row", "column", "reason", "content", "billed_cost", "effective_cost")


class UploadSerializer(serializers.Serializer[Any]):
    """Files of one upload; chunks of one export are one delivery."""

    files = serializers.ListField(child=serializers.FileField(), allow_empty=False)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of this name
        default="files", help_text="stream whose older bills these replace"
    )


class ReceivedSerializer(serializers.Serializer[Any]):
    """What became of an upload: its ledger entry, or the one that held the same content before."""

    id = serializers.IntegerField(source="delivery.pk")
    path = serializers.CharField(source="delivery.path")
    status = serializers.CharField(source="delivery.status")
    unchanged = serializers.BooleanField()
