"""The table of what bills get wrong is whole, and every test that it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def table() -> dict[int, str]:
    """The tests of each quirk, by its number."""
    return {int(number): tests for number, _, _, tests in ROW.findall((ROOT / "docs" / "quirks.md").read_text())}


def known_tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}


def test_every_quirk_has_a_row_with_a_test() -> None:
    found = table()
    assert list(found) == list(range(1, 53))
    assert [number for number, tests in found.items() if "`test_" not in tests] == []


def test_every_test_that_the_table_names_exists() -> None:
    named = {name for tests in table().values() for name in re.findall(r"`(\w+)`", tests)}
    assert sorted(named - known_tests()) == []
