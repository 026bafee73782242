"""Exchange rates: files of them, single ones, who may set them, and what the audit log keeps."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from rest_framework.test import APIClient

from apps.accounts.models import AuditEvent, Role, TokenScope
from apps.core.errors import UserError
from apps.costs import rates
from apps.costs.commands import rates as command
from apps.costs.models import ExchangeRate
from apps.costs.rates import ImportedRates, Rate, import_rates

pytestmark = pytest.mark.django_db
HEADER = "currency,reporting_currency,month,rate"
Api = Callable[..., APIClient]


def bring(*lines: str) -> ImportedRates:
    """Import the lines of a file."""
    return import_rates(lines=[f"{line}\n" for line in lines], file_name="rates.csv", actor=None)


def stored() -> dict[str, str]:
    """Every rate by its name, as text."""
    return {
        f"{row.currency}/{row.reporting_currency} {row.month}": f"{row.rate.normalize():f}"
        for row in ExchangeRate.objects.all()
    }


def test_a_file_sets_rates_and_importing_it_again_changes_nothing() -> None:
    lines = (HEADER, "EUR,USD,2026-06,1.083217650000000001", "EUR,USD,2026-07-01,1.1")

    assert bring(*lines) == ImportedRates(added=2, changed=0, unchanged=0)
    assert bring(*lines) == ImportedRates(added=0, changed=0, unchanged=2)
    assert stored() == {"EUR/USD 2026-06-01": "1.083217650000000001", "EUR/USD 2026-07-01": "1.1"}
    assert AuditEvent.objects.count() == 1


def test_columns_may_come_in_any_order_and_a_changed_rate_is_audited_with_both_values() -> None:
    bring(HEADER, "EUR,USD,2026-06,1.1")

    assert bring(
        "rate,month,reporting_currency,currency", "1.2,2026-06,USD,EUR", "0.9,2026-06,EUR,USD"
    ) == ImportedRates(added=1, changed=1, unchanged=0)
    event = AuditEvent.objects.first()
    assert event
    assert (event.action, event.target, event.actor) == ("exchange_rates.imported", "exchange_rates:rates.csv", None)
    assert event.before == {"EUR/USD 2026-06": "1.100000000000000000"}
    assert event.after == {"EUR/USD 2026-06": "1.2", "USD/EUR 2026-06": "0.9"}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "rates.csv, row 0: the header has to name currency, reporting_currency, month, rate; it names nothing."),
        (["currency,month,rate"], "it names currency, month, rate."),
        ([HEADER, "EUR,USD,2026-06"], "rates.csv, row 1: it has to have 4 fields."),
        ([HEADER, "EUR,USD,2026-06,1,1"], "rates.csv, row 1: it has to have 4 fields."),
        ([HEADER, "EUR,USD,2026-06,1", "Euro,USD,2026-06,1"], "rates.csv, row 2, currency: 'Euro' is not a currency."),
        ([HEADER, "EUR,usd,2026-06,1"], "rates.csv, row 1, reporting_currency: 'usd' is not a currency."),
        ([HEADER, "EUR,EUR,2026-06,1"], "rates.csv, row 1, reporting_currency: The same currency needs no rate."),
        ([HEADER, "EUR,USD,June,1"], "rates.csv, row 1, month: 'June' is not a month."),
        ([HEADER, "EUR,USD,2026-13,1"], "rates.csv, row 1, month: '2026-13' is not a month."),
        ([HEADER, "EUR,USD,2026-06-15,1"], "rates.csv, row 1, month: '2026-06-15' is not a month."),
        ([HEADER, "EUR,USD,2026-06,0"], "rates.csv, row 1, rate: '0' is not a positive decimal number"),
        ([HEADER, "EUR,USD,2026-06,-1"], "rates.csv, row 1, rate: '-1' is not a positive decimal number"),
        ([HEADER, "EUR,USD,2026-06,1.2e3"], "rates.csv, row 1, rate: '1.2e3' is not a positive decimal number"),
        ([HEADER, "EUR,USD,2026-06,NaN"], "rates.csv, row 1, rate: 'NaN' is not a positive decimal number"),
        ([HEADER, 'EUR,USD,2026-06,"1,08"'], "rates.csv, row 1, rate: '1,08' is not a positive decimal number"),
        ([HEADER, "EUR,USD,2026-06,1." + "0" * 18 + "1"], "20 digits before or 18 after the point"),
        ([HEADER, "EUR,USD,2026-06," + "9" * 21], "20 digits before or 18 after the point"),
        ([HEADER, "EUR,USD,2026-06,1", "EUR,USD,2026-06-01,2"], "row 2: EUR/USD 2026-06 was given in row 1 already."),
        ([HEADER, 'EUR,USD,2026-06,"1'], "this is no CSV"),
    ],
)
def test_a_file_with_a_fault_changes_nothing_and_the_fault_is_named(lines: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        bring(*lines)

    assert sentence in str(refused.value)
    assert stored() == {}
    assert not AuditEvent.objects.exists()


def test_setting_and_deleting_one_rate_is_audited() -> None:
    rate = Rate.parse({"currency": "EUR", "reporting_currency": "USD", "month": "2026-06", "rate": "1.10"})
    row = rates.set_rate(rate=rate, actor=None)
    rates.set_rate(rate=rate, actor=None)
    rates.delete_rate(exchange_rate=row, actor=None)

    assert [(event.action, event.before, event.after) for event in AuditEvent.objects.order_by("id")] == [
        ("exchange_rate.set", None, {"EUR/USD 2026-06": "1.10"}),
        ("exchange_rate.deleted", {"EUR/USD 2026-06": "1.100000000000000000"}, None),
    ]
    assert stored() == {}


def test_the_command_imports_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\nEUR,USD,2026-06,1.1\r\n".encode())

    told = CliRunner().invoke(command, ["import", str(file), "--json"], catch_exceptions=False)

    assert json.loads(told.stdout) == {"file": str(file), "added": 1, "changed": 0, "unchanged": 0}
    assert "0 added, 0 changed, 1 unchanged" in CliRunner().invoke(command, ["import", str(file)]).stdout
    assert stored() == {"EUR/USD 2026-06-01": "1.1"}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rates.xls").write_bytes(b"\xd0\xcf\x11\xe0")

    with pytest.raises(UserError, match="cannot be read as UTF-8"):
        CliRunner().invoke(command, ["import", str(tmp_path / "rates.xls")], catch_exceptions=False)


def test_rates_are_set_listed_and_deleted_by_the_api(api: Api) -> None:
    caller = api(Role.FINANCE)
    new = {"currency": "EUR", "reporting_currency": "USD", "month": "2026-06", "rate": "1.0830"}

    made = caller.post("/api/v1/exchange-rates/", new)

    assert made.status_code == 201, made.content
    assert made.json() == {"id": made.json()["id"], **new, "month": "2026-06-01", "rate": "1.083"}
    assert caller.post("/api/v1/exchange-rates/", {**new, "rate": "2"}).json()["rate"] == "2"
    listed = caller.get("/api/v1/exchange-rates/").json()
    assert (listed["count"], listed["results"][0]["rate"]) == (1, "2")
    event = AuditEvent.objects.first()
    assert event
    assert (event.actor_name, event.remote_address) == ("finance-", "127.0.0.1")
    assert caller.delete(f"/api/v1/exchange-rates/{made.json()['id']}/").status_code == 204
    assert stored() == {}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEERING_LEAD])
def test_only_finance_and_admins_set_rates(api: Api, role: Role) -> None:
    row = ExchangeRate.objects.create(
        currency="EUR", reporting_currency="USD", month=date(2026, 6, 1), rate=Decimal("1.1")
    )
    caller = api(role)

    assert caller.get("/api/v1/exchange-rates/").status_code == 200
    assert caller.post("/api/v1/exchange-rates/", {}).status_code == 403
    assert caller.delete(f"/api/v1/exchange-rates/{row.pk}/").status_code == 403


def test_a_token_for_reading_sets_no_rate(api: Api) -> None:
    assert api(Role.ADMIN, scope=TokenScope.READ).post("/api/v1/exchange-rates/", {}).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rate": 1.1}, "rate"),
        ({"rate": "one"}, "rate"),
        ({"month": "2026"}, "month"),
        ({"currency": "€"}, "currency"),
        ({"reporting_currency": "EUR"}, "reporting_currency"),
        ({"currency": ""}, "currency"),
    ],
)
def test_a_rate_that_cannot_be_is_refused_by_field(api: Api, change: dict[str, object], field: str) -> None:
    rate = {"currency": "EUR", "reporting_currency": "USD", "month": "2026-06", "rate": "1.1", **change}

    refused = api(Role.ADMIN).post("/api/v1/exchange-rates/", rate)

    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]
