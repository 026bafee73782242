"""What is in the repository, where it stands, and who may import whom."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.architecture.tree import CHECKOUT, files

TOP = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "apps",
    "collectors",
    "deploy",
    "docs",
    "finops",
    "manage.py",
    "pyproject.toml",
    "static",
    "templates",
    "tests",
}
BINARY = {".csv", ".gif", ".gz", ".ico", ".jpg", ".parquet", ".png", ".woff", ".woff2", ".zip"}
# written in pieces, so that this file does not hold what it looks for
FOREIGN = [
    re.compile(
        "|".join(("/ro" + r"ot/\w", "/ho" + r"me/[a-z]+/", "/wo" + r"rk/\w", "/Us" + r"ers/\w", "/op" + r"t/\w"))
    ),
    re.compile("|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.(com|org)", "un" + r"pkg\.com"))),
    re.compile("|".join(("js" + r"delivr\.net", "cdn" + r"js\.com", "--index" + "-url", "--find" + "-links [^-]"))),
]


def texts() -> list[Path]:
    """The files that people of the product wrote: no data, nothing that was taken over from others."""
    return [path for path in files() if path.suffix not in BINARY and not {"vendor", "data"} & set(path.parts)]


def test_nothing_strange_stands_at_the_top() -> None:
    assert {path.parts[0] for path in files()} <= TOP


def test_no_file_names_a_folder_of_one_machine_or_a_host_of_packages() -> None:
    found = {
        str(path): match.group()
        for path in texts()
        for pattern in FOREIGN
        for match in pattern.finditer((CHECKOUT / path).read_text())
    }

    assert found == {}


@pytest.mark.django_db
def test_the_migrations_are_in_step_with_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check=True, dry_run=True)

    assert capsys.readouterr().out == "No changes detected\n"


def test_the_import_ladder_holds() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([linter, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_each_shell_script_can_be_read_by_a_plain_shell() -> None:
    scripts = [path for path in files() if path.suffix == ".sh"]
    assert scripts
    for path in scripts:
        done = subprocess.run(["sh", "-n", CHECKOUT / path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
