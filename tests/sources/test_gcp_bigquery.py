"""Google Cloud's export in BigQuery: months, what a query may cost, the way to the facts, and what goes wrong on it."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from werkzeug.wrappers import Request, Response

from apps.core.errors import UserError
from apps.sources import collecting, connecting
from apps.sources.connections import connection
from apps.sources.models import Delivery, Run, Source
from collectors.connections import Check, kind_of
from tests.gcp import (
    DATASET,
    EMAIL,
    NAME,
    PROJECT,
    TABLE,
    TOKEN,
    GoogleServer,
    error,
    exported,
    google,
    google_for_all,
    key,
)
from tests.shared import BILLING, expected_totals
from tests.sources.conftest import fetching, look_again, try_again, work
from tests.sources.totals import stored

__all__ = ["google", "google_for_all", "key"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

SAMPLE = "nise/gcp-mtd/202606_2026-06-01_to_2026-06-15.csv.gz"


@pytest.fixture(autouse=True)
def _without_the_sdks_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)


def usage(cost: str, day: str = "2026-06-03", *, month: str = "", exported_on: str = "", **more: Any) -> dict[str, Any]:
    """A row of the export."""
    return {
        "billing_account_id": "0123AB-4567CD-89EF01",
        "service": {"id": "6F81", "description": "Compute Engine"},
        "sku": {"id": cost, "description": f"Core {cost}"},
        "usage_start_time": f"{day}T00:00:00Z",
        "usage_end_time": f"{day}T01:00:00Z",
        "project": {"id": "ml", "name": "ml", "labels": []},
        "labels": [{"key": "team", "value": "ml-platform"}],
        "export_time": f"{exported_on or day}T06:00:00Z",
        "cost": float(cost),
        "currency": "USD",
        "credits": [],
        "invoice": {"month": month or day[:7].replace("-", "")},
        "cost_type": "regular",
        **more,
    }


@pytest.fixture
def june(google: GoogleServer) -> GoogleServer:
    """A table with the first days of June."""
    google.export([usage("1"), usage("2", "2026-06-04")])
    return google


def connect(key: str, **settings: str) -> Source:
    """A connection to the table of the tests."""
    return connecting.connect(
        name="google",
        kind="gcp-bigquery",
        settings={"table": NAME, **settings},
        secrets={"key": key} if key else {},
        months=13,
        actor=None,
    )


def checks(key: str, **settings: str) -> list[Check]:
    """What testing a connection says."""
    return list(connection("gcp-bigquery", {"table": NAME, **settings}, {"key": key} if key else {}).check())


def last(found: list[Check]) -> tuple[str, bool, str]:
    """The last step."""
    return found[-1].step, found[-1].ok, found[-1].says


# over 5 s where the machine is busy: 4,704 real rows as JSON through a server, a file and the database
def test_a_sample_is_the_same_to_the_last_digit_after_the_whole_way(google: GoogleServer, key: str) -> None:
    google.export(exported(BILLING / SAMPLE))
    source = connect(key)
    work(source)

    expected = expected_totals()[SAMPLE]
    assert {run.status for run in source.runs.all()} == {"done"}
    assert sum(run.rows for run in source.runs.exclude(name="")) == expected["rows"]
    for metric in ("billed", "effective"):
        assert stored(f"{metric}_cost") == Decimal(expected[metric])


def test_what_is_exported_later_for_a_month_replaces_it_whole(june: GoogleServer, key: str) -> None:
    source = connect(key)
    work(source)
    assert stored() == 3
    assert [run.status for run in look_again(source)] == ["unchanged"]

    june.export([usage("10", "2026-06-30", exported_on="2026-07-02"), usage("20", "2026-07-01")])
    look, *fetched = look_again(source)
    assert (look.status, look.rows) == ("done", 2)
    assert [(run.name, run.status, run.rows) for run in fetched] == [("2026-06", "done", 3), ("2026-07", "done", 1)]
    assert stored() == 33


def test_the_invoice_month_decides_and_the_rows_of_other_months_usage_are_with_it(june: GoogleServer, key: str) -> None:
    june.export([usage("5", "2026-05-31", month="202606"), usage("7", "2026-05-30")])
    source = connect(key)
    work(source)

    assert {run.name: run.rows for run in source.runs.exclude(name="")} == {"2026-05": 1, "2026-06": 3}
    assert stored() == 15


def test_a_question_reads_the_days_of_a_months_export_alone_and_has_a_limit(june: GoogleServer, key: str) -> None:
    work(connect(key, gigabytes="7"))

    months, rows = june.queries
    words = {one["name"]: one["parameterValue"]["value"] for one in rows["queryParameters"]}
    assert words == {"month": "202606", "first": "2026-06-03", "last": "2026-06-04"}
    assert "t._PARTITIONTIME BETWEEN TIMESTAMP(@first) AND TIMESTAMP(@last)" in rows["query"]
    assert "_PARTITIONTIME >= TIMESTAMP(@since)" in months["query"]
    for query in (months, rows):
        assert query["maximumBytesBilled"] == "7000000000"
        assert query["useLegacySql"] is False
        assert {one["name"]: one["parameterType"]["type"] for one in query["queryParameters"]}["month"] == "STRING"


def test_a_query_that_would_cost_more_than_allowed_is_refused_with_what_to_change(june: GoogleServer, key: str) -> None:
    source = connect(key, gigabytes="1")
    june.bytes = 2_500_000_000
    (look,) = work(source)
    assert look.status == "refused"
    assert look.error == "The query would read more than the form allows: raise Most GB that a query reads."

    june.spoil(times=0, answer=error(500, "x"))
    june.bytes = 5_000_000
    weighed = checks(key, gigabytes="1")
    assert (weighed[3].step, weighed[3].says) == ("Weigh a month", "2026-06: 2 rows, 5,000,000 bytes to read")


def test_weighing_a_month_says_when_it_is_too_much(june: GoogleServer, key: str) -> None:
    def grow(_: Request) -> None:
        june.bytes = 2_500_000_000

    june.spoil(path="/jobs", answer=grow)  # type: ignore[arg-type]
    assert "would read 2.5 GB, more than the 1 GB that the form allows" in last(checks(key, gigabytes="1"))[2]


def test_a_connection_test_says_each_step(june: GoogleServer, key: str) -> None:
    found = checks(key)

    assert [(one.step, one.ok, one.says) for one in found[:3]] == [
        ("Sign in to Google Cloud", True, EMAIL),
        ("Find the table", True, f"{NAME}: 0 rows"),
        ("List the months", True, "2026-06"),
    ]


def test_the_project_that_is_named_runs_the_queries(june: GoogleServer, key: str) -> None:
    checks(key, project="northwind-finops")
    assert any("/projects/northwind-finops/queries" in path for path in june.asked)
    assert any(f"/projects/{PROJECT}/datasets/{DATASET}/tables/{TABLE}" in path for path in june.asked)


def test_the_servers_own_identity_is_used_where_no_key_is_given(
    june: GoogleServer, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key.json"
    file.write_text(
        json.dumps({**json.loads(key), "token_uri": f"{june.url}/token", "universe_domain": "googleapis.com"})
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    assert all(step.ok for step in checks(""))

    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setattr("google.auth._default._get_gcloud_sdk_credentials", lambda **_: (None, None))
    monkeypatch.setattr("google.auth._default._get_gce_credentials", lambda *_, **__: (None, None))
    assert last(checks(""))[2].startswith("This server has no Google Cloud identity of its own")


def test_a_key_signs_in_where_google_is_and_not_where_it_says(june: GoogleServer, key: str) -> None:
    assert "169.254.169.254" in key
    assert checks(key)[0].ok
    assert "/token?" in june.asked


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        (
            "/queries",
            error(403, "accessDenied", "Access Denied: Project p: User does not have bigquery.jobs.create permission."),
            "The permission bigquery.jobs.create is missing: grant BigQuery Job User (roles/bigquery.jobUser)",
        ),
        (
            "/tables",
            error(403, "accessDenied", "Access Denied: Table t: Permission bigquery.tables.get denied on table t"),
            "The permission bigquery.tables.get is missing: grant BigQuery Data Viewer (roles/bigquery.dataViewer)",
        ),
        (
            "/tables",
            error(404, "notFound", "Not found: Dataset p:d"),
            "There is no dataset of this name",
        ),
        ("/queries", error(403, "accessNotConfigured"), "The BigQuery API is not enabled"),
        ("/queries", error(403, "billingNotEnabled"), "has no billing account"),
        ("/queries", error(400, "invalidQuery"), "The BigQuery API refuses the question (invalidQuery)"),
        ("/tables", error(401, "authError"), "Google Cloud does not take the credentials"),
    ],
)
def test_what_is_missing_is_named(june: GoogleServer, key: str, path: str, answer: Any, said: str) -> None:
    june.spoil(times=9, path=path, answer=answer)
    found = last(checks(key))

    assert found[:2] == ("Find the table" if path == "/tables" else "List the months", False)
    assert said in found[2]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (
            Response('{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}', 400),
            "refused",
            "Google does not know the key of the service account",
        ),
        (
            Response('{"error": "invalid_grant", "error_description": "Token must be used within a time frame"}', 400),
            "refused",
            "Google does not take the time of this server",
        ),
        (Response('{"error": "backend"}', 503), "waiting", "where the service account signs in, cannot answer now."),
    ],
)
def test_who_cannot_sign_in_is_told_why(june: GoogleServer, key: str, answer: Response, status: str, said: str) -> None:
    june.spoil(times=99, path="/token", answer=lambda _: answer)
    (look,) = work(connect(key))

    assert look.status == status
    assert said in look.error


def test_a_table_that_is_no_usage_export_is_refused(june: GoogleServer, key: str) -> None:
    june.table["timePartitioning"] = {"type": "DAY", "field": "usage_start_time"}
    assert "not divided by the day of export" in last(checks(key))[2]
    del june.table["timePartitioning"]
    assert [run.status for run in work(connect(key))] == ["refused"]
    june.table["schema"] = {"fields": [{"name": "sku", "type": "RECORD"}]}
    assert "is no usage cost export: it lacks billing_account_id" in last(checks(key))[2]


def test_an_empty_table_is_waited_for(google: GoogleServer, key: str) -> None:
    assert "Google begins to fill it within a day" in last(checks(key))[2]


def test_throttled_the_whole_source_rests_as_long_as_google_asks(june: GoogleServer, key: str) -> None:
    busy = error(403, "rateLimitExceeded", "Exceeded rate limits", **{"Retry-After": "120"})
    june.spoil(body="TO_JSON_STRING", answer=busy)
    source = connect(key)
    work(source)

    assert fetching(source).error == "Google Cloud asks for fewer requests (rateLimitExceeded)."
    assert fetching(source).next_attempt_at >= timezone.now() + timedelta(seconds=110)  # type: ignore[operator]
    assert len(june.queries) == 1  # whoever is asked to wait does not ask twice
    try_again(source)
    assert stored() == 3


def test_a_page_that_falters_is_asked_for_again_and_one_that_lasts_puts_the_run_off(
    june: GoogleServer, key: str
) -> None:
    june.page = 1
    june.spoil(times=1, path="pageToken", answer=error(500, "backendError"))
    source = connect(key)
    work(source)
    assert (fetching(source).status, fetching(source).attempt, stored()) == ("done", 1, 3)

    june.export([usage("10")], day=date(2026, 6, 5))
    june.spoil(times=99, path="pageToken", answer=error(500, "backendError"))
    look_again(source)
    assert fetching(source).status == "waiting"
    assert fetching(source).error == "Google Cloud has a fault of its own (backendError)."
    assert stored() == 3


def test_rows_that_are_missing_load_nothing(june: GoogleServer, key: str) -> None:
    def cut(request: Request) -> Response:
        june.spoils.clear()
        said = june.answer(request).get_json()
        return Response(json.dumps({**said, "totalRows": "3"}), 200, {"Content-Type": "application/json"})

    june.spoil(body="TO_JSON_STRING", answer=cut)
    source = connect(key)
    work(source)

    assert (fetching(source).status, fetching(source).error) == ("waiting", "202606 broke off after 2 of 3 rows.")
    assert not Delivery.objects.exists()


def test_a_run_is_cancelled_in_the_middle_of_a_transfer(
    june: GoogleServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PROGRESS_EVERY", 0.0)
    june.page = 1
    source = connect(key)
    work(source, most=1)
    plain = collecting.Watch.count_bytes

    def count(self: collecting.Watch, done: int, total: int) -> None:
        Run.objects.filter(name="2026-06").update(wants_cancel=True)
        plain(self, done, total)

    monkeypatch.setattr(collecting.Watch, "count_bytes", count)
    work(source)

    assert fetching(source).status == "cancelled"
    assert not Delivery.objects.exists()
    assert not any("pageToken=1" in path for path in june.asked)


@pytest.mark.parametrize(
    ("typed", "secrets", "field", "said"),
    [
        ({"table": "t"}, {}, "table", "This is no table"),
        ({"table": f"{NAME}` WHERE 1=1 --"}, {}, "table", "This is no table"),
        ({"project": "No Project"}, {}, "project", "This is no id of a project"),
        ({"gigabytes": "0"}, {}, "gigabytes", "Write a whole number of GB"),
        ({"gigabytes": "1 TB"}, {}, "gigabytes", "Write a whole number of GB"),
        ({}, {"key": "s3cret"}, "key", "This is no key of a service account"),
        ({}, {"key": '{"type": "external_account", "private_key": "s3cret"}'}, "key", "This is no key"),
    ],
)
def test_what_is_typed_wrong_is_named(typed: Any, secrets: Any, field: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as told:
        connection("gcp-bigquery", {"table": NAME, **typed}, secrets)
    assert told.value.field == field
    assert "s3cret" not in str(told.value)


def test_what_people_copy_is_understood() -> None:
    for typed in (f"`{NAME}`", f"{PROJECT}:{DATASET}.{TABLE}", f" {NAME} "):
        assert connection("gcp-bigquery", {"table": typed}, {}).settings.table == NAME


def test_a_damaged_key_is_told(google: GoogleServer) -> None:
    damaged = json.dumps({"type": "service_account", "private_key": "s3cret", "client_email": EMAIL})
    assert last(checks(damaged))[2] == "The key of the service account is damaged: copy its whole file."


def test_no_credential_is_in_a_run_or_an_error(june: GoogleServer, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    june.spoil(times=99, path="/queries", answer=error(403, "accessDenied", f"Bearer {TOKEN} {key}"))
    found = checks(key)
    work(connect(key))

    said = "".join(one.says for one in found) + "".join(run.error for run in Run.objects.all()) + caplog.text
    assert TOKEN not in said
    assert json.loads(key)["private_key"][30:80] not in said


def test_the_policy_grants_reading_of_one_table_and_running_queries() -> None:
    policy = kind_of("gcp-bigquery").policy({"table": NAME, "project": "northwind-finops"})

    assert policy.count("roles/") == 2
    assert (
        'gcloud projects add-iam-policy-binding northwind-finops \\\n  --member="$member" --role=roles/bigquery.jobUser'
        in policy
    )
    assert f"GRANT \\`roles/bigquery.dataViewer\\` ON TABLE \\`{NAME}\\` TO '$member'" in policy
    shared = kind_of("gcp-bigquery").policy({"table": "p-billing.export_eu.gcp_billing_export_focus_1"})
    assert "ON SCHEMA \\`p-billing.export_eu\\` TO" in shared
