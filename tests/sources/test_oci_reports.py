"""Oracle's reports from object storage: listed, fetched with signed requests, added up, and what goes wrong."""

import gzip
import re
import subprocess
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from werkzeug.wrappers import Response

from apps.core.errors import UserError
from apps.sources import connecting
from apps.sources.connections import connection
from apps.sources.models import Run, Source
from collectors.connections import Check, kind_of
from collectors.oci import client
from tests.collectors.bills import csv_text
from tests.collectors.bills import oci as line
from tests.collectors.test_oci_focus import ROW as FOCUS_LINE
from tests.oci import KEY, PEM, SETTINGS, TENANCY, OciServer, error, oci, oci_for_all
from tests.shared import BILLING, expected_totals
from tests.sources.conftest import look_again, try_again, work
from tests.sources.totals import stored

__all__ = ["oci", "oci_for_all"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
COSTS, FOCUS = "reports/cost-csv/", "FOCUS Reports/2026/06/14/"
SAMPLE = "oci-cost-2023/oci_cost_2023-11-13T05_09.csv"
SCRIPT = Path(__file__).parents[2] / "deploy" / "oci-read-policy.sh"


def report(reference: str, *costs: str, **changes: str) -> bytes:
    """A cost report of these costs, known by `reference`."""
    lines = [
        line(lineItem_referenceNo=reference if not number else f"{reference}-{number}", cost_myCost=cost, **changes)
        for number, cost in enumerate(costs)
    ]
    return gzip.compress(csv_text(lines).encode())


def connect(**settings: str) -> Source:
    """A connection to the reports of the tests."""
    return connecting.connect(
        name="oracle",
        kind="oci-reports",
        settings={**SETTINGS, **settings},
        secrets={"private_key": PEM},
        months=60,
        actor=None,
    )


def checks(secrets: dict[str, str] | None = None, **settings: str) -> list[Check]:
    """What testing a connection says."""
    made = connection("oci-reports", {**SETTINGS, **settings}, secrets or {"private_key": PEM})
    return list(made.check())


@pytest.fixture
def june(oci: OciServer) -> OciServer:
    """Three reports of June, each of some hours."""
    for number in range(3):
        made = f"2026-06-{14 + number}T06:00:00.000Z"
        oci.put(f"{COSTS}000100000060374{number}-00001.csv.gz", report(f"ref-{number}", "1.5", "2"), made=made)
    return oci


def test_reports_of_a_month_add_up(june: OciServer) -> None:
    look, *fetched = work(connect())

    assert (look.status, look.rows) == ("done", 3)
    assert [(run.status, run.error, run.rows) for run in fetched] == [("done", "", 2)] * 3
    assert {run.billing_period for run in fetched} == {date(2026, 6, 1)}
    assert stored() == Decimal("10.5")


def test_a_report_that_is_written_anew_replaces_itself_alone(june: OciServer) -> None:
    source = connect()
    work(source)
    assert [run.status for run in look_again(source, 60)] == ["unchanged"]

    june.put(f"{COSTS}0001000000603741-00001.csv.gz", report("ref-1", "40"), etag="second")
    assert [run.status for run in look_again(source, 60)] == ["done", "done"]
    assert stored() == Decimal(47)


def test_a_real_report_is_the_same_to_the_last_digit_after_the_whole_way(oci: OciServer) -> None:
    content = (BILLING / SAMPLE).read_bytes()
    oci.put(f"{COSTS}0001.csv.gz", gzip.compress(content), made="2023-11-13T05:09:00Z")
    _, fetched = work(connect())

    expected = expected_totals()[SAMPLE]
    assert (fetched.status, fetched.rows) == ("done", expected["rows"])
    assert stored() == Decimal(expected["billed"])


def test_focus_reports_are_read_from_their_days(oci: OciServer) -> None:
    for number in range(2):
        content = csv_text([{**FOCUS_LINE, "oci_ReferenceNumber": f"ref-{number}"}]).encode()
        oci.put(f"{FOCUS}00010000012853{number}-00001.csv.gz", gzip.compress(content))
    oci.put("FOCUS Reports/2019/01/01/old-00001.csv.gz", b"never read")
    look, *fetched = work(connect(report="focus"))

    assert (look.rows, [run.status for run in fetched]) == (2, ["done", "done"])
    assert fetched[0].name == "2026/06/14/000100000128530-00001.csv.gz"
    assert stored() == Decimal("0.024")


def test_reports_before_the_window_are_left_alone(june: OciServer) -> None:
    source = connect()
    work(source)
    june.put(
        f"{COSTS}0000.csv.gz", report("old", "1000"), made=f"{timezone.now() - timedelta(days=400):%Y-%m-%dT00:00:00Z}"
    )
    june.put(f"{COSTS}0009.csv.gz", report("new", "1"), made=f"{timezone.now():%Y-%m-%dT00:00:00Z}")

    assert [run.name for run in look_again(source, 2)] == ["", "0009.csv.gz"]


def test_a_test_of_the_connection_signs_in_lists_and_reads(june: OciServer) -> None:
    found = checks()

    assert [(one.step, one.ok) for one in found] == [
        ("Sign in to Oracle Cloud", True),
        ("List the reports", True),
        ("Read a report", True),
    ]
    assert found[0].says == "user of the tenancy with the namespace northwindnamespace"
    assert found[1].says.startswith("3 reports, the newest of 2026-06-16: ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(404, "BucketNotFound"), "endorse group to read objects in tenancy usage-report. Write the policy"),
        (error(403, "NotAllowed"), "endorse group to read objects in tenancy usage-report"),
        (error(400, "InvalidParameter"), "Oracle refuses the question (InvalidParameter)"),
    ],
)
def test_what_is_missing_is_named_and_not_tried_again(june: OciServer, answer: Any, said: str) -> None:
    june.spoil(times=9, path="/o?prefix", answer=answer)
    assert said in checks()[-1].says
    assert [run.status for run in work(connect())] == ["refused"]


