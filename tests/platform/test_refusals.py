"""What can be wrong at a start: each ends with one sentence that says what to do, and leaves nothing running."""

import os
import socket
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.platform.product import Product, make_folder, use


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
    with_servers.communicate("\n", timeout=30)

    for words in (["up"], ["token", "create", "admin", "--name", "x"]):
        said = sentence_of(product, *words)
        assert "written by a newer version of FinOps (it has had accounts.9999_later): update FinOps" in said


def test_a_home_of_another_user_is_named(product: Product) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run a command as somebody else")
    done = subprocess.run(
        ["/bin/sh", "-c", f"test -r {product.home}/secret_key"], user=65534, group=65534, extra_groups=[], check=False
    )
    assert done.returncode == 1, "another user can read the secret key"


@pytest.fixture
def small_disk():  # type: ignore[no-untyped-def]
    """A home on a disk of 24 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = make_folder()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr}")
    try:
        yield from use(folder / "home")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        folder.rmdir()


def test_a_full_disk_is_named_on_the_first_start(small_disk: Product) -> None:
    assert "the disk is full: free some space" in sentence_of(small_disk, "up")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "home"
    in_the_way.write_text("a file, not a folder")

    said = sentence_of(Product(in_the_way), "up")

    assert str(in_the_way) in said


def test_an_unusable_setting_is_named(product: Product) -> None:
    product.environment["FINOPS_LOG_LEVEL"] = "LOUD"

    assert "The setting FINOPS_LOG_LEVEL is not usable" in sentence_of(product, "up")


def test_a_database_that_cannot_be_reached_is_named(product: Product) -> None:
    product.environment["FINOPS_DATABASE_URL"] = "postgresql://finops@127.0.0.1:1/finops"

    assert "The database cannot be reached: " in sentence_of(product, "up")
