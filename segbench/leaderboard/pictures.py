"""Pictures of the hardest images of each entry, made where the data set lies: they are no part of a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from segbench.datasets.maps import truth_map
from segbench.datasets.photos import photo_png
from segbench.datasets.pngwriter import encode_png
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, DatasetError, UnknownName
from segbench.frozen import dataclass
from segbench.leaderboard.entrypage import hardest
from segbench.leaderboard.standings import Board
from segbench.protocols.load import load_protocol, protocol_names
from segbench.scoring.palette import Palette
from segbench.scoring.reading import nearest

#: Pixels of the longer side of a map.
_MOST = 400

#: What can be drawn as a map of classes.
_KINDS = ("labels", "levels")


@dataclass(frozen=True)
class Pictures:
    """Where the pictures of an image stand below the site.

    Parameters
    ----------
    photo : str
        The photograph; empty where the data set has none.
    truth : str
        The truth in the colours of the data set.
    """

    photo: str
    truth: str


def pictures_of(boards: Sequence[Board], data_root: Path) -> tuple[dict[str, dict[str, Pictures]], dict[str, bytes]]:
    """Draw the hardest images of all entries, of the boards whose data sets are there.

    Parameters
    ----------
    boards : sequence of Board
        The boards.
    data_root : Path
        The folder of one data set, or of several by the names of their protocols.

    Returns
    -------
    dict of str to dict of str to Pictures
        By board and by image.
    dict of str to bytes
        PNG files by path.

    Raises
    ------
    BadParameter
        When the data of no board is there.
    """
    shown: dict[str, dict[str, Pictures]] = {}
    files: dict[str, bytes] = {}
    for board in boards:
        truth = _truth_of(board, data_root)
        drawn = {} if truth is None else {key: _drawn(truth, board, key, files) for key in _wanted(board, truth)}
        if drawn:
            shown[board.id] = drawn
    if not shown:
        expected = "the folder of a data set that has a board, or one that holds such folders by their names"
        raise BadParameter("no data set of any board", expected=expected, file=str(data_root))
    return shown, files


def _truth_of(board: Board, data_root: Path) -> TruthSet | None:
    """Return the truth of a board whose entries can be drawn, where it is there."""
    name = board.protocol.partition("@")[0]
    protocol = load_protocol(name) if board.standings and name in protocol_names() else None
    if protocol is None or protocol.identity != board.protocol or protocol.kind not in _KINDS:
        return None
    own = data_root / name
    try:
        return open_truth(protocol, split=board.split, data_root=own if own.is_dir() else data_root)
    except (DatasetError, UnknownName):
        return None


def _wanted(board: Board, truth: TruthSet) -> Iterator[str]:
    """Yield the hardest images of the entries, each once, that the truth has."""
    known = set(truth.keys)
    hard = (key for standing in board.standings for key, _ in hardest(board, standing))
    yield from (key for key in dict.fromkeys(hard) if key in known)


def _drawn(truth: TruthSet, board: Board, key: str, files: dict[str, bytes]) -> Pictures:
    """Draw an image into files, which are called by its place in the split: its name is not ours."""
    place = f"pictures/{board.id}/{truth.keys.index(key):06d}"
    palette = Palette(truth.protocol)
    labels = np.asarray(truth_map(truth, key))
    scale = min(1.0, _MOST / max(labels.shape))
    shape = (max(1, round(labels.shape[0] * scale)), max(1, round(labels.shape[1] * scale)))
    files[f"{place}-truth.png"] = encode_png(palette.indices(palette.codes(nearest(labels, shape))), palette.table)
    photo = photo_png(truth, key)
    if photo is not None:
        files[f"{place}.png"] = photo
    return Pictures(f"{place}.png" if photo is not None else "", f"{place}-truth.png")
