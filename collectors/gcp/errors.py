"""What Google Cloud's errors mean, in a sentence that says what to do: refused for good, or to be asked again later."""

import re
from collections.abc import Mapping
from typing import Any, Final

from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.patience import Problem
from collectors.transfer import retry_after

JOB_USER: Final = "BigQuery Job User (roles/bigquery.jobUser) on the project that runs the queries"
DATA_VIEWER: Final = "BigQuery Data Viewer (roles/bigquery.dataViewer) on the table"
ROLES: Final = {"bigquery.jobs.create": JOB_USER}
THROTTLED: Final = ("quotaExceeded", "rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded")
FALTERING: Final = ("backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable")
REFUSED: Final = {
    "bytesBilledLimitExceeded": "The query would read more than the form allows: raise Most GB that a query reads.",
    "responseTooLarge": "The month is larger than BigQuery answers: use the standard export, not the detailed one.",
    "accessNotConfigured": "The BigQuery API is not enabled in the project that runs the queries: enable it.",
    "SERVICE_DISABLED": "The BigQuery API is not enabled in the project that runs the queries: enable it.",
    "billingNotEnabled": "The project that runs the queries has no billing account: give another project.",
}
_PERMISSION: Final = re.compile(r"\bbigquery\.[a-zA-Z]+\.[a-zA-Z]+\b")
_MISSING: Final = re.compile(r"Not found: (Project|Dataset|Table)", re.IGNORECASE)


def explain(error: Exception) -> Problem:
    """What an exception of the SDK means."""
    from google.api_core import exceptions  # noqa: PLC0415 - nobody without a Google source loads it
    from google.auth import exceptions as sign_in  # noqa: PLC0415

    if isinstance(error, exceptions.RetryError) and isinstance(error.cause, Exception):
        return explain(error.cause)
    if isinstance(error, sign_in.GoogleAuthError):
        return _not_signed_in(error)
    if isinstance(error, exceptions.GoogleAPICallError):
        return _by_reason(error)
    return ProviderUnavailableError("The connection to Google Cloud failed or broke off.")


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


def _by_reason(error: Any) -> Problem:
    reason, text = _reason(error), str(error.message or "")
    if reason in REFUSED:
        return ProviderRefusedError(REFUSED[reason])
    status, wait = int(error.code or 500), retry_after(_headers(error).get("Retry-After"))
    if reason in THROTTLED or status in (429, 503):
        said = f"Google Cloud asks for fewer requests ({reason or status})."
        return ProviderUnavailableError(said, retry_after=wait)
    if reason in FALTERING or (status >= 500 and not reason) or status == 408:
        said = f"Google Cloud has a fault of its own ({reason or status})."
        return ProviderUnavailableError(said, retry_after=wait)
    if status == 403:
        return _denied(text)
    return _refused(status, reason, text)


def _refused(status: int, reason: str, text: str) -> ProviderRefusedError:
    if status == 401:
        return ProviderRefusedError("Google Cloud does not take the credentials: give a new key.")
    if missing := _MISSING.search(text):
        return ProviderRefusedError(f"There is no {missing[1].lower()} of this name: check how the table is spelt.")
    return ProviderRefusedError(f"BigQuery refuses the query ({reason or status}): check project and table.")


def _denied(text: str) -> ProviderRefusedError:
    """Names the permission: Google does so itself."""
    named = _PERMISSION.search(text)
    permission = named[0] if named else "bigquery.tables.getData"
    role = ROLES.get(permission, DATA_VIEWER)
    return ProviderRefusedError(f"The permission {permission} is missing: grant {role}.", permission=permission)


def _reason(error: Any) -> str:
    """Google's word for what went wrong: of the answer, or of the job that failed."""
    found = [str(one.get("reason") or "") for one in error.errors or () if isinstance(one, Mapping)]
    return getattr(error, "reason", None) or next(filter(None, found), "")


def _headers(error: Any) -> Mapping[str, str]:
    answer = getattr(error, "response", None)
    headers: Mapping[str, str] = getattr(answer, "headers", None) or {}
    return headers
