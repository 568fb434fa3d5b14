"""From a folder on disk to the keys and truth files of a split."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from segbench.datasets.files import normal, walk
from segbench.errors import BadParameter, DatasetError
from segbench.protocols.protocol import Layout, Protocol

SUFFIX = ".png"


def find_root(protocol: Protocol, data_root: Path | None, split: str) -> Path:
    """Return the folder in which a data set's layout begins.

    Parameters
    ----------
    protocol : Protocol
        Names the layout.
    data_root : Path, optional
        Where the user keeps the data set; else the environment variable SEGBENCH_DATA, and in it the folder of the
        protocol's name or one of its aliases.
    split : str
        The split that must be there.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    BadParameter
        When neither the option nor the variable is given.
    DatasetError
        When no place searched holds the layout; names them all.
    """
    if data_root is not None:
        places = [data_root]
    elif home := os.environ.get("SEGBENCH_DATA"):
        places = [Path(home) / name for name in (protocol.name, *protocol.aliases)]
    else:
        raise BadParameter(
            f"where {protocol.name} lies is not known",
            expected="--data-root DIR, --truth PATH, or the environment variable SEGBENCH_DATA",
        )
    candidates = [place / sub for place in places for sub in protocol.layout.roots]
    for candidate in candidates:
        if _truth_folder(candidate, protocol.layout, split).is_dir():
            return candidate
    raise DatasetError(
        f"no {protocol.name} here: {', '.join(str(place) for place in candidates)}",
        expected=f"a folder that holds {protocol.layout.truth.format(split=split, key='NAME')}",
        file=str(places[0]),
    )


def split_keys(protocol: Protocol, root: Path, split: str) -> list[str]:
    """Return the keys of a split, sorted: from its list file, or all truth files where the list may be missing.

    Raises
    ------
    DatasetError
        When the list is missing, empty, names an image twice, or holds something that is no image name.
    """
    layout = protocol.layout
    if layout.list:
        path = root / layout.list.format(split=split)
        if path.is_file():
            return _listed(path)
        if not layout.optional_list:
            raise DatasetError("no such list of images", expected=f"the images of {split}, one a line", file=str(path))
    return truth_keys(_truth_folder(root, layout, split))


def truth_keys(folder: Path) -> list[str]:
    """Return the keys of all PNG files below a folder, sorted: relative paths without suffix.

    Raises
    ------
    DatasetError
        When there are none, or two files differ only in how their names are written.
    """
    if not folder.is_dir():
        raise DatasetError("no such folder", expected="a folder of truth label maps", file=str(folder))
    keys = sorted(normal(name[: -len(SUFFIX)]) for name in walk(folder) if name.endswith(SUFFIX))
    if not keys:
        raise DatasetError("no PNG file", expected="truth label maps", file=str(folder))
    _refuse_repeats(keys, folder)
    return keys


def truth_path(protocol: Protocol, root: Path, split: str, key: str) -> Path:
    """Return the truth file of an image."""
    return root / protocol.layout.truth.format(split=split, key=key)


def _truth_folder(root: Path, layout: Layout, split: str) -> Path:
    return root / PurePosixPath(layout.truth.format(split=split, key="NAME")).parent


def _listed(path: Path) -> list[str]:
    """Read a list: the first word of each line, of which only the stem counts."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot be read: {error}", expected="a list of images", file=str(path)) from None
    words = [line.split()[0] for line in lines if line.strip()]
    keys = sorted(normal(PurePosixPath(word).name.removesuffix(SUFFIX).removesuffix(".jpg")) for word in words)
    bad = next((key for key in keys if key in ("", ".", "..") or "\0" in key), None)
    if bad is not None or not keys:
        raise DatasetError(
            f"an image named {bad!r}" if keys else "an empty list", expected="one image name a line", file=str(path)
        )
    _refuse_repeats(keys, path)
    return keys


def _refuse_repeats(keys: list[str], file: Path) -> None:
    for first, second in zip(keys, keys[1:], strict=False):
        if first == second:
            raise DatasetError(f"{first!r} twice", expected="each image once", file=str(file))
