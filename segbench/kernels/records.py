"""The records of COCO files, scanned straight into columns; no object is made for any of them.

What is checked is syntax and types. What the values mean (whether an image is known, a mask fits it, a polygon has
corners enough) is the caller's to check.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, KernelsNotBuilt
from segbench.kernels.jsonfaults import KEYS, MOST_DEEP, MOST_KEYS, Bytes, JsonFault, Reason, bad_json, text_begins
from segbench.kernels.recordcolumns import ResultColumns as ResultColumns
from segbench.kernels.recordcolumns import TruthColumns as TruthColumns

try:
    import segbench.kernels._records as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

_DONE, _FAULT, _FULL_ROWS = 0, 1, 2
#: Of records, polygons, points and run lengths: enough for a few hundred records, by which the rest is foretold.
_FIRST_ROOM: Final = (256, 256, 1 << 14, 1 << 14)
#: How far the table of powers of five goes; `json_numbers.h` has the same.
_MOST_POWER = 64

#: Columns by what they are as long as (rows, polygons, points, counts), their dtypes, entries of each, and one more at
#: the end of offsets. What results have not got is one entry long there.
_COLUMNS: Final[dict[str, tuple[int, Any, int, int]]] = {
    **dict.fromkeys(("starts", "image_ids", "category_ids"), (0, np.int64, 1, 0)),
    **dict.fromkeys(("counts_starts", "counts_lengths", "ids"), (0, np.int64, 1, 0)),
    **dict.fromkeys(("kinds", "escaped", "crowd", "ignore"), (0, np.uint8, 1, 0)),
    "values": (0, np.float64, 1, 0),
    "boxes": (0, np.float64, 4, 0),
    "sizes": (0, np.int64, 2, 0),
    "seen": (0, np.uint16, 1, 0),
    "list_offsets": (0, np.int64, 1, 1),
    "annotation_polygons": (0, np.int64, 1, 1),
    "polygon_offsets": (1, np.int64, 1, 1),
    "points": (2, np.float64, 1, 0),
    "list_counts": (3, np.int64, 1, 0),
}
_ONLY_TRUTH = ("ids", "crowd", "ignore")
_ID, _AREA, _CROWD, _BOX = (KEYS.index(key) for key in ("id", "area", "iscrowd", "bbox"))


def scan_results(data: Any) -> ResultColumns:
    """Read a results file: a list of detections.

    Parameters
    ----------
    data : bytes-like
        The whole file, contiguous: bytes, a memory map, an array of uint8. UTF-8, with or without a byte order mark.
        Detections are objects with ``image_id``, ``category_id``, ``score`` and, if they like, ``bbox`` and
        ``segmentation``; other keys are checked to be JSON and left alone.

    Returns
    -------
    ResultColumns
        The detections in the order of the file; an empty list has none.

    Raises
    ------
    BadJson
        With line, column and the number of the detection, counted from 1; its cause is a `JsonFault`. The file is no
        JSON (RFC 8259); it has a key twice in one object, lists and objects more than 64 deep, a number written with
        more than 400 characters, or an object with more than 4096 other keys; or a value is missing, or is not of the
        type it has to be. The first such place is told.
    BadParameter
        For data that is no contiguous buffer of bytes.

    Notes
    -----
    O(bytes). Numbers are what ``float()`` makes of them, to the last bit. Ids may be written as ``5.0``.
    """
    scan = _Scan(data, truth=False)
    return ResultColumns(**scan.shared(), scores=scan.columns["values"])


def scan_truth(data: Any) -> TruthColumns:
    """Read a truth file: an object whose ``annotations`` are a list of true instances.

    Parameters
    ----------
    data : bytes-like
        As for `scan_results`. Annotations are objects with ``image_id``, ``category_id`` and, if they like, ``id``,
        ``area``, ``iscrowd``, ``ignore``, ``bbox`` and ``segmentation``.

    Returns
    -------
    TruthColumns
        The annotations in the order of the file, and where the values of ``images`` and ``categories`` lie, which are
        known to be JSON without keys that come twice.

    Raises
    ------
    BadJson, BadParameter
        As of `scan_results`.

    Notes
    -----
    O(bytes).
    """
    scan = _Scan(data, truth=True)
    seen = scan.columns["seen"]
    return TruthColumns(
        **scan.shared(),
        **{name: scan.columns[name] for name in _ONLY_TRUTH},
        areas=scan.columns["values"],
        has_id=(seen >> _ID & 1).astype(np.bool_),
        has_area=(seen >> _AREA & 1).astype(np.bool_),
        has_crowd=(seen >> _CROWD & 1).astype(np.bool_),
        images_span=scan.spans[:2],
        categories_span=scan.spans[2:],
    )


class _Scan:
    """The columns of a file; they grow as they fill up."""

    def __init__(self, data: Any, *, truth: bool) -> None:
        self._data, self._truth = _as_bytes(data), truth
        self._room = list(_FIRST_ROOM)
        self.columns: dict[str, Any] = {
            name: np.empty(self._length(name), dtype) for name, (_, dtype, _, _) in _COLUMNS.items()
        }
        for name in ("list_offsets", "annotation_polygons", "polygon_offsets"):
            self.columns[name][0] = 0
        try:
            counts = self._scanned()
        except JsonFault as fault:
            error = bad_json(self._data, fault.with_traceback(None), "annotation" if truth else "result")
            # What a traceback holds must not keep a memory map from being closed.
            del self._data
            raise error from fault
        self._room = list(counts)
        for name in _COLUMNS:
            self._resize(name)

    def shared(self) -> dict[str, Any]:
        """Return what results and truth have in common."""
        own = ("seen", "values", *_ONLY_TRUTH)
        shared = {name: column for name, column in self.columns.items() if name not in own}
        shared["boxes"] = shared["boxes"].reshape(-1, 4)
        shared["sizes"] = shared["sizes"].reshape(-1, 2)
        shared["has_box"] = (self.columns["seen"] >> _BOX & 1).astype(np.bool_)
        return shared

    def _scanned(self) -> tuple[int, int, int, int]:
        begin = text_begins(self._data)
        if begin == len(self._data):
            raise JsonFault(Reason.EMPTY, begin)
        memory = np.empty(-(-_loops.MEMORY // 8), np.int64)
        # Pages that are not written to are not taken.
        most = MOST_DEEP * MOST_KEYS
        keys = np.empty(most, np.uint64), np.empty(2 * most, np.int64), np.empty(most, np.int32)
        heads = np.full(_loops.CHAINS, -1, np.int32)
        before = (0, 0, 0, 0)
        while True:
            outcome, counts, fault, self.spans, reached = _loops.scan(
                self._data,
                self._truth,
                {**self.columns, "room": self._room},
                memory,
                _powers(),
                *keys,
                heads,
                begin,
                _WAY,
            )
            if outcome == _FAULT:
                reason, offset, record, key = fault
                raise JsonFault(Reason(reason), offset, record, KEYS[key] if key >= 0 else "")
            if outcome == _DONE:
                return counts
            self._grow(outcome - _FULL_ROWS, counts, stuck=counts == before, reached=reached)
            begin, before = -1, counts

    def _grow(self, kind: int, counts: tuple[int, ...], *, stuck: bool, reached: int) -> None:
        """Make room for as many as there would be if the rest of the file were like what was read."""
        # What is not written to takes no memory, and is given back.
        first = int(self.columns["starts"][0]) if counts[0] else 0
        expected = int(counts[kind] * (1.1 * (len(self._data) - first) / max(1, reached - first))) + _FIRST_ROOM[kind]
        room = self._room[kind]
        self._room[kind] = max(expected, room * 4 if stuck else room + room // 4)
        for name, (own, dtype, _, _) in _COLUMNS.items():
            if own == kind and room * 8 < self._room[kind]:
                # Little is there yet: what is new is not written to before the loops do.
                column = np.empty(self._length(name), dtype)
                begun = self.columns[name][: len(column)]
                column[: len(begun)] = begun
                self.columns[name] = column
            elif own == kind:
                self._resize(name)

    def _length(self, name: str) -> int:
        kind, _, entries, more = _COLUMNS[name]
        return 1 if name in _ONLY_TRUTH and not self._truth else self._room[kind] * entries + more

    def _resize(self, name: str) -> None:
        # In place: a copy would take the memory twice. Nobody else has seen these arrays yet.
        self.columns[name].resize(self._length(name), refcheck=False)


def _as_bytes(data: Any) -> Bytes:
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise BadParameter(f"data that is no contiguous buffer of bytes: {error}", expected="bytes") from error


@cache
def _powers() -> NDArray[np.uint64]:
    """Return 5**-64 … 5**64 as their first 128 bits, those from 5**-27 to 5**-1 rounded up: high and low words."""
    powers = []
    for power in range(-_MOST_POWER, _MOST_POWER + 1):
        five = 5 ** abs(power)
        bits = (five << 128 if power >= 0 else 1 << 512) // (1 if power >= 0 else five)
        bits = (bits >> (bits.bit_length() - 128)) + (-27 <= power < 0)
        powers.append((bits >> 64, bits & (2**64 - 1)))
    return np.array(powers, np.uint64)


#: The way through strings: by vectors where there is one.
_WAY: int = _loops.WAYS[-1]
