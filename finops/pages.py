"""The address of every HTML page."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from apps.accounts.views import audit, organisation, profile, teams, tokens, users
from apps.clusters import views as clusters
from apps.costs.views import charges, explorer, rates
from apps.dashboards import resource_pages, view_pages
from apps.dashboards import views as dashboards
from apps.demo import views as demo
from apps.pricing import views as pricing
from apps.sources.views import connect, connections, deliveries, steps, uploads
from apps.utilization.views import gpus

urlpatterns = [
    path("", dashboards.overview, name="overview"),
    path("overview/team/", dashboards.choose_team, name="overview-team"),
    path("search/", dashboards.search, name="search"),
    path("help/", dashboards.help_page, name="help"),
    path("login/", profile.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", profile.change_password, name="password"),
    path("demo/remove/", demo.remove, name="demo-remove"),
    path("demo/remove/progress/", demo.progress, name="demo-progress"),
    path("costs/", explorer.costs, name="costs"),
    path("costs/charges/", charges.charges, name="charges"),
    path("prices/", pricing.prices, name="prices"),
    path("resources/", resource_pages.resources, name="resources"),
    path("resources/<int:pk>/", resource_pages.resource, name="resource"),
    path("clusters/", clusters.clusters, name="clusters"),
    path("clusters/table.csv", clusters.download, name="clusters-csv"),
    path("clusters/prices/", clusters.prices, name="cluster-prices"),
    path("gpus/", gpus.gpus, name="gpus"),
    path("gpus/table.csv", gpus.download, name="gpus-csv"),
    path("sources/", connections.sources, name="sources"),
    path("sources/connect/", connect.kinds, name="source-kinds"),
    path("sources/connect/<slug:kind>/", connect.connect, name="source-connect"),
    path("sources/connect/<slug:kind>/policy/", connect.policy, name="source-policy"),
    path("sources/connect/<slug:kind>/template/", connect.template, name="source-template"),
    path("sources/<int:pk>/", connections.source, name="source"),
    path("sources/<int:pk>/live/", connections.live, name="source-live"),
    path("sources/<int:pk>/edit/", connect.edit, name="source-edit"),
    path("sources/<int:pk>/run/", steps.run_now, name="source-run"),
    path("sources/<int:pk>/backfill/", steps.backfill, name="source-backfill"),
    path("sources/<int:pk>/pause/", steps.pause, name="source-pause"),
    path("sources/<int:pk>/resume/", steps.resume, name="source-resume"),
    path("sources/<int:pk>/disconnect/", steps.disconnect, name="source-disconnect"),
    path("sources/<int:pk>/leave-out/", steps.leave_out, name="source-leave-out"),
    path("sources/<int:pk>/runs/<int:run>/cancel/", steps.cancel_run, name="run-cancel"),
    path("sources/<int:pk>/runs/<int:run>/again/", steps.run_again, name="run-again"),
    path("sources/upload/", uploads.upload, name="upload"),
    path("sources/deliveries/", deliveries.deliveries, name="deliveries"),
    path("sources/deliveries/<int:pk>/", deliveries.delivery, name="delivery"),
    path("sources/deliveries/<int:pk>/progress/", uploads.progress, name="delivery-progress"),
    path("sources/deliveries/<int:pk>/rejected.csv", deliveries.rejected_rows, name="rejected-rows"),
    path("audit/", audit.events, name="audit"),
    path("audit/events.csv", audit.download, name="audit-csv"),
    path("views/", view_pages.views, name="views"),
    path("views/save/", view_pages.create, name="view-create"),
    path("views/<int:pk>/", view_pages.view, name="view"),
    path("views/<int:pk>/change/", view_pages.change, name="view-change"),
    path("views/<int:pk>/delete/", view_pages.delete, name="view-delete"),
    path("settings/", profile.profile, name="settings"),
    path("settings/password/", profile.profile_password, name="profile-password"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("settings/teams/", teams.teams, name="teams"),
    path("settings/teams/<slug:slug>/", teams.team, name="team"),
    path("settings/teams/<slug:slug>/members/", teams.members, name="team-members"),
    path("settings/teams/<slug:slug>/delete/", teams.delete, name="team-delete"),
    path("settings/users/", users.users, name="users"),
    path("settings/users/<int:pk>/", users.user, name="user"),
    path("settings/users/<int:pk>/password/", users.reset_password, name="user-password"),
    path("settings/users/<int:pk>/deactivate/", users.deactivate, name="user-deactivate"),
    path("settings/users/<int:pk>/reactivate/", users.reactivate, name="user-reactivate"),
    path("settings/organisation/", organisation.organisation, name="organisation"),
    path("settings/organisation/tags/", organisation.tag_keys, name="organisation-tags"),
    path("settings/exchange-rates/", rates.rates, name="exchange-rates"),
    path("settings/exchange-rates/import/", rates.import_file, name="rates-import"),
    path("settings/exchange-rates/<int:pk>/delete/", rates.delete, name="rate-delete"),
]
