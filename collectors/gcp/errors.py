"""What Google Cloud's errors mean, in a sentence that says what to do: refused for good, or to be asked again later."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.patience import Problem
from collectors.transfer import retry_after

THROTTLED: Final = (
    "quotaExceeded",
    "rateLimitExceeded",
    "jobRateLimitExceeded",
    "userRateLimitExceeded",
    "RATE_LIMIT_EXCEEDED",
)
FALTERING: Final = ("backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable")
DISABLED: Final = ("accessNotConfigured", "SERVICE_DISABLED")
PERIMETER: Final = ("vpcServiceControls", "SECURITY_POLICY_VIOLATED")
USE: Final = "serviceusage.services.use"
CONSUMER: Final = (
    "Service Usage Consumer (roles/serviceusage.serviceUsageConsumer) on the project of the service account"
)
RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"
_PERMISSION: Final = re.compile(r"\b(?!\w+\.googleapis\.)[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+\b")
_MISSING: Final = re.compile(r"Not found: (Project|Dataset|Table)", re.IGNORECASE)
_REQUEST: Final = re.compile(r"^[A-Z]+ https?://\S+: ")
_SECONDS: Final = re.compile(r"(\d{1,6})(?:\.\d+)?s")


@dataclass(frozen=True, slots=True)
class Api:
    """One of Google's APIs: how it is called and enabled, and which role holds the permissions that it asks for."""

    title: str
    service: str
    scopes: tuple[str, ...]
    roles: Mapping[str, str]  # permission -> role, and where; the first is meant where Google names none
    missing: str  # what to check where Google finds nothing
    project: str = "the project of the service account"  # where it has to be enabled
    refused: Mapping[str, str] = field(default_factory=dict)  # Google's reason -> what to do


def explain(error: Exception, api: Api) -> Problem:
    """What an exception of an SDK means."""
    from google.api_core import exceptions  # noqa: PLC0415 - nobody without a Google source loads it
    from google.auth import exceptions as sign_in  # noqa: PLC0415

    if isinstance(error, exceptions.RetryError) and isinstance(error.cause, Exception):
        return explain(error.cause, api)
    if isinstance(error, sign_in.GoogleAuthError):
        return _not_signed_in(error)
    if isinstance(error, exceptions.GoogleAPICallError):
        return _by_reason(error, api)
    return ProviderUnavailableError("The connection to Google Cloud failed or broke off.")


def text_of(error: Any) -> str:
    """Google's own words, without the address that the SDK puts before them."""
    return _REQUEST.sub("", str(error.message or ""))


def _not_signed_in(error: Any) -> Problem:
    """Errors of signing in, before anything was asked."""
    from google.auth import exceptions as sign_in  # noqa: PLC0415

    text = str(error).lower()
    if isinstance(error, sign_in.DefaultCredentialsError):
        return ProviderRefusedError(
            "This server has no Google Cloud identity of its own: give the key of a service account."
        )
    if isinstance(error, sign_in.TransportError) or error.retryable:
        return ProviderUnavailableError("Google, where the service account signs in, cannot answer now.")
    if "invalid_grant" in text and "time" in text:
        return ProviderRefusedError(
            "Google does not take the time of this server: set its clock by NTP, then run again."
        )
    return ProviderRefusedError(
        "Google does not know the key of the service account: it was deleted or disabled, or has expired. Give a new"
        " one."
    )


def _by_reason(error: Any, api: Api) -> Problem:
    reason, status = _reason(error), int(error.code or 500)
    if reason in api.refused:
        return ProviderRefusedError(api.refused[reason])
    if reason in DISABLED:
        return ProviderRefusedError(_disabled(error, api))
    if reason in THROTTLED or status in (429, 503):
        said = f"Google Cloud asks for fewer requests ({reason or status})."
        return ProviderUnavailableError(said, retry_after=_wait(error))
    if reason in FALTERING or (status >= 500 and not reason) or status == 408:
        said = f"Google Cloud has a fault of its own ({reason or status})."
        return ProviderUnavailableError(said, retry_after=_wait(error))
    if status == 403:
        return _denied(error, reason, api)
    return _refused(status, reason, str(error.message or ""), api)


def _disabled(error: Any, api: Api) -> str:
    """Which API, and the command that enables it; Google tells the project by its number."""
    metadata = _metadata(error)
    service = metadata.get("service") or api.service
    project = metadata.get("consumer", "").removeprefix("projects/")
    where = f" --project={project}" if project else ""
    return (
        f"The {api.title} is not enabled in {project or api.project}: enable it (gcloud services enable"
        f" {service}{where}). It takes a few minutes to be known."
    )


def _refused(status: int, reason: str, text: str, api: Api) -> ProviderRefusedError:
    if status == 401:
        return ProviderRefusedError("Google Cloud does not take the credentials: give a new key.")
    if named := _MISSING.search(text):
        return ProviderRefusedError(f"There is no {named[1].lower()} of this name: check how the table is spelt.")
    if status == 404:
        return ProviderRefusedError(api.missing)
    return ProviderRefusedError(f"The {api.title} refuses the question ({reason or status}). {api.missing}")


def _denied(error: Any, reason: str, api: Api) -> ProviderRefusedError:
    """Names the permission: Google does so itself."""
    if reason in PERIMETER:
        return ProviderRefusedError(
            "A VPC Service Controls perimeter keeps this server out: let the service account in by an ingress rule."
        )
    named = _PERMISSION.search(text_of(error))
    permission = _metadata(error).get("permission") or (named[0] if named else next(iter(api.roles)))
    role = CONSUMER if permission == USE else api.roles.get(permission, next(iter(api.roles.values())))
    return ProviderRefusedError(f"The permission {permission} is missing: grant {role}.", permission=permission)


def _reason(error: Any) -> str:
    """Google's word for what went wrong: of the answer, or of the job that failed."""
    found = [str(one.get("reason") or "") for one in error.errors or () if isinstance(one, Mapping)]
    return getattr(error, "reason", None) or next(filter(None, found), "")


def _metadata(error: Any) -> Mapping[str, str]:
    return getattr(error, "metadata", None) or {}


def _wait(error: Any) -> float | None:
    """Seconds that Google asks to wait: by a header, or in the body."""
    answer = getattr(error, "response", None)
    headers: Mapping[str, str] = getattr(answer, "headers", None) or {}
    for detail in error.details or ():
        if isinstance(detail, Mapping) and detail.get("@type") == RETRY_INFO:
            seconds = _SECONDS.fullmatch(str(detail.get("retryDelay")))
            return retry_after(seconds[1]) if seconds else None
    return retry_after(headers.get("Retry-After"))
