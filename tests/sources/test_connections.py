"""Kinds of connections: what they must be told, secrets at rest, the API, the command, and a kind of one's own."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from django.test import Client

from apps.accounts.models import AuditEvent, Role, User
from apps.core.errors import UserError
from apps.core.secrets import seal, unseal
from apps.sources import connecting
from apps.sources.collect_command import collect, secrets
from apps.sources.connections import connection, connection_of
from apps.sources.forms import ConnectForm
from apps.sources.models import Run, Source
from collectors.connections import KINDS, Window, kind_of, try_steps
from collectors.errors import ProviderRefusedError
from tests.aws import BUCKET, PREFIX, Bucket
from tests.sources.conftest import JUNE, SECRETS, connect, focus, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
DEPLOY = Path(__file__).parents[2] / "deploy"


def client_of(role: Role) -> Client:
    """A client of somebody of that role."""
    client = Client()
    client.force_login(User.objects.create_user(role.value, role=role))
    return client


@pytest.fixture
def admin() -> Client:
    """An admin's client."""
    return client_of(Role.ADMIN)


def refused(kind: str, settings: dict[str, Any], **secrets_: str) -> tuple[str, str]:
    """The field and the sentence with which a connection is refused."""
    with pytest.raises(UserError) as told:
        connection(kind, settings, secrets_)
    return told.value.field, str(told.value)


@pytest.mark.parametrize(
    ("kind", "typed", "field", "said"),
    [
        ("aws-exports", {"prefix": "x"}, "bucket", "Bucket is needed."),
        ("aws-exports", {"bucket": "a b"}, "bucket", "This is no bucket's name"),
        ("aws-exports", {"bucket": "abc", "buckett": "x"}, "buckett", "This is no field of AWS. Use: bucket, prefix"),
        ("aws-exports", {"bucket": ["abc"]}, "bucket", "Bucket must be text."),
        ("aws-exports", {"bucket": "abc", "role_arn": "admin"}, "role_arn", "This is no ARN of a role"),
        ("aws-exports", {"bucket": "abc", "region": "eu west"}, "region", "This is no region"),
        ("aws-exports", {"bucket": "abc", "prefix": "a\0b"}, "prefix", "one that cannot be printed"),
        ("https", {"url": "ftp://x/y"}, "url", "This is no web address"),
        ("https", {"url": "https://u:p@x/y"}, "url", "Leave user name and password out"),
        ("https", {"url": "https://x/y?sig=1"}, "url", "into the field Signature"),
        ("fax", {}, "kind", f"'fax' is not a kind of source. Use one of: {', '.join(KINDS)}."),
    ],
)
def test_what_is_typed_wrong_is_named_with_what_to_write(kind: str, typed: Any, field: str, said: str) -> None:
    at, sentence = refused(kind, typed)

    assert at == field
    assert said in sentence


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    assert "s3cret" not in refused("aws-exports", {"bucket": "abc", "secret_access_key": "s3cret"})[1]
    assert "s3cret" not in refused("aws-exports", {"bucket": "abc"}, password="s3cret")[1]


def test_what_people_copy_with_more_around_it_is_understood() -> None:
    made = connection("aws-exports", {"bucket": " s3://northwind-billing/ ", "prefix": "/finops/cur/"}, {})

    assert (made.settings.bucket, made.settings.prefix) == ("northwind-billing", "finops/cur")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_form_with_words_for_each_field(kind: str) -> None:
    found = kind_of(kind)
    assert found.kind == kind
    assert found.title
    assert found.help.endswith(".")
    form = ConnectForm(None, kind=found)
    assert set(form.setting_names) & set(form.secret_names) == set()
    assert not {"name", "months", "refresh_hours", "do"} & {*form.setting_names, *form.secret_names}
    for fields in (found.Settings, found.Secrets):
        assert all(info.title for info in fields.model_fields.values())
    assert not found.template or (DEPLOY / found.template).exists()


