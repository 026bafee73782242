"""`make setup` on machines that lack something: one sentence, before anything is made."""

import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("interpreter", "said"),
    [
        ("exit 1", "Python 3.11 or newer was not found: install it, or name it with PYTHON="),
        ('case "$2" in *version_info*) exit 0;; *) exit 1;; esac', "has no venv module: install it"),
    ],
)
def test_an_unusable_python_is_named(tmp_path: Path, interpreter: str, said: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{interpreter}\n")
    python.chmod(0o755)

    done = subprocess.run(
        ["sh", CHECKOUT / "deploy/setup.sh", "deploy/requirements.lock"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / ".venv").exists()
