"""The shape of the code: what each module says of itself, and how long things may be."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import CHECKOUT, modules, parse

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
SHORTEST_DOCSTRING = 10
OLDEST_PYTHON = (3, 11)


def test_a_module_opens_with_one_line_on_what_belongs_in_it() -> None:
    first_lines = {
        str(path): (ast.get_docstring(tree) or "").partition("\n")[0]
        for path in modules()
        if (tree := parse(path)).body or path.name != "__init__.py"
    }

    assert [path for path, line in first_lines.items() if len(line) < SHORTEST_DOCSTRING] == []


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {str(path): len((CHECKOUT / path).read_text().splitlines()) for path in modules()}

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    assert {place: length for place, length in function_lengths() if length > LONGEST_FUNCTION} == {}


def function_lengths() -> Iterator[tuple[str, int]]:
    """Every function as "file:line name", with its number of lines."""
    for path in modules():
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                yield f"{path}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_the_oldest_supported_python_reads_every_module() -> None:
    for path in modules():
        tree = ast.parse((CHECKOUT / path).read_text(), str(path), feature_version=OLDEST_PYTHON)
        assert isinstance(tree, ast.Module)
