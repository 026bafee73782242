"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from finops.health import healthz, readyz
from finops.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", include("finops.pages")),
    path("api/", include("finops.api_urls")),
]

handler400 = "apps.core.problems.bad_request"
handler404 = "apps.core.problems.page_not_found"
handler500 = "apps.core.problems.server_error"
