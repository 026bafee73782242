"""Bills that come in parts: Oracle's reports add up, and a day of a model vendor's answer replaces itself alone."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import Role, User
from apps.costs.models import Statement
from apps.sources import services
from apps.sources.models import Delivery
from tests.collectors.answers import ANTHROPIC, OPENAI, line, page, save
from tests.collectors.bills import oci, write_csv
from tests.sources.conftest import Import
from tests.sources.totals import stored


def report(folder: Path, number: int, *costs: str) -> Path:
    """The cost report of one hour of 2 June; the line numbers tell it from any other."""
    rows = [
        oci(
            lineItem_referenceNo=f"{number}-{line}",
            cost_myCost=cost,
            lineItem_intervalUsageStart=f"2026-06-02T{number:02}:00Z",
            lineItem_intervalUsageEnd=f"2026-06-02T{number + 1:02}:00:00Z",
        )
        for line, cost in enumerate(costs)
    ]
    return write_csv(folder / f"00010000000000{number:02}.csv.gz", *rows)


def answer(folder: Path, name: str, *days: float, first: int) -> Path:
    """A saved answer with what some days of June cost."""
    return save(folder / name, page(*([line(cost)] for cost in days), first=first))


def test_reports_of_one_month_add_up_whether_they_come_together_or_not(import_bills: Import, tmp_path: Path) -> None:
    report(tmp_path, 3, "1", "2")
    report(tmp_path, 5, "4")
    lines = import_bills(tmp_path)
    assert [one["replaces"] for one in lines] == [[], []]
    assert stored() == 7

    import_bills(report(tmp_path, 6, "8"))

    assert stored() == 15
    assert Statement.objects.filter(superseded_at=None).count() == 3


def test_a_report_that_comes_again_counts_once(import_bills: Import, tmp_path: Path) -> None:
    """Quirk 11."""
    path = report(tmp_path, 3, "1", "2")
    import_bills(path)
    (tmp_path / "again").mkdir()

    (same,) = import_bills(path)
    import_bills(path, "--force")
    (longer,) = import_bills(report(tmp_path / "again", 3, "1", "2", "0.5"))

    assert same["status"] == "unchanged"
    assert len(longer["replaces"]) == 1
    assert stored() == Decimal("3.5")


def test_a_late_row_of_last_month_takes_nothing_of_it_away(import_bills: Import, tmp_path: Path) -> None:
    import_bills(report(tmp_path, 3, "5"))
    late = oci(lineItem_referenceNo="late-1", cost_myCost="1")
    july = oci(
        lineItem_referenceNo="late-2",
        cost_myCost="10",
        lineItem_intervalUsageStart="2026-07-01T00:00Z",
        lineItem_intervalUsageEnd="2026-07-01T01:00Z",
    )

    (told,) = import_bills(write_csv(tmp_path / "july.csv", late, july))

    assert told["billing_periods"] == ["2026-06-01", "2026-07-01"]
    assert stored() == 16


def test_answers_of_two_weeks_stand_side_by_side_and_a_day_is_restated_alone(
    import_bills: Import, tmp_path: Path
) -> None:
    import_bills(answer(tmp_path, "one.json", 1, 2, 4, first=1))
    import_bills(answer(tmp_path, "two.json", 8, 16, first=4), "--source", "files")
    assert stored() == 31

    (told,) = import_bills(answer(tmp_path, "three.json", 100, 200, first=5))

    assert stored() == 315
    assert told["billing_periods"] == ["2026-06-01"]
    assert len(told["replaces"]) == 1


@pytest.mark.parametrize(
    ("files", "rows", "cost", "format_"),
    [
        (OPENAI[:1], 11, "4.58250059", "OpenAI costs"),
        (OPENAI, 11, "4.58250059", "OpenAI costs"),
        (ANTHROPIC[:1], 6, "2.3203912", "Anthropic cost report"),
        (ANTHROPIC[::-1], 6, "2.3203912", "Anthropic cost report"),
    ],
)
def test_saved_answers_read_back_to_the_last_digit(
    files: tuple[Path, ...], rows: int, cost: str, format_: str, import_bills: Import
) -> None:
    (told,) = import_bills(*files)

    assert (told["format"], told["rows_loaded"], told["rows_rejected"]) == (format_, rows, 0)
    assert (told["billed_cost"], told["effective_cost"], told["currency"]) == (cost, cost, "USD")
    assert told["reconciled"]
    assert stored() == stored("effective_cost") == Decimal(cost)


@pytest.mark.parametrize("usage", [OPENAI[1], ANTHROPIC[1]])
def test_usage_alone_is_rejected_and_says_what_to_put_beside_it(usage: Path, import_bills: Import) -> None:
    (told,) = import_bills(usage, exit_code=1)

    assert told["status"] == "rejected"
    assert "states no money: put the answer of /v1/organization" in told["error"]


def test_an_incomplete_answer_is_rejected_and_replaces_nothing(import_bills: Import, tmp_path: Path) -> None:
    import_bills(answer(tmp_path, "june.json", 1, first=1))
    (tmp_path / "more.json").write_text(json.dumps(page([line(9)], has_more=True)))

    (told,) = import_bills(tmp_path / "more.json", exit_code=1)

    assert told["status"] == "rejected"
    assert told["error"].startswith("more.json is incomplete")
    assert stored() == 1


def test_a_bill_of_another_vendor_than_was_asked_for_is_rejected(import_bills: Import) -> None:
    (told,) = import_bills(OPENAI[0], "--format", "anthropic", exit_code=1)

    assert told["error"].endswith("is OpenAI costs, not Anthropic.")


def test_the_upload_page_takes_costs_and_usage_as_one_bill(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_app.tasks[services.LOAD_UPLOAD], "delay", lambda _: None)
    client.force_login(User.objects.create_user("finance", role=Role.FINANCE))
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in OPENAI]

    response = client.post("/sources/upload/", {"files": files}, headers={"accept": "application/json"})

    assert response.status_code == 200, response.content
    entry = Delivery.objects.get()
    assert sorted(entry.files.values_list("name", flat=True)) == [path.name for path in OPENAI]

    services.load_upload(entry.pk)

    entry.refresh_from_db()
    assert (entry.status, entry.rows_loaded) == (Delivery.Status.LOADED, 11)
    assert stored() == Decimal("4.58250059")
