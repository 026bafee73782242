"""Tables of what exists: listings that were read, resources, and what each was from one time to another."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Listing(models.Model):
    """One complete listing of a source, such as the machines of an account in a region: the unit that is replaced."""

    source = models.TextField(help_text="name of the source that it came from")
    name = models.TextField(help_text="as the source calls it; empty where it has one listing alone")
    read_at = models.DateTimeField(help_text="when the newest delivery with it was received")
    delivery_id = models.BigIntegerField(help_text="entry of the deliveries ledger that it came with last")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "name"], name="one_listing_of_a_name")]

    def __str__(self) -> str:
        return f"{self.source} {self.name}".strip()


class Resource(models.Model):
    """Something that exists, or existed until `closed_at`. Never deleted; what came back is open again."""

    source = models.TextField(help_text="name of the source that tells of it")
    provider = models.TextField(help_text="as charges name it")
    resource_id = models.TextField(help_text="as bills name it")
    aliases = ArrayField(models.TextField(), default=list, help_text="other ids that bills may use")
    sub_account_id = models.TextField()
    sub_account_name = models.TextField(default="", help_text="as people call that account; empty = not told")
    region_id = models.TextField()
    kind = models.TextField(help_text="one of collectors.resources.KINDS")
    resource_type = models.TextField(help_text="the provider's word for it")
    name = models.TextField()
    created_at = models.DateTimeField(null=True, help_text="as the provider says")
    listing = models.TextField(help_text="the listing that it is in, or was in last")
    first_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, help_text="when its listing did not have it any more; null = it exists")

    IDENTITY: ClassVar = ("source", "provider", "resource_id")
    DESCRIBED: ClassVar = (
        "aliases",
        "sub_account_id",
        "sub_account_name",
        "region_id",
        "kind",
        "resource_type",
        "name",
        "created_at",
        "listing",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "provider", "resource_id"], name="one_resource_of_an_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["resource_id"], name="resource_by_id"),
            models.Index(fields=["source", "listing"], name="resource_by_listing"),
            GinIndex(fields=["aliases"], name="resource_by_alias"),
        ]

    def __str__(self) -> str:
        return self.name or self.resource_id


class ResourceState(models.Model):
    """What a resource was from one snapshot to another. A new row only when something changed."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="states")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, help_text="exclusive; null = it is so now")
    is_latest = models.BooleanField(default=True, help_text="the newest of its resource, also when that is closed")
    state = models.TextField(help_text="one of collectors.resources.STATES")
    size = models.TextField()
    parent_id = models.TextField(help_text="resource_id of what it belongs or is attached to; empty = nothing")
    tags = models.JSONField(default=dict)
    details = models.JSONField(default=dict)
    team = models.TextField(null=True, help_text="slug of its owner; empty = nobody's; null = not decided yet")

    DESCRIBED: ClassVar = ("state", "size", "parent_id", "tags", "details")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resource"], condition=models.Q(is_latest=True), name="one_latest_state_of_a_resource"
            ),
            models.UniqueConstraint(
                fields=["resource"], condition=models.Q(valid_to=None), name="one_present_state_of_a_resource"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["resource", "valid_from"], name="state_in_order"),
            models.Index(fields=["parent_id"], condition=models.Q(is_latest=True), name="state_by_parent"),
            GinIndex(fields=["tags"], name="state_by_tag", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.state}"
