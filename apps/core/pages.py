"""What HTML pages share: cutting a list, keeping an address's parameters, and telling a form why it was refused."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.core.errors import UserError

ROWS_PER_PAGE = 50
Row = TypeVar("Row", bound=Model)


def page_of(request: HttpRequest, rows: QuerySet[Row] | Sequence[Row]) -> Page[Row]:
    """The page of `rows` that the address asks for; a number out of range gives the nearest one."""
    return Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))


def parameters_besides(request: HttpRequest, *names: str) -> str:
    """The address's parameters without `names`, ready for one more: empty or ending in `&`."""
    kept = request.GET.copy()
    for name in names:
        kept.pop(name, None)
    return f"{kept.urlencode(safe='[],:')}&" if kept else ""


def save(form: forms.Form, write: Callable[..., Any], **fixed: Any) -> bool:
    """Call `write` with the form's values; a refusal is shown at its field. Whether it was written."""
    if not form.is_valid():
        return False
    try:
        write(**form.cleaned_data, **fixed)
    except UserError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    return True
