"""The client for Prometheus: against a real one, and against a server that misbehaves as others do."""

import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from collectors import patience
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.net import ForbiddenAddressError
from collectors.prometheus import client as clients
from collectors.prometheus.access import PrometheusSecrets, PrometheusSettings, in_lines, in_one_line
from collectors.prometheus.client import Prometheus
from tests.aws import Silent
from tests.prometheus import History, asking, running, utc, with_history

FIVE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE", 0.0)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of one series, and of another that has a gap from 06:00 to 18:00 on the second day.

    Its last sample before is of 05:54, so that Prometheus, which looks five minutes back, sees none at 06:00.
    """
    made = History()
    made.add("load", {"host": "a"}, 0.5, utc(1), utc(3, 23, 59))
    made.add("load", {"host": "b", "rack": "1"}, 2.0, utc(2), utc(2, 5, 54))
    made.add("load", {"host": "b", "rack": "1"}, 3.0, utc(2, 18), utc(2, 23, 54))
    return with_history(made, tmp_path_factory.mktemp("prometheus"))


@pytest.fixture(scope="module")
def server(history: Path) -> Iterator[str]:
    with running(history) as url:
        yield url


def test_a_range_is_every_point_of_every_series_and_nothing_where_there_is_none(server: str) -> None:
    asked = asking(server)

    found = asked.range("load", utc(1), utc(4), timedelta(hours=1))

    points = found.frame("host", "rack", "zone")
    assert points.columns == ["host", "rack", "zone", "time", "value"]
    assert points["zone"].null_count() == points.height
    one = points.filter(host="a")
    assert (one["time"].to_list(), set(one["value"])) == ([utc(1) + timedelta(hours=n) for n in range(72)], {0.5})
    other = points.filter(host="b", rack="1").select(pl.col("time").dt.hour(), "value").rows()
    assert other == [(hour, 2.0 if hour < 6 else 3.0) for hour in (*range(6), *range(18, 24))]
    assert found.labels.height == 2, "a series that comes in several answers is one"
    assert asked.calls == 3, "a day at a time"


def test_stretches_keep_below_what_servers_allow_a_series(server: str) -> None:
    asked = asking(server)

    found = asked.range('load{host="a"}', utc(1), utc(2), timedelta(seconds=5))

    assert found.points.height == 86_400 // 5
    assert asked.calls == 2, "17,280 points are more than 11,000"
    with pytest.raises(ProviderRefusedError, match="exceeded maximum resolution of 11,000 points"):
        asked._ask("custom_query_range", query="load", start_time=utc(1), end_time=utc(2), step="5")


def test_an_instant_query_tells_what_held_at_a_time_and_counts_as_one_question(server: str) -> None:
    asked = asking(server)

    found = asked.query("max by (host) (load)", utc(2, 3))

    assert sorted(found.frame("host").select("host", "value").rows()) == [("a", 0.5), ("b", 2.0)]
    assert asked.query("load", utc(9)).points.is_empty()
    assert asked.query("vector(NaN) > bool 1", utc(2)).points["value"].to_list() == [0.0]
    assert asked.calls == 3


def test_special_values_are_what_they_are(server: str) -> None:
    found = asking(server).query(
        'label_replace(vector(1)/0, "n", "inf", "", "") or label_replace(vector(-1)/0, "n", "-inf", "", "")'
        ' or label_replace(vector(0)/0, "n", "nan", "", "")',
        utc(2),
    )

    values = dict(found.frame("n").select("n", "value").iter_rows())
    assert (values["inf"], values["-inf"], values["nan"] != values["nan"]) == (float("inf"), float("-inf"), True)


def test_the_clock_is_the_servers(server: str) -> None:
    assert abs(asking(server).now().timestamp() - time.time()) < 5


def test_a_query_that_is_wrong_is_refused_with_what_prometheus_says(server: str) -> None:
    with pytest.raises(ProviderRefusedError, match=r"127\.0\.0\.1 cannot answer the query \(400\): .*parse error"):
        asking(server).query("sum(", utc(1))


def test_an_address_that_the_operator_does_not_allow_is_never_opened(server: str) -> None:
    """The library mounts an adapter of its own at the address, which would open it."""
    closed = Prometheus(PrometheusSettings(url=server), PrometheusSecrets(), ())

    with pytest.raises(ForbiddenAddressError, match="which is not a public address"):
        closed.query("load", utc(1))


def test_what_is_too_much_at_once_is_asked_for_in_halves(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = asking(server).range("load", utc(2), utc(3), FIVE)
    monkeypatch.setattr(clients, "MOST_BYTES", 3_000)
    asked = asking(server)

    halved = asked.range("load", utc(2), utc(3), FIVE)

    order = ["host", "time"]
    assert halved.frame("host").sort(order).equals(whole.frame("host").sort(order))
    assert asked.calls == 7, "one, two halves and four quarters"


def test_too_many_samples_are_asked_for_in_halves_too(history: Path, tmp_path: Path) -> None:
    data = shutil.copytree(history, tmp_path / "data", ignore=shutil.ignore_patterns("lock", "queries.active"))
    with running(data, "--query.max-samples=300") as url:
        asked = asking(url)
        assert asked.range("load", utc(2), utc(3), FIVE).points.height == 288 + 144
        with pytest.raises(ProviderRefusedError, match="too many samples"):
            asked.query("count_over_time(load[1d])", utc(3))


@dataclass
class Odd:
    """A server that answers as the test says."""

    url: str
    answer: Callable[[Request], Response]
    asked: list[Request] = field(default_factory=list)


@pytest.fixture
def odd() -> Iterator[Odd]:
    known: list[Odd] = []

    def app(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        known[0].asked.append(request)
        return known[0].answer(request)(environ, start_response)

    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    known.append(Odd(f"http://127.0.0.1:{http.server_port}/prom", lambda _: vector([])))
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield known[0]
    http.shutdown()
    thread.join()


def vector(result: list[Any], **more: Any) -> Response:
    """An answer of Prometheus."""
    data = {"resultType": "vector", "result": result}
    return Response(json.dumps({"status": "success", "data": data, **more}), content_type="application/json")


def failing(status: int, error: str = "", **headers: str) -> Callable[[Request], Response]:
    body = json.dumps({"status": "error", "error": error}) if error else "no"
    return lambda _: Response(body, status=status, headers=headers)


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (401, "", r"does not let us in \(401\): check the bearer token"),
        (403, "", r"does not let these credentials query \(403\): give them the right"),
        (404, "", r"has no Prometheus at this address \(404\)"),
        (302, "", r"leads elsewhere \(302\)"),
        (422, "query is nonsense", r"cannot answer the query \(422\): 'query is nonsense'"),
        (422, "the query hit the max-samples limit", r"does not answer so much at once \(422\)"),
        (413, "", r"does not answer so much at once \(413\)"),
    ],
)
def test_what_does_not_help_to_repeat_is_refused_at_once(odd: Odd, status: int, error: str, says: str) -> None:
    odd.answer = failing(status, error)

    with pytest.raises(ProviderRefusedError, match=says):
        asking(odd.url).query("up", utc(1))

    assert len(odd.asked) == 1


def test_a_throttled_server_is_left_alone_for_as_long_as_it_asks(odd: Odd) -> None:
    odd.answer = failing(429, "rate limited", **{"Retry-After": "17"})

    with pytest.raises(ProviderUnavailableError, match=r"cannot answer now \(429\): 'rate limited'") as told:
        asking(odd.url).query("up", utc(1))

    assert (told.value.retry_after, len(odd.asked)) == (17.0, 1)


def test_faults_of_a_moment_are_asked_again_and_lasting_ones_put_off(odd: Odd) -> None:
    answers = [failing(503), failing(502), lambda _: vector([{"metric": {}, "value": [1780272000, "7"]}])]
    odd.answer = lambda request: answers[len(odd.asked) - 1](request)  # noqa: PLW0108 - decided anew each time

    assert asking(odd.url).query("up", utc(1)).points["value"].to_list() == [7.0]

    odd.answer = failing(503, "the store is full")
    with pytest.raises(ProviderUnavailableError, match="the store is full"):
        asking(odd.url).query("up", utc(1))
    assert len(odd.asked) == 3 + patience.TRIES


def test_an_answer_that_breaks_off_is_asked_for_again(odd: Odd) -> None:
    def broken(_: Request) -> Response:
        return Response(iter([b'{"status"']), headers={"Content-Length": "500"})

    odd.answer = broken

    with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
        asking(odd.url).query("up", utc(1))

    assert len(odd.asked) == patience.TRIES


def test_a_page_to_sign_in_is_no_prometheus(odd: Odd) -> None:
    odd.answer = lambda _: Response("<html>Sign in to Grafana</html>", content_type="text/html")

    with pytest.raises(ProviderRefusedError, match="answers, but not as Prometheus does"):
        asking(odd.url).query("up", utc(1))


def test_warnings_that_come_with_data_are_kept_once(odd: Odd) -> None:
    odd.answer = lambda _: vector([], warnings=["store 10.0.0.7 did not answer: partial data"])
    asked = asking(odd.url)
    assert asked.warnings == ()

    asked.query("up", utc(1))
    asked.query("up", utc(2))

    assert asked.warnings == ("store 10.0.0.7 did not answer: partial data",)


@pytest.mark.parametrize(
    ("settings", "secrets", "sent"),
    [
        ({}, {"token": "t0k"}, "Bearer t0k"),
        ({"user": "reader"}, {"password": "pass"}, "Basic cmVhZGVyOnBhc3M="),
        ({}, {}, None),
    ],
)
def test_credentials_and_tenant_go_with_every_question(
    odd: Odd, settings: dict[str, str], secrets: dict[str, str], sent: str | None
) -> None:
    asking(odd.url, secrets=secrets, tenant="team-a", **settings).query("up", utc(1))

    (request,) = odd.asked
    assert (request.path, request.headers.get("Authorization")) == ("/prom/api/v1/query", sent)
    assert request.headers["X-Scope-OrgID"] == "team-a"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "prometheus:9090", "no web address"),
        ("url", "https://me:secret@prometheus.example.com", "have fields of their own"),
        ("url", "https://prometheus.example.com/?a=1", "Leave out what follows"),
        ("authority", "nonsense", "no certificate in PEM"),
        ("tenant", "équipe", "plain ASCII"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_by_field(field: str, value: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PrometheusSettings.model_validate({"url": "https://prometheus.example.com", field: value})


def test_an_address_copied_with_its_api_is_the_address_of_its_server() -> None:
    assert PrometheusSettings(url="https://p.example.com/prom/api/v1/query").url == "https://p.example.com/prom"


@dataclass
class Papers:
    """A certificate authority of the test, and what it signed."""

    folder: Path

    def make(self) -> None:
        """The authority, the server and a client."""
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key",
                  "-out", "ca.pem")  # fmt: skip
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger", "-keyout",
                  "stranger.key", "-out", "stranger.pem")  # fmt: skip
        for name in ("server", "client"):
            (self.folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
            self._run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                      "-out", f"{name}.csr")  # fmt: skip
            self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
                      "-extfile", "san", "-out", f"{name}.pem")  # fmt: skip

    def text(self, *names: str) -> str:
        return "".join((self.folder / name).read_text() for name in names)

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    made = Papers(tmp_path_factory.mktemp("papers"))
    made.make()
    return made


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def locked(papers: Papers, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server with a certificate of the test's own authority, which asks for one of its clients: with TLS 1.2 in the
    handshake, with 1.3 when something was sent already."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(papers.folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = request.param
    context.load_cert_chain(papers.folder / "server.pem", papers.folder / "server.key")
    http = make_server("127.0.0.1", 0, vector([]), ssl_context=context, request_handler=Silent)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()


def test_a_server_of_a_private_authority_is_known_and_knows_us_by_our_certificate(locked: str, papers: Papers) -> None:
    both = papers.text("client.pem", "client.key")

    asked = asking(locked, authority=papers.text("ca.pem"), secrets={"certificate": both})

    assert asked.query("up", utc(1)).points.is_empty()
    with pytest.raises(ProviderRefusedError, match="has no certificate that this server trusts"):
        asking(locked, secrets={"certificate": both}).query("up", utc(1))
    stranger = {"certificate": papers.text("stranger.pem", "stranger.key")}
    for secrets in ({}, stranger):
        with pytest.raises(ProviderRefusedError, match="does not accept our certificate: check Client certificate"):
            asking(locked, authority=papers.text("ca.pem"), secrets=secrets).query("up", utc(1))


def test_a_key_that_does_not_belong_to_its_certificate_is_refused(locked: str, papers: Papers) -> None:
    wrong = papers.text("client.pem", "server.key")

    with pytest.raises(ProviderRefusedError, match="that the key belongs to the client certificate"):
        asking(locked, secrets={"certificate": wrong}).query("up", utc(1))


def test_pem_is_kept_in_one_line_and_read_again(papers: Papers) -> None:
    both = papers.text("client.pem", "client.key")

    line = in_one_line(both)

    assert "\n" not in line
    assert in_lines(line) == both == in_lines(both.replace("\n", " "))
    with pytest.raises(ValidationError, match="Give the certificate and its private key"):
        PrometheusSecrets.model_validate({"certificate": papers.text("client.pem")})


def test_a_month_of_64_series_takes_hardly_longer_than_its_answers(tmp_path: Path) -> None:
    """Half a million points come as two columns of numbers, without an object for each."""
    found = clients._Collected()
    values = [[1780272000 + 300 * number, "0.5"] for number in range(8_641)]
    result = [{"metric": {"gpu": str(gpu)}, "values": values} for gpu in range(64)]

    began = time.perf_counter()
    found.add(result, "values")
    points = found.answer().points

    assert time.perf_counter() - began < 3, "0.3 seconds on an idle machine"
    assert (points.height, points.schema) == (553_024, clients.POINTS)
    assert points["time"][1] == utc(1, 0, 5)
    assert points.group_by("series").agg(pl.len())["len"].unique().to_list() == [8_641]
