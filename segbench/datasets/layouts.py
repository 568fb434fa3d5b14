"""From a folder on disk to the keys and truth files of a split."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from segbench.datasets.configuration import data_places
from segbench.datasets.files import as_dataset_error, decomposed, normal, walk
from segbench.errors import BadParameter, DatasetError, SubmissionError
from segbench.late import late
from segbench.protocols.protocol import VOLUME_SUFFIXES, Layout, Protocol

_listed_videos = late("segbench.datasets.videolists:listed_videos")

SUFFIX = ".png"


def find_root(protocol: Protocol, data_root: Path | None, split: str) -> tuple[Path, Layout]:
    """Find where a data set lies, and how.

    Parameters
    ----------
    protocol : Protocol
        Names the layout.
    data_root : Path, optional
        Where the user keeps the data set; else below the environment variable SEGBENCH_DATA, or where a settings file
        says, in the folder of the protocol's name or one of its aliases.
    split : str
        The split that must be there.

    Returns
    -------
    Path
        The folder in which the layout begins.
    Layout
        The first of the protocol's layouts that is there.

    Raises
    ------
    BadParameter
        When neither the option nor the variable is given.
    DatasetError
        When no place searched holds a layout; names them all.
    """
    names = (protocol.name, *protocol.aliases)
    places = data_places(names) if data_root is None else [data_root]
    if not places:
        raise BadParameter(
            f"where {protocol.name} lies is not known",
            expected="--data-root DIR, --truth PATH, the environment variable SEGBENCH_DATA, or segbench.toml",
        )
    layouts = protocol.layouts_of(split)
    candidates = [(place / sub, layout) for place in places for layout in layouts for sub in layout.roots]
    found = [(place, layout) for place, layout in candidates if os.path.isdir(truth_folder(place, layout, split))]
    if found:
        # Layouts may differ in their lists, or in the name of their only file, alone.
        return next((pair for pair in found if _has_list(*pair, split)), found[0])
    raise DatasetError(
        f"no {protocol.name} here: {', '.join(dict.fromkeys(str(place) for place, _ in candidates))}",
        expected="a folder that holds " + " or ".join(layout.path(layout.truth, split=split) for layout in layouts),
        file=str(places[0]),
    )


def split_keys(protocol: Protocol, layout: Layout, root: Path, split: str) -> list[str]:
    """Return the keys of a split, sorted: from its list file, the protocol, or all truth files that it may hold.

    Parameters
    ----------
    protocol : Protocol
        Names the images of splits without a list.
    layout : Layout
        How the files lie.
    root : Path
        The folder in which the layout begins, see `find_root`.
    split : str
        Name of the split.

    Returns
    -------
    list of str
        The keys, at least one, each once.

    Raises
    ------
    DatasetError
        When the list is missing, empty, names an image twice, or holds something that is no image name; without a
        list, as in `truth_keys`.
    """
    if layout.list:
        path = root / layout.path(layout.list, split=split)
        if os.path.isfile(path):
            return _listed(path) if layout.listed == "images" else _of_videos(path, root, layout, split)
        if not layout.optional_list:
            raise DatasetError("no such list of images", expected=f"the images of {split}, one a line", file=str(path))
    named = protocol.keys.get(split, ("*",))
    if not any(name.endswith("*") for name in named):
        return sorted(named)
    folder = truth_folder(root, layout, split)
    keys = [key for key in truth_keys(folder, layout) if _is_named(key, named)]
    if not keys:
        raise DatasetError(f"no image of {split}", expected=" or ".join(named), file=str(folder))
    return keys


def _has_list(root: Path, layout: Layout, split: str) -> bool:
    if layout.suffix in VOLUME_SUFFIXES and not truth_names(truth_folder(root, layout, split), layout):
        # Volumes may be packed or not, in the same folder.
        return False
    if layout.suffix == ".json":
        return os.path.isfile(root / layout.path(layout.truth, split=split))
    return not layout.list or os.path.isfile(root / layout.path(layout.list, split=split))


def _of_videos(path: Path, root: Path, layout: Layout, split: str) -> list[str]:
    """Return the frames of a list that may name whole videos."""
    folder = truth_folder(root, layout, split)
    names: list[str] = _listed_videos(path)
    whole = {name: truth_keys(folder / name, layout) for name in names if "/" not in name}
    return sorted([f"{name}/{key}" for name, keys in whole.items() for key in keys] + [n for n in names if "/" in n])


def _is_named(key: str, names: Sequence[str]) -> bool:
    return any(key.startswith(name[:-1]) if name.endswith("*") else key == name for name in names)


def tree_layout(protocol: Protocol, tree: Path, split: str | None = None) -> Layout:
    """Return the layout of a tree of truth files that is given by its path.

    Parameters
    ----------
    protocol : Protocol
        Names the layouts.
    tree : Path
        The folder.
    split : str, optional
        The split; of one that the protocol has, only its own layouts are tried.

    Returns
    -------
    Layout
        The first that fits a file: names as in one of the protocol's layouts, then keys alone with the suffix of one,
        then any PNG. What the pictures and calibrations of a layout say must lie beside the truth; masks do not.

    Raises
    ------
    DatasetError
        As in `truth_names`.
    """
    layouts = protocol.layouts_of(split) if split and split in protocol.splits else list(protocol.layouts)
    named = [other for layout in layouts for other in _beside(layout) if other.affixes != ("", other.suffix)]
    plain = [_plain(layout, layout.suffix) for layout in layouts]
    candidates: dict[str, Layout] = {}
    usual = VOLUME_SUFFIXES[0] if protocol.kind == "volumes" else SUFFIX
    for layout in (*named, *plain, _plain(layouts[0], usual)):
        candidates.setdefault(layout.truth, layout)
    last = candidates.pop(f"{{key}}{usual}")
    if os.path.isdir(tree):
        return next((layout for layout in candidates.values() if truth_names(tree, layout)), last)
    return last


def _beside(layout: Layout) -> list[Layout]:
    """Return a layout with all files of an image in one folder, which may be that of a city."""

    def moved(pattern: str, folder: str) -> str:
        return folder + pattern.rpartition("/")[2] if pattern else ""

    return [
        replace(
            layout,
            images=moved(layout.images, folder),
            truth=moved(layout.truth, folder),
            instances=moved(layout.instances, folder),
            calibration=moved(layout.calibration, folder),
            # Masks are not sought beside a truth that is given by its path.
            mask="",
        )
        for folder in (("{city}/", "") if layout.reader == "cityscapes" else ("",))
    ]


def _plain(layout: Layout, suffix: str) -> Layout:
    """Return a layout of truth files that are named by their keys alone."""
    beside = _beside(layout)[-1]
    # Rectangles are read from XML only: another file holds ids.
    values = "ids" if layout.values == "rectangles" and suffix != layout.suffix else layout.values
    return replace(beside, truth=f"{{key}}{suffix}", values=values, reader="plain", instances="")


def truth_keys(folder: Path, layout: Layout) -> list[str]:
    """Return the keys of all truth files below a folder, sorted: relative paths without suffix, or file names.

    Parameters
    ----------
    folder : Path
        The folder.
    layout : Layout
        Says how the files are named.

    Returns
    -------
    list of str
        The keys, at least one, each once.

    Raises
    ------
    DatasetError
        When there is no such folder or no truth file, two files differ only in how their names are written, or a name
        would be passed over in silence: a link to a folder, an upper-case suffix, or a name that is no text.
    """
    if not os.path.isdir(folder):
        raise DatasetError("no such folder", expected="a folder of truth label maps", file=str(folder))
    before, behind = layout.affixes
    keys = sorted(normal(name[len(before) : -len(behind)]) for name in truth_names(folder, layout))
    if not keys:
        raise DatasetError(f"no file {before}NAME{behind}", expected="truth label maps", file=str(folder))
    _refuse_repeats(keys, folder)
    return keys


def truth_names(folder: Path, layout: Layout) -> list[str]:
    """Return the truth files below a folder as the layout places them: relative paths, or names within a city."""
    try:
        files = list(walk(folder))
    except SubmissionError as error:
        raise as_dataset_error(error) from None
    suffix = layout.suffix
    names = [name for name in files if _is_truth(folder, name, suffix)]
    if names and suffix in VOLUME_SUFFIXES:
        _refuse_others(folder, files, suffix)
    before, behind = layout.affixes
    names = [name for name in names if name.startswith(before) and name.endswith(behind)]
    if layout.but:
        names = [name for name in names if not fnmatchcase(name.rpartition("/")[2], layout.but)]
    if layout.reader == "plain":
        return names
    # What lies elsewhere than its own name says is left alone.
    tail = layout.truth.partition("{split}/")[2] or layout.truth
    flat = [(name, name.rpartition("/")[2]) for name in names]
    return [file for name, file in flat if layout.path(tail, split="", key=file[: -len(behind)]) == name]


def truth_path(folder: str, layout: Layout, pattern: str, split: str, key: str) -> str:
    """Return the truth file of an image below a folder, in the Unicode form in which its name lies on disk."""
    # Not a Path: pathlib is slow, and would keep every name in a table of its own.
    path = folder + layout.path(pattern, split=split, key=key)
    if key.isascii() or os.path.exists(path):
        return path
    return folder + layout.path(pattern, split=split, key=decomposed(key))


def _is_truth(folder: Path, name: str, suffix: str) -> bool:
    """Whether a file of a truth folder is a label map; what only looks as if it were none is refused."""
    if name.endswith(suffix) and name.isascii():
        return True
    if not name.lower().endswith(suffix):
        if os.path.isdir(folder / name):
            raise DatasetError(
                "a link to a folder", expected="the folder itself: links are not followed", file=str(folder / name)
            )
        return False
    if not name.endswith(suffix):
        raise DatasetError("an upper-case suffix", expected=f"NAME{suffix}", mend="rename it", file=str(folder / name))
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise DatasetError("a name that is not UTF-8", expected="UTF-8", mend="rename it", file=str(folder / name))
    return True


def _refuse_others(folder: Path, files: list[str], suffix: str) -> None:
    """Refuse a folder in which some volumes are packed and some are not: half of them would be passed over."""
    (other,) = (other for other in VOLUME_SUFFIXES if other != suffix)
    if found := next((name for name in files if name.endswith(other)), None):
        raise DatasetError(
            f"volumes {suffix} and {other} together",
            expected="truth of one suffix",
            mend="pack all of them, or none",
            file=str(folder / found),
        )


def truth_folder(root: Path, layout: Layout, split: str) -> Path:
    """Return the folder below which the truth of a split lies: the pattern up to what depends on the image."""
    fixed = layout.truth.partition("{city}")[0].partition("{key}")[0]
    return root / layout.path(fixed.rpartition("/")[0], split=split)


def _listed(path: Path) -> list[str]:
    """Read a list: the first word of each line, of which only the stem counts."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
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
