"""Costs that two sources both bring: told where money is shown, and not where sources rightly add up."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEvent, Role, User
from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.costs.commands import export
from apps.costs.models import Statement
from apps.sources import taking_out
from apps.sources.models import Source
from apps.sources.overlaps import Overlap, doubts, overlaps
from apps.sources.wording import doubt_sentence
from finops.checks import check_overlaps
from tests.shared import BILLING
from tests.sources.conftest import Bill, Import
from tests.sources.totals import stored

pytestmark = pytest.mark.django_db
ALL = Scope.everything()
ACTUAL, AMORTISED = BILLING / "azure/EA_ActualCost_Small.csv", BILLING / "azure/EA_AmortizedCost_Small.csv"
CUR = BILLING / "aws-cur-2023/aws_cur_2023-11-01_10.csv"


@pytest.fixture
def admin() -> Client:
    """An admin's client."""
    client = Client()
    client.force_login(User.objects.create_user("admin", role=Role.ADMIN))
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_the_actual_and_the_amortised_export_of_one_subscription_are_told(import_bills: Import, admin: Client) -> None:
    import_bills(ACTUAL, "--source", "actual")
    assert overlaps(scope=ALL) == []
    (line,) = import_bills(AMORTISED, "--source", "amortised")

    (one,) = doubts(overlaps(scope=ALL))

    assert (one.sources, len(one.accounts), one.currency) == (("actual", "amortised"), 3, "USD")
    assert one.months == (date(2023, 9, 1),)
    assert Decimal(0) < one.cost < Decimal("8.5450077867419369")
    said = doubt_sentence(one)
    assert said == "actual and amortised both bring costs of 3 accounts in September 2023: $5.30 may be counted twice"
    assert line["also_in"] == ["actual"]
    for page in ("/sources/", *(f"/sources/{source.pk}/" for source in Source.objects.all())):
        assert said in text(admin.get(page))
    with pytest.raises(UserError, match=r"\$5\.30 may be counted twice\. See Data sources"):
        check_overlaps()


def test_the_same_file_under_another_name_counts_twice_to_the_last_digit(import_bills: Import) -> None:
    import_bills(ACTUAL)
    import_bills(ACTUAL, "--source", "again")

    assert sum(one.cost for one in overlaps(scope=ALL)) == Decimal("8.5450077867419368")


# 7 s: a real bill is imported, exported and imported again
def test_a_cur_and_a_focus_export_of_one_account_are_told(import_bills: Import, tmp_path: Path) -> None:
    import_bills(CUR)
    out, days = tmp_path / "focus.csv", ["--start", "2023-11-01", "--end", "2023-11-30"]
    CliRunner().invoke(export, ["focus", *days, "--version", "1.2", "-o", str(out)], catch_exceptions=False)
    import_bills(out, "--source", "focus")

    (one,) = doubts(overlaps(scope=ALL))

    positive = [f for f in costs_by_cell() if f > 0]
    assert one.sources == ("files", "focus")
    assert one.cost == sum(positive) / 2 > 0