def test_a_key_that_oracle_does_not_know_is_told(june: OciServer) -> None:
    other = ":".join(["00"] * 16)
    said = checks(fingerprint=other)[-1]

    assert (said.step, said.ok) == ("Sign in to Oracle Cloud", False)
    assert "Oracle does not know the key: check tenancy, user and fingerprint" in said.says
    assert "PRIVATE" not in said.says


def test_a_wrong_clock_is_told_with_the_time_that_oracle_has(june: OciServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "formatdate", lambda **_: "Sun, 14 Jun 2026 10:00:00 GMT")
    assert "Oracle does not know the key" in checks()[-1].says  # the clock is right: something else was wrong

    monkeypatch.setattr(client, "CLOCK_SKEW", -1.0)
    assert re.fullmatch(
        r"The clock of this server is wrong: Oracle has \d{4}.* UTC\. Set it right\.", checks()[-1].says
    )


def test_a_region_that_is_not_the_home_region_has_no_reports(june: OciServer) -> None:
    assert "give the home region of the tenancy" in checks(region="us-ashburn-1")[-1].says


def test_no_reports_yet_is_told(oci: OciServer) -> None:
    assert "yet: Oracle writes reports within a day." in checks()[-1].says


def test_throttled_the_whole_source_rests_as_long_as_oracle_asks(june: OciServer) -> None:
    june.spoil(path=".csv.gz", answer=error(429, "TooManyRequests", **{"Retry-After": "120"}))
    source = connect()
    work(source)

    run = source.runs.get(status="waiting")
    assert run.error == "Oracle asks for fewer requests (TooManyRequests)."
    assert run.next_attempt_at >= timezone.now() + timedelta(seconds=110)
    try_again(source)
    assert stored() == Decimal("10.5")


def test_a_fault_of_oracle_for_a_moment_is_not_even_noticed(june: OciServer) -> None:
    june.spoil(times=2, path="/o?prefix", answer=error(500, "InternalServerError"))

    assert {run.status for run in work(connect())} == {"done"}


