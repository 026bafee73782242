"""Answers of Anthropic's cost and usage reports as charges: cents as text, tokens by type."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.anthropic.costs import dollars
from collectors.errors import RefusedFileError
from collectors.files import discover
from tests.collectors.answers import ANTHROPIC, PAYLOADS, of
from tests.collectors.bills import names_of, read_found

COSTS, USAGE = ANTHROPIC
TOKEN_TYPES = (
    "uncached_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


def line(amount: object = "150", **more: object) -> dict[str, object]:
    """A line of costs, by workspace and description unless `more` takes that away."""
    return {
        "currency": "USD",
        "amount": amount,
        "workspace_id": "wrkspc_1",
        "description": "Claude Sonnet 4.5 Usage - Output Tokens",
        "cost_type": "tokens",
        "context_window": "0-200k",
        "model": "claude-sonnet-4-5",
        "service_tier": "standard",
        "token_type": "output_tokens",
        **more,
    }


def use(**more: object) -> dict[str, object]:
    """A line of usage."""
    return {
        "uncached_input_tokens": 1500,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
        "cache_read_input_tokens": 200,
        "output_tokens": 7,
        "server_tool_use": {"web_search_requests": 10},
        "workspace_id": "wrkspc_1",
        "model": "claude-sonnet-4-5",
        "service_tier": None,
        "context_window": None,
        **more,
    }


def page(*days: Iterable[Mapping[str, object]], has_more: bool = False) -> dict[str, object]:
    """A page of the first days of June, each with its lines."""
    buckets = [
        {
            "starting_at": f"2026-06-{day:02}T00:00:00Z",
            "ending_at": f"2026-06-{day + 1:02}T00:00:00Z",
            "results": [*one],
        }
        for day, one in enumerate(days, start=1)
    ]
    return {"data": buckets, "has_more": has_more, "next_page": "page_A" if has_more else None}


def charges_of(folder: Path, costs: object, usage: object = None) -> pl.DataFrame:
    """The charges of a folder with an answer, and with one of the usage report beside it."""
    (folder / "costs.json").write_text(json.dumps(costs))
    if usage is not None:
        (folder / "usage.json").write_text(json.dumps(usage))
    return of(folder).charges


def test_a_saved_report_becomes_charges_in_dollars_by_workspace_and_model() -> None:
    """Quirk 42."""
    bill = of(COSTS)

    assert bill.format == "Anthropic cost report"
    assert bill.rows_read == 6
    assert bill.rejected.is_empty()
    assert bill.summed("billed_cost") == bill.summed("effective_cost") == Decimal("2.3203912")
    assert set(bill.charges["billing_account_id"]) == {"Anthropic"}
    assert set(bill.charges["sub_account_id"]) == {"wrkspc_research", None}
    assert set(bill.charges["sub_account_type"]) == {"Workspace", None}
    assert set(bill.charges["resource_id"]) == {"claude-sonnet-4-5", None}
    assert set(bill.charges["billing_period_start"].cast(pl.String)) == {"2026-06-01"}
    assert set(bill.totals["bill_part"]) == {"2026-06-01", "2026-06-03"}
    assert set(bill.charges["service_category"]) == {"AI and Machine Learning"}


def test_a_sku_is_a_model_a_type_of_token_a_tier_and_a_window() -> None:
    skus = set(of(COSTS).charges["sku_id"])

    assert skus == {
        "claude-sonnet-4-5/uncached_input_tokens/standard/0-200k",
        "claude-sonnet-4-5/cache_creation.ephemeral_5m_input_tokens/standard/0-200k",
        "claude-sonnet-4-5/output_tokens/standard/0-200k",
        "claude-sonnet-4-5/output_tokens/batch/0-200k",
        "web_search",
    }


def test_costs_without_groups_say_what_a_day_cost_and_no_more(tmp_path: Path) -> None:
    bare = dict.fromkeys(line(), None) | {"amount": "123.45", "currency": "USD"}

    (charge,) = charges_of(tmp_path, page([bare])).rows(named=True)

    assert charge["billed_cost"] == Decimal("1.2345")
    assert (charge["sku_id"], charge["sub_account_id"], charge["resource_id"]) == (None, None, None)


def test_what_the_report_says_besides_is_kept(tmp_path: Path) -> None:
    """Quirk 26."""
    (x_columns,) = charges_of(tmp_path, page([line(inference_geo="us")]))["x_columns"]

    assert json.loads(x_columns) == {
        "x_context_window": "0-200k",
        "x_cost_type": "tokens",
        "x_inference_geo": "us",
        "x_service_tier": "standard",
    }


def test_usage_beside_costs_tells_tokens_by_day_workspace_model_and_tier() -> None:
    (found,) = (one for one in discover([PAYLOADS]).deliveries if one.path == COSTS)

    bill = read_found(found)

    assert names_of(found.files) == [COSTS.name, USAGE.name]
    told = bill.charges.select("sub_account_id", "sku_id", "consumed_quantity", "consumed_unit")
    assert sorted(told.filter(pl.col("consumed_quantity").is_not_null()).rows(), key=str) == [
        (
            "wrkspc_research",
            "claude-sonnet-4-5/cache_creation.ephemeral_5m_input_tokens/standard/0-200k",
            1333,
            "Tokens",
        ),
        ("wrkspc_research", "claude-sonnet-4-5/uncached_input_tokens/standard/0-200k", 412_630, "Tokens"),
        (None, "claude-sonnet-4-5/output_tokens/batch/0-200k", 26_667, "Tokens"),
        (None, "claude-sonnet-4-5/output_tokens/standard/0-200k", 30_000, "Tokens"),
    ]
    assert bill.summed("billed_cost") == of(COSTS).summed("billed_cost")


@pytest.mark.parametrize(("token_type", "tokens"), [*zip(TOKEN_TYPES, (1500, 500, 1000, 200, 7), strict=True)])
def test_each_type_of_token_is_counted_by_itself(tmp_path: Path, token_type: str, tokens: int) -> None:
    charges = charges_of(tmp_path, page([line(token_type=token_type)]), page([use()]))

    assert charges["consumed_quantity"].to_list() == [tokens]


@pytest.mark.parametrize(
    ("costs", "usage", "tokens"),
    [
        ([line()], [use(), use(api_key_id="k")], [14]),
        ([line()], [use(service_tier="standard"), use(service_tier="priority")], [7]),
        ([line(), line(service_tier="batch")], [use()], [None, None]),
        ([line(workspace_id=None)], [use(), use(workspace_id="wrkspc_2")], [14]),
        ([line()], [use(workspace_id=None)], [None]),
        ([line()], [use(workspace_id="wrkspc_2")], [None]),
        ([line()], [use(model=None)], [None]),
        ([line()], [use(output_tokens="many")], [None]),
        ([line(model=None, token_type=None, cost_type="web_search")], [use()], [None]),
    ],
)
def test_tokens_are_told_only_beyond_doubt(
    tmp_path: Path, costs: list[object], usage: list[object], tokens: list[int | None]
) -> None:
    charges = charges_of(tmp_path, page(costs), page(usage))  # type: ignore[arg-type]

    assert charges["consumed_quantity"].to_list() == tokens


def test_minutes_of_usage_are_added_up_to_the_day_of_the_costs(tmp_path: Path) -> None:
    usage = page([use()], [use()])
    for minute, bucket in enumerate(usage["data"], start=5):  # type: ignore[arg-type, var-annotated]
        bucket |= {"starting_at": f"2026-06-01T23:{minute:02}:00Z", "ending_at": f"2026-06-01T23:{minute + 1:02}:00Z"}

    assert charges_of(tmp_path, page([line()]), usage)["consumed_quantity"].to_list() == [14]


def test_usage_alone_is_refused_with_what_is_missing() -> None:
    with pytest.raises(RefusedFileError, match=r"is usage of Anthropic, .* answer of /v1/organizations/cost_report"):
        of(USAGE)


def test_a_report_that_lacks_its_last_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match=r"costs\.json is incomplete: it has more after 2026-06-02 00:00 UTC"):
        charges_of(tmp_path, page([line()], has_more=True))


def test_answers_of_two_vendors_in_one_folder_are_two_bills() -> None:
    found = discover([PAYLOADS]).deliveries

    assert [names_of(one.files) for one in found] == [
        ["anthropic-cost-report.jsonl", "anthropic-usage-report.json"],
        ["openai-costs.json", "openai-usage-completions.json"],
    ]


def test_a_report_of_no_days_is_an_answer_too(tmp_path: Path) -> None:
    assert charges_of(tmp_path, {"data": [], "has_more": False, "next_page": None}).is_empty()


def test_an_amount_in_another_currency_is_refused(tmp_path: Path) -> None:
    """How many of its smallest units make one would be a guess."""
    with pytest.raises(RefusedFileError, match="An Anthropic cost report in JPY cannot be read"):
        charges_of(tmp_path, page([line(currency="JPY")]))


@pytest.mark.parametrize(
    ("cents", "exact"),
    [
        ("123.45", "1.2345"),
        ("123.78912", "1.2378912"),
        ("0", "0"),
        ("-7.25", "-0.0725"),
        ("1e3", "10"),
        (" 5 ", "0.05"),
        (250, "2.5"),
        (0.5, "0.005"),
    ],
)
def test_cents_become_dollars_to_the_last_digit(tmp_path: Path, cents: object, exact: str) -> None:
    assert charges_of(tmp_path, page([line(cents)]))["billed_cost"].to_list() == [Decimal(exact)]


@pytest.mark.parametrize("cents", ["much", "1,5", "1_000", "", None, "1e99999999"])
def test_an_amount_that_is_no_number_is_rejected(tmp_path: Path, cents: object) -> None:
    (tmp_path / "costs.json").write_text(json.dumps(page([line(), line(cents)])))

    bill = of(tmp_path)

    assert bill.fault[:2] == (2, "amount")
    assert bill.summed("billed_cost") == Decimal("1.5")


@given(st.decimals(-(10**12), 10**12, places=16, allow_nan=False, allow_infinity=False))
@settings(max_examples=200)
def test_no_digit_of_cents_is_lost(cents: Decimal) -> None:
    assert Decimal(dollars(str(cents)) or "") * 100 == cents


@given(st.lists(st.lists(st.decimals(-(10**9), 10**9, places=8), max_size=6), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_charges_add_up_to_the_cents_of_the_report(days: list[list[Decimal]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "costs.json"
        path.write_text(json.dumps(page(*([line(str(cents)) for cents in day] for day in days))))
        bill = of(path)

    assert bill.rejected.is_empty()
    assert bill.charges["billed_cost"].sum() * 100 == sum((cents for day in days for cents in day), Decimal(0))
    assert bill.rows_read == sum(map(len, days))
