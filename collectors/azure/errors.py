"""What Azure's errors mean, in a sentence that says what to do: refused for good, or to be asked again later."""

import re
from dataclasses import dataclass
from typing import Any, Final

from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.patience import Problem
from collectors.transfer import retry_after

ROLE: Final = "Storage Blob Data Reader"
ENTRA: Final = {
    "AADSTS7000222": "The client secret has expired: make a new one under Certificates & secrets of the application.",
    "AADSTS7000215": "The client secret is not the application's: give its value, which is not its id.",
    "AADSTS700016": "The tenant has no application of this client id: check both.",
    "AADSTS7000112": "The application is disabled: enable it, or give another.",
    "AADSTS90002": "There is no tenant of this id: check its spelling.",
    "AADSTS900023": "There is no tenant of this id: check its spelling.",
}
_CODE: Final = re.compile(r"AADSTS\d+")
_BROKEN: Final = re.compile(r"HTTP Error: (?:429|5\d\d)")
_NO_KEYS: Final = "The storage account allows no keys: give an application's client secret instead."
_NETWORK: Final = "The storage account keeps this server out: allow its address under Networking, or check the SAS."
REFUSED: Final = {
    "ContainerNotFound": "There is no container of this name in the storage account: check its spelling.",
    "ContainerBeingDeleted": "The container is being deleted.",
    "InvalidResourceName": "There can be no container of this name: check its spelling.",
    "AccountIsDisabled": "The storage account is disabled.",
    "KeyBasedAuthenticationNotPermitted": _NO_KEYS,
    "AuthorizationFailure": _NETWORK,
    "AuthorizationSourceIPMismatch": "The SAS is for other addresses than that of this server.",
    "AuthorizationProtocolMismatch": "The SAS is not for https.",
    "AuthorizationServiceMismatch": "The SAS is not for blobs: make one for the container, with Read and List.",
    "AuthorizationResourceTypeMismatch": "The SAS is not for containers and blobs: make one with Read and List.",
    "NoAuthenticationInformation": "Azure got no credentials: give a client secret or a SAS.",
}
LATER: Final = {
    "ConditionNotMet": ("A file was replaced while it was read.", 60.0),
    "BlobNotFound": ("A file was taken away while the delivery was read.", 60.0),
    "BlobArchived": ("A file is in the archive tier: bring it back to the hot or cool tier.", 3600.0),
}
DENIED: Final = ("AuthorizationPermissionMismatch", "InsufficientAccountPermissions")


@dataclass(frozen=True, slots=True)
class Way:
    """What is said of a service that cannot be asked at all."""

    not_found: str  # its name leads nowhere
    no_identity: str  # nothing was given to sign in by, and this server has no identity of its own


BLOBS: Final = Way(
    "There is no storage account of this name, or this server cannot look it up.",
    "This server has no Azure identity of its own: give a client secret or a SAS.",
)
EXPIRED: Final = ("not valid in the specified time frame", "signature fields not well formed")


def explain(error: Exception, *, with_role: bool) -> Problem:
    """What an exception of the SDK means; `with_role` where permissions are those of a role, not of a SAS or key."""
    if problem := on_the_way(error, BLOBS):
        return problem
    answer: Any = getattr(error, "response", None)
    code = _code(error, answer)
    if code in DENIED:
        return _denied(with_role=with_role)
    if code in REFUSED:
        return ProviderRefusedError(REFUSED[code])
    if code in LATER:
        said, wait = LATER[code]
        return NotReadyError(said, retry_after=wait)
    return _by_status(code, said_by(error), answer)


def on_the_way(error: Exception, way: Way) -> Problem | None:
    """What went wrong before the service answered: signing in, or the network. None where it did answer."""
    text = said_by(error)
    if entra := _CODE.search(text):
        return _not_signed_in(entra[0])
    return _without_answer(error, text, way) if getattr(error, "response", None) is None else None


def said_by(error: Exception) -> str:
    """The SDK's own words."""
    return str(getattr(error, "message", "") or error)


def for_now(code: str, answer: Any) -> ProviderUnavailableError | None:
    """Answers after which asking again helps: throttled, or broken on Azure's side."""
    status = int(answer.status_code)
    wait = retry_after(answer.headers.get("Retry-After"))
    if status in (429, 503):
        return ProviderUnavailableError(f"Azure asks for fewer requests ({code or status}).", retry_after=wait)
    if status >= 500 or status == 408:
        return ProviderUnavailableError(f"Azure has a fault of its own ({code or status}).", retry_after=wait)
    return None


def _code(error: Exception, answer: Any) -> str:
    """Azure's word for what went wrong."""
    said = getattr(error, "error_code", None) or answer.headers.get("x-ms-error-code") or ""
    return str(getattr(said, "value", said))


def _not_signed_in(code: str) -> Problem:
    said = ENTRA.get(code, "Microsoft Entra does not sign the application in: check tenant, client id and secret.")
    return ProviderRefusedError(f"{said} ({code})")


def _denied(*, with_role: bool) -> ProviderRefusedError:
    if with_role:
        said = f"The role {ROLE} is missing: assign it on the container. It takes up to ten minutes to be known."
        return ProviderRefusedError(said, permission=ROLE)
    return ProviderRefusedError(
        "The SAS does not allow this: make one with the permissions Read and List (sp=rl).", permission="sp=rl"
    )


def _by_status(code: str, text: str, answer: Any) -> Problem:
    """Answers without a sentence of their own: not now, signed out, or refused."""
    status = int(answer.status_code)
    if problem := for_now(code, answer):
        return problem
    if status in (401, 403):
        return _signed_out(code, text)
    if status == 412:
        return NotReadyError(LATER["ConditionNotMet"][0], retry_after=60.0)
    return ProviderRefusedError(f"Azure refuses the request ({code or status}): check account, container and path.")


def _signed_out(code: str, text: str) -> ProviderRefusedError:
    if any(sign in text.lower() for sign in EXPIRED):
        return ProviderRefusedError("The SAS has expired, or is not valid yet: give a new one.")
    if code == "AuthenticationFailed":
        return ProviderRefusedError("Azure does not know the SAS, key or token: copy it whole, or make a new one.")
    return ProviderRefusedError(f"Azure does not let us in ({code or 'no reason given'}): check the credentials.")


def _without_answer(error: Exception, text: str, way: Way) -> Problem:
    """Errors of the SDK itself, or of the way to Azure."""
    from azure.core import exceptions  # noqa: PLC0415 - nobody without an Azure source loads it

    if isinstance(error, exceptions.ServiceRequestError) and "resolve" in text.lower():
        return ProviderUnavailableError(way.not_found)
    if isinstance(error, exceptions.ClientAuthenticationError):
        unreached = isinstance(error.__cause__, exceptions.ServiceRequestError | exceptions.ServiceResponseError)
        if unreached or _BROKEN.search(text):
            return ProviderUnavailableError("Microsoft Entra, where the application signs in, cannot answer now.")
        return ProviderRefusedError(way.no_identity)
    if isinstance(error, exceptions.ServiceRequestTimeoutError | exceptions.ServiceResponseTimeoutError):
        return ProviderUnavailableError("Azure did not answer in time.")
    return ProviderUnavailableError("The connection to Azure failed or broke off.")
