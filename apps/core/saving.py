"""Saving a row after its fields were checked, with a refusal that a person understands."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db.models import Model

from apps.core.errors import UserError


def save_checked(row: Model, *, fields: Collection[str] | None = None, unchecked: Collection[str] = ()) -> None:
    """Check the fields besides `unchecked`, then save all or those named. Raises UserError for the first wrong one."""
    try:
        row.full_clean(exclude=set(unchecked))
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise UserError(messages[0], field="" if field == "__all__" else field) from error
    row.save(update_fields=fields)
