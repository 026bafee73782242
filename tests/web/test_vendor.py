"""Third-party files of the pages: what is served is what the lock files say was fetched."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finder
from django.core.management import call_command

from apps.dashboards.shell import MENU

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


def test_every_file_that_a_stylesheet_names_is_there(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_DIRS = [ROOT / "static"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    manifest = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    settings.STORAGES = settings.STORAGES | manifest
    get_finder.cache_clear()
    call_command("collectstatic", interactive=False, verbosity=0)
    get_finder.cache_clear()
    named = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert {"css/tokens.css", "js/theme.js", "icons.svg", "vendor/inter-latin-wght-normal.woff2"} <= named.keys()


def test_every_icon_that_a_page_names_is_drawn():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text()))
    texts = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    named = {name for text in texts for name in re.findall(r'{% icon "([\w-]+)" %}', text)}
    named |= {entry.icon for entry in MENU}
    assert named == drawn


def test_pages_ask_no_other_host_for_anything():
    for path in [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "static/css").iterdir(),
        *(ROOT / "static/js").iterdir(),
    ]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path


def test_templates_have_no_inline_script_or_style_element():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert "<style" not in text, path
        assert "onclick" not in text, path
        assert text.count("<script") == text.count("<script src="), path
