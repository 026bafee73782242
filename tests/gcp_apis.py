"""What Google's inventory, billing and storage APIs answer, in the shapes that they were recorded in."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from tests.gcp_series import MONITORING, MeasuredSeries

PARENT = "organizations/123456789012"
ASSETS = "/v1/organizations/123456789012/assets"
COMPUTE = "6F81-5844-456A"


@dataclass
class Shelves:
    """What the APIs know besides BigQuery."""

    assets: list[dict[str, Any]] = field(default_factory=list)
    unknown_types: set[str] = field(default_factory=set)
    services: dict[str, str] = field(default_factory=dict)  # id -> display name
    skus: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by service
    accounts: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)  # of the bucket
    generations: dict[str, int] = field(default_factory=dict)
    series: list[MeasuredSeries] = field(default_factory=list)

    def clear(self) -> None:
        """Nothing of anything."""
        for known in (
            self.assets, self.unknown_types, self.services, self.skus, self.accounts, self.objects, self.generations,
            self.series,
        ):  # fmt: skip
            known.clear()

    def put(self, name: str, content: bytes) -> None:
        """A file in the bucket, anew under the same name."""
        self.objects[name] = content
        self.generations[name] = self.generations.get(name, 1_700_000_000_000_000) + 1

    def answer(self, request: Request) -> Response | None:
        """The answer, or None for what is none of these APIs'."""
        match request.path.strip("/").split("/"):
            case ["v1", _, _, "assets"]:
                answer = self._assets(request)
            case ["v1", "services"]:
                answer = _page(request, "services", [_service(*one) for one in self.services.items()])
            case ["v1", "services", service, "skus"]:
                answer = _page(request, "skus", self.skus.get(service, []))
            case ["v1", "billingAccounts"]:
                answer = _page(request, "billingAccounts", self.accounts)
            case ["storage", "v1", "b", bucket, "o"]:
                answer = self._objects(request, bucket)
            case ["storage", "v1", "b", _, "o", *name]:
                answer = self._object(request, unquote("/".join(name)))
            case ["v3", "projects", project, asked]:
                answer = _page(request, asked, MONITORING[asked](request, project, self.series))
            case _:
                return None
        return answer

    def _assets(self, request: Request) -> Response:
        assert request.args["contentType"] in ("1", "RESOURCE")
        wanted = request.args.getlist("assetTypes")
        if set(wanted) & self.unknown_types:
            return api_error(400, "INVALID_ARGUMENT", f"Request contains unsupported asset types: {wanted}.")
        return _page(request, "assets", [one for one in self.assets if one["assetType"] in wanted])

    def _objects(self, request: Request, bucket: str) -> Response:
        prefix = request.args.get("prefix", "")
        found = [self._described(bucket, name) for name in sorted(self.objects) if name.startswith(prefix)]
        return _page(request, "items", found)

    def _described(self, bucket: str, name: str) -> dict[str, Any]:
        content, generation = self.objects[name], self.generations[name]
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(content)),
            "generation": str(generation),
            "etag": hashlib.md5(content).hexdigest(),
            "updated": f"2026-06-0{1 + generation % 9}T06:00:00.000Z",
            "timeCreated": "2026-06-01T06:00:00.000Z",
        }

    def _object(self, request: Request, name: str) -> Response:
        if name not in self.objects or int(request.args["generation"]) != self.generations[name]:
            return api_error(404, "NOT_FOUND", f"No such object: bucket/{name}")
        content = self.objects[name]
        first, _, last = request.headers["Range"].removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1]
        return Response(part, 206, {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"})


def _service(number: str, title: str) -> dict[str, Any]:
    return {"name": f"services/{number}", "serviceId": number, "displayName": title}


def api_error(status: int, word: str, message: str, reason: str = "", **metadata: str) -> Response:
    """An error as Google's newer APIs word it."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    details = [{**info, "metadata": metadata}] if reason else []
    said = {"error": {"code": status, "message": message, "status": word, "details": details}}
    return Response(json.dumps(said), status, {"Content-Type": "application/json"})


def _page(request: Request, name: str, listed: list[dict[str, Any]]) -> Response:
    size = min(int(request.args.get("pageSize") or request.args.get("maxResults") or 1000), 2)
    start = int(request.args.get("pageToken") or 0)
    more = {"nextPageToken": str(start + size)} if start + size < len(listed) else {}
    said = {name: listed[start : start + size], **more}
    return Response(json.dumps(said), 200, {"Content-Type": "application/json"})
