"""What AWS's errors mean, in a sentence that says what to do: refused for good, or to be asked again later."""

import re
from collections.abc import Mapping
from typing import Any, Final

from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.transfer import retry_after

EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired")
DENIED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403")
THROTTLED: Final = ("SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")
PERMISSIONS: Final = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
}
"""Operations whose permission is called otherwise."""

PREFIXES: Final = {"monitoring": "cloudwatch", "tagging": "tag"}
"""Services, as requests are signed for them, whose permissions begin otherwise."""

NOT_ENABLED: Final = ("AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId")
"""What a region says that an account has not enabled: it does not know keys that are good elsewhere."""

NOT_SUBSCRIBED: Final = ("OptInRequired", "SubscriptionRequiredException", "PendingVerification")
"""An account that has never used a service has nothing of it."""
_UNKNOWN_KEY: Final = "AWS does not know the access key, or the secret is not its own."
_ELSEWHERE: Final = "The bucket is in another region: correct the region."
REFUSED: Final = {
    **dict.fromkeys(EXPIRED, "The access key has expired: give a new one, or a role, which needs no renewal."),
    "AuthFailure": _UNKNOWN_KEY,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "NoSuchBucket": "There is no bucket of this name: check its spelling.",
    "PermanentRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
}
_REPLACED: Final = "A file was replaced while it was read."
_GONE: Final = "A file was taken away while the delivery was read."
LATER: Final = {
    "PreconditionFailed": (_REPLACED, 60.0),
    "412": (_REPLACED, 60.0),
    "NoSuchKey": (_GONE, 60.0),
    "404": (_GONE, 60.0),
}
_SKEWED: Final = re.compile(r"Signature (?:expired|not yet current)", re.IGNORECASE)
_NAMED: Final = re.compile(r"not authorized to perform:? ([a-z0-9]+:[A-Za-z0-9]+)")

Problem = ProviderRefusedError | ProviderUnavailableError


def explain(error: Exception, *, service: str, role_arn: str = "") -> Problem:
    """What an exception of the SDK means.

    `service` is the name that requests are signed for; `role_arn` is the role that was taken on, if any.
    """
    answer: Mapping[str, Any] = getattr(error, "response", None) or {}
    if not answer:
        return _without_answer(error)
    code = str(answer.get("Error", {}).get("Code", ""))
    operation = str(getattr(error, "operation_name", ""))
    if code in EXPIRED and role_arn:
        return ProviderUnavailableError("The hour that AWS lends the role for is over: it is taken on anew.")
    if code in DENIED:
        asked = f"{PREFIXES.get(service, service)}:{operation}"
        return _denied(PERMISSIONS.get(asked, asked), str(answer["Error"].get("Message", "")), role_arn)
    return _known(code, answer) or _by_status(code, operation, answer)


def is_silent(error: Exception) -> bool:
    """Whether what `explain` has explained is that nobody answered in time: the next question may take as long."""
    from botocore import exceptions  # noqa: PLC0415 - nobody without an AWS source loads it

    return isinstance(error.__cause__, exceptions.ReadTimeoutError | exceptions.ConnectTimeoutError)


def code_of(error: Exception) -> str:
    """AWS's own word for what `explain` has explained, empty where it had none."""
    answer: Mapping[str, Any] = getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


def _known(code: str, answer: Mapping[str, Any]) -> Problem | None:
    if code == "RequestTimeTooSkewed" or _SKEWED.search(str(answer["Error"].get("Message", ""))):
        date = _headers(answer).get("date", "another time")
        return ProviderRefusedError(
            f"The clock of this server is not that of AWS, which says {date}: set it by NTP, then run again."
        )
    if code in REFUSED:
        return ProviderRefusedError(REFUSED[code])
    if code in LATER:
        text, wait = LATER[code]
        return NotReadyError(text, retry_after=wait)
    return None


def _by_status(code: str, operation: str, answer: Mapping[str, Any]) -> Problem:
    """Answers without a sentence of their own: throttled, broken on AWS's side, or refused."""
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    wait = retry_after(_headers(answer).get("retry-after"))
    if code in THROTTLED or status in (429, 503):
        return ProviderUnavailableError(f"AWS asks for fewer requests ({code or status}).", retry_after=wait)
    if status >= 500 or code in ("RequestTimeout", "InternalError"):
        return ProviderUnavailableError(f"AWS has a fault of its own ({code or status}).", retry_after=wait)
    said = str(answer.get("Error", {}).get("Message") or code).rstrip(".")
    return ProviderRefusedError(f"AWS refuses {operation}: {said}.")


def _denied(permission: str, message: str, role_arn: str) -> ProviderRefusedError:
    """Names the permission: AWS does so itself where it may, else it follows from what was asked."""
    named = _NAMED.search(message)
    permission = named[1] if named else permission
    if "kms" in message.lower():
        permission = "kms:Decrypt"
    if permission == "sts:AssumeRole":
        said = f"{role_arn} may not be taken on: its trust policy has to name this server and the external id."
    else:
        said = f"The permission {permission} is missing: add it to the policy of the role or user."
    return ProviderRefusedError(said, permission=permission)


def _without_answer(error: Exception) -> Problem:
    """Errors of the SDK itself, or of the way to AWS."""
    from botocore import exceptions  # noqa: PLC0415 - nobody without an AWS source loads it

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return ProviderRefusedError("This server has no AWS identity of its own: give an access key.")
    if isinstance(error, exceptions.ParamValidationError | exceptions.InvalidRegionError | exceptions.NoRegionError):
        return ProviderRefusedError("AWS cannot be asked like that: check bucket, region and role.")
    if isinstance(error, exceptions.ReadTimeoutError | exceptions.ConnectTimeoutError):
        return ProviderUnavailableError("AWS did not answer in time.")
    return ProviderUnavailableError("The connection to AWS failed or broke off.")


def _headers(answer: Mapping[str, Any]) -> Mapping[str, str]:
    headers: Mapping[str, str] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers
