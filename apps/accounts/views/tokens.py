"""The page of API tokens: one's own, and everybody's for who may see them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.forms import TokenForm
from apps.accounts.pages import made_by, person, settings_page
from apps.accounts.permissions import requires
from apps.accounts.queries import tokens_for
from apps.accounts.roles import Capability
from apps.accounts.tokens import IssuedToken, issue_token, revoke_token
from apps.core.pages import page_of, save


@never_cache
@requires(Capability.MANAGE_OWN_TOKENS)
def tokens(request: HttpRequest) -> HttpResponse:
    """The list and the form; a new token's text is in the answer that made it and nowhere else."""
    form = TokenForm(request.POST or None)
    issued: list[IssuedToken] = []
    user = person(request)
    if request.method == "POST" and save(
        form, lambda **values: issued.append(issue_token(**values)), user=user, **made_by(request)
    ):
        form = TokenForm()
    page = page_of(request, tokens_for(user))
    context = settings_page(
        request, "API tokens", form=form, page=page, issued=issued[0] if issued else None, now=timezone.now()
    )
    return render(request, "accounts/tokens.html", context)


@require_POST
@requires(Capability.MANAGE_OWN_TOKENS)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token for good."""
    token = get_object_or_404(tokens_for(person(request)), pk=pk)
    revoke_token(token=token, **made_by(request))
    messages.success(request, f"The token {token.name} is revoked. Programs that use it are refused from now on.")
    return redirect("tokens")