def test_a_window_begins_with_the_month_of_its_first_day() -> None:
    window = Window(date(2026, 6, 20))
    months = (date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1), None)

    assert [window.holds(month) for month in months] == [False, True, True, True]


def test_a_test_of_a_connection_ends_with_the_first_step_that_fails() -> None:
    def refuse() -> str:
        raise ProviderRefusedError("The permission x is missing.")

    steps = [("Sign in", lambda: "as ida"), ("List", refuse), ("Read", lambda: pytest.fail("it went on"))]

    assert [(one.step, one.ok, one.says) for one in try_steps(steps)] == [
        ("Sign in", True, "as ida"), ("List", False, "The permission x is missing."),
    ]  # fmt: skip


def test_credentials_are_encrypted_and_read_back_with_their_key_alone(settings: Any) -> None:
    sealed = seal({"token": "s3cret"})
    assert b"s3cret" not in sealed
    assert unseal(sealed) == {"token": "s3cret"}
    assert settings.SECRETS_KEY_FILE.stat().st_mode & 0o777 == 0o600

    settings.SECRETS_KEYS = Fernet.generate_key().decode()
    with pytest.raises(UserError, match="cannot be read with the present key"):
        unseal(sealed)
    settings.SECRETS_KEYS = "not a key"
    with pytest.raises(UserError, match="FINOPS_SECRETS_KEY holds no usable key"):
        seal({})


def test_rotating_seals_everything_with_a_new_key_and_forgets_the_old(bucket: Bucket, settings: Any) -> None:
    source = connect()
    old_key, before = settings.SECRETS_KEY_FILE.read_text(), bytes(source.secrets)

    result = CliRunner().invoke(secrets, ["rotate"], catch_exceptions=False)

    assert result.output == "The credentials of 1 source are encrypted with the newest key.\n"
    now = Source.objects.get()
    assert bytes(now.secrets) != before
    assert unseal(now.secrets) == SECRETS
    assert settings.SECRETS_KEY_FILE.read_text() != old_key
    assert len(settings.SECRETS_KEY_FILE.read_text().split()) == 1
    with pytest.raises(UserError):
        unseal(before)
    assert AuditEvent.objects.filter(action="source.resealed").exists()


