"""The fields of the page of exchange rates."""

from django import forms


class RateForm(forms.Form):
    """One rate, typed; what is right is decided by rates.py."""

    currency = forms.CharField(max_length=3, widget=forms.TextInput({"placeholder": "EUR"}))
    reporting_currency = forms.CharField(max_length=3, label="Worth in", widget=forms.TextInput({"placeholder": "USD"}))
    month = forms.CharField(max_length=10, widget=forms.TextInput({"placeholder": "2026-06"}))
    rate = forms.CharField(max_length=60, widget=forms.TextInput({"inputmode": "decimal", "placeholder": "1.0832"}))


class RatesFileForm(forms.Form):
    """A file of rates."""

    file = forms.FileField(
        label="CSV file",
        help_text="With the columns currency, reporting_currency, month and rate.",
        widget=forms.FileInput({"accept": ".csv,text/csv"}),
    )
