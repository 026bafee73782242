"""The forms of connections: made of what a kind needs to be told. What is right is decided by connections.py."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from apps.sources.connecting import REFRESH_HOURS
from apps.sources.models import Source
from apps.sources.runs import MOST_MONTHS
from collectors.connections import BILLS, Connection, Fields

FIRST_MONTHS: Final = 13
KEPT: Final = "Saved. Leave it empty to keep it."


class SettingsForm(forms.Form):
    """Where a connection looks, how it signs in, and how often."""

    refresh_hours = forms.TypedChoiceField(
        coerce=int, choices=list(REFRESH_HOURS.items()), label="Look for what is new"
    )

    def __init__(self, data: Any, *, kind: type[Connection], source: Source | None = None) -> None:
        saved = source.settings if source else {}
        hours = source.refresh_hours if source else kind.refresh_hours
        super().__init__(data, initial={"refresh_hours": hours, **saved})
        self.kind = kind
        self.setting_names = list(kind.Settings.model_fields)
        self.secret_names = list(kind.Secrets.model_fields)
        for fields in (kind.Settings, kind.Secrets):
            self.fields.update(_form_fields(fields, is_saved=bool(source and source.secrets)))
        self.order_fields(["name", *self.setting_names, *self.secret_names, "refresh_hours", "months"])

    @property
    def settings(self) -> dict[str, str]:
        """What was typed of where to look."""
        return {name: self.cleaned_data.get(name, "") for name in self.setting_names}

    @property
    def secrets(self) -> dict[str, str]:
        """What was typed of how to sign in; what was left empty is not in it."""
        return {name: text for name in self.secret_names if (text := self.cleaned_data.get(name, ""))}


class ConnectForm(SettingsForm):
    """A connection that does not exist yet: also its name, and how far back to begin."""

    name = forms.CharField(
        max_length=200,
        help_text="What this source is called from now on. It cannot be changed: what it brings is filed under it.",
    )
    months = forms.IntegerField(
        min_value=1,
        max_value=MOST_MONTHS,
        initial=FIRST_MONTHS,
        label="Months to begin with",
        help_text="The present one and those before it, as far as the provider still has them.",
    )

    def __init__(self, data: Any, *, kind: type[Connection]) -> None:
        super().__init__(data, kind=kind)
        if kind.brings != BILLS:
            del self.fields["months"]  # there is but the present state


class BackfillForm(forms.Form):
    """How far back to look once more."""

    months = forms.IntegerField(min_value=1, max_value=MOST_MONTHS, initial=FIRST_MONTHS, label="Months")


def _form_fields(fields: type[Fields], *, is_saved: bool) -> Mapping[str, forms.Field]:
    return {name: _form_field(info, is_saved=is_saved) for name, info in fields.model_fields.items()}


def _form_field(info: FieldInfo, *, is_saved: bool) -> forms.Field:
    words: dict[str, Any] = {
        "label": info.title,
        "help_text": info.description or "",
        "required": info.is_required() and not (is_saved and info.annotation is SecretStr),
        "strip": True,
    }
    if info.annotation is SecretStr:
        attributes = {"autocomplete": "new-password", "spellcheck": "false"} | (
            {"placeholder": KEPT} if is_saved else {}
        )
        return forms.CharField(widget=forms.PasswordInput(attributes), **words)
    default = info.get_default(call_default_factory=True, validated_data={})
    attributes = {"autocomplete": "off", "spellcheck": "false", "data-setting": ""}
    initial = "" if default is PydanticUndefined else default
    return forms.CharField(widget=forms.TextInput(attributes), initial=initial, **words)
