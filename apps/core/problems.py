"""Errors of the API as RFC 9457 problems: one shape for whatever goes wrong under /api/."""

import logging
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import get_template
from django.views import defaults
from rest_framework import exceptions
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from apps.core.errors import UserError
from apps.core.time_limit import TooSlowError


class TooLarge(exceptions.APIException):
    """A request body beyond what is taken into memory."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large."


logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
SCHEMA = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status says what kind of problem it is"},
        "title": {"type": "string", "description": "name of the status"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, in a sentence"},
        "errors": {
            "type": "array",
            "description": "what is wrong with each field; empty when no field is at fault",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "path of the field; empty = the whole request"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse:
    """REST framework's EXCEPTION_HANDLER: every exception becomes a problem; an unforeseen one is logged, not told."""
    if isinstance(exc, TooSlowError):
        return too_slow(context["request"], exc)
    error = _as_api_exception(exc)
    if error is None:
        logger.error("unhandled exception in the API", exc_info=exc)
        got_request_exception.send(sender=type(context["view"]), request=context["request"])
        error = exceptions.APIException("Something went wrong here; the log of the server says what.")
    set_rollback()
    errors = list(_fields(error.detail)) if isinstance(error, exceptions.ValidationError) else []
    detail = " ".join(_sentence(item) for item in errors) or str(error.detail)
    return _answer(error.status_code, detail, errors, headers=_headers(error))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400: a problem under /api/, a page elsewhere."""
    if _is_api(request):
        return _answer(400, "The request cannot be read.")
    return defaults.bad_request(request, exception)


def refuse_request(request: HttpRequest, detail: str, *, field: str) -> HttpResponseBase:
    """400 for a parameter that no view can use, with what is wrong: a problem under /api/, a page elsewhere."""
    error = {"field": field, "detail": detail}
    if _is_api(request):
        return _answer(400, _sentence(error), [error])
    return HttpResponse(get_template("400.html").render({"said": _sentence(error)}), status=400)


def too_slow(request: HttpRequest, error: TooSlowError) -> HttpResponse:
    """503 for a question that the database was stopped from answering: a problem under /api/, a page elsewhere."""
    if _is_api(request):
        return _answer(503, str(error))
    return HttpResponse(get_template("503.html").render({"said": str(error)}), status=503)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404: a problem under /api/, a page elsewhere."""
    if _is_api(request):
        return _answer(404, f"There is nothing at {request.path}.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500: a problem under /api/, a page elsewhere."""
    if _is_api(request):
        return _answer(500, "Something went wrong here; the log of the server says what.")
    return defaults.server_error(request)


def document_problems(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Hook of the OpenAPI schema: whatever an operation does not answer itself is a problem."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = SCHEMA
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = {"description": "A problem", "content": content}
    return result


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _answer(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), *, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Not one of REST framework's responses: a problem is JSON whatever the view would have rendered."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": list(errors),
    }
    return JsonResponse(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def _as_api_exception(exc: Exception) -> exceptions.APIException | None:
    """What goes wrong in Django's and our own words, in REST framework's; None for what nobody foresaw."""
    match exc:
        case exceptions.APIException():
            known: exceptions.APIException | None = exc
        case UserError():
            known = exceptions.ValidationError({exc.field or api_settings.NON_FIELD_ERRORS_KEY: [str(exc)]})
        case ValidationError():
            known = exceptions.ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
        case Http404():
            known = exceptions.NotFound(*exc.args)
        case PermissionDenied():
            known = exceptions.PermissionDenied(*exc.args)
        case RequestDataTooBig():
            known = TooLarge()
        case SuspiciousOperation():
            known = exceptions.ParseError()
        case _:
            known = None
    return known


def _fields(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """REST framework's nested error detail as a flat list; the path of a nested field is like `teams.0`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            whole = name in (api_settings.NON_FIELD_ERRORS_KEY, "__all__")
            yield from _fields(inner, path if whole else f"{path}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            yield from _fields(inner, f"{path}.{position}".lstrip(".") if isinstance(inner, dict | list) else path)
    else:
        yield {"field": path, "detail": str(detail)}


def _sentence(error: dict[str, str]) -> str:
    return f"{error['field']}: {error['detail']}" if error["field"] else error["detail"]


def _headers(error: exceptions.APIException) -> dict[str, str]:
    """The challenge of a 401, and how long to wait after a 429."""
    headers = {"WWW-Authenticate": getattr(error, "auth_header", None), "Retry-After": getattr(error, "wait", None)}
    return {name: str(value) for name, value in headers.items() if value}
