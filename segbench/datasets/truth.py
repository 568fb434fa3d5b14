"""The truth of a split: which images there are, and where their label maps lie."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path

from segbench.datasets.files import LARGEST_FILE
from segbench.datasets.layouts import find_root, split_keys, tree_layout, truth_keys, truth_path
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.files import read_files
from segbench.protocols.protocol import Layout, Protocol
from segbench.samples import Place

#: Split of a truth that was given by path.
CUSTOM = "custom"


@dataclass(frozen=True)
class Video:
    """What is known of a video before its frames are scored.

    Parameters
    ----------
    frames : tuple of str
        The names of all its frames with truth, sorted.
    n_objects : int
        How many objects the first of them has.
    """

    frames: tuple[str, ...]
    n_objects: int


@dataclass(frozen=True)
class TruthSet:
    """Images with truth, in canonical order.

    Parameters
    ----------
    protocol : Protocol
        What the values mean.
    layout : Layout
        Where the files lie below the root.
    split : str
        Name of the split.
    root : Path
        Where the files lie.
    keys : list of str
        Image names, sorted, the parts of a key joined by ``/``.
    by_path : bool
        Whether the root is a plain tree of label maps rather than the data set's layout.
    videos : mapping of str to Video
        The videos by name, where images are frames that are about to be scored.
    beside : frozenset of str
        Keys of frames that have a truth and are not scored, whether there are predictions or not.
    """

    protocol: Protocol
    layout: Layout
    split: str
    root: Path
    keys: list[str]
    by_path: bool = False
    videos: Mapping[str, Video] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()

    def place(self, key: str) -> Place | None:
        """Return where a frame stands in its video; None where images are no frames."""
        sequence, _, frame = key.rpartition("/")
        video = self.videos.get(sequence)
        return None if video is None else Place(video.frames.index(frame), len(video.frames), video.n_objects)

    def path(self, key: str) -> str:
        """Return the truth file of an image."""
        return self.file(self.layout.truth, key)

    @cached_property
    def folder(self) -> str:
        """The root as text, up to where names of files begin."""
        return os.path.join(self.root, "")

    def file(self, pattern: str, key: str) -> str:
        """Return the file of an image by a `pattern` of the layout."""
        return truth_path(self.folder, self.layout, pattern, self.split, key)

    def instances_path(self, key: str) -> str | None:
        """Return the map of instance ids of an image, None where the data set has none."""
        return self.file(self.layout.instances, key) if self.layout.instances else None

    def read_many(self, keys: Sequence[str], most: int = LARGEST_FILE) -> list[bytes | None]:
        """Return the truth files of several images, or their first `most` bytes; None for what cannot be read."""
        paths = [os.fsencode(self.path(key)) for key in keys]
        return read_files(paths, most=[most] * len(paths), follow=True)

    @property
    def is_unmasked(self) -> bool:
        """Whether a mask says elsewhere which pixels count, and here all do."""
        return not self.layout.mask and any(layout.mask for layout in self.protocol.layouts)

    @property
    def expected(self) -> int:
        """How many images the data set says the split has; 0 when it does not say."""
        return 0 if self.by_path else self.protocol.splits.get(self.split, 0)


def open_truth(
    protocol: Protocol, *, split: str | None = None, data_root: Path | None = None, truth: Path | None = None
) -> TruthSet:
    """Find the truth of a split.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    split : str, optional
        The split, else the protocol's default.
    data_root : Path, optional
        Where the data set lies in its layout.
    truth : Path, optional
        A tree of label maps that replaces the layout; it holds exactly the images scored.

    Returns
    -------
    TruthSet
        The images.

    Raises
    ------
    BadParameter
        When `truth` and `data_root` are both given, or neither is and no environment variable helps.
    UnknownName
        For a split the protocol has not.
    DatasetError
        When the data set is not there or its lists are damaged.
    """
    if truth is not None:
        if data_root is not None:
            raise BadParameter("--truth together with --data-root", expected="one of them")
        layout = tree_layout(protocol, truth, split)
        return TruthSet(protocol, layout, _named(split or CUSTOM), truth, truth_keys(truth, layout), by_path=True)
    split = protocol.check_split(split)
    root, layout = find_root(protocol, data_root, split)
    return TruthSet(protocol, layout, split, root, split_keys(protocol, layout, root, split))


def _named(split: str) -> str:
    # The name stands in signatures, whose fields are divided by bars.
    if not re.fullmatch(r"[\w.+-]+", split):
        raise BadParameter(f"--split {split!r}", expected="a name of letters, digits and . + - _")
    return split
