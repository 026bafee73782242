"""Manifests: the JSON that a provider writes last, naming the files that make up a delivery."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

NAME_END: Final = "manifest.json"
LARGEST_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says: its files that were found, the folders that it speaks for, and what is wrong."""

    files: tuple[Path, ...] = ()
    folders: frozenset[Path] = frozenset()
    problem: str = ""
    submitted: datetime | None = None  # when its run was started, where it says so


def is_manifest(path: Path) -> bool:
    """Whether a file is called like a manifest."""
    return path.name.lower().endswith(NAME_END)


def read_manifest(path: Path, root: Path | None = None) -> Manifest | None:
    """The manifest at `path`; None when it is some other JSON.

    Its files are looked for below `root` and nowhere else; without a root, in those folders above the manifest that
    are called as the listed files say. What only a symbolic link leads to counts as missing.

    Knows the legacy CUR (`reportKeys`), Data Exports (`dataFiles`) and Azure exports (`blobs`).
    """
    try:
        content = json.loads(path.read_bytes()[:LARGEST_BYTES])
    except (ValueError, RecursionError):
        return Manifest(problem=f"{path} is not whole JSON: the delivery is still being written, or damaged.")
    keys = list(listed_keys(content)) if isinstance(content, dict) else None
    if keys is None or (not keys and not {"reportKeys", "dataFiles"} & content.keys()):
        return None
    if not keys:
        return Manifest(problem=f"{path} lists no files.")
    run = str(content.get("assemblyId") or content.get("executionId") or "")
    return replace(_resolve(path, keys, run, root), submitted=_submitted(content))


def _submitted(content: Mapping[str, object]) -> datetime | None:
    """Azure's `runInfo.submittedTime`."""
    info = content.get("runInfo")
    text = info.get("submittedTime") if isinstance(info, dict) else None
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or UTC) if time else None


def listed_keys(content: Mapping[str, object]) -> Iterator[str]:
    """The files that a manifest lists, as it writes them: keys of a bucket or whole addresses."""
    for name in ("reportKeys", "dataFiles", "blobs"):
        listed = content.get(name)
        for item in listed if isinstance(listed, list) else ():
            yield str(item["blobName"]) if isinstance(item, dict) and "blobName" in item else str(item)


def _resolve(path: Path, keys: list[str], run: str, root: Path | None) -> Manifest:
    files: dict[Path, str] = {}
    problem = ""
    for key in dict.fromkeys(keys):
        file = _find(path, _parts(key), root)
        if file is None or file in files:  # two keys cannot mean one file
            problem = problem or f"{path} lists {key}, which is missing."
        else:
            files[file] = key
    if problem:
        return Manifest(tuple(files), frozenset([path.parent]), problem)
    folders = {path.parent, *(file.parent for file in files)}
    # a provider that keeps old runs puts each into a folder of its own, beside which the stale ones lie
    folders |= {folder.parent for folder in folders if run and run in folder.name}
    return Manifest(tuple(files), frozenset(folders))


def _parts(key: str) -> tuple[str, ...]:
    """The folders and the name in a bucket key or s3:// address; () when it tries to leave the bucket."""
    bucket_less = key.partition("://")[2].partition("/")[2] if "://" in key else key
    parts = PurePosixPath(bucket_less.lstrip("/")).parts
    return () if ".." in parts else parts


def _find(manifest: Path, parts: tuple[str, ...], root: Path | None) -> Path | None:
    """The file of a key: by its longest end below a folder above the manifest, or beside the manifest by its name."""
    for start in range(len(parts)):
        for folder in _above(manifest, parts, start, root):
            file = folder.joinpath(*parts[start:])
            # the real path of a file behind a symbolic link is another one
            if file.is_file() and file.resolve() == folder.resolve().joinpath(*parts[start:]):
                return file
    return None


def _above(manifest: Path, parts: tuple[str, ...], start: int, root: Path | None) -> Iterator[Path]:
    """The folders in which the end of a key from `start` on may lie; a name alone only beside the manifest."""
    if root is None:
        yield from _called_alike(manifest.parent.resolve(), parts, start)
    elif is_within(manifest.parent, root):
        for folder in (manifest.parent, *manifest.parent.parents):
            if start < len(parts) - 1 or folder == manifest.parent:
                yield folder
            if folder.resolve() == root.resolve():
                return


def _called_alike(below: Path, parts: tuple[str, ...], start: int) -> Iterator[Path]:
    """`below`, and each folder above it from which the way down to it starts like the way to the file."""
    yield below
    for folder in list(below.parents)[: len(parts) - 1]:
        if start < len(parts) - 1 and below.relative_to(folder).parts[0] == parts[start]:
            yield folder


def is_within(path: Path, root: Path) -> bool:
    """Whether `path` really lies in `root`, symbolic links followed."""
    return path.resolve().is_relative_to(root.resolve())
