"""The embedded servers under commands: started when needed, shared, taken over, and stopped by the last one."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from finops.folders import ELSEWHERE, _socket_folder
from tests.platform.product import PATIENCE, Product, copy_home, make_folder, use


def finish(program) -> str:
    """Let a program inside `servers()` go on; what it read from the database."""
    out, err = program.communicate("\n", timeout=PATIENCE)
    assert program.returncode == 0, err
    return str(out)


def test_a_command_starts_the_servers_and_stops_them(product: Product) -> None:
    done = product.run("token", "create", "nobody-there", "--name", "x")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: There is no user 'nobody-there'")
    assert "PostgreSQL 18" in done.stderr
    assert done.stdout == ""
    assert product.processes() == []


def test_of_two_commands_at_once_the_one_that_ends_last_stops_the_servers(product: Product) -> None:
    first, second = product.use_servers(), product.use_servers()

    assert finish(first) == "42\n"
    assert finish(second) == "42\n", "the first one took the servers away"
    assert product.processes() == []


def test_a_command_that_is_asked_to_end_stops_the_servers(product: Product) -> None:
    program = product.use_servers()
    third = product.run("doctor")
    assert "ok    database" in third.stdout

    program.send_signal(signal.SIGINT)
    program.communicate(timeout=PATIENCE)
    assert product.wait_until_gone() == []


def test_servers_of_a_killed_command_are_taken_over_and_then_stopped(product: Product) -> None:
    killed = product.use_servers()
    server = product.process("bin/postgres", "-D")
    killed.kill()
    killed.communicate()

    following = product.use_servers()
    assert product.process("bin/postgres", "-D") == server
    assert finish(following) == "42\n"
    assert product.processes() == []


def test_files_of_a_crash_that_name_another_living_process_do_not_block_the_start(product: Product) -> None:
    finish(product.use_servers())
    server = product.home / "server"
    for name in ("run/.s.PGSQL.5432.lock", "postgres/postmaster.pid"):
        # the id of a living process of the same user: PostgreSQL by itself would refuse
        (server / name).write_text(f"{living_process_of(server)}\n{server / 'postgres'}\n1700000000\n5432\n")
    (server / "redis/redis.pid").write_text(f"{os.getpid()}\n")
    for name in ("run/.s.PGSQL.5432", "run/redis.sock"):
        (server / name).touch()

    assert finish(product.use_servers()) == "42\n"


def living_process_of(path: Path) -> int:
    """A living process that belongs to the owner of a folder, this one if there is none."""
    for process in psutil.process_iter():
        if process.uids().real == path.stat().st_uid:
            return process.pid
    return os.getpid()


def test_servers_that_nobody_can_reach_any_more_are_started_again(product: Product) -> None:
    killed = product.use_servers()
    killed.kill()
    killed.communicate()
    for socket in (product.home / "server/run").glob("*"):
        socket.unlink()
    (product.home / "server/redis/redis.pid").unlink()

    assert finish(product.use_servers()) == "42\n"
    assert product.processes() == []


def test_an_interrupted_first_start_leaves_nothing_half_made(new_product: Product) -> None:
    half_made = new_product.home / "server/postgres.new/base"
    finish(new_product.use_servers())
    shutil.rmtree(new_product.home / "server/postgres")
    half_made.mkdir(parents=True)

    assert finish(new_product.use_servers()) == "42\n"


@pytest.fixture
def far_product(ready_home: Path) -> Iterator[Product]:
    """A home whose path is too long for a socket."""
    home = make_folder() / ("x" * 100) / "home"
    home.parent.mkdir()
    copy_home(ready_home, home)
    yield from use(home)
    shutil.rmtree(_socket_folder(home, home / "server"))
    home.parent.parent.rmdir()


def test_a_home_with_a_very_long_path_works(far_product: Product) -> None:
    assert finish(far_product.use_servers()) == "42\n"
    assert far_product.processes() == []


@pytest.fixture
def hidden_product() -> Iterator[Product]:
    """A home below a folder that root alone may enter, like /root."""
    if os.geteuid() != 0:
        pytest.skip("only root's servers run as somebody else")
    folder = make_folder()
    folder.chmod(0o700)
    yield from use(folder / "home")


def test_root_keeps_the_data_elsewhere_where_the_servers_cannot_reach_it(hidden_product: Product) -> None:
    assert finish(hidden_product.use_servers()) == "42\n"

    data = (hidden_product.home / "server").resolve()
    assert data.is_relative_to(ELSEWHERE)
    assert (data / "postgres/PG_VERSION").exists()
    assert finish(hidden_product.use_servers()) == "42\n"
