"""The pages of connections without a browser: forms, progress, corrections, states and what each role sees."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.sources import runs
from apps.sources.models import Run, Source
from tests.aws import BUCKET, PREFIX, Bucket, error
from tests.sources.conftest import JULY, JUNE, SECRETS, connect, focus, look_again, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
TYPED = {
    "name": "aws",
    "bucket": BUCKET,
    "prefix": PREFIX,
    "region": "us-east-1",
    "refresh_hours": "24",
    "months": "13",
}
FORM = "/sources/connect/aws-exports/"


@pytest.fixture
def admin() -> Client:
    """An admin's client."""
    client = Client()
    client.force_login(User.objects.create_user("admin", role=Role.ADMIN))
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_connection_that_works_is_saved_and_one_that_does_not_only_when_somebody_insists(
    bucket: Bucket, admin: Client
) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    wrong = {**TYPED, **SECRETS, "bucket": "somebody-elses"}
    said = text(admin.post(FORM, {**wrong, "do": "save"}))
    assert "Nothing was saved." in said
    assert "There is no bucket of this name" in said
    assert "a-secret" not in said
    assert not Source.objects.exists()

    assert admin.post(FORM, {**wrong, "name": "later", "do": "insist"}).status_code == 302
    answer = admin.post(FORM, {**TYPED, **SECRETS, "do": "save"})

    source = Source.objects.get(name="aws")
    assert answer.url == f"/sources/{source.pk}/"  # type: ignore[attr-defined]
    assert "Its bills are being collected." in text(admin.get(answer.url))  # type: ignore[attr-defined]


def test_a_test_answers_with_its_steps_alone_and_saves_nothing(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    said = text(admin.post(FORM, {**TYPED, **SECRETS, "do": "test"}, headers={"HX-Request": "true"}))
    assert "All is well." in said
    assert "<html" not in said
    assert not Source.objects.exists()
    whole = text(admin.post(FORM, {**TYPED, **SECRETS, "do": "test"}))  # without script
    assert "All is well." in whole
    assert "<html" in whole


def test_a_wrong_field_is_told_at_the_field_and_in_the_answer_to_a_test(admin: Client) -> None:
    said = text(admin.post(FORM, {**TYPED, "bucket": "a b", "do": "test"}, headers={"HX-Request": "true"}))
    assert "<b>Bucket:</b> This is no bucket&#x27;s name" in said


def test_a_path_that_is_too_short_lists_the_exports_below_it(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    bucket.data_export("2026-06", {"x.csv": focus("1")}, prefix="finops/focus")
    said = text(admin.post(FORM, {**TYPED, **SECRETS, "prefix": "", "do": "test"}, headers={"HX-Request": "true"}))

    assert "has some below it: finops/cur, finops/focus." in said


def test_a_name_that_is_taken_is_refused(bucket: Bucket, admin: Client) -> None:
    connect("aws")
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})

    assert "There is a connection named aws already" in text(admin.post(FORM, {**TYPED, **SECRETS, "do": "save"}))


def test_the_policy_follows_what_is_typed_and_the_template_can_be_taken_away(admin: Client) -> None:
    assert "arn:aws:s3:::my-bucket/a/b/*" in text(admin.get(f"{FORM}policy/?bucket=my-bucket&prefix=a/b")).replace(
        "&quot;", '"'
    )
    answer = admin.get(f"{FORM}template/")
    assert "aws-read-role.yaml" in answer["Content-Disposition"]
    assert b"AWS::IAM::Role" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert admin.get("/sources/connect/folder/template/").status_code == 404
    assert admin.get("/sources/connect/fax/").status_code == 404


