"""Third-party files of the pages: what is served is what the lock files say was fetched."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["static/vendor", "tests/browser/vendor"])
def test_vendored_files_are_those_of_the_lock(folder):
    packages = json.loads((ROOT / folder / "vendor.lock.json").read_text())
    locked = {name: sha256 for package in packages for name, sha256 in package["files"].items()}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (ROOT / folder).iterdir()
        if path.name != "vendor.lock.json"
    }
    assert found == locked
    for package in packages:
        assert package.keys() == {"package", "version", "licence", "integrity", "files"}
        assert any(name.endswith("LICENSE") for name in package["files"])


def test_pages_ask_no_other_host_for_anything():
    for path in [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static/css").iterdir(), *(ROOT / "static/js").iterdir()]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path


def test_templates_have_no_inline_script_or_style_element():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert "<style" not in text, path
        assert "onclick" not in text, path
        assert text.count("<script") == text.count("<script src="), path
