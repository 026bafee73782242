"""Manifests: the JSON that a provider writes last, naming the files that make up a delivery."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

NAME_END: Final = "manifest.json"
LARGEST_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says: its files where they were found, the folders that it speaks for, and what is wrong."""

    files: tuple[Path, ...] = ()
    folders: frozenset[Path] = frozenset()
    problem: str = ""


def is_manifest(path: Path) -> bool:
    """Whether a file is called like a manifest."""
    return path.name.lower().endswith(NAME_END)


def read_manifest(path: Path, root: Path | None = None) -> Manifest | None:
    """The manifest at `path`, looking for its files at most as far up as `root`; None when it is some other JSON.

    Knows the legacy CUR (`reportKeys`), Data Exports (`dataFiles`) and Azure exports (`blobs`).
    """
    try:
        content = json.loads(path.read_bytes()[:LARGEST_BYTES])
    except (ValueError, RecursionError):
        return Manifest(problem=f"{path} is not whole JSON: the delivery is still being written, or damaged.")
    keys = list(_keys(content)) if isinstance(content, dict) else None
    if keys is None or (not keys and not {"reportKeys", "dataFiles"} & content.keys()):
        return None
    if not keys:
        return Manifest(problem=f"{path} lists no files.")
    run = str(content.get("assemblyId") or content.get("executionId") or "")
    return _resolve(path, keys, run, root)


def _keys(content: Mapping[str, object]) -> Iterator[str]:
    for name in ("reportKeys", "dataFiles", "blobs"):
        listed = content.get(name)
        for item in listed if isinstance(listed, list) else ():
            yield str(item["blobName"]) if isinstance(item, dict) and "blobName" in item else str(item)


def _resolve(path: Path, keys: list[str], run: str, root: Path | None) -> Manifest:
    files: list[Path] = []
    for key in keys:
        file = _find(path, _parts(key), root)
        if file is None:
            return Manifest(folders=frozenset([path.parent]), problem=f"{path} lists {key}, which is missing.")
        files.append(file)
    folders = {path.parent, *(file.parent for file in files)}
    # a provider that keeps old runs puts each into a folder of its own, beside which the stale ones lie
    folders |= {folder.parent for folder in folders if run and run in folder.name}
    return Manifest(tuple(dict.fromkeys(files)), frozenset(folders))


def _parts(key: str) -> tuple[str, ...]:
    """The folders and the name in a bucket key or s3:// address; () when it tries to leave the bucket."""
    bucket_less = key.partition("://")[2].partition("/")[2] if "://" in key else key
    parts = PurePosixPath(bucket_less.lstrip("/")).parts
    return () if ".." in parts else parts


def _find(manifest: Path, parts: tuple[str, ...], root: Path | None) -> Path | None:
    """The file of a key: by its longest end below a folder above the manifest, or beside the manifest by its name."""
    for start in range(len(parts) - 1):
        for folder in _above(manifest, root):
            if (file := folder.joinpath(*parts[start:])).is_file():
                return file
    beside = manifest.parent / parts[-1] if parts else None
    return beside if beside is not None and beside.is_file() else None


def _above(manifest: Path, root: Path | None) -> Iterator[Path]:
    for folder in manifest.resolve().parents if root is None else manifest.parents:
        yield folder
        if folder == root:
            return
