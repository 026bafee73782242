"""Tables of what could be bought: price lists, and the prices in them with the time that they stood there."""

from typing import ClassVar

from django.db import models


class PriceList(models.Model):
    """One complete list of a source, such as a service in a region: the unit that a newer one replaces."""

    source = models.TextField(help_text="name of the source that the list came from")
    name = models.TextField(help_text="as the source calls it; empty where it has one list alone")
    read_at = models.DateTimeField(help_text="when the source was asked for it last")
    delivery_id = models.BigIntegerField(help_text="entry of the deliveries ledger that it came with last")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "name"], name="one_list_of_a_name")]

    def __str__(self) -> str:
        return f"{self.source} {self.name}".strip()


class Price(models.Model):
    """A price as its list had it from one reading until another. What changes is never overwritten: it is a new row."""

    list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices")
    digest = models.UUIDField(help_text="first 16 bytes of the SHA-256 over FIELDS")
    provider = models.TextField()
    service_name = models.TextField()
    sku_id = models.TextField()
    sku_price_id = models.TextField()
    description = models.TextField()
    region_id = models.TextField()
    size = models.TextField(help_text="instance type; empty where the price is of something else")
    operating_system = models.TextField()
    pricing_category = models.TextField(help_text="FOCUS: Standard, Committed, Dynamic (spot), Other")
    term = models.TextField(help_text="of a commitment: 1 year, 3 years, 5 years")
    payment = models.TextField(help_text="of a commitment: No Upfront, Partial Upfront, All Upfront")
    tier_start = models.DecimalField(max_digits=38, decimal_places=18, help_text="quantity from which it holds")
    list_unit_price = models.DecimalField(max_digits=38, decimal_places=18)
    pricing_unit = models.TextField()
    pricing_currency = models.TextField()
    valid_from = models.DateField(null=True, help_text="as the provider says; null where it says nothing")
    seen_from = models.DateTimeField(help_text="when it was in its list for the first time")
    seen_until = models.DateTimeField(null=True, help_text="when it was there no more; null while it is")

    FIELDS: ClassVar = (
        "provider",
        "service_name",
        "sku_id",
        "sku_price_id",
        "description",
        "region_id",
        "size",
        "operating_system",
        "pricing_category",
        "term",
        "payment",
        "tier_start",
        "list_unit_price",
        "pricing_unit",
        "pricing_currency",
    )
    ORDER: ClassVar = (
        "provider",
        "service_name",
        "region_id",
        "size",
        "operating_system",
        "pricing_category",
        "term",
        "payment",
        "sku_id",
        "tier_start",
        "pk",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["list", "digest"], condition=models.Q(seen_until=None), name="one_current_price"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["provider", "service_name", "region_id", "size"],
                condition=models.Q(seen_until=None),
                name="current_prices",
            ),
            models.Index(fields=["size", "region_id"], name="prices_of_a_size"),
        ]

    def __str__(self) -> str:
        return " / ".join(filter(None, (self.provider, self.service_name, self.region_id, self.size or self.sku_id)))
