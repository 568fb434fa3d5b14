"""What of a data set is on disk: is a split complete, can its truth be read, and what lies beside it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from segbench.datasets.files import as_dataset_error, read_truth, walk
from segbench.datasets.images import read_header
from segbench.datasets.layouts import split_keys, truth_path
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import DatasetError, SegbenchError, SubmissionError, counted
from segbench.frozen import dataclass
from segbench.protocols.protocol import Protocol


@dataclass(frozen=True)
class Seen:
    """One file as it was read.

    Parameters
    ----------
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change that the file system tells.
    sha256 : str
        Digest of the content.
    """

    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Inventory:
    """The truth of a split as it lies on disk.

    Parameters
    ----------
    truth : TruthSet
        The images, and where their files are.
    files : dict of str to Seen
        Every truth file that was read, by its path below the root.
    shapes : Counter
        How many label maps there are of each (height, width).
    unlisted : list of str
        Label maps in the truth folder that belong to no split.
    faults : list of DatasetError
        What keeps the split from being complete.
    """

    truth: TruthSet
    files: dict[str, Seen]
    shapes: Counter[tuple[int, int]]
    unlisted: list[str]
    faults: list[DatasetError]


def take_inventory(
    protocol: Protocol,
    *,
    split: str | None = None,
    data_root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inventory:
    """Read every truth file of a split.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    split : str, optional
        The split, else the protocol's default.
    data_root : Path, optional
        Where the data set lies, else as `find_root` says.
    progress : callable, optional
        Called with the images done and all images.

    Returns
    -------
    Inventory
        What was found. Faults of single files are in it.

    Raises
    ------
    BadParameter, UnknownName, DatasetError
        When the data set, the split or its list is not there.
    """
    truth = open_truth(protocol, split=split, data_root=data_root)
    found = Inventory(truth, {}, Counter(), unlisted(truth), list(_count_fault(truth)))
    for done, key in enumerate(truth.keys, 1):
        _read(found, Path(truth.path(key)), is_label_map=True)
        if (instances := truth.instances_path(key)) is not None:
            _read(found, Path(instances), is_label_map=False)
        if progress is not None:
            progress(done, len(truth.keys))
    return found


def unlisted(truth: TruthSet) -> list[str]:
    """Return the label maps beside those of a split that no list of the data set names, sorted."""
    layout = truth.layout
    if not layout.list or not os.path.isfile(truth.root / layout.path(layout.list, split=truth.split)):
        return []
    known = {path for split in truth.protocol.splits for path in _listed(truth, split)}
    folder = PurePosixPath(layout.path(layout.truth, split=truth.split)).parent
    try:
        names = [str(folder / name) for name in walk(truth.root / folder) if name.endswith(layout.affixes[1])]
    except SubmissionError as error:
        raise as_dataset_error(error) from None
    return sorted(name for name in names if str(truth.root / name) not in known)


def _listed(truth: TruthSet, split: str) -> Iterator[str]:
    layout = truth.layout
    try:
        keys = split_keys(truth.protocol, layout, truth.root, split)
    except DatasetError:
        # A split that is not on disk has no files here.
        return
    yield from (truth_path(truth.folder, layout, layout.truth, split, key) for key in keys)


def _count_fault(truth: TruthSet) -> Iterator[DatasetError]:
    if truth.expected and len(truth.keys) != truth.expected:
        yield DatasetError(
            f"{counted(len(truth.keys), 'image')} in {truth.split}",
            expected=f"{truth.expected}, the official number",
            file=str(truth.root),
        )


def _read(found: Inventory, path: Path, *, is_label_map: bool) -> None:
    try:
        data = read_truth(path)
        header = read_header(data)
        status = path.stat()
    except OSError as error:
        found.faults.append(DatasetError(f"cannot be read: {error.strerror}", file=str(path)))
    except SegbenchError as error:
        fault = as_dataset_error(error) if isinstance(error, SubmissionError) else error
        found.faults.append(fault.about(str(path)))  # type: ignore[arg-type]
    else:
        name = path.relative_to(found.truth.root).as_posix()
        found.files[name] = Seen(len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())
        if is_label_map:
            found.shapes[header.height, header.width] += 1
