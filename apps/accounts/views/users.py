"""The pages of users: who may sign in, with which role."""

import secrets
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import queries, services
from apps.accounts.forms import NewUserForm, UserForm
from apps.accounts.models import User
from apps.accounts.pages import made_by, settings_page
from apps.accounts.permissions import check, requires
from apps.accounts.roles import Capability
from apps.core.errors import UserError
from apps.core.pages import page_of, save


@never_cache
@requires(Capability.SEE_PEOPLE)
def users(request: HttpRequest) -> HttpResponse:
    """All users, and the form for one more; the one-time password is in the answer that made it and nowhere else."""
    form, password, username = NewUserForm(request.POST or None), "", ""
    if request.method == "POST":
        check(request.user, Capability.MANAGE_PEOPLE)
        chosen = secrets.token_urlsafe(12)
        if save(form, services.create_user, password=chosen, **made_by(request)):
            form, password, username = NewUserForm(), chosen, form.cleaned_data["username"]
    page = page_of(request, queries.users())
    context = settings_page(request, "Users", form=form, page=page, password=password, username=username)
    return render(request, "accounts/users.html", context)


@requires(Capability.MANAGE_PEOPLE)
def user(request: HttpRequest, pk: int) -> HttpResponse:
    """One user: name, role and teams."""
    found = get_object_or_404(User, pk=pk)
    form = UserForm(request.POST or None, initial=UserForm.initial_of(found))
    if request.method == "POST" and save(form, _update, user=found, **made_by(request)):
        messages.success(request, f"User {found.username} saved.")
        return redirect("users")
    return _show(request, found, form)


@never_cache
@require_POST
@requires(Capability.MANAGE_PEOPLE)
def reset_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a new one-time password, shown in this answer alone."""
    found = get_object_or_404(User, pk=pk)
    password = secrets.token_urlsafe(12)
    services.set_password(user=found, password=password, **made_by(request))
    return _show(request, found, UserForm(initial=UserForm.initial_of(found)), password=password)


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Lock somebody out."""
    return _switch(request, pk, services.deactivate_user, "{} is deactivated: signed out, tokens revoked.")


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody in again."""
    return _switch(request, pk, services.reactivate_user, "{} may sign in again.")


def _switch(request: HttpRequest, pk: int, write: Callable[..., None], said: str) -> HttpResponse:
    found = get_object_or_404(User, pk=pk)
    try:
        write(user=found, **made_by(request))
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said.format(found.username))
    return redirect("user", pk=pk)


def _show(request: HttpRequest, found: User, form: UserForm, *, password: str = "") -> HttpResponse:
    context = settings_page(request, "Users", form=form, person=found, password=password)
    return render(request, "accounts/user.html", context)


@transaction.atomic
def _update(*, user: User, teams: Any, actor: User, remote_address: str, **values: Any) -> None:
    """What one form says, as one change: both or neither."""
    services.update_user(user=user, actor=actor, remote_address=remote_address, **values)
    services.set_membership(user=user, teams=teams, actor=actor, remote_address=remote_address)
