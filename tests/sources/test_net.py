"""The guard of addresses that people type, the file behind one, and folders of the server."""

import gzip
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from collectors.connections import Allowed, Window
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.folder.connection import Folder
from collectors.folder.connection import Settings as FolderSettings
from collectors.https.connection import HttpsFile, Secrets
from collectors.https.connection import Settings as HttpsSettings
from collectors.net import NEVER, ForbiddenAddressError, is_allowed, pick_address
from collectors.transfer import place_below, retry_after
from tests.aws import Silent

ALL_TIME = Window(date(2000, 1, 1))
HOME = (ip_network("127.0.0.0/8"),)
EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fd00:ec2::254",
        "fe80::1",
        "100.100.100.200",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
        "168.63.129.16",
        "fd20:ce::254",
    ],
)
def test_metadata_services_are_never_opened_however_they_are_written(address: str) -> None:
    assert not is_allowed(ip_address(address), EVERYTHING)


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "192.168.0.1", "127.0.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::", "::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "ff02::1"),
    ],
)
def test_private_networks_are_opened_only_where_the_operator_allows_them(address: str) -> None:
    assert not is_allowed(ip_address(address), ())
    assert is_allowed(ip_address(address), EVERYTHING)


def test_public_addresses_need_no_leave() -> None:
    assert is_allowed(ip_address("8.8.8.8"), ())
    assert is_allowed(ip_address("2606:4700::1111"), ())


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_whatever_the_operator_allows_no_link_local_address_passes(address: IPv4Address | IPv6Address) -> None:
    if any(address in network for network in NEVER):
        assert not is_allowed(address, EVERYTHING)
    elif is_allowed(address, ()):
        assert is_allowed(address, EVERYTHING)


def test_a_name_with_one_forbidden_address_is_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", (address, 443)) for address in ("8.8.8.8", "169.254.169.254")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254, which is not a public address"):
        pick_address("rebinding.example.com", 443, ())


