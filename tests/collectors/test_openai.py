"""Answers of OpenAI's costs and usage APIs as charges: exact amounts, whole answers, tokens where they are known."""

import copy
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.answers import LARGEST_BYTES
from collectors.billing import detect
from collectors.errors import RefusedFileError
from collectors.files import FoundDelivery, discover
from tests.collectors.answers import OPENAI, line, of, page, save, use
from tests.collectors.bills import names_of

COSTS, USAGE = OPENAI


def charges_of(folder: Path, *pages: object) -> pl.DataFrame:
    """The charges of a file with these pages."""
    return of(save(folder / "answer.json", *pages)).charges


def test_a_saved_answer_becomes_charges_of_days_projects_and_line_items() -> None:
    bill = of(COSTS)

    assert bill.format == "OpenAI costs"
    assert bill.rows_read == 11
    assert bill.rejected.is_empty()
    assert bill.summed("billed_cost") == bill.summed("effective_cost") == Decimal("4.58250059")
    assert set(bill.charges["day"].cast(pl.String)) == {"2026-06-01", "2026-06-03"}
    assert set(bill.charges["billing_period_start"].cast(pl.String)) == {"2026-06-01"}
    assert set(bill.charges["billing_period_end"].cast(pl.String)) == {"2026-07-01"}
    assert set(bill.charges["billing_currency"]) == {"USD"}
    assert set(bill.charges["billing_account_id"]) == {"org-northwind"}
    assert dict(bill.charges.select("sub_account_id", "sub_account_name").unique().rows()) == {
        "proj_search": "Search",
        "proj_chat": "Chat",
    }
    assert set(bill.charges["service_category"]) == {"AI and Machine Learning"}
    assert set(bill.charges["provider_name"]) == {"OpenAI"}
    assert bill.charges["list_cost"].null_count() == bill.charges.height


def test_a_line_item_of_tokens_names_its_model_and_anything_else_does_not(tmp_path: Path) -> None:
    items = {
        "gpt-4o-2024-08-06, cached input": ("gpt-4o-2024-08-06", "cached input"),
        "priority | gpt-5, output, long context": ("gpt-5", "output"),
        "gpt-image-1 image, output": ("gpt-image-1", "output"),
        "ft:gpt-4o:northwind::abc, input": ("ft:gpt-4o:northwind::abc", "input"),
        "web search tool calls": (None, None),
        "whisper": (None, None),
    }

    charges = charges_of(tmp_path, page([line(line_item=item) for item in items]))

    told = charges.select("sku_id", "resource_id", "sku_meter").rows()
    assert {item: (model, token_type) for item, model, token_type in told} == items
    assert set(charges["resource_type"]) == {"Model", None}


def test_costs_without_groups_are_one_charge_a_day_of_an_organisation_without_a_name(tmp_path: Path) -> None:
    (charge,) = charges_of(tmp_path, page([line(0.06, line_item=None, project_id=None)])).rows(named=True)

    assert (charge["billing_account_id"], charge["sub_account_id"], charge["sub_account_type"]) == (
        "OpenAI",
        None,
        None,
    )
    assert (charge["sku_id"], charge["resource_id"], charge["consumed_quantity"]) == (None, None, None)
    assert charge["billed_cost"] == Decimal("0.06")


def test_each_day_of_an_organisation_is_a_part_of_its_month() -> None:
    totals = of(COSTS).totals

    assert sorted(totals["bill_part"]) == ["2026-06-01", "2026-06-03"]


def test_what_the_vendor_says_besides_is_kept(tmp_path: Path) -> None:
    """Quirk 26."""
    (x_columns,) = charges_of(tmp_path, page([line(api_key_id="key_1", user_id=None, new=True)]))["x_columns"]

    assert json.loads(x_columns) == {"x_api_key_id": "key_1", "x_new": "true"}


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (0.06, "0.06"),
        (1.1000000000000001, "1.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5.9e-07, "0.00000059"),
        (3, "3"),
        (-0.05, "-0.05"),
        ("0.8958740000000000", "0.895874"),
    ],
)
def test_an_amount_is_its_shortest_decimal_form(tmp_path: Path, value: object, exact: str) -> None:
    """Quirk 42."""
    assert charges_of(tmp_path, page([line(value)]))["billed_cost"].to_list() == [Decimal(exact)]


