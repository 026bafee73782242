"""The table of a page as a file: what it holds, that it adds up, to whom, and that it harms no spreadsheet."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import Organisation, Role
from apps.accounts.scope import Scope
from apps.costs.export import Format
from apps.costs.models import ExchangeRate
from apps.costs.queries import CostQuery, cost_leaves, cost_table
from apps.costs.screen import ScreenExport
from tests.costs.conftest import Ledger, load, owned
from tests.costs.made_up import EXAMPLES, bills, by_currency, questions, rolled_back

Api = Callable[..., APIClient]
JUNE = "start=2026-06-01&end=2026-06-30"


def ask(caller: APIClient, query: str) -> Any:
    """The answer of the export."""
    return caller.get(f"/api/v1/costs/table/?{query}")


def text_of(response: Any) -> str:
    """The whole csv file."""
    assert response.status_code == 200, response.content
    return str(response.getvalue().decode())


def lines(caller: APIClient, query: str) -> list[list[str]]:
    """The lines of a csv file without comments, its header first."""
    return list(csv.reader(io.StringIO(text_of(ask(caller, f"{query}&header=no")), newline="")))


def spread(ledger: Ledger) -> None:
    """Two teams, with two services and one."""
    ledger(
        owned(date(2026, 6, 3), "5.000000000000000001", team="ml", service_name="gpu"),
        owned(date(2026, 6, 4), "2", team="ml", service_name="disk"),
        owned(date(2026, 6, 4), "1", team="ml", service_name="net"),
        owned(date(2026, 6, 4), "-0.5", team="web", service_name="gpu"),
        owned(date(2026, 5, 4), "4", team="ml", service_name="gpu"),
    )


def test_groups_of_the_last_level_and_rests_add_up_to_the_total(ledger: Ledger, api: Api) -> None:
    spread(ledger)

    assert lines(api(), f"{JUNE}&group_by=team,service&limit=1&children=1&compare=previous") == [
        ["row", "team", "service", "currency", "cost", "previous_cost", "delta", "groups"],
        ["group", "ml", "gpu", "USD", "5.000000000000000001", "4", "1.000000000000000001", "1"],
        ["other", "ml", "Other", "USD", "3", "0", "3", "2"],
        ["other", "Other", "", "USD", "-0.5", "0", "-0.5", "1"],
        ["total", "", "", "USD", "7.500000000000000001", "4", "3.500000000000000001", "2"],
    ]


def test_with_a_granularity_every_row_is_told_by_date(ledger: Ledger, api: Api) -> None:
    spread(ledger)

    assert lines(api(), f"{JUNE}&group_by=team,service&children=1&granularity=day") == [
        ["row", "team", "service", "date", "currency", "cost", "groups"],
        ["group", "ml", "gpu", "2026-06-03", "USD", "5.000000000000000001", "1"],
        ["other", "ml", "Other", "2026-06-04", "USD", "3", "2"],
        ["group", "web", "gpu", "2026-06-04", "USD", "-0.5", "1"],
        ["total", "", "", "", "USD", "7.500000000000000001", "2"],
    ]
    newest = lines(api(Role.ADMIN), f"{JUNE}&group_by=team&granularity=week&order_by=-date&limit=1")
    assert [line[1:5] for line in newest[1:3]] == [
        ["ml", "2026-06-01", "USD", "8.000000000000000001"],
        ["Other", "2026-06-01", "USD", "-0.5"],
    ]


def test_dates_are_compared_with_a_period_of_the_same_length_alone(ledger: Ledger, api: Api) -> None:
    ledger(owned(date(2026, 6, 3), "5"), owned(date(2026, 5, 4), "4"))
    caller = api()

    same = lines(caller, f"{JUNE}&granularity=day&compare=previous")
    assert same[0] == ["row", "date", "currency", "cost", "previous_cost", "delta", "groups"]
    assert same[1][1:6] == ["2026-06-03", "USD", "5", "4", "1"]
    other = f"{JUNE}&granularity=day&compare_start=2026-05-01&compare_end=2026-05-31"
    assert lines(caller, other)[0] == ["row", "date", "currency", "cost", "groups"]
    assert "compared with 2026-05-01 to 2026-05-31" in text_of(ask(caller, other))


def test_the_head_says_what_was_asked_and_can_be_left_out(ledger: Ledger, api: Api) -> None:
    spread(ledger)
    caller = api()
    query = f'{JUNE}&group_by="tag:a,b"&filter[team]=ml,&metric=billed'

    assert text_of(ask(caller, query)).splitlines() == [
        "# Question: billed cost from 2026-06-01 to 2026-06-30 by tag:a b where team is ml or none",
        "# Query: start=2026-06-01&end=2026-06-30&group_by=%22tag%3Aa%2Cb%22&filter%5Bteam%5D=ml%2C&metric=billed",
        "# As of: 2026-06-04",
        "# Total: 8.000000000000000001 USD",
        'row,"tag:a,b",currency,cost,groups',
        "group,,USD,8.000000000000000001,1",
        "total,,USD,8.000000000000000001,1",
    ]
    assert "#" not in text_of(ask(caller, f"{query}&header=no"))


def test_the_name_of_the_file_says_what_when_and_how_fresh(ledger: Ledger, api: Api) -> None:
    spread(ledger)

    response = ask(api(), f"{JUNE}&group_by=team,tag:cost-centre/€&granularity=week&format=parquet")

    name = "costs_by-team-tag-cost-centre_week_2026-06-01_2026-06-30_as-of-2026-06-04.parquet"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == "application/vnd.apache.parquet"
    assert response["Cache-Control"] == "no-store"


def test_parquet_has_typed_columns_and_no_total(ledger: Ledger, api: Api) -> None:
    spread(ledger)

    answer = ask(api(), f"{JUNE}&group_by=team&granularity=week&limit=1&format=parquet&metric=list")
    frame = pl.read_parquet(io.BytesIO(answer.getvalue()))

    assert frame.rows() == [
        ("group", "ml", date(2026, 6, 1), "USD", Decimal("8.000000000000000001"), Decimal(0), 1),
        ("other", None, date(2026, 6, 1), "USD", Decimal("-0.5"), Decimal(0), 1),
    ]
    assert frame.schema == {
        "row": pl.String,
        "team": pl.String,
        "date": pl.Date,
        "currency": pl.String,
        "cost": pl.Decimal(38, 18),
        "unpriced_cost": pl.Decimal(38, 18),
        "groups": pl.Int64,
    }


def test_a_file_without_rows_has_its_header(api: Api) -> None:
    caller = api()

    assert lines(caller, f"{JUNE}&group_by=team") == [["row", "team", "currency", "cost", "groups"]]
    empty = pl.read_parquet(io.BytesIO(ask(caller, f"{JUNE}&group_by=team&format=parquet").getvalue()))
    assert (empty.columns, empty.height) == (["row", "team", "currency", "cost", "groups"], 0)


def test_converted_amounts_keep_every_digit_in_csv(ledger: Ledger, api: Api, rate: Callable[..., ExchangeRate]) -> None:
    rate("EUR", date(2026, 6, 1), "1.000000000000000001")
    ledger(owned(date(2026, 6, 3), "1.000000000000000001", billing_currency="EUR"))
    caller = api()

    assert lines(caller, f"{JUNE}&currency=USD")[1][2] == "1.000000000000000002000000000000000001"
    frame = pl.read_parquet(io.BytesIO(ask(caller, f"{JUNE}&currency=USD&format=parquet").getvalue()))
    assert frame["cost"].to_list() == [Decimal("1.000000000000000002")]


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_of_a_bill_cannot_act_as_a_formula(ledger: Ledger, api: Api, value: str) -> None:
    ledger(owned(date(2026, 6, 3), "-1", service_name=value, tags={f"x\n{value}": value}))
    caller = api()

    _, line, _ = lines(caller, f"{JUNE}&group_by=service")
    assert line[1:4] == [f"'{value}", "USD", "-1"]
    (row,) = pl.read_parquet(io.BytesIO(ask(caller, f"{JUNE}&group_by=service&format=parquet").getvalue())).rows()
    assert row[1] == value


def test_no_text_of_a_bill_gets_out_of_the_head(ledger: Ledger, api: Api) -> None:
    ledger(owned(date(2026, 6, 3), "1"))

    head = text_of(ask(api(), f'{JUNE}&filter[service]="x\n=cmd,1"&exclude[tag:a,%3D2]="Compute,""=3"'))

    comments = [line for line in head.splitlines() if line.startswith("#")]
    assert len(comments) == 3
    assert head.splitlines()[3] == "row,currency,cost,groups"
    assert not any(mark in line for line in comments for mark in ",;\"'\t")


def test_everybody_gets_what_their_own_page_shows(ledger: Ledger, api: Api) -> None:
    spread(ledger)
    query = f"{JUNE}&group_by=team,service&limit=1&children=1&granularity=day"

    lead = lines(api(Role.ENGINEERING_LEAD, "web"), query)

    assert [line[:2] for line in lead[1:]] == [["group", "web"], ["total", ""]]
    assert text_of(ask(api(Role.ENGINEERING_LEAD), query)).count("\n") == 4
    assert len(lines(api(Role.VIEWER), query)) == len(lines(api(Role.FINANCE), query)) == 5
    assert ask(APIClient(), query).status_code == 401


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("children=0", "children", "from 1 to 10,000"),
        ("format=xlsx", "format", "csv, parquet"),
        ("header=off", "header", "yes, no"),
        ("page=2", "page", "is not a parameter"),
        ("version=1.2", "version", "is not a parameter"),
        ("group_by=servce", "group_by", "is not a dimension"),
        ("currency=EUR", "currency", "No exchange rate USD to EUR for June 2026."),
    ],
)
def test_what_cannot_be_exported_is_a_problem(ledger: Ledger, api: Api, query: str, field: str, words: str) -> None:
    spread(ledger)

    response = ask(api(), f"{JUNE}&{query}")

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    (error,) = response.json()["errors"]
    assert (error["field"], words in error["detail"]) == (field, True)


def test_the_fiscal_year_is_the_organisations(ledger: Ledger, api: Api) -> None:
    Organisation.objects.create(fiscal_year_start_month=4)

    assert "-04-01_" in ask(api(), "period=fytd")["Content-Disposition"]


def test_the_schema_documents_the_export(client: Any) -> None:
    operation = client.get("/api/schema/?format=json").json()["paths"]["/api/v1/costs/table/"]["get"]

    names = {parameter["name"] for parameter in operation["parameters"]}
    assert {"children", "format", "header", "group_by", "filter", "compare_end"} <= names
    assert set(operation["responses"]["200"]["content"]) == {"text/csv", "application/vnd.apache.parquet"}


@pytest.mark.django_db
@EXAMPLES
@given(bills, questions(), st.none() | st.integers(1, 3))
def test_whatever_is_asked_the_lines_add_up_to_the_total_of_the_page(
    bill: list[dict[str, Any]], query: CostQuery, children: int | None
) -> None:
    with rolled_back():
        load([dict(row) for row in bill])
        found = cost_leaves(query, children=children, scope=Scope.everything())
        table = cost_table(query, scope=Scope.everything())

    assert [replace(total, groups=0) for total in found.totals] == [replace(total, groups=0) for total in table.totals]
    with localcontext() as exact:
        exact.prec = 200
        sums = by_currency({(row.currency, place): row.cost for place, row in enumerate(found.rows)})
        assert sums == {total.currency: total.cost for total in table.totals}
        before = by_currency(
            {(row.currency, place): row.previous or Decimal(0) for place, row in enumerate(found.rows)}
        )
        assert before == {total.currency: total.previous or 0 for total in table.totals}
    if query.limit is None and children is None:
        assert sorted(map(repr, table.rows)) == sorted(repr(row).replace("CostLeaf", "CostRow") for row in found.rows)
    file = b"".join(ScreenExport(found, None, {}).chunks(Format.CSV, comments=False)).decode()  # type: ignore[arg-type]
    assert file.count("\n") == 1 + len(found.rows) + len(found.totals)
