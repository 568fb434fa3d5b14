"""Records as JSON has them: read, listed by id, and turned into columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError, SegbenchError

Record: TypeAlias = dict[str, Any]

_NUMBERS = (int, float, np.integer, np.floating)


def read_json(file: str | Path, kind: type[SegbenchError]) -> Any:
    """Return what a file of JSON holds; `kind` is the error that is raised where it holds none."""
    try:
        return json.loads(Path(file).read_bytes())
    except OSError as error:
        raise kind(f"cannot be read: {error.strerror}", file=str(file)) from None
    except (ValueError, RecursionError) as error:
        raise kind(f"no JSON: {error}", expected="JSON, as in COCO", file=str(file)) from None


def listed(values: Any) -> list[Any]:
    """Return ids or names, `values`, as a list; a text is one name."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return [values]
    return list(values)


def column(records: Sequence[Record], key: str, what: str, kind: type[SegbenchError] = DatasetError) -> list[Any]:
    """Return what all records have under a key.

    Parameters
    ----------
    records : sequence of dict
        The records.
    key : str
        The key.
    what : str
        What to call a record.
    kind : type
        The error to raise.

    Returns
    -------
    list
        A value for each.

    Raises
    ------
    SegbenchError
        Of that kind, for the first record without the key.
    """
    try:
        return [record[key] for record in records]
    except (KeyError, TypeError):
        row = next(i for i, record in enumerate(records) if not isinstance(record, Mapping) or key not in record)
    name = f"id {records[row]['id']}" if isinstance(records[row], Mapping) and "id" in records[row] else f"{row + 1}"
    raise kind(f"{what} {name}: no key {key!r}", expected=f"{key!r} in all of them")


def value_of(record: Record, key: str) -> Any:
    """Return what an annotation has under a key.

    Parameters
    ----------
    record : dict
        The annotation.
    key : str
        The key.

    Returns
    -------
    object
        The value.

    Raises
    ------
    DatasetError
        Where it has none.
    """
    return column([record], key, "annotation")[0]


def ids_in(records: Sequence[Record], key: str, what: str, kind: type[SegbenchError] = DatasetError) -> list[Any]:
    """Return the ids that all records have under a key: numbers, or texts.

    Parameters
    ----------
    records : sequence of dict
        The records.
    key : str
        The key.
    what : str
        What to call a record.
    kind : type
        The error to raise.

    Returns
    -------
    list
        An id for each.

    Raises
    ------
    SegbenchError
        Of that kind, for the first record without, or with something else.
    """
    values = column(records, key, what, kind)
    expected = str if values and isinstance(values[0], str) else _NUMBERS
    row = next((i for i, value in enumerate(values) if not isinstance(value, expected)), None)
    if row is not None:
        raise kind(f"{what} {row + 1}: {key} {values[row]!r}", expected="numbers, or texts in all of them")
    return values


def boxes_in(given: Sequence[Any]) -> tuple[NDArray[np.float64], int]:
    """Return boxes as a table, or which is none.

    Parameters
    ----------
    given : sequence of sequence of float
        Left, top, width and height of each.

    Returns
    -------
    boxes : ndarray of float64, shape (n, 4)
        The boxes.
    wrong : int
        The first one that is none, -1 where all are.
    """
    try:
        table = np.array(given, np.float64) if len(given) else np.zeros((0, 4))
        if table.shape == (len(given), 4) and np.isfinite(table).all():
            return table, -1
    except (TypeError, ValueError, OverflowError):
        pass
    return np.zeros((0, 4)), next(i for i, box in enumerate(given) if not _is_box(box))


def _is_box(box: Any) -> bool:
    try:
        numbers = np.array(box, np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return numbers.shape == (4,) and bool(np.isfinite(numbers).all())


def by_id(records: Sequence[Record], what: str) -> dict[Any, Record]:
    """Return `records` by their ids; `what` is what to call one."""
    return dict(zip(ids_in(records, "id", what), records, strict=True))


def records_in(dataset: Mapping[str, Any], key: str) -> Sequence[Record]:
    """Return the records that a data set has under a key.

    Parameters
    ----------
    dataset : dict
        The data set.
    key : str
        The key.

    Returns
    -------
    list of dict
        None where it lacks the key.

    Raises
    ------
    DatasetError
        For anything but a list.
    """
    records = dataset.get(key, [])
    if not isinstance(records, list | tuple):
        raise DatasetError(f"{key}: {type(records).__name__}", expected="a list of objects")
    return records


def picked(records: Mapping[Any, Record], ids: Any, what: str) -> list[Record]:
    """Return some records.

    Parameters
    ----------
    records : mapping of id to dict
        All.
    ids : id or sequence of ids
        Which.
    what : str
        What to call one.

    Returns
    -------
    list of dict
        Those, in the order of the ids.

    Raises
    ------
    BadParameter
        For an unknown id.
    """
    wanted = listed(ids)
    stranger = [i for i in wanted if i not in records]
    if stranger:
        raise BadParameter(f"no {what} {stranger[0]!r}", expected=f"the id of one of {len(records)}")
    return [records[i] for i in wanted]
