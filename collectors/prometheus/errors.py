"""What a Prometheus means when it does not answer, in a sentence that says what to do."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3.exceptions import ReadTimeoutError

from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.net import explain as explain_way
from collectors.transfer import retry_after
from collectors.values import shown

Problem = ProviderRefusedError | ProviderUnavailableError

_TOO_MUCH: Final = re.compile(r"too many|exceed|limit|max[-_ ]?(samples|points|series)|too (large|long)", re.IGNORECASE)
_TIMED_OUT: Final = re.compile(r"timed out|timeout|deadline exceeded", re.IGNORECASE)
_OUR_CERTIFICATE: Final = re.compile(r"\balert\b|EOF occurred in violation of protocol")
"""How a server ends the handshake, or what follows it, when it misses our certificate or does not know it."""

_QUERY: Final = (400, 422)
_LATER: Final = (408, 425, 429)
_REFUSED: Final = {
    401: "does not let us in ({status}): check the bearer token, user and password or client certificate.",
    403: "does not let these credentials query ({status}): give them the right to read metrics.",
}
_ELSEWHERE: Final = (
    "leads elsewhere ({status}): give the address that it leads to, or what lets us in where that is a page to sign in."
)
_NOT_HERE: Final = "has no Prometheus at this address ({status}): check the address."


class TooMuchError(ProviderRefusedError):
    """More than is answered at once: the same may be asked for in smaller stretches."""


class TookTooLongError(ProviderUnavailableError):
    """No answer in the time that a server, or we, give it: less is answered sooner. It is left alone before the same
    is asked again."""


REST: Final = 60.0
"""Seconds that a server is left alone which took too long."""


def of_status(status: int, content: bytes, headers: Mapping[str, str], url: str) -> Problem:
    """What an answer other than 200 means."""
    host, said = urlsplit(url).hostname or "", _said(content)
    if status in (503, 504) and (status == 504 or _TIMED_OUT.search(said)):
        return TookTooLongError(f"{host} did not answer in time ({status}){said}.", retry_after=REST)
    if status in _LATER or status >= 500:
        wait = retry_after(headers.get("Retry-After"))
        return ProviderUnavailableError(f"{host} cannot answer now ({status}){said}.", retry_after=wait)
    if status == 413 or (status in _QUERY and _TOO_MUCH.search(said)):
        return TooMuchError(f"{host} does not answer so much at once ({status}){said}.")
    if status in _QUERY and said:
        return ProviderRefusedError(f"{host} cannot answer the query ({status}){said}.")
    told = _REFUSED.get(status) or (_ELSEWHERE if 300 <= status < 400 else _NOT_HERE)
    return ProviderRefusedError(f"{host} {told.format(status=status)}", permission="query" if status == 403 else "")


def of_way(error: Exception, url: str) -> Problem:
    """What went wrong before an answer came, or in the middle of it."""
    inner = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    if _OUR_CERTIFICATE.search(str(inner)):
        return ProviderRefusedError(
            f"{urlsplit(url).hostname} does not accept our certificate: check Client certificate and key."
        )
    if isinstance(inner, ReadTimeoutError):
        return TookTooLongError(f"{urlsplit(url).hostname} did not answer in time.", retry_after=REST)
    return explain_way(inner, url)


def no_prometheus(url: str) -> ProviderRefusedError:
    """Something answers, in another language."""
    return ProviderRefusedError(
        f"{urlsplit(url).hostname} answers, but not as Prometheus does: give its own address, not that of Grafana or"
        " of a page to sign in."
    )


def _said(content: bytes) -> str:
    """The server's own sentence, as the end of ours."""
    try:
        answer: Any = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    return f": {shown(error.strip().rstrip('.'))}" if isinstance(error, str) and error.strip() else ""
