"""The upload page: taking bills from a browser and showing how their loading goes."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from apps.accounts.pages import person
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.errors import UserError
from apps.sources import queries, services
from apps.sources.limits import too_large
from apps.sources.progress import Progress
from collectors.errors import CollectorError


@csrf_exempt  # only until the size is known to be allowed: the check of the token reads the whole upload
@never_cache
@requires(Capability.IMPORT_BILLS)
def upload(request: HttpRequest) -> HttpResponseBase:
    """The page; a POST keeps the files and queues their loading. The script asks for JSON, a plain form gets pages."""
    if request.method == "POST" and (said := too_large(request)):
        return _refuse(request, said, status=413)
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _show(request)
    try:
        received = _take(request, request.FILES.getlist("files"))
    except (CollectorError, UserError) as error:
        return _refuse(request, str(error), status=400)
    for one in received:
        if one.unchanged:
            messages.info(request, f"{one.delivery.path}: the same content was loaded before. Nothing changed.")
    query = QueryDict(mutable=True)
    query.setlist("delivery", [str(one.delivery.pk) for one in received])
    address = f"{reverse('upload')}?{query.urlencode()}"
    return JsonResponse({"next": address}) if _wants_json(request) else redirect(address)


@never_cache
@requires(Capability.SEE_DELIVERIES)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of one delivery's loading, as a piece of a page."""
    entry = get_object_or_404(queries.deliveries(scope=scope_of(request.user)), pk=pk)
    return render(request, "sources/progress.html", {"delivery": entry, "progress": Progress.of(entry)})


def _take(request: HttpRequest, files: "list[UploadedFile[Any]]") -> list[services.Received]:
    if not files:
        raise UserError("Choose at least one file.")
    source = request.POST.get("source", "").strip() or services.DEFAULT_SOURCE
    received = services.start_upload(files=files, source=source, actor=person(request))
    if not received:
        raise UserError(
            "None of these files is a bill. Choose csv, csv.gz, zip or parquet files of a billing export, or saved"
            " answers of a cost API (JSON)."
        )
    return received


def _show(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    scope = scope_of(request.user)
    asked = [int(pk) for pk in request.GET.getlist("delivery") if pk.isdecimal() and len(pk) < 19]
    received = queries.deliveries(scope=scope).filter(pk__in=asked)
    going = [(entry, Progress.of(entry)) for entry in received]
    context = {
        "title": "Data sources",
        "tab": "upload",
        "going": going,
        "is_open": any(one.is_open for _, one in going),
        "error": error,
        "limit": settings.MAX_UPLOAD_BYTES,
        "default_source": services.DEFAULT_SOURCE,
        "sources": queries.sources(scope=scope),
    }
    return render(request, "sources/upload.html", context, status=status)


def _refuse(request: HttpRequest, error: str, *, status: int) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"error": error}, status=status)
    return _show(request, error=error, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")
