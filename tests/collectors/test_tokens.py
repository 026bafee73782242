"""Tokens that OpenAI's usage API counts, beside what its costs API says they cost: told where there is no doubt."""

from pathlib import Path

import polars as pl
import pytest

from collectors.errors import RefusedFileError
from collectors.files import discover
from tests.collectors.answers import OPENAI, PAYLOADS, line, of, page, save, use
from tests.collectors.bills import names_of, read_found

COSTS, USAGE = OPENAI


def test_usage_beside_costs_tells_tokens_by_day_project_and_model() -> None:
    (found,) = (one for one in discover([PAYLOADS]).deliveries if one.path == COSTS)

    bill = read_found(found)

    assert names_of(found.files) == [COSTS.name, USAGE.name]
    first = bill.charges.filter(pl.col("day").cast(pl.String) == "2026-06-01")
    assert sorted(first.select("sub_account_id", "sku_meter", "consumed_quantity").drop_nulls().rows()) == [
        ("proj_chat", "input", 440_000),
        ("proj_chat", "output", 59),
        ("proj_search", "cached input", 8_000),
        ("proj_search", "input", 25_000),
        ("proj_search", "output", 15_000),
    ]
    assert bill.summed("billed_cost") == of(COSTS).summed("billed_cost")
    assert bill.rows_read == 11


def test_tokens_that_two_lines_could_mean_are_nobodys() -> None:
    """On 3 June one model's input has two prices, and usage does not say which tokens had which."""
    (found,) = (one for one in discover([PAYLOADS]).deliveries if one.path == COSTS)

    third = read_found(found).charges.filter(pl.col("day").cast(pl.String) == "2026-06-03")

    assert third.filter(pl.col("sku_meter") == "input")["consumed_quantity"].null_count() == 2


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ([use()], 60),
        ([use(), use()], 120),
        ([use(input_uncached_tokens=61)], 61),
        ([use(input_cache_write_tokens=10)], 50),
        ([use(batch=True)], None),
        ([use(), use(batch=True)], None),
        ([use(service_tier="priority")], None),
        ([use(service_tier="default")], 60),
        ([use(input_audio_tokens=1)], None),
        ([use(output_image_tokens=1)], None),
        ([use("gpt-5-mini")], None),
        ([use(project_id="proj_2")], None),
        ([], None),
    ],
)
def test_tokens_are_told_only_beyond_doubt(tmp_path: Path, usage: list[dict[str, object]], tokens: int | None) -> None:
    used = [{"project_id": "proj_1", **result} for result in usage]
    save(tmp_path / "usage.json", page(used))
    save(tmp_path / "costs.json", page([line(line_item="gpt-5, input", project_id="proj_1")]))

    assert of(tmp_path).charges["consumed_quantity"].to_list() == [tokens]


def test_usage_that_names_no_project_tells_nothing_of_costs_by_project(tmp_path: Path) -> None:
    save(tmp_path / "usage.json", page([use()]))
    save(tmp_path / "costs.json", page([line(line_item="gpt-5, input", project_id="proj_1")]))

    assert of(tmp_path).charges["consumed_quantity"].to_list() == [None]


def test_usage_by_project_adds_up_where_costs_name_no_project(tmp_path: Path) -> None:
    save(tmp_path / "usage.json", page([use(project_id="proj_1"), use(project_id="proj_2")]))
    save(tmp_path / "costs.json", page([line(line_item="gpt-5, output")]))

    assert of(tmp_path).charges["consumed_quantity"].to_list() == [14]


def test_usage_alone_is_refused_with_what_is_missing() -> None:
    with pytest.raises(RefusedFileError, match=r"is usage of OpenAI, which states no money: .* /v1/organization/costs"):
        of(USAGE)
