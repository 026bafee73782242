"""The command line itself, and `finops doctor`."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from django.db import OperationalError

from apps.core.errors import UserError
from finops import cli, doctor
from tests.platform.product import FINOPS, Product


def test_help_lists_the_commands_without_reading_any_of_them() -> None:
    script = (
        "import sys; from finops.cli import cli; cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    said, _, modules = done.stdout.rpartition("\n[")
    assert "doctor   Check settings" in said
    assert "finops.cli" in modules
    assert not {"finops.doctor", "finops.settings", "apps.accounts.models", "polars"} & set(modules.split("'"))


def test_a_usage_error_exits_with_2_and_needs_no_servers(new_product: Product) -> None:
    done = new_product.run("token", "create")

    assert done.returncode == 2
    assert "Missing argument" in done.stderr
    assert not (new_product.home / "server/postgres").exists()


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_port_that_there_is_not_is_a_usage_error(port: str) -> None:
    result = CliRunner().invoke(cli.cli, ["up", "--port", port])

    assert (result.exit_code, "is not in the range 1<=x<=65535" in result.stderr) == (2, True)


def test_a_command_whose_module_is_missing_does_not_break_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "later", cli.Entry("apps.core.no_such_module:later", "Not there."))

    assert "later" not in CliRunner().invoke(cli.cli, ["--help"]).output
    assert CliRunner().invoke(cli.cli, ["later"]).exit_code == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("Row 7 has no cost: fill it in."), "Error: Row 7 has no cost: fill it in.\n"),
        (OSError(28, "No space left on device", "/disk"), "Error: /disk: the disk is full: free some space"),
        (PermissionError(1, "Operation not permitted", "/sys/x"), "Error: /sys/x: nothing can be written there"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    @click.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr("finops.doctor.doctor", fail)
    result = CliRunner().invoke(cli.cli, ["doctor"])

    assert result.exit_code == 1
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


def test_what_the_user_cannot_put_right_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("finops.doctor.doctor", fail)

    assert isinstance(CliRunner().invoke(cli.cli, ["doctor"]).exception, ZeroDivisionError)


@pytest.mark.django_db
def test_doctor_says_what_is_wrong_and_what_to_do(settings) -> None:
    settings.SECRET_KEY = "short"

    result = CliRunner().invoke(doctor.doctor)

    lines = {line[6:17].strip(): line for line in result.stdout.splitlines()}
    assert result.exit_code == 1
    assert lines["database"].startswith("ok    database    PostgreSQL 1")
    assert lines["migrations"] == "ok    migrations  up to date"
    assert lines["audit log"].endswith("chain intact")
    assert lines["secret key"].startswith("FAIL  secret key  The secret key is short: set FINOPS_SECRET_KEY")
    assert lines["worker"].startswith("FAIL  worker      No worker answers")
    assert "checks failed" in result.stderr


def test_a_lost_database_is_no_fault_of_the_program_and_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> str:
        raise OperationalError("connection refused\nIs the server running?")

    assert not doctor._passes("sources", fail)
    assert capsys.readouterr().out == "FAIL  sources     The database does not answer: connection refused\n"


def test_one_broken_check_does_not_take_the_others_their_turn(capsys: pytest.CaptureFixture[str]) -> None:
    assert not doctor._passes("odd", lambda: str(1 / 0))
    assert doctor._passes("even", lambda: "fine")
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  odd         ZeroDivisionError: division by zero (this is a fault of FinOps: please report it)",
        "ok    even        fine",
    ]


def test_every_command_of_the_table_is_there() -> None:
    done = subprocess.run([*FINOPS, "--help"], capture_output=True, text=True, check=True)

    assert [name for name in cli.COMMANDS if f"  {name} " not in done.stdout] == []