def test_a_report_that_breaks_off_or_is_damaged_is_read_again(june: OciServer) -> None:
    whole = june.reports[f"{COSTS}0001000000603741-00001.csv.gz"].content
    broken = Response(iter([whole[:40]]), 200, {"Content-Length": str(len(whole))})
    damaged = Response(whole[:-1] + b"x", 200, {"Content-MD5": "bm90IGl0cyBkaWdlc3Q="})
    for answer in (broken, damaged):
        june.spoil(path="603741", answer=lambda _, answer=answer: answer)  # type: ignore[misc]
    source = connect()
    work(source)
    errors = []
    while run := source.runs.filter(status="waiting").first():
        errors.append(run.error)
        try_again(source)

    assert "broke off" in errors[0]
    assert "is not what Oracle stores" in errors[1]
    assert stored() == Decimal("10.5")


@pytest.mark.parametrize(
    "content", ["<html>", '{"objects": [{"name": "x"}]}', "[]", '{"objects": [], "nextStartWith": ""}']
)
def test_a_listing_that_is_none_is_asked_for_again(june: OciServer, content: str) -> None:
    june.spoil(times=9, path="/o?prefix", answer=lambda _: Response(content, 200))
    (look,) = work(connect())

    assert look.status == ("waiting" if content != '{"objects": [], "nextStartWith": ""}' else "unchanged")


def test_a_listing_that_does_not_go_on_is_not_followed_for_ever(june: OciServer) -> None:
    said = '{"objects": [], "nextStartWith": "reports/cost-csv/0"}'
    june.spoil(times=9, path="/o?prefix", answer=lambda _: Response(said, 200))
    (look,) = work(connect())

    assert look.error == "Oracle does not say where its list of reports goes on."


def test_a_host_that_cannot_be_reached_is_asked_again(june: OciServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCI_SERVICE_ENDPOINT", "https://127.0.0.1:9")
    (look,) = work(connect())

    assert (look.status, look.error) == ("waiting", "127.0.0.1:9 cannot be reached.")


@pytest.mark.parametrize(
    ("typed", "secrets", "field"),
    [
        ({"tenancy": "northwind"}, {"private_key": PEM}, "tenancy"),
        ({"fingerprint": "20:3b"}, {"private_key": PEM}, "fingerprint"),
        ({"region": "evil.example.com/"}, {"private_key": PEM}, "region"),
        ({"report": "usage"}, {"private_key": PEM}, "report"),
        ({}, {"private_key": "a-secret"}, "private_key"),
        ({}, {}, "private_key"),
    ],
)
def test_what_is_typed_wrong_is_named(typed: dict[str, str], secrets: dict[str, str], field: str) -> None:
    with pytest.raises(UserError) as told:
        connection("oci-reports", {**SETTINGS, **typed}, secrets)
    assert told.value.field == field
    assert "a-secret" not in str(told.value)


def test_the_key_is_kept_in_one_line_and_never_shown(june: OciServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    june.spoil(times=99, answer=error(401, "NotAuthenticated"))
    source = connect()
    work(source)

    body = PEM.splitlines()[1]
    assert body not in caplog.text + "".join(run.error for run in Run.objects.all()) + str(source.settings)
    assert KEY.key_size == 2048


def test_the_policy_and_the_script_let_a_group_read_reports_and_nothing_else(tmp_path: Path) -> None:
    policy = kind_of("oci-reports").policy(SETTINGS)
    statements = [text for text in policy.splitlines() if not text.startswith("#")]
    assert [text.split()[0] for text in statements] == ["Define", "Endorse"]
    assert TENANCY in policy

    asked = tmp_path / "asked"
    oci_cli = tmp_path / "oci"
    oci_cli.write_text(f'#!/bin/sh\necho "$*" >> {asked}\necho ocid1.group.oc1..g\n')
    oci_cli.chmod(0o755)
    command = ["sh", str(SCRIPT), TENANCY, "ocid1.user.oc1..reader"]
    subprocess.run(command, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True)

    said = asked.read_text()
    inventory = kind_of("oci-inventory").policy(SETTINGS).splitlines()[1:]
    for statement in (*statements, *inventory):
        assert f'"{statement}"' in said
    assert said.count('"Allow ') + said.count('"Endorse ') == len(inventory) + 1
