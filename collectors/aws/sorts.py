"""How a type of resource is told: by which operations, and where in their answers the columns of RESOURCES are.

Expressions are JMESPath. Each call's answer is merged into what the calls before it found, which begins as
`{region, account, partition}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NAME: Final = "Tags[?Key=='Name'].Value | [0]"
FROM_TAGGING: Final = ""
"""The list does not give tags: the tagging API does."""

TAGGED: Final = ("sagemaker:endpoint", "sagemaker:notebook-instance", "lambda:function", "s3")
"""Types whose tags the tagging API is asked for."""

STATES: Final = {
    "active": "running",
    "attached": "attached",
    "available": "available",
    "completed": "available",
    "create_failed": "failed",
    "creating": "starting",
    "degraded": "failed",
    "delete_failed": "failed",
    "deleting": "deleting",
    "error": "failed",
    "failed": "failed",
    "in-use": "attached",
    "inservice": "running",
    "inmaintenance": "running",
    "outofservice": "failed",
    "pending": "starting",
    "pendingmaintenance": "running",
    "rollingback": "running",
    "running": "running",
    "shutting-down": "deleting",
    "starting": "starting",
    "stopped": "stopped",
    "stopping": "stopping",
    "systemupdating": "running",
    "unattached": "unattached",
    "updaterollbackfailed": "failed",
    "updating": "running",
}
"""AWS's words in lower case -> ours, where a type does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation, what it is told, and what is found in its answer: an object, or a list of them."""

    operation: str
    found: str
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sort:
    """One type of resource."""

    type: str  # as listings are named
    kind: str
    resource_type: str
    service: str
    calls: tuple[Call, ...]
    id: str  # as bills name it
    aliases: tuple[str, ...] = ()
    name: str = NAME
    size: str = "null"
    state: str = "State"
    states: Mapping[str, str] = field(default_factory=dict)
    other_state: str = "unknown"  # what every word is that nobody maps
    created: str = "null"
    parent: str = "null"
    tags: str = FROM_TAGGING
    tagged_as: str = ""  # the ARN by which the tagging API knows it; empty: its id
    details: Mapping[str, str] = field(default_factory=dict)


def arn(service: str, *rest: str) -> str:
    """Expression of an ARN of the region and account; `rest` ends in an expression."""
    *fixed, last = rest
    words = [f"'{word}'" for word in ("arn",)] + ["partition", f"'{service}'", "region", "account"]
    return f"join(':', [{', '.join([*words, *(repr(word) for word in fixed)])}, {last}])"


def slashed(prefix: str, expression: str) -> str:
    """Expression of the last part of an ARN: `instance/i-0abc`."""
    return f"join('', ['{prefix}/', {expression}])"


def tag(key: str) -> str:
    """Expression of the value of a tag."""
    return f"Tags[?Key=='{key}'].Value | [0]"
