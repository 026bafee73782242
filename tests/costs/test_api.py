"""The API of costs: what it answers, what it refuses, and to whom."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import Organisation, Role
from apps.costs.dimensions import DIMENSION_NAMES
from apps.costs.lists import joined_values
from apps.costs.models import ExchangeRate
from apps.costs.parameters import Parameters
from tests.costs.conftest import Ledger, owned

Api = Callable[..., APIClient]
JUNE = "start=2026-06-01&end=2026-06-30"


def get(caller: APIClient, query: str, status: int = 200) -> Any:
    """The answer of /api/v1/costs/, money and all, as the wire has it."""
    response = caller.get(f"/api/v1/costs/?{query}")
    assert response.status_code == status, response.content
    return json.loads(response.content, parse_float=lambda text: pytest.fail(f"{text} is a float"))


def problem(caller: APIClient, query: str, path: str = "") -> tuple[str, str]:
    """Field and sentence of the one thing that is wrong with a request."""
    response = caller.get(f"/api/v1/costs/{path}?{query}")
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json"), response.content
    (error,) = response.json()["errors"]
    return error["field"], error["detail"]


def test_an_answer_has_rows_their_total_and_what_was_asked(ledger: Ledger, api: Api) -> None:
    ledger(
        owned(date(2026, 6, 3), "1000000.000000000000000001", service_name="EC2", provider_name="AWS"),
        owned(date(2026, 6, 4), "0.5", service_name="S3", provider_name="AWS"),
        owned(date(2026, 5, 4), "0.25", service_name="S3", provider_name="AWS"),
    )

    answer = get(api(), f"{JUNE}&group_by=service&compare_start=2026-05-01&compare_end=2026-05-31&limit=1")

    (source,) = answer["meta"].pop("sources")
    assert source.pop("loaded_at")
    assert source == {"name": "source-0", "provider": "AWS", "as_of": "2026-06-04", "days_may_change": 0}
    assert answer == {
        "meta": {
            "start": "2026-06-01",
            "end": "2026-06-30",
            "granularity": "none",
            "group_by": ["service"],
            "metric": "effective",
            "currency": "USD",
            "compare": {"start": "2026-05-01", "end": "2026-05-31"},
            "limit": 1,
            "order_by": "-cost",
            "partial_from": None,
            "as_of": "2026-06-04",
            "may_change_from": None,
            "providers": [{"provider": "AWS", "as_of": "2026-06-04"}],
        },
        "total": "1000000.500000000000000001",
        "totals": [
            {
                "currency": "USD",
                "cost": "1000000.500000000000000001",
                "previous": "0.25",
                "delta": "1000000.250000000000000001",
                "long_charges": "0",
                "groups": 2,
            }
        ],
        "rows": [
            {
                "keys": {"service": "EC2"},
                "currency": "USD",
                "cost": "1000000.000000000000000001",
                "previous": "0",
                "delta": "1000000.000000000000000001",
            },
            {
                "keys": {"service": None},
                "currency": "USD",
                "cost": "0.5",
                "previous": "0.25",
                "delta": "0.25",
                "other": True,
                "groups": 1,
            },
        ],
    }


def test_rows_with_a_granularity_carry_their_date(ledger: Ledger, api: Api) -> None:
    ledger(owned(date(2026, 6, 3), "1", list_cost=None))

    answer = get(api(), f"{JUNE}&granularity=week&metric=list")

    assert answer["rows"] == [{"keys": {}, "date": "2026-06-01", "currency": "USD", "cost": "0", "unpriced": "1"}]


def test_filters_list_values_and_empty_ones(ledger: Ledger, api: Api) -> None:
    ledger(
        owned(date(2026, 6, 3), "1", team="ml", service_name="Bits, bobs"),
        owned(date(2026, 6, 3), "2", team="ml", service_name='19" rack'),
        owned(date(2026, 6, 3), "4", tags={"env": "prod"}),
    )
    caller = api()

    for query, total in {
        "filter[team]=": "4",
        "filter[team]=ml,": "7",
        "exclude[team]=": "3",
        'filter[service]="Bits, bobs"': "1",
        'filter[service]="Bits, bobs","19"" rack"': "3",
        "filter[service]=Compute&filter[service]=19%22 rack": "6",
        "filter[tag:env]=prod&filter[team]=ml": "0",
        "exclude[tag:env]=prod&exclude[service]=Nothing": "3",
    }.items():
        assert get(caller, f"{JUNE}&{query}")["total"] == total, query


def test_amounts_are_in_the_organisations_currency_unless_another_is_asked_for(
    ledger: Ledger, api: Api, rate: Callable[..., ExchangeRate]
) -> None:
    rate("USD", date(2026, 6, 1), "0.5", reporting="EUR")
    ledger(owned(date(2026, 6, 3), "1"))
    ledger(owned(date(2026, 6, 3), "3", billing_currency="EUR"))
    Organisation.objects.create(reporting_currency="EUR")
    caller = api()

    assert get(caller, JUNE)["total"] == "3.5"
    as_billed = get(caller, f"{JUNE}&currency=billing")
    assert (as_billed["total"], as_billed["meta"]["currency"]) == (None, None)
    assert [(total["currency"], total["cost"]) for total in as_billed["totals"]] == [("EUR", "3"), ("USD", "1")]
    assert problem(caller, f"{JUNE}&currency=USD") == ("currency", "No exchange rate EUR to USD for June 2026.")


def test_todays_part_of_a_period_is_told(ledger: Ledger, api: Api) -> None:
    answer = get(api(), "start=2026-06-01&end=2030-06-30")

    assert answer["meta"]["partial_from"] > "2026-06-01"
    assert get(api(Role.ADMIN), "period=mtd")["meta"]["partial_from"] is None


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        (
            "period=yesterday",
            "period",
            "mtd, last_month, last_7d, last_30d, last_90d, ytd, this_quarter, last_quarter, fytd",
        ),
        ("period=mtd&start=2026-06-01", "period", "either period, or start and end"),
        ("start=2026-06-01", "end", "start is given without end"),
        ("end=2026-06-01", "start", "end is given without start"),
        ("start=2026-06-31&end=2026-07-01", "start", "'2026-06-31' is not a date"),
        ("start=2026-06-02&end=2026-06-01", "end", "before the start"),
        ("start=1990-06-02&end=2026-06-01", "end", "at most 1,830"),
        ("granularity=hour", "granularity", "none, day, week, month"),
        ("group_by=servce", "group_by", ", ".join(DIMENSION_NAMES)),
        ("group_by=service,service", "group_by", "once"),
        ("group_by=service,team,sku,region", "group_by", "at most 3"),
        ("group_by=service,", "group_by", "'' is not a dimension"),
        ("filter[servce]=x", "filter[servce]", "is not a dimension"),
        ('filter[service]="x', "filter[service]", "quotes do not match"),
        ("exclude[tag:]=x", "exclude[tag:]", "is not a dimension"),
        ("filter=x", "filter", "is not a parameter"),
        ("filter[service]=a%00b", "filter[service]", "a character that no text may hold"),
        ("filter[tag:%00]=1", "filter[tag:\ufffd]", "a character that no text may hold"),
        (
            "filter[service]=a%0Ab",
            "filter[service]",
            "A line break stands outside of quotes. Write a value with one in quotes",
        ),
        ('group_by="tag:a', "group_by", "quotes do not match"),
        ("metric=amortised", "metric", "effective, billed, list, contracted"),
        ("currency=euro", "currency", "ISO 4217"),
        ("compare=last", "compare", "previous"),
        ("compare=previous&compare_start=2026-01-01&compare_end=2026-01-02", "compare", "either compare"),
        ("compare_start=2026-01-01", "compare_end", "without compare_end"),
        ("granularity=day&compare_start=2026-01-01&compare_end=2026-01-02", "compare_end", "2 days"),
        ("limit=0", "limit", "from 1 to 10,000"),
        ("limit=1e3", "limit", "whole number"),
        ("limit=99999999999", "limit", "whole number"),
        ("order_by=price", "order_by", "-cost, cost, key"),
        ("order_by=delta", "order_by", "comparison"),
        ("start_date=2026-06-01", "start_date", "is not a parameter"),
        ("limit=1&limit=2", "limit", "given 2 times"),
    ],
)
def test_what_cannot_be_answered_is_named_with_what_is_allowed(api: Api, query: str, field: str, words: str) -> None:
    named, sentence = problem(api(), query)

    assert named == field
    assert words in sentence


def test_an_engineering_lead_sees_their_teams_alone(ledger: Ledger, api: Api) -> None:
    ledger(
        owned(date(2026, 6, 3), "1", team="ml"),
        owned(date(2026, 6, 3), "2", team="vision"),
        owned(date(2026, 6, 3), "4"),
    )

    def seen(caller: APIClient) -> tuple[str, int]:
        charges = caller.get(f"/api/v1/costs/charges/?{JUNE}").json()
        return get(caller, f"{JUNE}&group_by=team")["total"], charges["count"]

    assert seen(api(Role.ENGINEERING_LEAD, "ml")) == ("1", 1)
    assert seen(api(Role.ENGINEERING_LEAD, "ml", "vision")) == ("3", 2)
    assert seen(api(Role.ENGINEERING_LEAD)) == ("0", 0)
    assert seen(api(Role.VIEWER)) == seen(api(Role.FINANCE)) == seen(api(Role.ADMIN)) == ("7", 3)


def test_who_sees_some_teams_alone_is_not_told_of_deliveries(ledger: Ledger, api: Api) -> None:
    ledger(owned(date(2026, 6, 3), "1", team="ml"))

    def origin(caller: APIClient) -> list[Any]:
        (charge,) = caller.get(f"/api/v1/costs/charges/?{JUNE}").json()["results"]
        return [charge[name] for name in ("source", "delivery_id", "statement_id", "first_row")]

    assert origin(api(Role.ENGINEERING_LEAD, "ml")) == [None] * 4
    assert None not in origin(api(Role.VIEWER))


def test_the_rest_beyond_the_limit_is_marked_as_other(ledger: Ledger, api: Api) -> None:
    ledger(*(owned(date(2026, 6, 3), str(place), team=f"team-{place}") for place in range(1, 10)))

    shown, rest = get(api(), f"{JUNE}&group_by=team&limit=1")["rows"]

    assert shown == {"keys": {"team": "team-9"}, "currency": "USD", "cost": "9"}
    assert rest == {"keys": {"team": None}, "currency": "USD", "cost": "36", "other": True, "groups": 8}


def test_tag_keys_are_asked_for_with_their_commas_and_blanks(ledger: Ledger, api: Api) -> None:
    ledger(owned(date(2026, 6, 3), "1", tags={"a,b": "x", " c ": "y", '"d"': "z"}))
    caller = api()

    (row,) = get(caller, f'{JUNE}&group_by=service, "tag:a,b",tag: c ')["rows"]
    assert row["keys"] == {"service": "Compute", "tag:a,b": "x", "tag: c ": "y"}
    (row,) = get(caller, f'{JUNE}&group_by="tag:""d"""')["rows"]
    assert row["keys"] == {'tag:"d"': "z"}
    assert get(caller, f"{JUNE}&filter[tag: c ]=y&filter[tag:a,b]=x")["total"] == "1"
    assert get(caller, f"{JUNE}&filter[tag:c]=y")["total"] == "0"
    assert get(caller, f'{JUNE}&filter[tag:a,b]="x\ny"')["total"] == "0"


