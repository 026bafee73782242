"""Signing in to Azure: applications, SAS, keys and identities; what is missing is named, and no secret is shown."""

from typing import Any

import pytest
from werkzeug.wrappers import Response

from apps.core.errors import UserError
from apps.sources.connections import connection, connection_of
from apps.sources.models import Run
from tests.azure import (
    ACCOUNT,
    CLIENT,
    PATH,
    SAS,
    SECRET,
    TOKEN,
    AzureServer,
    azure,
    azure_for_all,
    entra_error,
    error,
)
from tests.sources.azure import APPLICATION, FIRST, SETTINGS, checks, connect, june, last
from tests.sources.conftest import focus, try_again, work
from tests.sources.totals import stored

__all__ = ["azure", "azure_for_all", "june"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


def test_an_application_signs_in_with_its_secret_and_reads(june: AzureServer) -> None:
    source = connect({"client_secret": SECRET}, **APPLICATION)
    work(source)

    assert stored() == 3
    found = list(connection_of(source).check())
    assert [(one.step, one.ok) for one in found] == [
        ("Sign in to Azure", True),
        ("List the container", True),
        ("Find the export", True),
        ("Read a delivery", True),
    ]
    assert found[0].says == f"application {CLIENT}"
    assert found[3].says == f"2026-06: 1 file, {len(focus('1', '2')):,} bytes"


def test_the_servers_own_identity_is_used_where_nothing_is_typed(
    june: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{june.url}/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "header")

    found = checks({})
    assert found[0].says == "the identity of this server"
    assert last(found)[:2] == ("Read a delivery", True)


@pytest.mark.parametrize("kind", ["AccountKey=a2V5", f"SharedAccessSignature={SAS}"])
def test_a_connection_string_signs_in(june: AzureServer, kind: str) -> None:
    text = f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};{kind};EndpointSuffix=core.windows.net"
    assert last(checks({"connection_string": text}))[:2] == ("Read a delivery", True)

    other = text.replace(ACCOUNT, "somebodyelses")
    assert "is of another storage account" in last(checks({"connection_string": other}))[2]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "AADSTS7000222: The provided client secret keys are expired.",
            "The client secret has expired: make a new one",
        ),
        ("AADSTS7000215: Invalid client secret provided.", "is not the application's: give its value"),
        (
            "AADSTS700016: Application was not found in the directory.",
            "The tenant has no application of this client id",
        ),
        ("AADSTS99999: Something new.", "Microsoft Entra does not sign the application in"),
    ],
)
def test_who_cannot_sign_in_is_told_why_and_not_tried_again(june: AzureServer, code: str, said: str) -> None:
    june.spoil(times=9, path="oauth2", answer=entra_error(code))
    step, ok, says = last(checks({"client_secret": SECRET}, **APPLICATION))

    assert (step, ok) == ("Sign in to Azure", False)
    assert said in says
    assert code.partition(":")[0] in says
    assert [run.status for run in work(connect({"client_secret": SECRET}, **APPLICATION))] == ["refused"]


def test_entra_that_cannot_answer_now_is_asked_again(june: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    cannot = ("waiting", "Microsoft Entra, where the application signs in, cannot answer now.")
    june.spoil(times=9, path="oauth2", answer=lambda _: Response("busy", 503, {"Retry-After": "30"}))
    source = connect({"client_secret": SECRET}, **APPLICATION)
    (look,) = work(source)
    assert (look.status, look.error) == cannot

    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:9")
    (look,) = try_again(source)
    assert (look.status, look.error) == cannot


def test_a_storage_account_that_cannot_be_reached_is_asked_again(
    azure: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", "https://127.0.0.1:9/{account}")
    (look,) = work(connect())
    assert (look.status, look.error) == ("waiting", "The connection to Azure failed or broke off.")

    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", "https://{account}.invalid")
    assert "There is no storage account of this name, or" in last(checks({"sas": SAS}))[2]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(403, "AuthorizationPermissionMismatch"), "The role Storage Blob Data Reader is missing"),
        (error(403, "AuthorizationFailure"), "allow its address under Networking"),
        (error(404, "ContainerNotFound"), "There is no container of this name"),
        (error(403, "SomethingNew"), "Azure does not let us in (SomethingNew)"),
        (error(400, "InvalidUri"), "Azure refuses the request (InvalidUri)"),
    ],
)
def test_what_is_missing_is_named(june: AzureServer, answer: Any, said: str) -> None:
    june.spoil(times=9, path="comp=list", answer=answer)
    step, ok, says = last(checks({"client_secret": SECRET}, **APPLICATION))

    assert (step, ok) == ("List the container", False)
    assert said in says


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(403, "AuthorizationPermissionMismatch"), "make one with the permissions Read and List (sp=rl)"),
        (
            error(403, "AuthenticationFailed", "Signature not valid in the specified time frame: Expiry [x]"),
            "The SAS has expired",
        ),
        (error(403, "AuthenticationFailed", "Signature did not match."), "Azure does not know the SAS"),
    ],
)
def test_a_sas_that_does_not_do_is_told_why(june: AzureServer, answer: Any, said: str) -> None:
    june.spoil(times=9, path="comp=list", answer=answer)

    assert said in last(checks({"sas": SAS}))[2]