def costs_by_cell() -> list[Decimal]:
    """Effective costs by source, day, service and account, without credits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(d.effective_cost) FROM costs_dailycost d JOIN costs_chargegroup g ON g.id = d.group_id"
            " JOIN costs_statement t ON t.id = d.statement_id WHERE g.charge_category <> 'Credit'"
            " GROUP BY t.source, d.day, g.service, coalesce(nullif(g.sub_account, ''), g.billing_account)"
        )
        return [cost for (cost,) in cursor.fetchall()]


# 20 s: every sample is imported, each into a source of its own
def test_samples_of_different_accounts_raise_no_alarm(import_bills: Import) -> None:
    samples = [
        "aws-cur-2018/Oct2018-WorkshopCUR-00001.snappy.parquet",
        "aws-cur-2018/Nov2018-WorkshopCUR-00001.snappy.parquet",
        "aws-cur-2023/aws_cur_2023-11-01_10.csv",
        "azure/EA_ActualCost_Small.csv",
        "azure/azure_ea_focus_converters.csv",
        "focus-1.0-real/focus_sample_2024-09_part1.csv",
        "focus-1.2-generated/focus_1_2_cost_and_usage_aws.csv.gz",
        "focus-1.2-generated/focus_1_2_cost_and_usage_azure.csv.gz",
        "focus-1.2-generated/focus_1_2_cost_and_usage_gcp.csv.gz",
        "oci-cost-2023/oci_cost_2023-11-13T05_09.csv",
    ]
    for sample in samples:
        import_bills(BILLING / sample, "--source", sample)

    assert overlaps(scope=ALL) == []
    assert check_overlaps() == "no two sources bring the same costs"


@pytest.mark.parametrize(
    "other",
    [
        {"SubAccountId": "333"},
        {"ServiceName": "Datadog", "ServiceCategory": "Other", "PublisherName": "Datadog"},
        {"ChargeCategory": "Credit", "BilledCost": "-1", "EffectiveCost": "-1"},
        {"ChargePeriodStart": "2026-06-04T00:00:00Z", "ChargePeriodEnd": "2026-06-04T01:00:00Z"},
        {"BillingCurrency": "EUR"},
        {"EffectiveCost": "0"},
    ],
    ids=["another sub account", "marketplace", "credits alone", "other days", "another currency", "free"],
)
def test_sources_that_rightly_add_up_raise_no_alarm(import_bills: Import, bill: Bill, other: dict[str, str]) -> None:
    import_bills(bill("june.csv", [{}]))
    import_bills(bill("other.csv", [other]), "--source", "other")

    assert overlaps(scope=ALL) == []


def test_an_account_that_the_bill_does_not_name_is_told_by_its_amounts_alone(import_bills: Import, bill: Bill) -> None:
    nameless = {"BillingAccountId": "Anthropic", "ProviderName": "Anthropic", "SubAccountId": "", "SubAccountName": ""}
    import_bills(bill("one.csv", [nameless]), "--source", "one organisation")
    import_bills(bill("two.csv", [{**nameless, "EffectiveCost": "1.7"}]), "--source", "another organisation")
    assert overlaps(scope=ALL) == []

    import_bills(bill("three.csv", [nameless]), "--source", "the first again")

    (one,) = overlaps(scope=ALL)
    assert one.sources == ("one organisation", "the first again")


def test_a_source_is_told_of_those_that_overlap_with_itself_alone(import_bills: Import, bill: Bill) -> None:
    for name in ("one", "two", "three"):
        import_bills(bill(f"{name}.csv", [{}]), "--source", name)

    assert len(overlaps(scope=ALL)) == 3
    assert {frozenset(one.sources) for one in overlaps(scope=ALL, source="one")} == {
        frozenset(("one", "two")),
        frozenset(("one", "three")),
    }


def test_doubts_about_most_money_come_first() -> None:
    june = date(2026, 6, 1)
    found = [Overlap(("one", other), "111", june, "USD", Decimal(cost), 1) for other, cost in (("few", 1), ("most", 9))]
    assert [(one.sources, one.cost) for one in doubts(found)] == [(("one", "most"), 9), (("one", "few"), 1)]


def test_who_sees_some_teams_alone_is_told_of_no_source(import_bills: Import, bill: Bill) -> None:
    import_bills(bill("june.csv", [{}]))
    import_bills(bill("june.csv", [{}]), "--source", "other")
    assert overlaps(scope=Scope(("ml-platform",))) == []
    lead = Client()
    lead.force_login(User.objects.create_user("lead", role=Role.ENGINEERING_LEAD))
    assert "counted twice" not in text(lead.get("/"))


def test_pages_of_money_say_it_and_one_source_asks_nothing(import_bills: Import, bill: Bill, admin: Client) -> None:
    today = date.today().replace(day=1)  # noqa: DTZ011 - any day of this month
    stamps = {"ChargePeriodStart": f"{today}T00:00:00Z", "ChargePeriodEnd": f"{today}T01:00:00Z"}
    end = f"{today.replace(day=28)}T00:00:00Z"
    now = {**stamps, "BillingPeriodStart": f"{today}T00:00:00Z", "BillingPeriodEnd": end}
    import_bills(bill("now.csv", [now]))
    with CaptureQueriesContext(connection) as asked:
        assert "counted twice" not in text(admin.get("/"))
    assert not any("WITH cell" in query["sql"] for query in asked)

    import_bills(bill("now.csv", [now]), "--source", "other")

    for page in ("/", "/costs/"):
        html = text(admin.get(page, follow=True))
        assert "some costs may be counted twice" in html
        assert "files and other both bring costs of account 222 in" in html


def test_the_costs_of_a_source_are_taken_out_and_come_back_with_their_file(
    import_bills: Import, bill: Bill, admin: Client
) -> None:
    file = bill("june.csv", [{}])
    import_bills(file)
    import_bills(file, "--source", "other")
    other = Source.objects.get(name="other")
    assert "Take its costs out of the books" in text(admin.get(f"/sources/{other.pk}/"))

    said = text(admin.post(f"/sources/{other.pk}/leave-out/", follow=True))

    assert "$1.50 of other counts no more." in said
    assert (stored("effective_cost"), overlaps(scope=ALL)) == (Decimal("1.5"), [])
    assert Statement.objects.filter(source="other").count() == other.deliveries.count() == 1
    event = AuditEvent.objects.get(action="source.taken_out")
    assert event.before == {"effective_cost": {"USD": "1.500000000000000000"}, "bills": 1}
    assert "Nothing of other counts as a cost." in text(admin.post(f"/sources/{other.pk}/leave-out/", follow=True))

    assert [line["status"] for line in import_bills(file, "--source", "other")] == ["loaded"]
    assert stored("effective_cost") == 3


def test_the_costs_of_a_connection_are_not_taken_out(admin: Client) -> None:
    source = Source.objects.create(name="aws", kind="folder", settings={"path": "/bills"})
    with pytest.raises(UserError, match="disconnect it first"):
        taking_out.take_out(source, actor=User.objects.get())