@pytest.mark.parametrize(
    ("result", "column"),
    [
        (line(None), "amount"),
        (line("much"), "amount"),
        (line(float("nan")), "amount"),
        (line(float("inf")), "amount"),
        (line({"value": 1}), "amount"),
        (line(currency=None), "currency"),
        (line(currency="tokens"), "currency"),
        ({"object": "organization.costs.result"}, "currency"),
    ],
)
def test_a_line_without_a_readable_amount_or_currency_is_rejected(
    tmp_path: Path, result: dict[str, object], column: str
) -> None:
    bill = of(save(tmp_path / "answer.json", page([line(), result])))

    assert bill.fault[:2] == (2, column)
    assert bill.summed("billed_cost") == Decimal("1.5")


def test_quantities_count_with_their_unit_alone() -> None:
    charges = of(COSTS).charges.filter(pl.col("consumed_quantity").is_not_null())

    assert sorted(charges.select("sku_id", "consumed_quantity", "consumed_unit").rows()) == [
        ("gpt-image-1 image, output", Decimal(48_000), "Tokens"),
        ("whisper", Decimal("3600.5"), "Duration seconds"),
    ]


def test_a_quantity_without_a_unit_is_not_taken_for_tokens(tmp_path: Path) -> None:
    (charge,) = charges_of(tmp_path, page([line(line_item="gpt-5, input", quantity=7)])).rows(named=True)

    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (None, None)


@pytest.mark.parametrize(
    "write",
    [
        lambda path, pages: path.write_text(json.dumps(pages)),
        lambda path, pages: path.write_text("\n".join(json.dumps(page) for page in pages) + "\n"),
        lambda path, pages: path.write_text("".join(json.dumps(page, indent=2) for page in pages)),
        lambda path, pages: path.write_text("\ufeff" + json.dumps(pages)),
        lambda path, pages: path.write_bytes(gzip.compress(json.dumps(pages).encode())),
    ],
    ids=["list", "lines", "one after the other", "byte order mark", "gzip"],
)
@pytest.mark.parametrize("name", ["answer.json", "june.csv", "notes.txt"])
def test_pages_are_found_however_they_are_saved_and_called(
    tmp_path: Path, name: str, write: Callable[[Path, object], None]
) -> None:
    path = tmp_path / name
    write(path, json.loads(COSTS.read_text()))

    assert of(path).summed("billed_cost") == of(COSTS).summed("billed_cost")


def test_pages_in_files_of_their_own_are_one_answer(tmp_path: Path) -> None:
    for number, one in enumerate(json.loads(COSTS.read_text())):
        save(tmp_path / f"page-{number}.json", one)

    assert of(tmp_path).summed("billed_cost") == of(COSTS).summed("billed_cost")


def test_pages_that_are_named_one_by_one_are_one_answer(tmp_path: Path) -> None:
    first = save(tmp_path / "a.json", page([line(1)], has_more=True))
    second = save(tmp_path / "b.json", page([line(2)], first=2))

    assert of(second, first).summed("billed_cost") == 3


@pytest.mark.parametrize(
    "pages",
    [
        [page([line()], has_more=True)],
        [page([line()], has_more=True), page([line()], first=3)],
        [page([line()], has_more=True), page([use()], first=2)],
        [page(has_more=True)],
    ],
    ids=["last page", "a page between", "another answer's page", "no day at all"],
)
def test_an_answer_that_lacks_a_page_is_refused_as_incomplete(tmp_path: Path, pages: list[object]) -> None:
    with pytest.raises(RefusedFileError, match=r"answer\.json is incomplete: .*the next page is missing.*next_page"):
        charges_of(tmp_path, *pages)


def test_days_without_costs_belong_to_an_answer(tmp_path: Path) -> None:
    pages = [page([line()], has_more=True), page([], [], first=2, has_more=True), page([line()], first=4)]

    assert charges_of(tmp_path, *pages)["billed_cost"].sum() == 3