def test_the_page_of_a_source_shows_progress_until_nothing_is_under_way(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    bucket.legacy(JULY, {"cur-1.csv": focus("10", month="2026-07")})
    source = connect()
    page = f"/sources/{source.pk}/"
    assert "Looking for what is new" in text(admin.get(page))
    work(source, most=2)
    going = text(admin.get(f"{page}live/"))
    assert "1 of 2 deliveries" in going
    assert 'hx-trigger="every 2s"' in going
    assert "Cancel June 2026" in going
    Run.objects.filter(name="2026-06").update(
        status="running", bytes=500, bytes_total=2_000, started_at=source.created_at
    )
    assert 'value="250"' in text(admin.get(f"{page}live/"))
    Run.objects.filter(name="2026-06").update(status="queued")
    work(source)

    over = admin.get(f"{page}live/")

    assert over["HX-Refresh"] == "true"
    assert "hx-trigger" not in text(over)
    whole = text(admin.get(page))
    assert "$10.00" in whole
    assert whole.count("Loaded") >= 2


def test_a_failure_says_what_to_do_and_what_still_holds(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    source = connect()
    work(source)
    bucket.server.spoil(times=100, path="list-type", answer=error(403, "AccessDenied"))
    look_again(source)

    said = text(admin.get(f"/sources/{source.pk}/"))

    assert "The permission s3:ListBucket is missing" in said
    assert "Costs stop at 3 Jun 2026." in said
    assert "Failed" in text(admin.get("/sources/"))


def test_a_correction_of_a_period_that_is_over_stands_on_the_page(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("100.50")}, run="a")
    source = connect()
    work(source)
    bucket.legacy(JUNE, {"cur-1.csv": focus("98.25")}, run="b")
    look_again(source)

    assert "June 2026 changed by \u2212$2.25 on" in text(admin.get(f"/sources/{source.pk}/"))


def test_the_buttons_of_a_source_do_what_they_say(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    source = connect()
    work(source)
    page = f"/sources/{source.pk}/"
    assert admin.post(f"{page}run/").status_code == 302
    assert source.runs.filter(status="queued").count() == 1
    assert "Months: Ensure this value is less than" in text(
        admin.post(f"{page}backfill/", {"months": "999"}, follow=True)
    )
    admin.post(f"{page}backfill/", {"months": "30"})
    look = source.runs.get(status="queued")
    assert look.billing_period == runs.months_back(source.created_at.date(), 30)
    admin.post(f"{page}runs/{look.pk}/cancel/")
    assert Run.objects.get(pk=look.pk).status == "cancelled"
    assert "It is over already: cancelled." in text(admin.post(f"{page}runs/{look.pk}/cancel/", follow=True))
    fetched = source.runs.get(name="2026-06")
    admin.post(f"{page}runs/{fetched.pk}/again/")
    assert "It is under way already." in text(admin.post(f"{page}runs/{fetched.pk}/again/", follow=True))
    admin.post(f"{page}pause/")
    assert "Resume" in text(admin.get(page))
    assert "is paused: resume it" in text(admin.post(f"{page}run/", follow=True))
    admin.post(f"{page}resume/")
    admin.post(f"{page}disconnect/")
    assert not Source.objects.get().is_live
    assert stored() == 1
    assert "Bills are brought by people" in text(admin.get(page))


def test_a_source_that_never_delivered_goes_with_its_connection(bucket: Bucket, admin: Client) -> None:
    source = connect()
    assert admin.post(f"/sources/{source.pk}/disconnect/").url == "/sources/"  # type: ignore[attr-defined]
    assert not Source.objects.exists()


def test_editing_keeps_the_credentials_that_are_left_empty(bucket: Bucket, admin: Client) -> None:
    from apps.core.secrets import unseal

    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    source = connect()
    form = text(admin.get(f"/sources/{source.pk}/edit/"))
    assert "Saved. Leave it empty to keep it." in form
    assert BUCKET in form
    typed = {**TYPED, "refresh_hours": "6", "access_key_id": "", "secret_access_key": "", "do": "save"}
    assert admin.post(f"/sources/{source.pk}/edit/", typed).status_code == 302

    now = Source.objects.get()
    assert now.refresh_hours == 6
    assert unseal(now.secrets) == SECRETS


def test_an_empty_installation_says_what_a_source_is_for(admin: Client) -> None:
    assert "No sources yet" in text(admin.get("/sources/"))
    assert admin.get("/sources/4711/").status_code == 404


def test_pages_of_sources_make_no_more_queries_for_more_of_them(
    bucket: Bucket, admin: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        connect(f"aws-{number}")
    first = Source.objects.earliest("pk")
    for number in range(80):
        Run.objects.create(source=first, name=f"n{number}", status="done")
    with django_assert_max_num_queries(18):
        admin.get("/sources/")
    with django_assert_max_num_queries(24):
        admin.get(f"/sources/{first.pk}/")
