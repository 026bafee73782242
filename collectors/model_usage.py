"""Models in use: what pages of a vendor's usage API say of each model, as rows of collectors.resources."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collectors.answers import CostApi, Result, read_time

LAST_DAYS = 30
"""A model that nobody has used for longer is in use no more."""


def models_in_use(buckets: Iterable[Mapping[str, Any]], api: CostApi) -> Iterator[dict[str, object]]:
    """A row of RESOURCES for each model, by name, and one that says that there are no others.

    The model's name is its id, as charges have it. How much it was used stands with the charges: here it would make a
    new state of the model each day. Raises RefusedFileError where a bucket has no time.
    """
    used: set[str] = set()
    for bucket in buckets:
        start = api.bucket_times[0]
        read_time(api.provider, start, bucket.get(start))
        models = (api.by(result).get("model") for result in bucket["results"] if _has_tokens(result))
        used |= {model for model in models if model}
    listing: dict[str, object] = {
        "provider": api.provider,
        "resource_type": "Model",
        "listing": f"{api.provider}/models",
    }
    for model in sorted(used):
        yield {**listing, "resource_id": model, "resource_name": model, "kind": "model", "state": "available"}
    yield listing


def _has_tokens(result: Result) -> bool:
    """Whether a line of usage counts any; those of the cache may be nested."""
    nested = [part for part in result.values() if isinstance(part, dict)]
    counts = [pair for part in (result, *nested) for pair in part.items()]
    return any(name.endswith("_tokens") and isinstance(n, int) and n > 0 for name, n in counts)
