"""The form for what a core, a GiB and a GPU are worth."""

from typing import Any

from django import forms

from apps.clusters.services import read_price
from apps.core.errors import UserError


class PricesForm(forms.Form):
    """Prices of an hour, as text: no digit is lost."""

    cpu_core_hour = forms.CharField(label="A core")
    memory_gib_hour = forms.CharField(label="A GiB of memory")
    gpu_hour = forms.CharField(label="A GPU")

    def clean(self) -> dict[str, Any]:
        """The prices as decimals."""
        given = super().clean() or {}
        for name, text in list(given.items()):
            try:
                given[name] = read_price(text, name)
            except UserError as error:
                self.add_error(name, str(error))
        return given
