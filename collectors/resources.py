"""What exists: the record set of resources, from any provider or a csv."""

from typing import Final

import polars as pl

from collectors.records import RecordSet

KINDS: Final = (
    "machine",
    "disk",
    "snapshot",
    "address",
    "database",
    "endpoint",
    "notebook",
    "node_group",
    "scaling_group",
    "function",
    "bucket",
    "cluster",
    "node",
    "gpu",
    "workload",
    "model",
)
STATES: Final = (
    "running",
    "stopped",
    "starting",
    "stopping",
    "attached",
    "unattached",
    "available",
    "failed",
    "deleting",
    "unknown",
)

RESOURCES: Final = RecordSet(
    name="resources",
    format="Resources",
    schema=pl.Schema(
        {
            "provider": pl.String(),  # the very text that charges have as provider
            "sub_account_id": pl.String(),
            "sub_account_name": pl.String(),  # as people call that account, subscription, project or compartment
            "region_id": pl.String(),
            "resource_id": pl.String(),  # as bills name it
            "aliases": pl.String(),  # JSON list of other ids that bills may use
            "resource_name": pl.String(),
            "kind": pl.String(),
            "resource_type": pl.String(),  # the provider's word: "EC2 instance"
            "size": pl.String(),  # instance type, "gp3 100 GiB", GPU model
            "state": pl.String(),
            "created_at": pl.Datetime("us", "UTC"),
            "parent_id": pl.String(),  # what it belongs or is attached to
            "tags": pl.String(),
            "details": pl.String(),  # flat: zone, platform, vcpus, gpus, gib, engine, provider_state ...
            "listing": pl.String(),  # one complete listing, as 111122223333/eu-central-1/ec2:instance
        }
    ),
    required=("provider", "resource_id", "kind"),
    filled=("provider", "resource_id", "kind"),
    json=("tags", "details"),
    lists=("aliases",),
    allowed={"kind": KINDS, "state": STATES},
    end_of_listing=("provider", "sub_account_id", "region_id", "kind", "resource_type", "listing"),
)
"""Open resources of a listing that is in a file, but which are not in that file themselves, exist no more. A row that
names no resource says that its listing was read to its end, so that an empty one is told too."""
