"""The pages of the ledger: uploading without script, proof to the last digit, and what was rejected."""

import gzip
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import Role
from apps.sources.models import Delivery
from finops.celery import app

HEADER = (
    "ProviderName,PublisherName,InvoiceIssuerName,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodStart,"
    "BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeDescription,ChargeFrequency,BilledCost,"
    "EffectiveCost,ListCost,ContractedCost,PricingQuantity,PricingUnit,ServiceName,ServiceCategory,SubAccountId,Tags\n"
)
ROW = (
    "AWS,AWS,Amazon,111,Northwind,USD,2026-06-01T00:00:00Z,2026-07-01T00:00:00Z,2026-06-03T00:00:00Z,"
    "2026-06-03T01:00:00Z,Usage,Compute,Usage-Based,{cost},{cost},2,2,1,Hours,Amazon EC2,Compute,222,{{}}\n"
)


def bill(*costs, name="bill.csv"):
    """A FOCUS file with a row for each cost."""
    return SimpleUploadedFile(name, (HEADER + "".join(ROW.format(cost=cost) for cost in costs)).encode())


@pytest.fixture
def eager(home, django_capture_on_commit_callbacks):
    """Runs what an upload queues as soon as its request is over."""
    before, app.conf.task_always_eager = app.conf.task_always_eager, True
    yield django_capture_on_commit_callbacks
    app.conf.task_always_eager = before


@pytest.fixture
def finance(browser_of):
    """Somebody who may import bills."""
    return browser_of(Role.FINANCE)


def send(finance, eager, *files, **headers):
    """Upload the files as the form does, and wait for their loading."""
    with eager(execute=True):
        return finance.post("/sources/upload/", {"files": files, "source": "aws"}, **headers)


def test_a_bill_sent_by_a_plain_form_is_loaded_and_proved(finance, eager):
    answer = send(finance, eager, bill("1.000000000000000001", "2.5"))
    delivery = Delivery.objects.get()
    assert answer.url == f"/sources/upload/?delivery={delivery.pk}"
    assert "Loaded" in finance.get(answer.url).content.decode()
    for path in ("/sources/deliveries/", f"/sources/deliveries/{delivery.pk}/"):
        page = finance.get(path).content.decode()
        assert "Reconciled" in page
        assert page.count("$3.500000000000000001") >= 4
    assert delivery.files.get().sha256 in page


def test_the_same_file_again_changes_nothing_and_says_so(finance, eager):
    send(finance, eager, bill("1"))
    answer = send(finance, eager, bill("1"))
    assert "the same content was loaded before" in finance.get(answer.url).content.decode()
    assert Delivery.objects.count() == 1


def test_a_newer_bill_shows_what_it_replaced_and_the_difference(finance, eager):
    send(finance, eager, bill("10"))
    send(finance, eager, bill("12.5", name="later.csv"))
    first, second = Delivery.objects.order_by("pk")
    page = finance.get(f"/sources/deliveries/{second.pk}/").content.decode()
    assert "+$2.50" in page
    assert f'href="/sources/deliveries/{first.pk}/"' in page
    assert "Replaced" in finance.get(f"/sources/deliveries/{first.pk}/").content.decode()


def test_rejected_rows_are_listed_downloadable_and_never_called_reconciled(finance, eager):
    send(finance, eager, bill("1", *["nonsense"] * 60))
    delivery = Delivery.objects.get()
    page = finance.get(f"/sources/deliveries/{delivery.pk}/")
    assert "The first 50 of 60." in page.content.decode()
    assert "Reconciled" not in page.content.decode()
    assert len(page.context["rejected"]) == 50
    csv = b"".join(finance.get(f"/sources/deliveries/{delivery.pk}/rejected.csv").streaming_content).decode()
    assert csv.count("nonsense") >= 60


@pytest.mark.parametrize("json", [False, True])
def test_what_cannot_be_a_bill_is_refused_in_a_sentence_and_nothing_is_kept(finance, eager, home, json):
    headers = {"headers": {"Accept": "application/json"}} if json else {}
    answer = send(finance, eager, SimpleUploadedFile("photo.png", b"\x89PNG\r\n"), **headers)
    assert answer.status_code == 400
    assert "photo.png" in (answer.json()["error"] if json else answer.content.decode())
    assert not Delivery.objects.exists()
    assert not [*(home / "uploads").iterdir()]


