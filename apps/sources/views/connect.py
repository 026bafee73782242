"""Connecting a source: choosing its kind, the form with a test of the connection, and changing it later."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from apps.accounts.pages import made_by
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.errors import UserError
from apps.core.pages import save
from apps.sources import connecting
from apps.sources.connections import connection, kept_secrets
from apps.sources.forms import ConnectForm, SettingsForm
from apps.sources.models import UPLOAD, Source
from collectors.connections import BILLS, BRINGS, KINDS, Check, Connection, kind_of

Save = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class KindCard:
    """A kind as pages show it: templates call what can be called, and a class can."""

    kind: str
    title: str
    help: str
    template: str
    template_help: str

    @classmethod
    def of(cls, kind: type[Connection]) -> "KindCard":
        """What there is to say of the kind."""
        return cls(kind.kind, kind.title, kind.help, kind.template, kind.template_help)


@requires(Capability.MANAGE_SOURCES)
def kinds(request: HttpRequest) -> HttpResponse:
    """The kinds of sources that there are."""
    known = [kind_of(name) for name in KINDS]
    groups = [(brings, [KindCard.of(kind) for kind in known if kind.brings == brings]) for brings in BRINGS]
    context = {"title": "Connect a source", "groups": [(brings, cards) for brings, cards in groups if cards]}
    return render(request, "sources/kinds.html", context)


@never_cache
@requires(Capability.MANAGE_SOURCES)
def connect(request: HttpRequest, kind: str) -> HttpResponse:
    """The form of a kind. What is sent is tested before it is saved, unless somebody wants it saved as it is."""
    found = _kind_or_404(kind)
    form = ConnectForm(request.POST or None, kind=found)
    made: list[Source] = []

    def write(**_: Any) -> None:
        names = ("name", "months", "refresh_hours")
        typed = {name: form.cleaned_data[name] for name in names if name in form.cleaned_data}
        words = {"kind": kind, "settings": form.settings, "secrets": form.secrets, **typed}
        made.append(connecting.connect(**words, **made_by(request)))

    answer = _answer(request, form, lambda: save(form, write), title=f"Connect: {found.title}")
    if made:
        what = "Its bills are" if found.brings == BILLS else "What it has is"
        messages.success(request, f"{made[0].name} is connected. {what} being collected.")
        return redirect("source", pk=made[0].pk)
    return answer


@never_cache
@requires(Capability.MANAGE_SOURCES)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The same form for a source that exists; credentials that are left empty stay."""
    source = get_object_or_404(Source.objects.exclude(kind=UPLOAD), pk=pk)
    form = SettingsForm(request.POST or None, kind=_kind_or_404(source.kind), source=source)

    def write(**_: Any) -> None:
        hours = form.cleaned_data["refresh_hours"]
        words = {"settings": form.settings, "secrets": form.secrets, "refresh_hours": hours}
        connecting.change(source, **words, **made_by(request))

    saved: list[bool] = []

    def write_and_note() -> bool:
        saved.append(save(form, write))
        return saved[-1]

    answer = _answer(request, form, write_and_note, title=f"Edit {source.name}", source=source)
    if saved and saved[-1]:
        messages.success(request, f"{source.name} is saved. Run it to see whether all is well.")
        return redirect("source", pk=pk)
    return answer


@requires(Capability.MANAGE_SOURCES)
def policy(request: HttpRequest, kind: str) -> HttpResponse:
    """What the provider has to grant for the settings in the address, as a piece of the form's page."""
    found = _kind_or_404(kind)
    return render(request, "sources/policy.html", {"policy": found.policy(request.GET.dict())})


@requires(Capability.MANAGE_SOURCES)
def template(request: HttpRequest, kind: str) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """The file by which the provider makes what the policy needs."""
    found = _kind_or_404(kind)
    if not found.template:
        raise Http404(f"{found.title} has no template.")
    path = Path(settings.BASE_DIR) / "deploy" / found.template
    return FileResponse(path.open("rb"), as_attachment=True, filename=found.template, content_type="text/plain")


def _answer(
    request: HttpRequest,
    form: SettingsForm,
    write: Save,
    *,
    title: str,
    source: Source | None = None,
) -> HttpResponse:
    """Test what was sent, save it where all is well or somebody insists, and show what is missing otherwise."""
    checks: list[Check] = []
    wanted = request.POST.get("do", "")
    if request.method == "POST" and wanted != "insist" and form.is_valid():
        checks = _test(form, source)
    is_well = bool(checks) and all(check.ok for check in checks)
    if request.headers.get("HX-Request") and wanted == "test":
        return render(request, "sources/checks.html", {"checks": checks, "form": form, "is_well": is_well})
    if request.method == "POST" and (wanted == "insist" or (wanted == "save" and is_well)):
        write()
    values = request.POST if request.method == "POST" else {**form.initial, **_defaults(form)}
    context = {
        "title": title,
        "form": form,
        "kind": KindCard.of(form.kind),
        "source": source,
        "checks": checks,
        "is_well": is_well,
        "policy": form.kind.policy({name: str(values.get(name) or "") for name in form.setting_names}),
    }
    return render(request, "sources/connect.html", context)


def _defaults(form: SettingsForm) -> dict[str, Any]:
    return {name: form.get_initial_for_field(form.fields[name], name) for name in form.setting_names}


def _test(form: SettingsForm, source: Source | None) -> list[Check]:
    """Try the connection; a wrong field is shown at the field."""
    try:
        secrets = kept_secrets(source, form.settings, form.secrets) if source else form.secrets
        made: Connection = connection(form.kind.kind, form.settings, secrets)
    except UserError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return []
    return list(made.check())


def _kind_or_404(name: str) -> type[Connection]:
    if name not in KINDS:
        raise Http404(f"There is no kind of source called {name}.")
    return kind_of(name)