def test_a_server_without_an_identity_says_what_to_give(june: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azure.identity.ManagedIdentityCredential.get_token_info", _no_identity, raising=False)
    monkeypatch.setattr("azure.identity.ManagedIdentityCredential.get_token", _no_identity)

    assert last(checks({}))[2] == "This server has no Azure identity of its own: give a client secret or a SAS."
    assert "Give the client id and the client secret" in last(checks({}, **APPLICATION))[2]


def _no_identity(*_: Any, **__: Any) -> None:
    from azure.identity import CredentialUnavailableError

    raise CredentialUnavailableError(message="no managed identity endpoint")


def test_a_path_that_is_too_short_or_empty_is_told_with_what_there_is(june: AzureServer) -> None:
    assert f"has some below it: {PATH}. Give the path of one" in last(checks({"sas": SAS}, path="finops"))[2]
    assert f"has some below it: {PATH}. Give the path of one" in last(checks({"sas": SAS}, path=""))[2]
    assert "Nothing lies at" in last(checks({"sas": SAS}, path="elsewhere"))[2]
    assert "There is no container" in last(checks({"sas": SAS}, container="other"))[2]


def test_an_export_of_single_days_or_weeks_is_refused_because_they_would_replace_each_other(azure: AzureServer) -> None:
    azure.deliver("20260601-20260607", {"part_0_0001.csv": focus("1")}, run=FIRST)

    assert "of other days than a month's (20260601-20260607)" in last(checks({"sas": SAS}))[2]
    assert [run.status for run in work(connect())] == ["refused"]


def test_a_period_that_begins_within_a_month_has_a_name_of_its_own(azure: AzureServer) -> None:
    azure.deliver("20260609-20260708", {"part_0_0001.csv": focus("5")}, run=FIRST)
    _, fetched = work(connect())

    assert (fetched.name, fetched.status, stored()) == ("2026-06-09", "done", 5)


@pytest.mark.parametrize(
    ("typed", "secrets", "field", "said"),
    [
        ({"account": "a b"}, {}, "account", "This is no storage account's name"),
        ({"container": "a/b"}, {}, "container", "This is no container's name"),
        ({"tenant_id": "../x"}, {}, "tenant_id", "This is no id"),
        ({}, {"sas": "s3cret"}, "sas", "This is no SAS"),
        (
            {},
            {"connection_string": "BlobEndpoint=http://169.254.169.254/"},
            "connection_string",
            "no connection string",
        ),
    ],
)
def test_what_is_typed_wrong_is_named(typed: Any, secrets: Any, field: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as told:
        connection("azure-exports", {**SETTINGS, **typed}, secrets)
    assert told.value.field == field
    assert "s3cret" not in str(told.value)


def test_what_people_copy_with_more_around_it_is_understood() -> None:
    typed = {"account": f"https://{ACCOUNT}.blob.core.windows.net/", "container": "Billing/", "path": f"/{PATH}/"}
    made = connection("azure-exports", typed, {"sas": f"https://{ACCOUNT}.blob.core.windows.net/billing?{SAS}"})

    assert made.settings.model_dump() == {**SETTINGS, "tenant_id": "", "client_id": ""}
    assert made.secrets.sas.get_secret_value() == SAS


def test_no_credential_is_in_a_run_or_an_error(june: AzureServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    june.spoil(times=99, path="comp=list", answer=error(403, "AuthenticationFailed", f"Signature {SAS} did not match"))
    found = checks({"client_secret": SECRET}, **APPLICATION) + checks({"sas": SAS})
    work(connect())

    said = "".join(one.says for one in found) + "".join(run.error for run in Run.objects.all()) + caplog.text
    assert not any(secret in said for secret in (SECRET, TOKEN, SAS, SAS.rpartition("=")[2]))
