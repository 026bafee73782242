"""What the web process measures about itself, for Prometheus. It is one process with threads: one registry."""

import time
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

REQUESTS = Counter("finops_http_requests", "Requests answered.", ["view", "method", "status"])
SECONDS = Histogram(
    "finops_http_request_seconds",
    "Time until the answer's first byte.",
    ["view", "method"],
    buckets=(0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
)
KNOWN_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class RequestMetrics:
    """Middleware that counts and times every request by its view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; labels come from our own names alone, so that their number is bounded."""
        started = time.perf_counter()
        response = self._get_response(request)
        view = _view_name(request)
        method = request.method if request.method in KNOWN_METHODS else "other"
        REQUESTS.labels(view, method, response.status_code).inc()
        SECONDS.labels(view, method).observe(time.perf_counter() - started)
        return response


def _view_name(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.view_name or match.route) if match else "none"


@login_not_required
def metrics(_request: HttpRequest) -> HttpResponse:
    """GET /metrics: the registry in Prometheus's text format."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
