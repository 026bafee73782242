"""Blob storage as Microsoft's own Azurite speaks it: exports and plain files with an account key and a SAS.

Needs Node: Azurite is installed once, by npm, into the user's cache. Starting it takes some seconds.
"""

import base64
import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.sources import connecting
from apps.sources.connections import connection
from apps.sources.models import Source
from collectors.azure import clients
from tests.azure import ACCOUNT, CONTAINER, PATH, certificate
from tests.shared import BILLING, expected_totals
from tests.sources.azure import FIRST, JUNE, SECOND, SETTINGS
from tests.sources.conftest import focus, look_again, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home"), pytest.mark.timeout(300)]
VERSION = "3.35.0"
KEY = base64.b64encode(b"a key of an account that is only here").decode()
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "finops-tests" / f"azurite-{VERSION}"


def _installed() -> Path:
    """Azurite's program, installed where it is not yet; one worker at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / "node_modules" / ".bin" / "azurite-blob"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            command = ["npm", "install", "--prefix", str(CACHE), "--no-audit", "--no-fund", f"azurite@{VERSION}"]
            subprocess.run(command, check=True, capture_output=True, timeout=240)
    return program


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its address, and the certificate that it shows."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Azurite needs Node and npm.")
    try:
        program = _installed()
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"npm cannot install Azurite: {error}")
    folder = tmp_path_factory.mktemp("azurite")
    cert, key = certificate(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder / "data")]
    command = [
        str(program),
        *where,
        "--cert",
        cert,
        "--key",
        key,
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield f"https://127.0.0.1:{port}/{ACCOUNT}", folder / "cert.pem"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Azurite did not start within 30 seconds.")


@pytest.fixture
def container(azurite: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty container of the SDK, which the product is led to."""
    from azure.storage.blob import ContainerClient

    url, cert = azurite
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", url.replace(ACCOUNT, "{account}"))
    made = ContainerClient(url, CONTAINER, credential={"account_name": ACCOUNT, "account_key": KEY})
    made.create_container()
    yield made
    made.delete_container()


def connect(kind: str, secrets: dict[str, str], **settings: str) -> Source:
    """A connection to the container."""
    words = {"settings": {**SETTINGS, **settings}, "secrets": secrets}
    return connecting.connect(name=kind, kind=kind, months=60, actor=None, **words)


def deliver(container: Any, run: str, files: dict[str, bytes]) -> None:
    """A run of an export: its files, then its manifest."""
    blobs = []
    for name, content in files.items():
        container.upload_blob(f"{PATH}/{JUNE}/{run}/{name}", content, overwrite=True)
        blobs.append(f'{{"blobName": "{PATH}/{JUNE}/{run}/{name}", "byteCount": {len(content)}}}')
    manifest = f'{{"manifestVersion": "2024-04-01", "blobs": [{", ".join(blobs)}]}}'
    container.upload_blob(f"{PATH}/{JUNE}/{run}/manifest.json", manifest.encode(), overwrite=True)


def sas() -> str:
    """A token that reads and lists the container."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    until = datetime.now(UTC) + timedelta(hours=1)
    may = ContainerSasPermissions(read=True, list=True)
    return str(generate_container_sas(ACCOUNT, CONTAINER, account_key=KEY, permission=may, expiry=until))


def test_an_export_in_folders_of_guids_is_read_with_a_connection_string(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quirk 10: a run leaves the one before where it is."""
    monkeypatch.setattr(clients, "READ_BYTES", 20_000)  # in several pieces, each with If-Match
    sample = "nise/azure/costreport_2026-06.csv"
    deliver(container, FIRST, {"part_0_0001.csv": focus("1000")})
    time.sleep(1.1)  # times of blobs are in whole seconds
    deliver(container, SECOND, {"part_0_0001.csv": (BILLING / sample).read_bytes()})
    source = connect("azure-exports", {"connection_string": f"AccountName={ACCOUNT};AccountKey={KEY}"})
    _, fetched = work(source)

    expected = expected_totals()[sample]
    assert (fetched.status, fetched.error, fetched.rows) == ("done", "", expected["rows"])
    assert abs(stored() - Decimal(expected["billed"])) <= fetched.rows * Decimal("0.5e-18")
    assert [run.status for run in look_again(source, 60)] == ["unchanged"]


def test_plain_files_are_read_with_a_sas_and_again_when_they_change(container: Any) -> None:
    container.upload_blob(f"{PATH}/june.csv", focus("1", "2"))
    source = connect("azure-files", {"sas": sas()})
    work(source)
    assert stored() == 3

    container.upload_blob(f"{PATH}/june.csv", focus("40"), overwrite=True)
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert stored() == 40


def test_what_azurite_refuses_is_told_in_the_words_of_the_form(container: Any) -> None:
    forged = connection("azure-files", SETTINGS, {"sas": sas().replace("sig=", "sig=x")})
    assert "check the SAS" in list(forged.check())[-1].says
    key = {"connection_string": f"AccountName={ACCOUNT};AccountKey={KEY}"}
    elsewhere = connection("azure-files", {**SETTINGS, "container": "elsewhere"}, key)
    assert "There is no container of this name" in list(elsewhere.check())[-1].says
