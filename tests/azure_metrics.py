"""What Azure Monitor's batch API answers: one value for each five minutes, nothing in it where nothing was measured."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

Measured = dict[tuple[str, str], dict[int, dict[str, float]]]
"""Numbers by aggregation, by the minute of the day, by resource in small letters and metric."""

STEP = timedelta(minutes=5)
MOST = 50


def metrics_batch(request: Request, measured: Measured) -> Response:
    """The answer to one question; refuses what Azure refuses."""
    ids = [str(one) for one in request.get_json()["resourceids"]]
    names = request.args["metricnames"].split(",")
    subscription, region = request.path.split("/subscriptions/")[1].split("/")[0], request.path.split("/")[1]
    namespace = request.args["metricnamespace"]
    if len(ids) > MOST or any(
        f"/subscriptions/{subscription}/" not in one or namespace_of(one) != namespace for one in ids
    ):
        return _said({"error": {"code": "BadRequest", "message": "too many resources, or of different kinds"}}, 400)
    assert request.args["interval"] == "PT5M"
    start, end = (datetime.fromisoformat(request.args[name]) for name in ("starttime", "endtime"))
    words = request.args["aggregation"].split(",")
    said = [
        {
            "starttime": start.isoformat(), "endtime": end.isoformat(), "interval": "PT5M", "namespace": namespace,
            "resourceregion": region, "resourceid": one,
            "value": [_metric(one, name, measured, words, (start, end)) for name in names],
        }
        for one in ids
    ]  # fmt: skip
    return _said({"values": said})


def namespace_of(identity: str) -> str:
    """The type of a resource, from its id."""
    provider, *rest = identity.rpartition("/providers/")[2].split("/")
    return "/".join([provider, *rest[::2]]).lower()


def _metric(
    identity: str, name: str, measured: Measured, words: list[str], between: tuple[datetime, datetime]
) -> dict[str, Any]:
    known, at, data = measured.get((identity.lower(), name), {}), between[0].astimezone(UTC), []
    while at < between[1]:
        numbers = known.get(at.hour * 60 + at.minute, {})
        told = {word: number for word, number in numbers.items() if word in words}
        data.append({"timeStamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), **told})
        at += STEP
    return {
        "id": f"{identity}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "displayDescription": name,
        "unit": "Percent",
        "timeseries": [{"metadatavalues": [], "data": data}],
        "errorCode": "Success",
    }


def _said(said: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(said), status, {"Content-Type": "application/json"})
