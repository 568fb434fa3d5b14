"""An entry on disk: a result with an ``entry``, its state beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, NoReturn

from segbench.codec import canonical_json, read_table
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.leaderboard.entry import Entry
from segbench.result import SCHEMA
from segbench.scoring.output import state_path

#: Bytes of a result at most: of 1,203 classes and thirteen scores it takes half a million.
LARGEST = 32 << 20

#: What the names of unfinished files end with; they begin with a dot.
PART = ".part"


@dataclass(frozen=True)
class Stored:
    """An entry of a store.

    Parameters
    ----------
    entry : Entry
        What is told of it.
    result : mapping of str to object
        The result as its JSON has it; undefined numbers are None.
    path : Path
        The result.
    state : Path
        The counts of its images.
    """

    entry: Entry
    result: Mapping[str, Any]
    path: Path
    state: Path

    @property
    def board(self) -> tuple[str, str]:
        """Protocol and split, as ``("drive@1", "test")``."""
        return self.result["protocol"], self.result["split"]

    @property
    def file(self) -> str:
        """The result below the store: ``drive@1/laddernet.json``."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True)
class _Score:
    value: float | None
    per_class: dict[str, float | None]
    ci: tuple[float, float] | None
    unit: str
    higher_is_better: bool
    signature: str
    infinite: int = 0
    class_ci: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class _StateFile:
    file: str
    sha256: str


@dataclass(frozen=True)
class _Provenance:
    predictions: str
    truth: str
    versions: dict[str, str]


@dataclass(frozen=True)
class _Record:
    schema: int
    entry: dict[str, Any] | None
    protocol: str
    split: str
    n_images: int
    scores: dict[str, Any]
    state: _StateFile | None
    provenance: _Provenance
    warnings: list[str]
    resampling: dict[str, Any] | None = None
    slices: dict[str, Any] = field(default_factory=dict)


def read_stored(path: Path) -> Stored:
    """Read one entry.

    Parameters
    ----------
    path : Path
        The result, below the folder of its protocol.

    Returns
    -------
    Stored
        The entry; that its numbers derive from its state is not known yet.

    Raises
    ------
    DatasetError
        When the file is damaged, or lies where it does not belong.
    """
    try:
        record = read_record(path)
        entry = read_table(record["entry"] or {}, Entry, file=f"{path}, entry")
    except BadParameter as error:
        file = error.file or f"{path}, entry"
        raise DatasetError(
            error.found, expected=error.expected or "a whole entry", mend=error.mend, file=file
        ) from None
    state = state_path(path)
    places = (
        ("the protocol", record["protocol"], path.parent.name),
        ("the id", entry.id, path.stem),
        ("the state", (record["state"] or {}).get("file"), state.name),
    )
    for what, found, expected in places:
        if found != expected:
            raise DatasetError(f"{what} {found!r}", expected=f"{expected!r}, after its place", file=str(path))
    return Stored(entry, record, path, state)


def read_record(path: Path) -> dict[str, Any]:
    """Read the JSON of a result.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict of str to object
        The record, in the form of the published schema.

    Raises
    ------
    BadParameter
        When the file cannot be read or is no result; says where.
    """
    try:
        record = json.loads(_bytes_of(path), parse_constant=_refuse_constant)
        # JSON can escape half a character and write a number beyond all; no page could show them.
        canonical_json(record).encode()
    except OSError as error:
        raise BadParameter(f"cannot be read: {error.strerror}", expected="a result", file=str(path)) from None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise BadParameter("not a result", expected=f"JSON of schema {SCHEMA}", file=str(path))
    read_table(record, _Record, file=str(path))
    for key, score in record["scores"].items():
        read_table(score if isinstance(score, dict) else {}, _Score, file=f"{path}, score {key}")
    return record


def standing_entries(entries: Sequence[Stored]) -> list[Stored]:
    """Return the `entries` that no other one of their protocol replaces."""
    replaced = {(stored.board[0], stored.entry.replaces) for stored in entries}
    return [stored for stored in entries if (stored.board[0], stored.entry.id) not in replaced]


def _bytes_of(path: Path) -> bytes:
    # A link may lead anywhere, and a pipe would never end.
    if path.is_symlink() or not path.is_file():
        raise BadParameter("no plain file", expected="a result", file=str(path))
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BadParameter(f"more than {LARGEST} bytes", expected="a result", file=str(path))
    return data


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)
