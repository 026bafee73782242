"""From a source's row, or from what somebody typed, to the connection that talks to its provider."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from pydantic import SecretStr, ValidationError

from apps.core.errors import UserError
from apps.core.secrets import unseal
from apps.sources.models import Source
from collectors.connections import KINDS, Allowed, Connection, Fields, kind_of


def connection_of(source: Source) -> Connection:
    """The connection of a saved source. Raises UserError where it cannot be used any more."""
    return connection(source.kind, source.settings, unseal(source.secrets) if source.secrets else {})


def connection(kind: str, settings: Mapping[str, Any], secrets: Mapping[str, Any]) -> Connection:
    """A connection told where to look. Raises UserError that names the field which is wrong."""
    found = known_kind(kind)
    place, access = _checked(found, found.Settings, settings), _checked(found, found.Secrets, secrets)
    return found(place, access, _allowed())


def kept_secrets(source: Source, settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The credentials of a source with those that were typed now in their place, for it to use with other settings.

    Raises UserError where the address leads to another server and none were typed: whoever may change a source could
    have its credentials sent to a server of their own. Those that were typed then stand alone.
    """
    typed = {name: value for name, value in given.items() if value}
    kept = unseal(source.secrets) if source.secrets else {}
    if not kept or _server(source.settings) == _server(settings):
        return kept | typed
    if not typed:
        raise UserError("This is another server than the credentials were given for: enter them again.", field="url")
    return typed


def known_kind(name: str) -> type[Connection]:
    """The class of a kind. Raises UserError for one that there is not."""
    if name not in KINDS:
        raise UserError(f"{name!r} is not a kind of source. Use one of: {', '.join(KINDS)}.", field="kind")
    return kind_of(name)


def plain_settings(made: Connection) -> dict[str, Any]:
    """What is saved of where it looks."""
    plain: dict[str, Any] = made.settings.model_dump(mode="json")
    return plain


def plain_secrets(made: Connection) -> dict[str, str]:
    """What is encrypted and saved; empty ones are none."""
    values = {name: getattr(made.secrets, name) for name in type(made.secrets).model_fields}
    return {name: text for name, value in values.items() if (text := _revealed(value))}


def _server(settings: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """Scheme, host and port of the address that somebody typed, where the kind asks for one."""
    try:
        parts = urlsplit(str(settings.get("url") or ""))
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # no address: the field says so
        return "", "", None


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _allowed() -> Allowed:
    return Allowed(
        tuple(django_settings.SOURCE_FOLDERS),
        tuple(django_settings.ALLOWED_NETWORKS),
        django_settings.MAX_UPLOAD_BYTES,
    )


def _checked(kind: type[Connection], fields: type[Fields], given: Mapping[str, Any]) -> Fields:
    """The document, checked. No value is ever repeated in an error: it may be a secret in the wrong place."""
    try:
        return fields.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    title = fields.model_fields[name].title if name in fields.model_fields else name
    match first["type"]:
        case "missing":
            text = f"{title} is needed."
        case "extra_forbidden":
            text = f"This is no field of {kind.title}. Use: {', '.join(fields.model_fields)}."
        case "value_error":
            text = str(first["msg"]).removeprefix("Value error, ")
        case _:
            text = f"{title} must be text."
    raise UserError(text, field=name)
