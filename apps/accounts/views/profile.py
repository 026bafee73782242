"""Pages about oneself: signing in, the password, and the profile."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.forms import ProfileForm
from apps.accounts.pages import made_by, person, settings_page
from apps.accounts.signin import OwnPasswordForm, SignInForm
from apps.core.errors import UserError
from apps.core.pages import save


class SignIn(LoginView):
    """The sign-in page."""

    template_name = "accounts/login.html"
    form_class = SignInForm
    redirect_authenticated_user = True


@never_cache
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """The password page; who has a one-time password sees no other page before."""
    form = OwnPasswordForm(request, request.POST or None)
    if request.method == "POST" and _change_password(request, form):
        messages.success(request, "Your password is changed. Other sessions of yours have ended.")
        return redirect("overview")
    return render(request, "accounts/password.html", {"title": "Choose a password", "form": form})


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """The first section of Settings: name, e-mail address and password."""
    user = person(request)
    initial = {"first_name": user.first_name, "last_name": user.last_name, "email": user.email}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and save(form, services.update_user, user=user, **made_by(request)):
        messages.success(request, "Profile saved.")
        return redirect("settings")
    return _show(request, form, OwnPasswordForm(request))


@require_POST
@login_required
def profile_password(request: HttpRequest) -> HttpResponse:
    """The password part of the profile."""
    form = OwnPasswordForm(request, request.POST)
    if _change_password(request, form):
        messages.success(request, "Your password is changed. Other sessions of yours have ended.")
        return redirect("settings")
    user = person(request)
    return _show(request, ProfileForm(initial={name: getattr(user, name) for name in ProfileForm.base_fields}), form)


def _show(request: HttpRequest, form: ProfileForm, password_form: OwnPasswordForm) -> HttpResponse:
    if not password_form.is_bound:  # nobody has come to change it: the page begins at its top
        del password_form.fields["old_password"].widget.attrs["autofocus"]
    context = settings_page(request, "Profile", form=form, password_form=password_form)
    return render(request, "accounts/profile.html", context)


def _change_password(request: HttpRequest, form: OwnPasswordForm) -> bool:
    """Set the password and keep this session alive; whether it was accepted."""
    if not form.is_valid():
        return False
    user = person(request)
    try:
        services.set_password(user=user, password=form.cleaned_data["new_password1"], **made_by(request))
    except UserError as error:
        form.add_error("new_password2", str(error))
        return False
    update_session_auth_hash(request, user)
    return True
