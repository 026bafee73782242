"""Every address under /api/: each app's api.py brings its own `urlpatterns`."""

from django.urls import include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", TemplateView.as_view(template_name="api/docs.html"), name="api-docs"),
    path("v1/", include("apps.accounts.api")),
    path("v1/", include("apps.costs.api")),
    path("v1/", include("apps.clusters.api")),
    path("v1/", include("apps.dashboards.api")),
    path("v1/", include("apps.dashboards.resource_api")),
    path("v1/", include("apps.pricing.api")),
    path("v1/", include("apps.sources.api")),
    path("v1/", include("apps.utilization.api")),
]