@pytest.mark.parametrize("path", ["costs/", "costs/charges/", "exchange-rates/"])
def test_nobody_sees_costs_without_signing_in(db: None, path: str) -> None:
    response = APIClient().get(f"/api/v1/{path}")

    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")


def test_costs_are_read_only(api: Api) -> None:
    assert api(Role.ADMIN).post("/api/v1/costs/", {}).status_code == 405


def test_charges_are_listed_in_pages_as_they_were_billed(ledger: Ledger, api: Api) -> None:
    ledger(*(owned(date(2026, 6, day), f"{day}.10", row_count=2) for day in (1, 2, 3)))
    caller = api()

    page = caller.get(f"/api/v1/costs/charges/?{JUNE}&page_size=2&order_by=date").json()
    rest = caller.get(page["next"]).json()

    assert (page["count"], page["previous"], len(page["results"]), rest["next"]) == (3, None, 2, None)
    shown = [*page["results"], *rest["results"]]
    assert [(charge["day"], charge["effective_cost"], charge["row_count"]) for charge in shown] == [
        ("2026-06-01", "1.1", 2),
        ("2026-06-02", "2.1", 2),
        ("2026-06-03", "3.1", 2),
    ]
    assert shown[0]["columns"]["service_name"] == "Compute"


def test_charges_refuse_what_they_do_not_know(api: Api) -> None:
    caller = api()

    assert problem(caller, "group_by=service", "charges/")[0] == "group_by"
    assert problem(caller, "order_by=delta", "charges/")[0] == "order_by"