def test_with_keys_of_the_operator_rotating_seals_with_the_first(bucket: Bucket, settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.SECRETS_KEYS = old
    source = connect()
    settings.SECRETS_KEYS = f"{new}, {old}"

    connecting.rotate_secrets()

    settings.SECRETS_KEYS = new
    assert unseal(Source.objects.get(pk=source.pk).secrets) == SECRETS


def test_a_connection_is_made_tested_run_and_ended_through_the_api(bucket: Bucket, admin: Client) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    given = {"name": "aws", "kind": "aws-exports", "settings": {"bucket": BUCKET, "prefix": PREFIX}, "secrets": SECRETS}
    made = admin.post("/api/v1/sources/", given, content_type="application/json")
    assert made.status_code == 201, made.content
    address = f"/api/v1/sources/{made.json()['id']}/"

    checks = admin.post(f"{address}test/").json()
    assert [(one["step"], one["ok"]) for one in checks][-1] == ("Read a delivery", True)
    work(Source.objects.get())
    told = admin.get(address).json()
    assert (told["has_secrets"], told["owner"], told["newest_day"]) == (True, "admin", "2026-06-03")
    assert admin.post(f"{address}run/").status_code == 202
    assert admin.post(f"{address}backfill/", {"months": 24}, content_type="application/json").status_code == 202
    found = admin.get(f"{address}runs/").json()
    assert [one["name"] for one in found["results"]] == ["", "2026-06", ""]
    cancelled = admin.post(f"{address}runs/{found['results'][0]['id']}/cancel/").json()
    assert cancelled["status"] == "cancelled"
    assert admin.post(f"{address}pause/").json()["state"] == "paused"
    assert "paused: resume it" in admin.post(f"{address}run/").json()["detail"]
    assert admin.post(f"{address}resume/").json()["is_active"]
    assert admin.get("/api/v1/sources/").json()["count"] == 1
    assert admin.delete(address).status_code == 204
    assert admin.get(address).json()["kind"] == "upload"


def test_secrets_go_in_and_never_come_out(bucket: Bucket, admin: Client) -> None:
    source = connect()
    address = f"/api/v1/sources/{source.pk}/"
    changed = {"secrets": {"secret_access_key": "an0ther-s3cret"}, "refresh_hours": 6}
    assert admin.patch(address, changed, content_type="application/json").status_code == 200

    now = Source.objects.get()
    assert unseal(now.secrets) == {**SECRETS, "secret_access_key": "an0ther-s3cret"}
    assert now.refresh_hours == 6
    everything = [admin.get(path).content for path in (address, "/api/v1/sources/", f"/sources/{source.pk}/")]
    everything.append(admin.get(f"/sources/{source.pk}/edit/").content)
    everything += [json.dumps([one.before, one.after, one.reason]).encode() for one in AuditEvent.objects.all()]
    for text in everything:
        assert b"s3cret" not in text
        assert b"a-secret" not in text
        assert SECRETS["access_key_id"].encode() not in text
    event = AuditEvent.objects.get(action="source.updated")
    assert event.after == {"refresh_hours": 6, "sign_in": "changed"}


def test_an_owner_is_told_by_name_and_recorded(bucket: Bucket, admin: Client) -> None:
    source = connect()
    User.objects.create_user("ida", role=Role.FINANCE)
    answer = admin.patch(f"/api/v1/sources/{source.pk}/", {"owner": "ida"}, content_type="application/json")

    assert answer.json()["owner"] == "ida"
    assert AuditEvent.objects.get(action="source.updated").after == {"owner": "ida"}


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER, Role.ENGINEERING_LEAD])
def test_only_an_admin_changes_connections(bucket: Bucket, role: Role) -> None:
    source = connect()
    client = client_of(role)
    for path in ("", f"{source.pk}/run/", f"{source.pk}/test/", f"{source.pk}/pause/"):
        assert client.post(f"/api/v1/sources/{path}").status_code == 403
    for name in ("run", "backfill", "pause", "resume", "disconnect", "edit"):
        assert client.post(f"/sources/{source.pk}/{name}/").status_code == 403
    for path in ("/sources/connect/", "/sources/connect/folder/", f"/sources/{source.pk}/edit/"):
        assert client.get(path).status_code == 403
    sees = role != Role.ENGINEERING_LEAD
    assert client.get(f"/sources/{source.pk}/").status_code == (200 if sees else 403)
    assert client.get(f"/api/v1/sources/{source.pk}/").status_code == (200 if sees else 403)
    assert source.runs.count() == 1


def test_the_command_collects_and_says_what_it_did(bucket: Bucket) -> None:
    bucket.legacy(JUNE, {"cur-1.csv": focus("1")})
    connect()

    result = CliRunner().invoke(collect, ["aws", "--months", "13", "--json"], catch_exceptions=False)

    look, june = (json.loads(line) for line in result.stdout.splitlines())
    assert (look["name"], look["status"], look["rows"]) == ("", "done", 1)
    assert (june["billing_period"], june["status"], june["rows"]) == ("2026-06-01", "done", 1)
    assert result.exit_code == 0
    assert stored() == 1
    again = CliRunner().invoke(collect, [], catch_exceptions=False)
    assert again.stdout == "Nothing new | aws | Looking for what is new | 0 found\n"


