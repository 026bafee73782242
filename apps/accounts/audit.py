"""The audit log: writing an event into the caller's transaction, and proving that the chain is whole."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone

from apps.accounts.models import AuditEvent, AuditHead, User

GENESIS = "0" * 64
REDACTED = "[redacted]"
# `api_key` and `secretKey` are secrets; `tag_key` and `team_tag_keys` are names
SECRET_NAME = re.compile(r"(^|_)(authorization|credentials?|pass(phrase|wd|words?)|secrets?|tokens?|(?<!tag_)key)(_|$)")

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of the chain found; `first_broken` is the id of the event where it breaks, None where the end is."""

    intact: bool
    events: int
    first_broken: int | None = None
    why: str = ""


def record(
    *,
    actor: User | None,
    action: str,
    target: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
    remote_address: str = "",
) -> AuditEvent:
    """Append an event to the chain, in the caller's transaction: what rolls back leaves no event.

    `actor` None is the system or the command line. Values of fields whose name speaks of a secret are replaced.
    Raises TransactionManagementError outside of a transaction. Other writers wait from here to the commit.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("audit.record needs the transaction of the change that it records")
    head = _lock_head()
    event = AuditEvent(
        at=timezone.now(),
        actor=actor,
        actor_name=actor.username if actor else "system",
        action=action,
        target=_text(target),
        before=None if before is None else _plain(before),
        after=None if after is None else _plain(after),
        reason=_text(reason),
        remote_address=_text(remote_address),
        previous_hash=head.hash,
    )
    event.hash = hash_of(event)
    event.save(force_insert=True)
    AuditHead.objects.filter(pk=head.pk).update(events=head.events + 1, hash=event.hash)
    return event


def record_change(
    target: str,
    *,
    actor: User | None,
    before: Mapping[str, object],
    after: Mapping[str, object],
    remote_address: str = "",
) -> bool:
    """Append the event "<kind of target>.updated" with the fields that differ; whether there were any."""
    fields = [name for name in after if before[name] != after[name]]
    if fields:
        record(
            actor=actor,
            action=f"{target.partition(':')[0]}.updated",
            target=target,
            before={name: before[name] for name in fields},
            after={name: after[name] for name in fields},
            remote_address=remote_address,
        )
    return bool(fields)


def verify() -> ChainReport:
    """Walk the whole chain, oldest event first, in constant memory; says where it breaks and how."""
    head = AuditHead.objects.first()
    # each event brings the head as of the same moment, so that writers need not wait for the walk
    chain = AuditEvent.objects.annotate(
        head_hash=Subquery(AuditHead.objects.values("hash")), head_events=Subquery(AuditHead.objects.values("events"))
    )
    previous, events = GENESIS, 0
    ends_at = (head.hash, head.events) if head else (GENESIS, 0)
    for event in chain.order_by("id").iterator(chunk_size=5_000):
        if event.previous_hash != previous:
            return ChainReport(False, events, event.pk, "the event before it is missing, or not the one it was")
        if event.hash != hash_of(event):
            return ChainReport(False, events, event.pk, "its content is not what was recorded")
        previous, events = event.hash, events + 1
        ends_at = (event.head_hash, event.head_events)
    if (previous, events) != ends_at:
        return ChainReport(False, events, None, f"the chain ends after {events} events, its head says {ends_at[1]}")
    return ChainReport(True, events)


def hash_of(event: AuditEvent) -> str:
    """SHA-256, in hex, over the event's canonical JSON: sorted keys, no blanks, times in UTC to the microsecond."""
    content = {
        "at": _utc(event.at),
        "actor": event.actor_id,
        "actor_name": event.actor_name,
        "action": event.action,
        "target": event.target,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "remote_address": event.remote_address,
        "previous_hash": event.previous_hash,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _utc(at: datetime) -> str:
    return at.astimezone(timezone.get_default_timezone()).isoformat(timespec="microseconds")


def _lock_head() -> AuditHead:
    """The end of the chain, held until the caller's transaction ends: two writers cannot continue the same event."""
    heads = AuditHead.objects.select_for_update()
    head = heads.first()
    if head is None:
        AuditHead.objects.bulk_create([AuditHead(hash=GENESIS)], ignore_conflicts=True)
        head = heads.get()
    return head


def _plain(value: object, *, name: str = "") -> Json:
    """`value` as JSON that comes back from the database as it went in, without secrets.

    Numbers with a fraction become text: JSON would hand them back in another notation.
    """
    if value is None or isinstance(value, bool):
        return value
    if _is_secret(name):
        return REDACTED
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(item, name=str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, int) else _text(str(value))


def _is_secret(name: str) -> bool:
    """Whether a field's name, in snake, kebab or camel case, speaks of a secret."""
    snake = re.sub(r"([a-z0-9])([A-Z])|[^A-Za-z0-9]+", r"\1_\2", name).lower()
    return SECRET_NAME.search(snake) is not None


def _text(text: str) -> str:
    """Text as PostgreSQL can keep it: no NUL, no half characters."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
