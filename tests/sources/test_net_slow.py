"""Servers that send a byte now and then: given up wherever in an answer they do, while slow ones are waited for."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError
from werkzeug.wrappers import Response

from collectors import net
from collectors.errors import ProviderUnavailableError
from tests.sources.test_net import HOME, Site, at, site

__all__ = ["site"]


def test_a_file_that_comes_byte_by_byte_is_told_of_and_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends a byte now and then would hold a worker for years, and nobody could cancel the run."""

    def drip() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x"
            time.sleep(0.05)

    monkeypatch.setattr(net, "READ_SECONDS", 0.5)
    site.answer = lambda _: Response(drip(), headers={"Content-Length": "1000000"})
    told: list[int] = []

    with pytest.raises(ProviderUnavailableError, match="sends less than 10,000 bytes a second"):
        at(f"{site.url}/june.csv").fetch("", tmp_path, lambda done, _: told.append(done))
    assert 1 < len(told) < 50


def dripping(*pieces: bytes) -> Iterator[str]:
    """The address of a server that sends these pieces at once, then a byte ten times a second, without end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            opened, _ = listening.accept()
            with opened, contextlib.suppress(OSError):
                for piece in pieces:
                    opened.sendall(piece)
                for _ in range(150):
                    opened.sendall(b"x")
                    time.sleep(0.1)

        serving = threading.Thread(target=serve)
        serving.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        serving.join()


def read_whole(url: str) -> bytes:
    """What an address answers, read as the collectors of costs and prices read it."""
    with net.open_url(url, headers={}, networks=HOME) as answer:
        try:
            return b"".join(answer.stream(1 << 20))
        except HTTPError as error:
            raise net.explain(error, url) from error


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("begun", [b"", OK + b"X-Long: ", OK + b"Content-Length: 1000000\r\n\r\n"])
def test_whoever_drips_status_headers_or_body_is_given_up_by_every_kind(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(net, "READ_SECONDS", 1)
    for url in dripping(begun):
        start = time.monotonic()
        with pytest.raises(ProviderUnavailableError, match="did not answer in time"):
            read_whole(url)
        assert time.monotonic() - start < 4


def test_a_slow_answer_that_goes_on_coming_is_read_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 2_000
            time.sleep(0.1)

    monkeypatch.setattr(net, "READ_SECONDS", 1)
    site.answer = lambda _: Response(slowly())

    assert len(read_whole(f"{site.url}/")) == 40_000
