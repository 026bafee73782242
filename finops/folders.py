"""Where the embedded servers keep data, sockets and logs: under the home folder wherever their user can reach it."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from apps.core.errors import UserError
from finops.environment import environment
from finops.processes import Account, user_name

ELSEWHERE = Path("/var/lib/finops")
SHORT_TEMP = Path("/tmp")  # noqa: S108 - the socket folder in it is private and its owner is checked
LONGEST_SOCKET_PATH = 100  # the kernel allows 107 bytes


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one home; `account` is whom the servers run as when that is not the present user."""

    home: Path
    data: Path
    sockets: Path
    logs: Path
    account: Account | None


@cache
def folders() -> Folders:
    """The folders of this process's home, made if they are not there."""
    home = environment().home.resolve()
    data = _data_folder(home)
    logs = home / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    return Folders(home, data, _socket_folder(home, data), logs, _account(data))


def _data_folder(home: Path) -> Path:
    """home/server. As root below a folder that others may not enter (/root), a link to a folder elsewhere."""
    folder = home / "server"
    if folder.is_symlink():
        folder.readlink().mkdir(parents=True, exist_ok=True)
    elif not folder.exists():
        _make_data_folder(folder, home)
    _check_owner(folder)
    return folder.resolve()


def _make_data_folder(folder: Path, home: Path) -> None:
    home.mkdir(parents=True, mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        folder.mkdir(mode=0o700)
        return
    if _others_may_enter(home.parent):
        home.chmod(0o711)  # the servers' user may pass through; it cannot list or read what is private in here
        folder.mkdir(mode=0o700)
        return
    ELSEWHERE.mkdir(parents=True, exist_ok=True)
    ELSEWHERE.chmod(0o755)
    target = ELSEWHERE / _digest(home)
    target.mkdir(mode=0o700, exist_ok=True)
    folder.symlink_to(target)


def _others_may_enter(folder: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def _check_owner(folder: Path) -> None:
    owner = folder.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise UserError(
            f"{folder} belongs to the user {user_name(owner)}: "
            "run the command as the user who started FinOps first, or set FINOPS_HOME to another folder."
        )


def _account(data: Path) -> Account | None:
    """As root the owner of the data, who becomes `nobody` the first time: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    owner = Account.owner_of(data)
    if owner.uid == 0:
        owner = Account.nobody()
        os.chown(data, owner.uid, owner.gid)
    return owner


def _socket_folder(home: Path, data: Path) -> Path:
    """A private folder with a short path: data/run, or one in /tmp where that would be too long for a socket."""
    near = data / "run"
    if len(bytes(near / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return near
    return SHORT_TEMP / f"finops-{_digest(home)}"


def _digest(home: Path) -> str:
    return hashlib.sha256(bytes(home)).hexdigest()[:16]


def make_private(folder: Path, account: Account | None) -> None:
    """Make a folder that the servers' user alone may enter; refuse one that somebody else has put there."""
    uid = account.uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != uid or found.st_mode & 0o077:
            raise UserError(
                f"{folder} must be a folder that only the user {user_name(uid)} may enter: remove it and start again."
            ) from None
    else:
        if account:
            os.chown(folder, account.uid, account.gid)
