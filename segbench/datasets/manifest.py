"""What a data set was like when it was first checked, kept in the user's cache: has a truth file changed since?"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from segbench.codec import pretty_json
from segbench.datasets.inventory import Inventory, Seen
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, OutputProblem
from segbench.frozen import dataclass

#: Version of the format.
VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """The files of a split as they were first seen.

    Parameters
    ----------
    first_check : str
        When, in UTC.
    files : mapping of str to Seen
        The files by their path below the root.
    """

    first_check: str
    files: Mapping[str, Seen]


def cache_folder() -> Path:
    """Return the folder of segbench in the user's cache: SEGBENCH_CACHE, or as XDG_CACHE_HOME says."""
    if own := os.environ.get("SEGBENCH_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The specification of the variable has relative paths ignored.
    return (Path(shared) if os.path.isabs(shared) else Path(os.path.expanduser("~/.cache"))) / "segbench"


def manifest_path(truth: TruthSet) -> Path:
    """Return where the manifest of one copy of a split is kept."""
    copy = "\0".join((truth.protocol.identity, truth.split, os.path.realpath(truth.root)))
    return cache_folder() / "manifests" / f"{hashlib.sha256(os.fsencode(copy)).hexdigest()[:32]}.json"


def recall(path: Path) -> Manifest | None:
    """Return a manifest, None where there is none.

    Parameters
    ----------
    path : Path
        As `manifest_path` says.

    Returns
    -------
    Manifest or None
        What is remembered.

    Raises
    ------
    OutputProblem
        When it cannot be read.
    """
    try:
        record = json.loads(path.read_bytes())
        if record["manifest"] != VERSION:
            raise ValueError(f"version {record['manifest']}")
        return Manifest(record["first_check"], {name: Seen(**seen) for name, seen in record["files"].items()})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputProblem(
            f"no manifest of version {VERSION}: {error}", mend="drop it with --forget and check again", file=str(path)
        ) from None


def remember(path: Path, found: Inventory) -> None:
    """Keep what was found.

    Parameters
    ----------
    path : Path
        As `manifest_path` says.
    found : Inventory
        What was found, without faults.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    """
    record = {
        "manifest": VERSION,
        "first_check": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": found.truth.protocol.identity,
        "split": found.truth.split,
        "root": os.fsencode(os.path.realpath(found.truth.root)).decode("utf-8", "backslashreplace"),
        "files": {name: asdict(seen) for name, seen in found.files.items()},
    }
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            partial = file.name
            file.write(pretty_json(record).encode())
        os.replace(partial, path)
    except OSError as error:
        if partial is not None:
            with suppress(OSError):
                os.unlink(partial)
        raise OutputProblem(
            f"cannot be written: {error.strerror}", mend="name another folder by SEGBENCH_CACHE", file=str(path)
        ) from None


def forget(path: Path) -> bool:
    """Drop a manifest and return whether there was one.

    Parameters
    ----------
    path : Path
        As `manifest_path` says.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    OutputProblem
        When it cannot be removed.
    """
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise OutputProblem(f"cannot be removed: {error.strerror}", file=str(path)) from None
    return True


def changes(manifest: Manifest, found: Inventory) -> Iterator[DatasetError]:
    """Yield a fault for each file that was changed, added or lost since the first check, in order of name."""
    before, root = manifest.files, found.truth.root
    lost = {fault.file for fault in found.faults}
    for name in sorted(before.keys() | found.files.keys()):
        old, new = before.get(name), found.files.get(name)
        what = _change(old, new)
        # A file that cannot be read is a fault already.
        if what and not (new is None and str(root / name) in lost):
            yield DatasetError(
                what,
                expected=f"the truth as it was on {manifest.first_check[:10]}",
                mend="restore it, or accept the change with --forget",
                file=str(root / name),
            )


def _change(old: Seen | None, new: Seen | None) -> str:
    if old is None:
        return "new since the first check"
    if new is None:
        return "no longer of the split"
    if old.sha256 == new.sha256:
        return ""
    same_time = "; its time stamp is the same, so the disk may be at fault" if old.mtime_ns == new.mtime_ns else ""
    return f"changed since the first check{same_time}"