def test_an_answer_takes_the_same_few_statements_however_much_it_holds(
    ledger: Ledger, api: Api, django_assert_max_num_queries: Any
) -> None:
    teams = [f"team-{place}" for place in range(8)]
    ledger(*(owned(date(2026, 6, 1 + place), "1", team=team) for place, team in enumerate(teams)))
    caller = api(Role.ENGINEERING_LEAD, *teams)
    get(caller, JUNE)  # the first use of a token notes the hour

    with django_assert_max_num_queries(5):
        answer = get(caller, f"{JUNE}&group_by=team,service,tag:env&granularity=day&compare=previous&limit=3")
    assert len(answer["rows"]) == 8


def test_the_schema_documents_every_parameter_and_money_as_text(client: Any) -> None:
    served = client.get("/api/schema/?format=json").json()
    operation = served["paths"]["/api/v1/costs/"]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}

    assert set(parameters) == {
        *("start", "end", "period", "granularity", "group_by", "filter", "exclude", "metric", "currency"),
        *("compare", "compare_start", "compare_end", "limit", "order_by"),
    }
    assert all(parameter["description"] for parameter in parameters.values())
    assert parameters["filter"]["style"] == "deepObject"
    assert set(parameters["filter"]["schema"]["properties"]) == set(DIMENSION_NAMES)
    assert served["components"]["schemas"]["Row"]["properties"]["cost"]["type"] == "string"


