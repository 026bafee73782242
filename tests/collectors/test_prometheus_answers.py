"""The client for Prometheus against answers in other shapes, slow servers, and those that lead elsewhere."""

import gzip
import resource
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from tests.collectors.test_prometheus import FIVE, Odd, failing, odd, vector
from tests.prometheus import asking, utc

__all__ = ["odd"]
SERIES: dict[str, Any] = {"metric": {"host": "a"}, "values": [[1780272000, "1"]]}


@pytest.mark.parametrize(
    "result",
    [
        None,
        {"a": 1},
        "text",
        ["text"],
        [{**SERIES, "values": [[1780272000, "many"]]}],
        [{**SERIES, "values": [[1780272000, 1.5]]}],
        [{**SERIES, "values": [["noon", "1"]]}],
        [{**SERIES, "values": [[1e300, "1"]]}],
        [{**SERIES, "values": [[1780272000, "1", "2"]]}],
        [{"values": SERIES["values"]}],
        [{**SERIES, "metric": None}],
        [{**SERIES, "metric": {"host": ["a"]}}],
    ],
)
def test_an_answer_in_another_shape_is_no_prometheus_and_no_fault_of_ours(odd: Odd, result: Any) -> None:
    odd.answer = lambda _: vector(result)

    with pytest.raises(ProviderRefusedError, match="answers, but not as Prometheus does"):
        asking(odd.url).range("up", utc(1), utc(2), FIVE)
    with pytest.raises(ProviderRefusedError, match="answers, but not as Prometheus does"):
        asking(odd.url).now()


def test_histograms_have_no_number_and_a_series_that_comes_twice_is_one(odd: Odd) -> None:
    histogram = {"metric": {"host": "h"}, "histograms": [[1780272000, {"count": "1", "sum": "2"}]]}
    odd.answer = lambda _: vector([SERIES, histogram, SERIES])

    found = asking(odd.url).range("up", utc(1), utc(1, 1), FIVE)

    assert found.frame("host").select("host", "value").rows() == [("a", 1.0)]


def test_an_answer_that_swells_when_it_is_unpacked_is_not_read_to_the_end(odd: Odd) -> None:
    """200 MB in a few kilobytes."""
    twice = gzip.compress(gzip.compress(b" " * 200_000_000, 1))
    odd.answer = lambda _: Response(twice, headers={"Content-Encoding": "gzip, gzip"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ProviderRefusedError, match="larger than 32 MB"):
        asking(odd.url).query("up", utc(1))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120_000, "kilobytes"


def test_what_a_server_does_not_answer_in_time_is_asked_for_in_parts_and_then_left_alone(odd: Odd) -> None:
    """Four hours at once are too much for it; then it stands still."""
    slow = failing(503, "query timed out in expression evaluation")

    def answer(request: Request) -> Response:
        seconds = float(request.args["end"]) - float(request.args["start"])
        return slow(request) if seconds > 4 * 3600 else vector([SERIES])

    odd.answer = answer
    assert asking(odd.url).range("up", utc(1), utc(2), FIVE).points.height == 8
    assert len(odd.asked) == 1 + 2 + 4 + 8

    odd.asked.clear()
    odd.answer = slow
    with pytest.raises(ProviderUnavailableError, match="did not answer in time") as told:
        asking(odd.url).range("up", utc(1), utc(2), FIVE)
    assert (len(odd.asked), told.value.retry_after) == (4, 60)


def test_a_page_to_sign_in_that_one_is_led_to_is_never_opened(odd: Odd) -> None:
    """As where a token is over; and the metadata of the machine, wherever a server would lead us."""
    for place in ("/login", "http://169.254.169.254/latest/meta-data"):
        odd.asked.clear()
        odd.answer = lambda _, place=place: Response(status=302, headers={"Location": place})
        with pytest.raises(ProviderRefusedError, match="or what lets us in where that is a page to sign in"):
            asking(odd.url, secrets={"token": "over"}).query("up", utc(1))
        assert [request.path for request in odd.asked] == ["/prom/api/v1/query"]
