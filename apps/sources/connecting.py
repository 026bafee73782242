"""Writes to connections: connect, change, pause, resume, disconnect, and credentials sealed with a new key."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.audit import record, record_change
from apps.accounts.models import User
from apps.core.errors import UserError
from apps.core.locks import held, hold, hold_shared
from apps.core.secrets import add_new_key, forget_old_keys, reseal, seal
from apps.inventory.removal import close_source
from apps.pricing.removal import end_source
from apps.sources import runs
from apps.sources.connections import connection, kept_secrets, known_kind, plain_secrets, plain_settings
from apps.sources.models import UPLOAD, Run, Source
from apps.sources.services import stream
from collectors.connections import Connection

KEYS = "keys of credentials"
"""The lock that is shared by who seals credentials until that is committed, and held alone by who changes the keys."""
REFRESH_HOURS = {1: "Every hour", 3: "Every 3 hours", 6: "Every 6 hours", 12: "Every 12 hours", 24: "Every day"}


@transaction.atomic
def connect(
    *,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Any],
    months: int = 1,
    refresh_hours: int | None = None,
    actor: User | None,
    remote_address: str = "",
) -> Source:
    """Save a connection and queue its first look at so many months. Raises UserError for the first wrong field.

    It is looked at as often as its kind asks for, unless `refresh_hours` says otherwise.

    A source of that name whose bills were brought by people is taken over: what comes replaces them month by month.
    """
    hold_shared(KEYS)
    made = connection(kind, settings, secrets)
    since = runs.months_back(timezone.now().date(), months)
    source = _to_connect(name)
    source.kind, source.owner = kind, actor
    source.is_active, source.paused_reason, source.failures = True, "", 0
    source.last_success_at = source.rests_until = None
    _write(source, made, made.refresh_hours if refresh_hours is None else refresh_hours)
    after = {"name": source.name, "kind": kind, **_told(source)}
    record(
        actor=actor, action="source.connected", target=runs.target(source), after=after, remote_address=remote_address
    )
    runs.queue_look(source, since=since, actor=None)
    return source


@transaction.atomic
def change(
    source: Source,
    *,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Any],
    refresh_hours: int,
    actor: User,
    remote_address: str = "",
) -> Source:
    """Change where it looks and how often; of the credentials those that are given, the others stay.

    Raises UserError where an address leads to another server and no credentials are given for it.
    """
    hold_shared(KEYS)
    source = Source.objects.select_for_update().get(pk=source.pk)
    before = _told(source)
    _write(source, connection(source.kind, settings, kept_secrets(source, settings, secrets)), refresh_hours)
    signs_in = {"sign_in": "as before"}
    record_change(
        runs.target(source),
        actor=actor,
        before={**before, **signs_in},
        after={**_told(source), "sign_in": "changed" if _given(secrets) else "as before"},
        remote_address=remote_address,
    )
    return source


@transaction.atomic
def pause(source: Source, *, actor: User, remote_address: str = "") -> None:
    """Collect nothing more until it is resumed; what is being fetched is finished."""
    _switch(source, False, actor=actor, remote_address=remote_address)


@transaction.atomic
def resume(source: Source, *, actor: User, remote_address: str = "") -> None:
    """Collect again, beginning now."""
    _switch(source, True, actor=actor, remote_address=remote_address)
    runs.queue_look(source, since=runs.recheck_from(timezone.now().date()), actor=None)


@transaction.atomic
def disconnect(source: Source, *, actor: User, remote_address: str = "") -> None:
    """End the connection and erase its credentials; without any delivery the source goes too.

    What was stays: costs, utilisation, clusters' days, deliveries. What it said of now ends with it: resources are
    closed and list prices end, both with their history. What is being loaded is waited for.
    """
    hold(source.loading_lock)
    source = Source.objects.select_for_update().get(pk=source.pk)
    for run in source.runs.filter(status__in=Run.OPEN):
        runs.cancel(run, actor=actor, remote_address=remote_address)
    before = {"name": source.name, "kind": source.kind, "settings": source.settings}
    now = timezone.now()
    ended = {"resources": close_source(source.name, at=now), "prices": end_source(source.name, at=now)}
    record(
        actor=actor,
        action="source.disconnected",
        target=runs.target(source),
        before=before,
        after={f"{name}_ended": count for name, count in ended.items() if count},
        remote_address=remote_address,
    )
    if not source.deliveries.exists() and not source.runs.filter(status=Run.Status.RUNNING).exists():
        source.delete()
        return
    source.kind, source.settings, source.secrets = UPLOAD, {}, b""
    source.is_active, source.paused_reason, source.failures = True, "", 0
    source.next_run_at = source.rests_until = None
    source.save()
    # what is connected under its name one day may be another account, or its costs out of the books: it begins anew
    source.runs.update(place="", fingerprint="")


@transaction.atomic
def set_owner(source: Source, *, owner: User | None, actor: User, remote_address: str = "") -> None:
    """Who is told when it fails."""
    before = {"owner": source.owner.username if source.owner else None}
    after = {"owner": owner.username if owner else None}
    Source.objects.filter(pk=source.pk).update(owner=owner)
    record_change(runs.target(source), actor=actor, before=before, after=after, remote_address=remote_address)


def rotate_secrets() -> int:
    """Seal all credentials with a new key and forget the old ones. Returns how many sources have some.

    Keys from the environment are the operator's: then everything is sealed with the first of them. Safe to repeat
    wherever it was broken off: the old keys are forgotten last.
    """
    with held(KEYS):
        add_new_key()
        with transaction.atomic():
            sealed = list(Source.objects.select_for_update().exclude(secrets=b""))
            for source in sealed:
                Source.objects.filter(pk=source.pk).update(secrets=reseal(source.secrets))
            record(actor=None, action="source.resealed", target="source", after={"sources": len(sealed)})
        forget_old_keys()
    return len(sealed)


def refresh_choice(hours: int) -> int:
    """The hours, if they can be chosen."""
    if hours not in REFRESH_HOURS:
        raise UserError(
            f"Choose one of these numbers of hours: {', '.join(map(str, REFRESH_HOURS))}.", field="refresh_hours"
        )
    return hours


def _to_connect(name: str) -> Source:
    source = Source.objects.select_for_update().get(pk=stream(name).pk)
    if source.is_live:
        raise UserError(f"There is a connection named {source.name} already: choose another name.", field="name")
    return source


def _write(source: Source, made: Connection, refresh_hours: int) -> None:
    source.settings = plain_settings(made)
    secrets = plain_secrets(made)
    source.secrets = seal(secrets) if secrets else b""
    source.refresh_hours = refresh_choice(refresh_hours)
    source.next_run_at = timezone.now() + timedelta(hours=source.refresh_hours)
    source.save()


def _given(secrets: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in secrets.items() if value}


def _told(source: Source) -> dict[str, Any]:
    return {"settings": source.settings, "refresh_hours": source.refresh_hours}


def _switch(source: Source, is_active: bool, *, actor: User, remote_address: str) -> None:
    source = Source.objects.select_for_update().get(pk=source.pk)
    known_kind(source.kind)
    if source.is_active == is_active:
        raise UserError(f"{source.name} is {'not paused' if is_active else 'paused already'}.")
    source.is_active, source.paused_reason = is_active, ""
    source.failures, source.rests_until = 0, None
    if is_active:
        source.next_run_at = timezone.now() + timedelta(hours=source.refresh_hours)
    source.save()
    action = "source.resumed" if is_active else "source.paused"
    record(
        actor=actor,
        action=action,
        target=runs.target(source),
        before={"is_active": not is_active},
        after={"is_active": is_active},
        remote_address=remote_address,
    )