@dataclass
class Site:
    """A web server of the test: what it answers, and what it was asked."""

    url: str
    answer: Callable[[Request], Response]
    asked: list[Request] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on this machine that publishes a file."""
    known: list[Site] = []

    def app(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        known[0].asked.append(request)
        return known[0].answer(request)(environ, start_response)

    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    known.append(
        Site(f"http://127.0.0.1:{http.server_port}", lambda _: Response(b"a,b\n1,2\n", headers={"ETag": '"v1"'}))
    )
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield known[0]
    http.shutdown()
    thread.join()


def at(url: str, *, networks: Any = HOME, max_bytes: int = 1_000_000, user: str = "", **secrets: str) -> HttpsFile:
    """A connection to a file."""
    return HttpsFile(
        HttpsSettings(url=url, user=user), Secrets(**secrets), Allowed(networks=networks, max_bytes=max_bytes)
    )


def fetch(made: Any, folder: Path, address: str = "") -> Path:
    return made.fetch(address, folder, lambda _done, _total: None)  # type: ignore[no-any-return]


def test_a_file_is_marked_by_its_etag_and_fetched_whole(site: Site, tmp_path: Path) -> None:
    made = at(f"{site.url}/june.csv")

    (remote,) = made.remote(ALL_TIME)

    assert (remote.name, remote.fingerprint, remote.billing_period) == ("june.csv", '"v1"', None)
    assert fetch(made, tmp_path).read_bytes() == b"a,b\n1,2\n"
    assert [check.ok for check in made.check()] == [True, True]
    assert made.calls == 4


def test_without_an_etag_date_and_size_mark_it_and_without_these_nothing_does(site: Site) -> None:
    made = at(f"{site.url}/june.csv")
    site.answer = lambda _: Response(b"abc", headers={"Last-Modified": "Mon, 01 Jun 2026 00:00:00 GMT"})
    assert next(made.remote(ALL_TIME)).fingerprint == "Mon, 01 Jun 2026 00:00:00 GMT 3"
    site.answer = lambda _: Response(b"abc")
    assert next(made.remote(ALL_TIME)).fingerprint == ""


def test_a_compressed_file_stays_as_it_is(site: Site, tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n")
    site.answer = lambda _: Response(packed, headers={"Content-Encoding": "gzip"})

    assert fetch(at(f"{site.url}/june.csv.gz"), tmp_path).read_bytes() == packed


def test_a_name_without_a_suffix_gets_that_of_its_type(site: Site, tmp_path: Path) -> None:
    site.answer = lambda _: Response(b"a,b\n", content_type="text/csv; charset=utf-8")
    assert fetch(at(f"{site.url}/export"), tmp_path).name == "export.csv"
    site.answer = lambda _: Response(b"<html>", content_type="text/html")
    with pytest.raises(ProviderRefusedError, match=r"neither by its name nor by its type \(text/html\)"):
        fetch(at(f"{site.url}/export"), tmp_path)


def test_credentials_are_sent_and_not_handed_on_to_another_host(site: Site, tmp_path: Path) -> None:
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    site.answer = lambda request: (
        Response(status=302, headers={"Location": f"{elsewhere}/there.csv"})
        if request.path == "/here.csv"
        else Response(b"x")
    )
    networks = (*HOME, ip_network("::1/128"))
    fetch(at(f"{site.url}/here.csv", networks=networks, token="t0ken"), tmp_path)

    first, second = site.asked
    assert first.headers["Authorization"] == "Bearer t0ken"
    assert second.path == "/there.csv"
    assert "Authorization" not in second.headers


def test_a_signature_is_sent_and_told_nobody(site: Site, tmp_path: Path) -> None:
    made = at(f"{site.url}/june.csv", query="?sig=s3cret")
    fetch(made, tmp_path)
    assert site.asked[0].args["sig"] == "s3cret"
    assert "s3cret" not in repr(next(made.remote(ALL_TIME)))
    site.answer = lambda _: Response(status=500)
    with pytest.raises(ProviderUnavailableError) as told:
        fetch(made, tmp_path / "other")
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.csv", "http://localhost:1/x.csv", "http://[::1]:1/x.csv", "http://0x7f000001/x.csv"]
)
def test_this_machine_is_not_opened_unless_it_is_allowed(url: str, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenAddressError, match="is not a public address"):
        fetch(at(url, networks=()), tmp_path)


def test_a_redirect_to_a_forbidden_address_is_not_followed(site: Site, tmp_path: Path) -> None:
    site.answer = lambda _: Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})

    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254"):
        fetch(at(f"{site.url}/june.csv"), tmp_path)


def test_a_public_address_is_opened_by_https_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("8.8.8.8", 80))])

    with pytest.raises(ForbiddenAddressError, match="must be opened by https"):
        fetch(at("http://files.example.com/june.csv", networks=()), tmp_path)


def test_redirects_in_a_circle_end(site: Site, tmp_path: Path) -> None:
    site.answer = lambda request: Response(status=302, headers={"Location": request.path})

    with pytest.raises(ProviderRefusedError, match="leads on more than 5 times"):
        fetch(at(f"{site.url}/june.csv"), tmp_path)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, ProviderRefusedError, "check password, token or signature"),
        (404, ProviderRefusedError, "has no file at this address"),
        (418, ProviderRefusedError, "answers 418"),
        (429, ProviderUnavailableError, "cannot answer now"),
        (503, ProviderUnavailableError, "cannot answer now"),
    ],
)
def test_each_answer_says_whether_waiting_helps(site: Site, tmp_path: Path, status: int, kind: type, said: str) -> None:
    site.answer = lambda _: Response(status=status, headers={"Retry-After": "17"})

    with pytest.raises(kind, match=said) as told:
        fetch(at(f"{site.url}/june.csv"), tmp_path)
    if kind is ProviderUnavailableError:
        assert told.value.retry_after == 17


def test_a_file_over_the_limit_is_refused_before_and_while_it_comes(site: Site, tmp_path: Path) -> None:
    site.answer = lambda _: Response(b"x" * 2_000)
    with pytest.raises(ProviderRefusedError, match="larger than the 0 MB"):
        fetch(at(f"{site.url}/june.csv", max_bytes=1_000), tmp_path)
    site.answer = lambda _: Response(iter([b"x" * 600] * 4))
    with pytest.raises(ProviderRefusedError, match="larger than"):
        fetch(at(f"{site.url}/july.csv", max_bytes=1_000), tmp_path)


def test_a_file_that_breaks_off_is_not_taken(site: Site, tmp_path: Path) -> None:
    site.answer = lambda _: Response(iter([b"x" * 10]), headers={"Content-Length": "1000"})

    with pytest.raises(ProviderUnavailableError, match="broke off"):
        fetch(at(f"{site.url}/june.csv"), tmp_path)


def test_a_token_that_no_header_can_hold_is_refused_where_it_is_typed() -> None:
    with pytest.raises(ValidationError, match="cannot be sent in a header"):
        Secrets(token="secr€t")


def test_what_cannot_be_reached_is_tried_later(tmp_path: Path) -> None:
    with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
        fetch(at("http://127.0.0.1:1/june.csv"), tmp_path)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 08:01:00 GMT", 60.0),
        ("9" * 30, 21600.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, seconds: float | None) -> None:
    assert retry_after(header, now=datetime(2026, 11, 22, 8, tzinfo=UTC)) == seconds


@given(st.text(min_size=1, max_size=40))
def test_no_key_of_a_bucket_leads_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "keys"
    try:
        place = place_below(folder, key)
    except (ProviderRefusedError, OSError, UnicodeEncodeError):
        return
    assert place.resolve().is_relative_to(folder.resolve())


def folder_at(path: Path, *allowed: Path) -> Folder:
    return Folder(FolderSettings(path=str(path)), None, Allowed(folders=allowed))


def settled(path: Path, content: str = "x", *, age: float = 60) -> Path:
    """A file that nobody has written to for a while."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_a_folder_outside_of_those_allowed_is_refused_also_through_a_link(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "way").symlink_to(outside)
    for path in (outside, inside / "way", inside / ".." / "outside"):
        with pytest.raises(ProviderRefusedError, match="is not below a folder that may be read"):
            list(folder_at(path, inside).remote(ALL_TIME))
    with pytest.raises(ProviderRefusedError, match="FINOPS_SOURCE_FOLDERS"):
        list(folder_at(inside).remote(ALL_TIME))
    assert list(folder_at(inside, inside).remote(ALL_TIME)) == []