def test_the_command_ends_with_an_error_where_something_was_refused(bucket: Bucket) -> None:
    connect(bucket="somebody-elses")

    result = CliRunner().invoke(collect, ["aws"], catch_exceptions=False)

    assert result.exit_code == 1
    assert result.stdout.startswith("Refused | aws | Looking for what is new | 0 found | There is no bucket")
    with pytest.raises(UserError, match=r"There is no connection named gcp\. There are: aws"):
        CliRunner().invoke(collect, ["gcp"], catch_exceptions=False, standalone_mode=False)


def test_a_kind_of_somebody_elses_takes_a_folder_and_a_line(monkeypatch: pytest.MonkeyPatch, admin: Client) -> None:
    monkeypatch.setitem(KINDS, "example", "tests.sources.example:ExampleCloud")
    assert "Example Cloud" in admin.get("/sources/connect/").content.decode()
    typed = {"name": "example", "account": "42", "token": "wrong", "refresh_hours": "24", "months": "12", "do": "save"}
    assert "The token is not known." in admin.post("/sources/connect/example/", typed).content.decode()
    assert not Source.objects.exists()

    admin.post("/sources/connect/example/", {**typed, "token": "right"})
    source = Source.objects.get()
    work(source)

    assert stored() == 3
    assert connection_of(source).place(source.settings) == "account 42"
    assert Run.objects.get(name="2026-06").status == "done"


def test_a_folder_of_the_server_is_collected_in_the_order_of_its_files(
    tmp_path: Path, settings: Any, admin: Client
) -> None:
    import os
    import time

    folder = tmp_path / "bills"
    folder.mkdir()
    settings.SOURCE_FOLDERS = [tmp_path]
    for name, cost, age in (("b.csv", "1", 300), ("a.csv", "2", 200)):
        (folder / name).write_bytes(focus(cost))
        os.utime(folder / name, (time.time() - age,) * 2)
    typed = {"name": "drop", "path": str(folder), "refresh_hours": "1", "months": "1", "do": "save"}
    assert admin.post("/sources/connect/folder/", typed).status_code == 302
    source = Source.objects.get()
    work(source)
    assert stored() == 2

    os.utime(folder / "b.csv", (time.time() - 100,) * 2)  # the old one is touched: its content is old all the same
    Source.objects.update(next_run_at=None)
    connecting.runs.queue_look(source, since=connecting.runs.months_back(source.created_at.date(), 1), actor=None)
    work(source)

    assert source.runs.filter(name="b.csv", status="unchanged").exists()
    assert stored() == 2


def test_credentials_are_sent_to_no_other_server_than_they_were_given_for(admin: Client) -> None:
    """Whoever may change a source could have them sent to a server of their own, which tells what it was sent."""
    made = {"name": "june", "kind": "https", "settings": {"url": "https://files.example.com/june.csv"}}
    secrets = {"token": "a-token", "query": "sig=a-signature"}
    source = admin.post("/api/v1/sources/", made | {"secrets": secrets}, content_type="application/json").json()
    one, form = f"/api/v1/sources/{source['id']}/", f"/sources/{source['id']}/edit/"

    others = ("https://evil.example/a.csv", "http://files.example.com/a.csv", "https://files.example.com:1/a.csv")
    for url in others:
        answer = admin.patch(one, {"settings": {"url": url}}, content_type="application/json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "url"
        for do in ("test", "save", "insist"):
            page = admin.post(form, {"url": url, "refresh_hours": "24", "do": do})
            assert page.status_code == 200
            assert "This is another server than the credentials were given for" in page.content.decode()
    assert unseal(Source.objects.get().secrets) == secrets

    moved = {"settings": {"url": "https://files.example.com/july.csv"}}
    assert admin.patch(one, moved, content_type="application/json").status_code == 200
    assert unseal(Source.objects.get().secrets) == secrets
    moved = {"settings": {"url": "https://new.example.com/july.csv"}, "secrets": {"token": "new"}}
    assert admin.patch(one, moved, content_type="application/json").status_code == 200
    assert unseal(Source.objects.get().secrets) == {"token": "new"}
