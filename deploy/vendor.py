#!/usr/bin/env python3
"""Third-party files of the pages: fetches what a folder's vendor.lock.json names, or checks what is there.

`deploy/vendor.py static/vendor` fetches with `npm pack`. To change a version, write it into the lock file, empty its
`integrity` and run this: hashes of files are written anew, and an integrity that is given has to hold.
`deploy/vendor.py --check static/vendor` needs neither Node nor a network.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOCK = "vendor.lock.json"
Entry = dict[str, Any]


def main() -> int:
    """Fetch or check every folder that is named; 1 when something is not as its lock file says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true", help="compare the files with the lock file and fetch nothing")
    asked = parser.parse_args()
    try:
        faults = [fault for folder in asked.folders for fault in (check if asked.check else fetch)(folder)]
    except (OSError, LookupError, ValueError, subprocess.CalledProcessError) as error:
        faults = [str(error)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


def check(folder: Path) -> Iterator[str]:
    """What differs between a folder and its lock file, in sentences."""
    locked = {name: sha256 for entry in read_lock(folder) for name, sha256 in entry["files"].items()}
    found = {path.name: digest(path.read_bytes()) for path in folder.iterdir() if path.name != LOCK}
    for name in sorted(locked.keys() | found.keys()):
        if name not in found:
            yield f"{folder / name} is in {LOCK} and not there."
        elif name not in locked:
            yield f"{folder / name} is in no entry of {LOCK}."
        elif found[name] != locked[name]:
            yield f"{folder / name} is not the file that {LOCK} names: its sha256 is {found[name]}."


def fetch(folder: Path) -> Iterator[str]:
    """Bring every package of the lock file into the folder, then check it."""
    entries = read_lock(folder)
    for entry in entries:
        with tempfile.TemporaryDirectory() as scratch:
            unpack(pack(entry, Path(scratch)), entry, folder)
        sys.stdout.write(f"{entry['package']} {entry['version']}\n")
    (folder / LOCK).write_text(json.dumps(entries, indent=2) + "\n")
    yield from check(folder)


def pack(entry: Entry, scratch: Path) -> Path:
    """The package's archive as the registry has it; raises ValueError when its integrity is not the locked one."""
    wanted = f"{entry['package']}@{entry['version']}"
    subprocess.run(["npm", "pack", "--silent", wanted], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
    (archive,) = scratch.glob("*.tgz")
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if entry["integrity"] not in ("", integrity):
        raise ValueError(f"{wanted} has the integrity {integrity}, not the locked one. Nothing of it was taken.")
    entry["integrity"] = integrity
    return archive


def unpack(archive: Path, entry: Entry, folder: Path) -> None:
    """Write the entry's files and their hashes; `x.LICENSE` is the licence of the package, the others keep names."""
    with tarfile.open(archive) as inside:
        paths = inside.getnames()
        for name in entry["files"]:
            member = "package/LICENSE" if name.endswith(".LICENSE") else the_one(name, paths)
            stream = inside.extractfile(member)
            content = stream.read() if stream else b""
            (folder / name).write_bytes(content)
            entry["files"][name] = digest(content)


def the_one(name: str, paths: list[str]) -> str:
    """The only path that ends in this name; raises LookupError when there is none or another."""
    found = [path for path in paths if Path(path).name == name]
    if len(found) != 1:
        raise LookupError(f"{name} is {len(found)} times in its package; one is needed.")
    return found[0]


def read_lock(folder: Path) -> list[Entry]:
    """The entries of a folder's lock file."""
    entries: list[Entry] = json.loads((folder / LOCK).read_text())
    return entries


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
