"""What can be wrong at a start: each ends with one sentence that says what to do, and leaves nothing running."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from apps.core.errors import UserError
from finops.folders import _data_folder
from tests.platform.product import PATIENCE, Product, copy_home, make_folder, use


def sentence_of(product: Product, *words: str) -> str:
    """The one line that a refused command says after its progress."""
    done = product.run(*words)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert product.wait_until_gone() == []
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def test_a_taken_port_is_named(product: Product) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", product.port))
        other.listen()

        said = sentence_of(product, "up")

    assert f"Port {product.port} is in use by another program" in said
    assert "--port" in said


def test_data_of_a_newer_postgres_is_left_alone(product: Product) -> None:
    (product.home / "server/postgres/PG_VERSION").write_text("19\n")

    said = sentence_of(product, "up")

    assert "was written by PostgreSQL 19 and this FinOps brings PostgreSQL 18: use the newer FinOps" in said


def test_tables_of_a_newer_version_are_left_alone(product: Product) -> None:
    with_servers = product.use_servers()
    with psycopg.connect(host=product.home / "server/run", user="finops", dbname="finops") as connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '9999_later', now())"
        )
    with_servers.communicate("\n", timeout=PATIENCE)

    for words in (["up"], ["token", "create", "admin", "--name", "x"]):
        said = sentence_of(product, *words)
        assert "written by a newer version of FinOps (it has had accounts.9999_later): update FinOps" in said


def test_a_home_of_another_user_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    monkeypatch.setattr("finops.folders.os.geteuid", lambda: os.getuid() + 1)

    with pytest.raises(UserError, match=r"belongs to the user \w+: run the command as the user who started FinOps"):
        _data_folder(tmp_path)


def test_other_users_of_the_machine_cannot_read_what_is_in_a_home(product: Product) -> None:
    product.run("doctor")

    assert product.home.stat().st_mode & 0o066 == 0
    for name in ("logs", "secret_key", "server", "server/run", "tmp"):
        assert (product.home / name).stat().st_mode & 0o077 == 0, name


@pytest.fixture(params=["24m", "128m"])
def small_disk(request: pytest.FixtureRequest, ready_home: Path) -> Iterator[Product]:
    """A home on a disk that is too small for a first start, or that was filled later."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = make_folder()
    options = f"size={request.param},mode=755"
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr}")
    try:
        if request.param == "128m":
            copy_home(ready_home, folder / "home")
            subprocess.run(["dd", "if=/dev/zero", f"of={folder}/filling", "bs=4k"], capture_output=True, check=False)
        yield from use(folder / "home")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        folder.rmdir()


def test_a_full_disk_is_named(small_disk: Product) -> None:
    assert "the disk is full: free some space" in sentence_of(small_disk, "up")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "home"
    in_the_way.write_text("a file, not a folder")

    said = sentence_of(Product(in_the_way), "up")

    assert str(in_the_way) in said


def test_an_unusable_setting_is_named(product: Product) -> None:
    product.environment["FINOPS_LOG_LEVEL"] = "LOUD"

    assert "The setting FINOPS_LOG_LEVEL is not usable" in sentence_of(product, "up")


@pytest.mark.parametrize(
    "url", ["mysql://finops@db/finops", "db/finops", "postgresql://db:abc/finops", "postgresql://db"]
)
def test_an_address_of_no_database_is_told_with_what_to_write(product: Product, url: str) -> None:
    product.environment["FINOPS_DATABASE_URL"] = url

    said = sentence_of(product, "doctor")

    assert "The setting FINOPS_DATABASE_URL is not usable: " in said
    assert "write it as postgresql://user:password@host:5432/finops" in said


def test_a_database_that_cannot_be_reached_is_named(product: Product) -> None:
    product.environment["FINOPS_DATABASE_URL"] = "postgresql://finops@127.0.0.1:1/finops"

    assert "The database cannot be reached: " in sentence_of(product, "up")
