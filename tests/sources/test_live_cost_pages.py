"""Pages of live cost APIs that do not make a whole: waited for, never loaded."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from collectors import live_answers
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from tests.sources.cost_apis import JUNE, KINDS, CostServer, made, said


def shifted(cost_server: CostServer, page: dict[str, Any], cursor: str) -> dict[str, Any]:
    """A first page that goes a day further than its cursor says."""
    ends = KINDS[cost_server.kind].api.bucket_times[1]
    later = {**page["data"][-1], ends: cost_server.stamp(date(2026, 6, 6))}
    return page if cursor else {**page, "data": [*page["data"][:-1], later]}


def dateless(cost_server: CostServer, page: dict[str, Any], cursor: str) -> dict[str, Any]:
    """A page whose buckets do not say when they are."""
    return {**page, "data": [{"results": one["results"]} for one in page["data"]]}


DAMAGES: dict[str, Callable[[CostServer, dict[str, Any], str], dict[str, Any]]] = {
    "no cursor": lambda _server, page, _cursor: {**page, "next_page": None},
    "same cursor": lambda _server, page, cursor: {**page, "next_page": cursor or page["next_page"]},
    "gap": lambda _server, page, cursor: {
        **page,
        "data": page["data"][1:] if cursor and page["has_more"] else page["data"],
    },
    "overlap": shifted,
    "no days": lambda _server, page, cursor: {**page, "data": [] if cursor else page["data"]},
    "no dates": dateless,
}


def spoiled(cost_server: CostServer, damage: str) -> Callable[[Request], Response]:
    """Answers whose pages are damaged."""

    def answer(request: Request) -> Response:
        page = json.loads(cost_server.page(request).data)
        return said(DAMAGES[damage](cost_server, page, request.args.get("page", "")))

    return answer


@pytest.mark.parametrize("damage", DAMAGES)
def test_paging_that_breaks_is_tried_again_later_and_nothing_is_taken_for_whole(
    cost_server: CostServer, tmp_path: Path, damage: str
) -> None:
    june = next(made(cost_server).remote(JUNE))
    cost_server.spoil = spoiled(cost_server, damage)

    with pytest.raises(ProviderUnavailableError, match=r"where the next one is|do not follow each other|is no time"):
        made(cost_server).fetch(june.address, tmp_path, lambda _done, _total: None)


def test_a_vendor_that_pages_for_ever_is_left(cost_server: CostServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_answers, "MOST_PAGES", 3)

    with pytest.raises(ProviderUnavailableError, match="does not say where the next one is"):
        list(made(cost_server).remote(JUNE))


def test_a_month_that_lacks_its_last_days_waits(cost_server: CostServer, tmp_path: Path) -> None:
    cost_server.most_days = 31
    june = next(made(cost_server).remote(JUNE))

    def spoil(request: Request) -> Response | None:
        page = json.loads(cost_server.page(request).data)
        return None if page["has_more"] else said({**page, "data": page["data"][:-1]})

    cost_server.spoil = spoil
    with pytest.raises(NotReadyError, match="has costs up to 2026-06-21, and was asked for those before 2026-06-22"):
        made(cost_server).fetch(june.address, tmp_path, lambda _done, _total: None)


def test_a_month_of_which_nothing_comes_waits(cost_server: CostServer, tmp_path: Path) -> None:
    june = next(made(cost_server).remote(JUNE))
    cost_server.spoil = lambda _: said({"object": "page", "data": [], "has_more": False, "next_page": None})

    with pytest.raises(NotReadyError, match="has costs for none of these days"):
        made(cost_server).fetch(june.address, tmp_path, lambda _done, _total: None)


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>Bad gateway</html>"),
        Response('{"data": [], "has_mo'),
        said([]),
        said({"data": [{}], "has_more": False}),
        said({"data": []}),
        Response('{"data": ', headers={"Content-Length": "100"}),
    ],
)
def test_an_answer_that_is_no_page_is_asked_for_again(cost_server: CostServer, answer: Response) -> None:
    answer.automatically_set_content_length = False
    cost_server.spoil = lambda _: answer

    with pytest.raises(ProviderUnavailableError, match=r"something else than a page of days|broke off"):
        list(made(cost_server).remote(JUNE))


def test_an_answer_that_would_fill_the_memory_is_refused(
    cost_server: CostServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_answers, "LARGEST_BYTES", 2000)

    with pytest.raises(ProviderRefusedError, match="answers more than the 0 MB"):
        list(made(cost_server).remote(JUNE))