def test_a_table_that_is_no_bill_is_rejected_in_the_ledger_with_the_reason(finance, eager):
    answer = send(finance, eager, SimpleUploadedFile("people.csv", b"name,age\nIris,40\n"))
    delivery = Delivery.objects.get()
    assert delivery.status == Delivery.Status.REJECTED
    for path in (answer.url, f"/sources/deliveries/{delivery.pk}/"):
        page = finance.get(path).content.decode()
        assert "Rejected" in page
        assert "Reconciled" not in page
        assert delivery.error[:40] in page


def test_an_empty_form_is_refused_at_once(finance, home):
    assert "Choose at least one file." in finance.post("/sources/upload/", {"source": "aws"}).content.decode()


@pytest.mark.parametrize("json", [False, True])
def test_an_upload_over_the_limit_is_refused_with_the_limit_and_a_way_out(finance, home, settings, json):
    settings.MAX_UPLOAD_BYTES = 1_000
    headers = {"Accept": "application/json"} if json else {}
    answer = finance.post("/sources/upload/", {"files": [bill(*["1"] * 50)]}, headers=headers)
    assert answer.status_code == 413
    said = answer.json()["error"] if json else answer.content.decode()
    assert "one upload may have 1.0 kB" in said
    assert "finops import" in said
    assert not Delivery.objects.exists()


def test_a_forged_upload_is_refused(person, home):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person(Role.FINANCE))
    assert strict.post("/sources/upload/", {"files": [bill("1")]}).status_code == 403
    assert not Delivery.objects.exists()


def test_compressed_files_and_several_at_once_are_taken(finance, eager):
    packed = SimpleUploadedFile("june.csv.gz", gzip.compress(bill("4").read()))
    answer = send(finance, eager, packed)
    assert answer.status_code == 302
    assert Delivery.objects.get().status == Delivery.Status.LOADED


def test_progress_speaks_of_rows_bytes_and_time_left(finance, eager):
    send(finance, eager, bill("1"))
    delivery = Delivery.objects.get()
    Delivery.objects.update(status="loading", rows_read=214_000, bytes_read=5_000_000, bytes_total=20_000_000)
    piece = finance.get(f"/sources/deliveries/{delivery.pk}/progress/").content.decode()
    assert "data-open" in piece
    assert 'value="250"' in piece
    assert "214,000 rows, 5.0 MB of 20.0 MB" in piece
    assert '<meta http-equiv="refresh"' in finance.get(f"/sources/deliveries/{delivery.pk}/").content.decode()


def test_filters_of_the_ledger_are_in_the_address(finance, eager):
    send(finance, eager, bill("1"))
    assert "bill.csv" in finance.get("/sources/deliveries/?status=loaded&source=aws&search=bill").content.decode()
    nothing = finance.get("/sources/deliveries/?status=failed").content.decode()
    assert "No delivery matches" in nothing
    assert "Clear all" in nothing


def test_charges_lead_to_the_delivery_that_they_came_from(finance, eager):
    send(finance, eager, bill("1.25"))
    (charge,) = finance.get("/costs/charges/?start=2026-06-01&end=2026-06-30").context["page"]
    assert charge.effective_cost == Decimal("1.25")
    assert finance.get(f"/sources/deliveries/{charge.delivery_id}/").context["delivery"] == Delivery.objects.get()


def test_the_api_holds_uploads_to_the_same_limit(finance, home, settings):
    settings.MAX_UPLOAD_BYTES = 1_000
    answer = finance.post("/api/v1/deliveries/", {"files": [bill(*["1"] * 50)]})
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert "one upload may have 1.0 kB" in answer.json()["detail"]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("status=bogus", "status", "Use one of: queued, loading"),
        ("statuss=loaded", "statuss", "Use: status, source, search, page, page_size"),
    ],
)
def test_the_api_of_the_ledger_refuses_what_it_does_not_know(finance, query, field, said):
    answer = finance.get(f"/api/v1/deliveries/?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert said in error["detail"]
    assert finance.get("/api/v1/deliveries/?status=loaded&source=x&search=y&page=1&page_size=5").status_code == 200