def test_two_answers_about_one_day_are_refused(tmp_path: Path) -> None:
    """Quirk 2: appending doubles."""
    save(tmp_path / "a.json", page([line()], [line()]))
    save(tmp_path / "b.json", page([line()], first=2))

    with pytest.raises(RefusedFileError, match=r"a\.json and .*b\.json both state the costs of 2026-06-02: keep one"):
        of(tmp_path)


def test_costs_of_half_a_day_are_refused(tmp_path: Path) -> None:
    half = page([line()])
    half["data"][0]["start_time"] += 3600

    with pytest.raises(RefusedFileError, match=r"costs that start at 2026-06-01 01:00 UTC, within a day"):
        charges_of(tmp_path, half)


def changed(path: tuple[object, ...], value: object) -> dict[str, Any]:
    """A page in which what stands at `path` is something else; without it where the value is None."""
    answer: Any = copy.deepcopy(page([line()]))
    place = answer
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return {"object": "page", **answer}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (changed(("has_more",), None), "something else than pages"),
        (changed(("data",), "none"), "something else than pages"),
        ([page(), 7], "something else than pages"),
        (changed(("data", 0), 7), "a bucket without results"),
        (changed(("data", 0, "results"), None), "a bucket without results"),
        (changed(("data", 0, "results", 0), "x"), "a bucket without results"),
        (changed(("data", 0, "start_time"), None), "start_time is no time: 'None'"),
        (changed(("data", 0, "start_time"), "soon"), "start_time is no time: 'soon'"),
        (changed(("data", 0, "end_time"), 1e300), "end_time is no time"),
        (changed(("data", 0, "results", 0, "object"), "something.else"), "is no answer of /v1/organization/costs"),
        (page([line(), use()]), "is no answer of /v1/organization/costs"),
    ],
)
def test_what_is_no_whole_answer_is_refused_in_one_sentence(tmp_path: Path, answer: object, told: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))

    with pytest.raises(RefusedFileError, match=told):
        detect(FoundDelivery(path, (path,)))


def test_a_download_that_broke_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(COSTS.read_text()[:-20])

    with pytest.raises(RefusedFileError, match=r"answer\.json is not whole JSON: save the answer again\."):
        of(path)


def test_a_packed_answer_that_broke_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.json.gz"
    days = [[line(number / 7, line_item=f"model-{number}, input") for number in range(400)] for _ in range(20)]
    path.write_bytes(gzip.compress(json.dumps(page(*days)).encode())[:-2000])

    with pytest.raises(RefusedFileError, match=r"is damaged or truncated"):
        of(path)


def test_an_answer_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.json.gz"
    path.write_bytes(gzip.compress(b'{"object": "page"' + b" " * LARGEST_BYTES, compresslevel=1))

    with pytest.raises(RefusedFileError, match="is larger than 64 MB"):
        of(path)


def test_other_json_in_a_folder_is_left_alone_and_refused_when_it_is_named(tmp_path: Path) -> None:
    other = tmp_path / "settings.json"
    other.write_text('{"a": 1}')
    save(tmp_path / "answer.json", page([line()]))

    found = discover([tmp_path])

    assert [names_of(one.files) for one in found.deliveries] == [["answer.json"]]
    assert [(one.path.name, one.reason) for one in found.ignored] == [("settings.json", "is no billing file")]
    assert "saved answer of a cost API" in discover([other]).deliveries[0].problem


AMOUNTS = st.floats(-1e9, 1e9, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(st.lists(st.lists(st.tuples(AMOUNTS, st.sampled_from(["p1", "p2", None])), max_size=6), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_charges_add_up_to_the_amounts_of_the_answer(days: list[list[tuple[float, str | None]]]) -> None:
    pages = [page(*([line(value, project_id=project) for value, project in day] for day in days))]
    smallest = Decimal("1e-18")
    expected = sum((Decimal(repr(value)).quantize(smallest) for day in days for value, _ in day), Decimal(0))

    with TemporaryDirectory() as folder:
        bill = of(save(Path(folder) / "answer.json", *pages))

    assert bill.rejected.is_empty()
    assert bill.charges["billed_cost"].sum() == bill.totals["billed_cost"].sum() == expected
    assert bill.rows_read == sum(map(len, days))
