"""How much one upload may have, whichever door it comes through."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from apps.core import money


def too_large(request: HttpRequest | Request) -> str:
    """Why the body is refused, in words for its sender; empty where it is not. Reads nothing of the body."""
    size = int(request.headers.get("Content-Length") or 0)
    if size <= settings.MAX_UPLOAD_BYTES:
        return ""
    return (
        f"These files have {money.size(size)} together; one upload may have {money.size(settings.MAX_UPLOAD_BYTES)}. "
        "Send fewer at once, compress them, or use the command `finops import`."
    )