def test_answers_have_the_shape_that_the_schema_promises(ledger: Ledger, api: Api, client: Any) -> None:
    ledger(owned(date(2026, 6, 3), "1", team="ml"), owned(date(2026, 6, 4), "2", billing_currency="EUR"))
    schemas = client.get("/api/schema/?format=json").json()["components"]["schemas"]
    answer = get(api(), f"{JUNE}&group_by=team&granularity=day&compare=previous&metric=list&limit=1")

    def fits(value: dict[str, Any], name: str) -> None:
        shape = schemas[name]
        assert value.keys() <= shape["properties"].keys(), name
        assert set(shape["required"]) <= value.keys(), name

    fits(answer, "Costs")
    fits(answer["meta"], "Meta")
    for row in answer["rows"]:
        fits(row, "Row")
    for total in answer["totals"]:
        fits(total, "Total")
    (charge, *_) = api(Role.ADMIN).get(f"/api/v1/costs/charges/?{JUNE}").json()["results"]
    fits(charge, "Charge")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_every_list_of_values_survives_its_way_through_an_address(values: list[str]) -> None:
    text = joined_values(values)

    (found,) = Parameters(MultiValueDict({"filter[service]": [text]})).filters()
    assert found.values == tuple(values)
    assert re.fullmatch(r"[\x21-\x7e]*", quote(text))
