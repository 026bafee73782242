"""The page of exchange rates: by month, typed or from a file, and which are missing."""

import io
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.models import Organisation
from apps.accounts.pages import made_by, settings_page
from apps.accounts.permissions import check, requires
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.errors import UserError
from apps.core.pages import page_of, save
from apps.core.periods import MAX_DAYS, Period
from apps.costs.forms import RateForm, RatesFileForm
from apps.costs.models import ExchangeRate
from apps.costs.queries import CostQuery, MissingRateError, cost_table
from apps.costs.rates import Rate, delete_rate, import_rates, set_rate
from apps.costs.rates import rates as all_rates


@requires(Capability.SEE_DELIVERIES)
def rates(request: HttpRequest) -> HttpResponse:
    """All rates, and the form for one."""
    initial = {"reporting_currency": Organisation.current().reporting_currency}
    form = RateForm(request.POST or None, initial=initial)
    if request.method == "POST":
        check(request.user, Capability.MANAGE_RATES)
        if save(form, _set, **made_by(request)):
            messages.success(request, "Rate saved. Costs are converted by it from now on.")
            return redirect("exchange-rates")
    return _show(request, form, RatesFileForm())


@require_POST
@requires(Capability.MANAGE_RATES)
def import_file(request: HttpRequest) -> HttpResponse:
    """Take all rates of a file, or none."""
    form = RatesFileForm(request.POST, request.FILES)
    if save(form, lambda **values: _import(request, **values), **made_by(request)):
        return redirect("exchange-rates")
    return _show(request, RateForm(), form)


@require_POST
@requires(Capability.MANAGE_RATES)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one rate."""
    delete_rate(exchange_rate=get_object_or_404(ExchangeRate, pk=pk), **made_by(request))
    messages.success(request, "Rate deleted. Costs of its month can no longer be converted.")
    return redirect("exchange-rates")


def _show(request: HttpRequest, form: RateForm, file_form: RatesFileForm) -> HttpResponse:
    context = settings_page(
        request,
        "Exchange rates",
        form=form,
        file_form=file_form,
        page=page_of(request, all_rates()),
        reporting_currency=Organisation.current().reporting_currency,
        missing=_missing(request),
    )
    return render(request, "costs/rates.html", context)


def _set(*, actor: Any, remote_address: str, **fields: str) -> None:
    set_rate(
        rate=Rate.parse({name: text.strip() for name, text in fields.items()}),
        actor=actor,
        remote_address=remote_address,
    )


def _import(request: HttpRequest, *, file: Any, **by: Any) -> None:
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        done = import_rates(lines=lines, file_name=file.name, **by)
    except UnicodeDecodeError:
        raise UserError(f"{file.name} is no text in UTF-8. Save it as CSV in UTF-8.", field="file") from None
    said = f"{file.name}: {done.added} added, {done.changed} changed, {done.unchanged} as they were."
    messages.success(request, said)


def _missing(request: HttpRequest) -> str:
    """Which rates the costs of the last five years lack for the organisation's currency; empty when none."""
    currency, today = Organisation.current().reporting_currency, timezone.now().date()
    if not currency:
        return ""
    five_years = Period(today - timedelta(days=MAX_DAYS - 1), today)
    try:
        cost_table(CostQuery(five_years, currency=currency), scope=scope_of(request.user))
    except MissingRateError as error:
        return str(error)
    return ""
