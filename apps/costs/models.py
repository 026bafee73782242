"""Tables of cost: statements, charge keys and groups, exchange rates. Facts and rollups are in sql/tables.sql."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.db import models
from django.db.models.functions import Now


class Statement(models.Model):
    """What one delivery says about one billing account's billing period: the unit that a newer delivery replaces.

    Facts carry its id. At most one statement of a (source, billing account, billing period, currency, part) is
    current; a superseded one keeps its totals for the history and has no facts left.
    """

    source = models.TextField(help_text="name of the stream of deliveries that replace each other")
    delivery_id = models.BigIntegerField(db_index=True, help_text="entry of the deliveries ledger")
    billing_account_id = models.TextField()
    billing_period_start = models.DateField()
    billing_period_end = models.DateField(help_text="exclusive")
    billing_currency = models.TextField()
    bill_part = models.TextField(
        db_default="",
        default="",
        help_text="which part of the bill this is, where bills come in parts; empty = the whole bill",
    )
    first_day = models.DateField(null=True, help_text="of its facts; null where it has none")
    last_day = models.DateField(null=True)
    row_count = models.BigIntegerField(help_text="rows of the file that were accepted")
    billed_cost_in_file = models.DecimalField(max_digits=38, decimal_places=18)
    effective_cost_in_file = models.DecimalField(max_digits=38, decimal_places=18)
    billed_cost = models.DecimalField(
        max_digits=38, decimal_places=18, default=0, help_text="sum over the facts, as the database has it"
    )
    effective_cost = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    restated_days = models.IntegerField(
        null=True,
        help_text="age of the oldest complete day that it changed when it was loaded, in days; 0 = it changed none;"
        " null = nothing was known before",
    )
    loaded_at = models.DateTimeField(db_default=Now())
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "billing_account_id", "billing_period_start", "billing_currency", "bill_part"],
                condition=models.Q(superseded_at=None),
                name="one_current_statement",
            )
        ]

    def __str__(self) -> str:
        return f"{self.billing_account_id} {self.billing_period_start}"


class Restatement(models.Model):
    """What a statement of a period that was over changed of a service's effective cost in one sub account."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="restatements")
    service = models.TextField()
    sub_account = models.TextField()
    before = models.DecimalField(max_digits=38, decimal_places=18)
    after = models.DecimalField(max_digits=38, decimal_places=18)

    def __str__(self) -> str:
        return f"{self.service} {self.before} -> {self.after}"


class ChargeGroup(models.Model):
    """One distinct set of the dimensions that dashboards group by; empty text where a charge has none."""

    digest = models.UUIDField(unique=True, help_text="first 16 bytes of the SHA-256 over the dimensions")
    provider = models.TextField(help_text="ServiceProviderName, else ProviderName")
    billing_account = models.TextField()
    sub_account = models.TextField()
    service = models.TextField()
    service_category = models.TextField()
    region = models.TextField()
    resource_type = models.TextField()
    sku = models.TextField()
    charge_category = models.TextField()
    pricing_category = models.TextField()
    team = models.TextField(help_text="slug of the team that owns the cost; empty = unallocated")
    environment = models.TextField()
    workload = models.TextField()
    billing_currency = models.TextField()

    DIMENSIONS: ClassVar = (
        "provider",
        "billing_account",
        "sub_account",
        "service",
        "service_category",
        "region",
        "resource_type",
        "sku",
        "charge_category",
        "pricing_category",
        "team",
        "environment",
        "workload",
        "billing_currency",
    )

    def __str__(self) -> str:
        return " / ".join(filter(None, (self.provider, self.service, self.region, self.team)))


class ChargeKey(models.Model):
    """One distinct set of descriptive columns (FOCUS 1.4 and ProviderName, PublisherName, custom columns)."""

    digest = models.UUIDField(unique=True, help_text="first 16 bytes of the SHA-256 over all columns")
    group = models.ForeignKey(ChargeGroup, on_delete=models.PROTECT, null=True, help_text="decided by allocation")

    provider_name = models.TextField(null=True)
    publisher_name = models.TextField(null=True)
    invoice_issuer_name = models.TextField(null=True)
    service_provider_name = models.TextField(null=True)
    host_provider_name = models.TextField(null=True)
    billing_account_id = models.TextField()
    billing_account_name = models.TextField(null=True)
    billing_account_type = models.TextField(null=True)
    sub_account_id = models.TextField(null=True)
    sub_account_name = models.TextField(null=True)
    sub_account_type = models.TextField(null=True)
    billing_currency = models.TextField()
    pricing_currency = models.TextField(null=True)
    charge_category = models.TextField(null=True)
    charge_class = models.TextField(null=True)
    charge_description = models.TextField(null=True)
    charge_frequency = models.TextField(null=True)
    pricing_category = models.TextField(null=True)
    pricing_unit = models.TextField(null=True)
    consumed_unit = models.TextField(null=True)
    service_name = models.TextField(null=True)
    service_category = models.TextField(null=True)
    service_subcategory = models.TextField(null=True)
    sku_id = models.TextField(null=True)
    sku_price_id = models.TextField(null=True)
    sku_meter = models.TextField(null=True)
    region_id = models.TextField(null=True)
    region_name = models.TextField(null=True)
    availability_zone = models.TextField(null=True)
    resource_id = models.TextField(null=True)
    resource_name = models.TextField(null=True)
    resource_type = models.TextField(null=True)
    commitment_discount_id = models.TextField(null=True)
    commitment_discount_name = models.TextField(null=True)
    commitment_discount_category = models.TextField(null=True)
    commitment_discount_type = models.TextField(null=True)
    commitment_discount_status = models.TextField(null=True)
    commitment_discount_unit = models.TextField(null=True)
    capacity_reservation_id = models.TextField(null=True)
    capacity_reservation_status = models.TextField(null=True)
    allocated_method_id = models.TextField(null=True)
    allocated_resource_id = models.TextField(null=True)
    allocated_resource_name = models.TextField(null=True)
    tags = models.JSONField(null=True)
    sku_price_details = models.JSONField(null=True)
    allocated_method_details = models.JSONField(null=True)
    allocated_tags = models.JSONField(null=True)
    contract_applied = models.JSONField(null=True)
    commitment_program_eligibility_details = models.JSONField(null=True)
    x_columns = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["group"], name="charge_key_group"),
            HashIndex(fields=["resource_id"], name="charge_key_resource"),
            GinIndex(fields=["tags"], name="charge_key_tags", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return self.charge_description or str(self.digest)


class ExchangeRate(models.Model):
    """What one unit of `currency` was worth in `reporting_currency` in a calendar month."""

    currency = models.TextField()
    reporting_currency = models.TextField()
    month = models.DateField(help_text="first day of the month")
    rate = models.DecimalField(max_digits=38, decimal_places=18)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["currency", "reporting_currency", "month"], name="one_rate_a_month"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} to {self.reporting_currency}, {self.month:%B %Y}"
