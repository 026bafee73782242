"""FOCUS files through the API, the explorer and the command line: who gets what, and what is refused."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Role, User
from apps.core.errors import UserError
from apps.costs.commands import export as export_command
from apps.costs.focus import columns_of
from tests.costs.conftest import Ledger, owned

Api = Callable[..., APIClient]


def ask(caller: APIClient, query: str) -> Any:
    """The answer of the export; its rows are in `rows` when it is one."""
    return caller.get(f"/api/v1/costs/export/?{query}")


def rows_of(response: Any) -> list[dict[str, str]]:
    """The rows of a csv answer."""
    assert response.status_code == 200, response.content
    return list(csv.DictReader(io.StringIO(response.getvalue().decode(), newline="")))


def test_everybody_gets_the_charges_of_their_own_scope_and_nobody_else_any(ledger: Ledger, api: Api) -> None:
    ledger(
        owned(date(2026, 6, 3), "1", team="ml"),
        owned(date(2026, 6, 3), "2", team="web"),
        owned(date(2026, 6, 3), "4"),
    )
    query = "start=2026-06-01&end=2026-06-30"

    costs = {
        role: [row["EffectiveCost"] for row in rows_of(ask(api(role, *teams), query))]
        for role, teams in ((Role.FINANCE, ()), (Role.ENGINEERING_LEAD, ("ml",)))
    }

    assert {role: sorted(found) for role, found in costs.items()} == {
        Role.FINANCE: ["1", "2", "4"],
        Role.ENGINEERING_LEAD: ["1"],
    }
    assert rows_of(ask(api(Role.ENGINEERING_LEAD), query)) == []
    assert ask(APIClient(), query).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "start=2026-06-01&end=2026-06-30",
        "start=2026-06-02&end=2026-06-03",
        "start=2026-06-01&end=2026-06-30&filter[service]=EC2,S3&exclude[region]=eu",
        "start=2026-06-01&end=2026-06-30&filter[tag:env]=prod",
        "start=2026-06-01&end=2026-06-30&filter[team]=",
        "start=2026-06-01&end=2026-06-30&exclude[resource]=i-1",
    ],
)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEERING_LEAD])
def test_period_filters_and_scope_mean_what_they_mean_to_costs(
    query: str, role: Role, ledger: Ledger, api: Api
) -> None:
    ledger(
        owned(date(2026, 6, 1), "1", team="ml", service_name="EC2", region_id="eu", tags={"env": "prod"}),
        owned(date(2026, 6, 2), "2", team="ml", service_name="EC2", region_id="us", resource_id="i-1"),
        owned(date(2026, 6, 3), "4", service_name="S3", tags={"env": "prod"}),
        owned(date(2026, 6, 30), "8", team="web", service_name="RDS", resource_id="i-1"),
        owned(date(2026, 7, 1), "16", team="ml", service_name="EC2"),
    )
    caller = api(role, "ml")

    found = rows_of(ask(caller, query))

    total = caller.get(f"/api/v1/costs/?{query}&currency=billing").json()["total"]
    assert sum(Decimal(row["EffectiveCost"]) for row in found) == Decimal(total)


def test_a_download_has_a_name_that_says_what_it_is(ledger: Ledger, api: Api) -> None:
    ledger(owned(date(2026, 6, 3), "1"))
    query, caller = "start=2026-06-01&end=2026-06-30", api()

    answers = [ask(caller, query), ask(caller, f"{query}&format=parquet&version=1.2")]

    assert [(answer["Content-Type"], answer["Content-Disposition"]) for answer in answers] == [
        ("text/csv; charset=utf-8", 'attachment; filename="focus-1.2_2026-06-01_2026-06-30_as-of-2026-06-03.csv"'),
        (
            "application/vnd.apache.parquet",
            'attachment; filename="focus-1.2_2026-06-01_2026-06-30_as-of-2026-06-03.parquet"',
        ),
    ]
    assert all(answer.streaming for answer in answers)
    assert pl.read_parquet(answers[1].getvalue())["BilledCost"].to_list() == [Decimal(1)]


def test_a_program_may_accept_what_it_likes_and_gets_a_header_where_there_is_nothing(ledger: Ledger, api: Api) -> None:
    answer = api().get("/api/v1/costs/export/?start=2026-06-01&end=2026-06-30", headers={"Accept": "text/csv"})

    assert answer.status_code == 200
    assert answer.getvalue().decode().strip().split(",") == [column.name for column in columns_of("1.2")]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=2026-06-01&end=2026-06-30&format=xml", "format"),
        ("start=2026-06-01&end=2026-06-30&version=1.1", "version"),
        ("start=2026-06-30&end=2026-06-01", "end"),
        ("start=2026-06-01&end=2026-06-30&group_by=service", "group_by"),
        ("start=2026-06-01&end=2026-06-30&filter[colour]=red", "filter[colour]"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_sent(query: str, field: str, api: Api) -> None:
    answer = ask(api(), query)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_explorer_links_to_the_charges_that_it_shows(ledger: Ledger, client: Client) -> None:
    ledger(owned(date(2026, 6, 3), "1", service_name="EC2"), owned(date(2026, 6, 3), "2", service_name="S3"))
    client.force_login(User.objects.create_user("viewer", role=Role.VIEWER))

    page = client.get("/costs/?start=2026-06-01&end=2026-06-30&granularity=day&group_by=region&filter[service]=EC2")

    links = re.findall(r'href="(/api/v1/costs/export/[^"]+)"', page.content.decode())
    assert [re.search(r"format=(\w+)", link)[1] for link in links] == ["csv", "parquet"]  # type: ignore[index]
    (row,) = rows_of(client.get(links[0].replace("&amp;", "&")))
    assert (row["ServiceName"], row["BilledCost"]) == ("EC2", "1")


def run(*arguments: object) -> Any:
    """`finops export focus` with the arguments; what a user should read is its output."""
    return CliRunner().invoke(export_command, ["focus", *map(str, arguments)])


def test_the_command_writes_both_formats_filtered(ledger: Ledger, tmp_path: Path) -> None:
    ledger(
        owned(date(2026, 6, 3), "1", service_name="EC2", region_id="eu"),
        owned(date(2026, 6, 3), "2", service_name="EC2", region_id="us"),
        owned(date(2026, 6, 3), "4", service_name="S3"),
    )
    period = ("--start", "2026-06-01", "--end", "2026-06-30")
    for name in ("out.csv", "out.parquet"):
        done = run(*period, "-o", tmp_path / name, "--filter", "service=EC2", "--exclude", "region=us")
        assert (done.exit_code, done.exception) == (0, None), done.output
        assert f"{name}: 1 rows, FOCUS 1.2" in done.output

    assert pl.read_csv(tmp_path / "out.csv", infer_schema=False)["EffectiveCost"].to_list() == ["1"]
    assert pl.read_parquet(tmp_path / "out.parquet")["EffectiveCost"].to_list() == [Decimal(1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.parquet"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-o", "out.xlsx"), "out.xlsx: the ending says the format; let the name end in .csv or .parquet."),
        (("-o", "there.csv"), "there.csv is there already; take another name, or write over it with --force."),
        (("-o", "nowhere/out.csv"), "nowhere is not a folder; make it first."),
        (("-o", "out.csv", "--start", "2026-07-01"), "The end (2026-06-30) is before the start (2026-07-01)."),
        (("-o", "out.csv", "--filter", "service"), "--filter service: write a dimension and its values, like service="),
        (("-o", "out.csv", "--filter", "colour=red"), "'colour' is not a dimension."),
        (
            ("-o", "out.csv", "--filter", "service=S3"),
            "no charge from 2026-06-01 to 2026-06-30 matches. The newest day",
        ),
    ],
)
def test_the_command_says_in_a_sentence_what_it_cannot_do(
    arguments: tuple[str, ...], sentence: str, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger(owned(date(2026, 6, 3), "1", service_name="EC2"))
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine")

    done = run("--start", "2026-06-01", "--end", "2026-06-30", *arguments)

    assert isinstance(done.exception, UserError)
    assert sentence in str(done.exception)
    assert [(path.name, path.read_text()) for path in Path().iterdir()] == [("there.csv", "mine")]


def test_a_file_is_written_over_only_when_asked_and_only_when_the_new_one_is_whole(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger(owned(date(2026, 6, 3), "1"))
    target = tmp_path / "out.csv"
    target.write_text("old")
    arguments = ("--start", "2026-06-01", "--end", "2026-06-30", "-o", target, "--force")

    with monkeypatch.context() as full:
        full.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        failed = run(*arguments)

    assert "the disk is full; free some space or choose another folder" in str(failed.exception)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "old")]
    assert run(*arguments).exit_code == 0
    assert target.read_text().startswith("AvailabilityZone,")
