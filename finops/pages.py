"""The address of every HTML page."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from apps.accounts.views import audit, organisation, profile, teams, tokens, users
from apps.costs.views import charges, explorer, rates
from apps.dashboards import views as dashboards
from apps.demo import views as demo
from apps.sources.views import deliveries, uploads

urlpatterns = [
    path("", dashboards.overview, name="overview"),
    path("login/", profile.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", profile.change_password, name="password"),
    path("demo/remove/", demo.remove, name="demo-remove"),
    path("costs/", explorer.costs, name="costs"),
    path("costs/charges/", charges.charges, name="charges"),
    path("sources/", RedirectView.as_view(pattern_name="deliveries"), name="sources"),
    path("sources/upload/", uploads.upload, name="upload"),
    path("sources/deliveries/", deliveries.deliveries, name="deliveries"),
    path("sources/deliveries/<int:pk>/", deliveries.delivery, name="delivery"),
    path("sources/deliveries/<int:pk>/progress/", uploads.progress, name="delivery-progress"),
    path("sources/deliveries/<int:pk>/rejected.csv", deliveries.rejected_rows, name="rejected-rows"),
    path("audit/", audit.events, name="audit"),
    path("settings/", profile.profile, name="settings"),
    path("settings/password/", profile.profile_password, name="profile-password"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("settings/teams/", teams.teams, name="teams"),
    path("settings/teams/<slug:slug>/", teams.team, name="team"),
    path("settings/teams/<slug:slug>/delete/", teams.delete, name="team-delete"),
    path("settings/users/", users.users, name="users"),
    path("settings/users/<int:pk>/", users.user, name="user"),
    path("settings/users/<int:pk>/password/", users.reset_password, name="user-password"),
    path("settings/users/<int:pk>/deactivate/", users.deactivate, name="user-deactivate"),
    path("settings/users/<int:pk>/reactivate/", users.reactivate, name="user-reactivate"),
    path("settings/organisation/", organisation.organisation, name="organisation"),
    path("settings/exchange-rates/", rates.rates, name="exchange-rates"),
    path("settings/exchange-rates/import/", rates.import_file, name="rates-import"),
    path("settings/exchange-rates/<int:pk>/delete/", rates.delete, name="rate-delete"),
]
