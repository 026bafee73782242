"""Every kind of source: its line in the docs, and a test that names it."""

import re

from collectors.connections import KINDS
from tests.architecture.tree import CHECKOUT


def test_every_kind_of_source_has_its_line_in_the_table_of_the_docs_and_no_other_is_there() -> None:
    table = (CHECKOUT / "docs" / "sources.md").read_text().partition("| kind |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) != []
    assert sorted(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == sorted(KINDS)


def test_every_kind_of_source_is_tried_by_a_test() -> None:
    tests = [path.read_text() for path in (CHECKOUT / "tests").rglob("*.py") if path.parent.name != "architecture"]
    classes = {kind: place.partition(":")[2] for kind, place in KINDS.items()}

    assert [
        kind for kind, name in classes.items() if not any(f'"{kind}"' in text or f" {name}" in text for text in tests)
    ] == []
