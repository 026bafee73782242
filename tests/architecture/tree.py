"""What the repository holds: the files of a commit, or of an exported tree."""

import ast
import subprocess
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
NOT_OURS = {".venv", ".finops", ".bench", ".git"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is (or is about to be) in the repository, as paths below the checkout."""
    if (CHECKOUT / ".git").exists():
        words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(words, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode().split("\0")
        found = [Path(name) for name in listed if name and (CHECKOUT / name).is_file()]
    else:
        below = (path.relative_to(CHECKOUT) for path in CHECKOUT.rglob("*") if path.is_file())
        found = [path for path in below if not NOT_OURS & set(path.parts) and "cache" not in str(path)]
    assert found
    return tuple(found)


def modules() -> list[Path]:
    """Every Python file that people write."""
    return [path for path in files() if path.suffix == ".py" and not {"migrations", "vendor"} & set(path.parts)]


def parse(path: Path) -> ast.Module:
    return ast.parse((CHECKOUT / path).read_text(), str(path))
