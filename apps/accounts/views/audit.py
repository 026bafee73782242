"""The page of the audit log: who changed what, when, and the proof that nobody changed the log."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from apps.accounts import audit, queries
from apps.accounts.models import AuditEvent, AuditHead
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.downloads import csv_download
from apps.core.pages import page_of, parameters_besides

COLUMNS: Final = (
    *("id", "at", "actor_name", "remote_address", "action", "target", "before", "after", "reason"),
    *("previous_hash", "hash"),
)
LONGEST_NAME: Final = 120
CHECKED_UNASKED: Final = 5_000
"""A chain of at most so many events is checked whenever the page is shown; a longer one when somebody asks."""


class AuditFilter(forms.Form):
    """Which events the page shows; the parameters are those of the address."""

    actor = forms.CharField(required=False, label="Who")
    action = forms.CharField(required=False, label="What", widget=forms.TextInput({"placeholder": "token.created"}))
    target = forms.CharField(required=False, label="On what", widget=forms.TextInput({"placeholder": "user:1"}))
    since = forms.DateField(required=False, label="From", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        """Refuse days in the wrong order, which nothing could match."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one.")
        return self.cleaned_data

    def matching(self) -> QuerySet[AuditEvent]:
        """The events that match, newest first; a field that cannot be read filters nothing and says so."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if "since" in given:
            given["since"] = datetime.combine(given["since"], time.min, UTC)
        if "until" in given:
            given["until"] = datetime.combine(given["until"] + timedelta(days=1), time.min, UTC)
        return queries.audit_events(**given)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an event in words: what it was (empty for something new) and what it became."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the page shows it."""

    event: AuditEvent
    changes: list[Change]


@requires(Capability.SEE_AUDIT)
def events(request: HttpRequest) -> HttpResponse:
    """The log, newest first, and the state of its chain."""
    form = AuditFilter(request.GET)
    page = page_of(request, form.matching())
    head = AuditHead.objects.first()
    is_short = head is None or head.events <= CHECKED_UNASKED
    context = {
        "title": "Audit log",
        "form": form,
        "page": page,
        "rows": [Row(event, _changes(event)) for event in page],
        "query": parameters_besides(request, "page", "verify"),
        "is_filtered": any(request.GET.get(name) for name in AuditFilter.base_fields),
        "chain": audit.verify() if is_short or "verify" in request.GET else None,
    }
    return render(request, "accounts/audit.html", context)


@requires(Capability.SEE_AUDIT)
def download(request: HttpRequest) -> HttpResponseBase:
    """The events that the filters of the page choose, all of them, as csv."""
    form = AuditFilter(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('audit')}?{request.GET.urlencode()}")  # the page says which filter is wrong
    rows = form.matching().values_list(*COLUMNS).iterator(chunk_size=2_000)
    return csv_download(COLUMNS, ([_as_text(value) for value in row] for row in rows), name=_file_name(request))


def _file_name(request: HttpRequest) -> str:
    """What was asked for and when: audit-log-action-token-as-of-20260618T0900Z.csv."""
    asked = [f"{name}-{request.GET[name]}" for name in AuditFilter.base_fields if request.GET.get(name)]
    words = re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(["audit-log", *asked]))[:LONGEST_NAME]
    return f"{words}-as-of-{timezone.now():%Y%m%dT%H%MZ}.csv"


def _as_text(value: object) -> object:
    """Times in UTC, what changed as the JSON that the chain's hashes are over; empty for nothing."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return value


def _changes(event: AuditEvent) -> list[Change]:
    """What an event changed; of something new only what it has."""
    before, after = event.before or {}, event.after or {}
    names = [name for name in dict.fromkeys([*before, *after]) if name in before or after[name] not in ("", [], None)]
    return [
        Change(name, _in_words(before[name]) if name in before else "", _in_words(after.get(name))) for name in names
    ]


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)