def test_bills_in_a_folder_are_listed_the_oldest_first_and_fetched_as_they_are(tmp_path: Path) -> None:
    made = folder_at(tmp_path / "in", tmp_path)
    settled(tmp_path / "in/b.csv", "old", age=200)
    settled(tmp_path / "in/a.csv", "new", age=100)
    settled(tmp_path / "in/x/part-00001.csv", "1", age=50)
    settled(tmp_path / "in/x/part-00002.csv", "2", age=50)

    found = list(made.remote(ALL_TIME))

    assert [one.name for one in found] == ["b.csv", "a.csv", "x/part-00001.csv"]
    (tmp_path / "out").mkdir()
    fetched = fetch(made, tmp_path / "out", found[2].address)
    assert sorted(file.name for file in fetched.rglob("*.csv")) == ["part-00001.csv", "part-00002.csv"]
    before = found[0].fingerprint
    settled(tmp_path / "in/b.csv", "other")
    assert next(one for one in made.remote(ALL_TIME) if one.name == "b.csv").fingerprint != before


def test_a_file_that_is_being_written_waits(tmp_path: Path) -> None:
    file = settled(tmp_path / "in/a.csv", age=0)

    with pytest.raises(NotReadyError, match=r"a\.csv is being written"):
        fetch(folder_at(tmp_path / "in", tmp_path), tmp_path / "out", str(file))


def test_a_manifest_whose_file_has_not_come_waits(tmp_path: Path) -> None:
    manifest = settled(tmp_path / "in/cur-Manifest.json", '{"reportKeys": ["in/cur-1.csv"]}')

    with pytest.raises(NotReadyError, match=r"cur-Manifest\.json lists in/cur-1\.csv, which is missing"):
        fetch(folder_at(tmp_path / "in", tmp_path), tmp_path / "out", str(manifest))
