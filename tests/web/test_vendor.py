"""Third-party files of the pages: what is served is what the lock files say was fetched."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finder
from django.core.management import call_command

from apps.dashboards.search import KINDS
from apps.dashboards.shell import MENU

ROOT = Path(__file__).resolve().parents[2]


FOLDERS = ["static/vendor", "tests/browser/vendor"]


def check_vendor(*folders):
    """What `deploy/vendor.py --check` says of the folders."""
    command = [sys.executable, ROOT / "deploy/vendor.py", "--check", *folders]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_vendored_files_are_those_of_the_lock():
    checked = check_vendor(*(ROOT / folder for folder in FOLDERS))
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vendored_package_has_its_licence_and_where_it_is_from(folder):
    for package in json.loads((ROOT / folder / "vendor.lock.json").read_text()):
        assert package.keys() == {"package", "version", "licence", "integrity", "files"}
        assert package["integrity"].startswith("sha512-")
        assert any(name.endswith(".LICENSE") for name in package["files"])


def test_a_vendored_file_that_was_changed_lost_or_added_is_noticed(tmp_path):
    folder = tmp_path / "vendor"
    shutil.copytree(ROOT / "static/vendor", folder)
    with (folder / "htmx.min.js").open("a") as script:
        script.write("//")
    (folder / "plotly.LICENSE").unlink()
    (folder / "jquery.js").write_text("")
    checked = check_vendor(folder)
    assert checked.returncode == 1
    said = checked.stderr.splitlines()
    assert [Path(line.split(" is ")[0]).name for line in said] == ["htmx.min.js", "jquery.js", "plotly.LICENSE"]


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


def test_the_charts_script_is_loaded_by_pages_with_a_chart_alone():
    loaders = [path for path in (ROOT / "templates").rglob("*.html") if "parts/plotly.html" in path.read_text()]
    assert loaders
    for path in loaders:
        assert 'include "parts/plotly.html"' in path.read_text().partition("block scripts")[2], path
    for name in ("document.html", "base.html", "alone.html"):
        text = (ROOT / "templates" / name).read_text()
        assert "vendor/plotly" not in text, name
    assert 'id="plotly.js-style-global" class="no-inline-styles"' in (ROOT / "templates/document.html").read_text()


def test_every_icon_that_a_page_names_is_drawn():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text()))
    texts = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    named = {name for text in texts for name in re.findall(r'{% icon "([\w-]+)" %}', text)}
    named |= {entry.icon for entry in MENU} | {kind.icon for kind in KINDS}
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
