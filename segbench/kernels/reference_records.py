"""The scanner of COCO files again, in plain Python: for reading, and for holding the loops to it."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

from segbench.kernels.jsonfaults import KEYS, JsonFault, Reason, bad_json
from segbench.kernels.recordcolumns import NO_MASK, POLYGONS, RUNS, STRING, ResultColumns, TruthColumns
from segbench.kernels.reference_json import READERS, Pairs, Text, skip, whole_list, wrong_type


def scan_results(data: Any) -> ResultColumns:
    """Read the records of a results file."""
    buffer = np.frombuffer(data, np.uint8)
    try:
        text = Text(buffer)
        if not isinstance(text.whole, list) or isinstance(text.whole, Pairs):
            _wrong_top(text)
        rows = _rows(text, text.begin, "score", ("image_id", "category_id", "score"))
    except JsonFault as fault:
        raise bad_json(buffer, fault, "result") from fault
    return ResultColumns(**_columns(rows), scores=_column(rows, "score", np.float64))


def scan_truth(data: Any) -> TruthColumns:
    """Read the annotations of a truth file."""
    buffer = np.frombuffer(data, np.uint8)
    try:
        rows, spans = _annotations(Text(buffer))
    except JsonFault as fault:
        raise bad_json(buffer, fault, "annotation") from fault
    return TruthColumns(
        **_columns(rows),
        ids=_column(rows, "id", np.int64, 0),
        areas=_column(rows, "area", np.float64, math.nan),
        crowd=_column(rows, "iscrowd", np.uint8, 0),
        ignore=_column(rows, "ignore", np.uint8, 0),
        has_id=np.array(["id" in row for row in rows], np.bool_),
        has_area=np.array(["area" in row for row in rows], np.bool_),
        has_crowd=np.array(["iscrowd" in row for row in rows], np.bool_),
        images_span=spans.get("images", (-1, -1)),
        categories_span=spans.get("categories", (-1, -1)),
    )


def _wrong_top(text: Text) -> NoReturn:
    if not isinstance(text.whole, list):
        skip(text.whole, 0)
    raise JsonFault(Reason.TOP_LEVEL, text.bytes_before(text.begin))


_TOP = ("annotations", "images", "categories")


def _annotations(text: Text) -> tuple[list[dict[str, Any]], dict[str, tuple[int, int]]]:
    if not isinstance(text.whole, Pairs):
        _wrong_top(text)
    rows: list[dict[str, Any]] | None = None
    spans: dict[str, tuple[int, int]] = {}
    for key, value, at, end in text.members(text.begin, _TOP):
        spans[key] = (text.bytes_before(at), text.bytes_before(end))
        if key != "annotations":
            skip(value, 1)
        elif not isinstance(value, list) or isinstance(value, Pairs):
            wrong_type(value, "annotations")
        else:
            rows = _rows(text, at, "id area iscrowd ignore", ("image_id", "category_id"))
    if rows is None:
        raise JsonFault(Reason.MISSING_KEY, text.bytes_before(text.begin), key="annotations")
    return rows, spans


def _rows(text: Text, at: int, more: str, required: tuple[str, ...]) -> list[dict[str, Any]]:
    wanted = {"image_id", "category_id", "bbox", "segmentation", *more.split()}
    rows = []
    for number, (record, begin, _) in enumerate(text.items(at)):
        try:
            rows.append(_row(text, record, begin, wanted, 2 if "score" in wanted else 3))
            _require(rows[-1], required)
        except JsonFault as fault:
            raise JsonFault(fault.reason, fault.offset, number, fault.key) from None
    return rows


def _require(row: dict[str, Any], keys: tuple[str, ...], within: str = "") -> None:
    for key in keys:
        if key not in row:
            raise JsonFault(Reason.MISSING_KEY, row["start"], key=within + key)


def _row(text: Text, record: Any, begin: int, wanted: set[str], depth: int) -> dict[str, Any]:
    start = text.bytes_before(begin)
    if not isinstance(record, Pairs):
        skip(None if isinstance(record, list) else record, 0)
        raise JsonFault(Reason.NO_OBJECT, start)
    row: dict[str, Any] = {"start": start}
    for key, value, at, _ in text.members(begin, KEYS[:9]):
        if key not in wanted:
            skip(value, depth)
        elif key == "segmentation" and isinstance(value, Pairs):
            row[key] = _runs(text, at, depth + 1)
        else:
            row[key] = READERS[key](value, key)
    return row


def _runs(text: Text, begin: int, depth: int) -> dict[str, Any]:
    row: dict[str, Any] = {"start": text.bytes_before(begin)}
    for key, value, at, end in text.members(begin, ("size", "counts")):
        if key == "size":
            row[key] = whole_list(value, "segmentation.size", 2)
        elif key == "counts" and type(value) is str:
            row[key] = (text.bytes_before(at) + 1, text.bytes_before(end) - 1, "\\" in text.text[at:end])
        elif key == "counts":
            row[key] = whole_list(value, "segmentation.counts", None)
        else:
            skip(value, depth)
    _require(row, ("size", "counts"), "segmentation.")
    return row


def _column(rows: list[dict[str, Any]], key: str, dtype: Any, missing: Any = None) -> Any:
    return np.array([row.get(key, missing) for row in rows], dtype)


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    masks = [row.get("segmentation") for row in rows]
    runs = [mask if isinstance(mask, dict) else {} for mask in masks]
    strings = [run["counts"] if isinstance(run.get("counts"), tuple) else (-1, -1, False) for run in runs]
    lists = [run["counts"] if isinstance(run.get("counts"), list) else [] for run in runs]
    polygons = [mask if isinstance(mask, list) else [] for mask in masks]
    flat = [polygon for group in polygons for polygon in group]
    return {
        "starts": _column(rows, "start", np.int64),
        "image_ids": _column(rows, "image_id", np.int64),
        "category_ids": _column(rows, "category_id", np.int64),
        "boxes": np.array([row.get("bbox", [math.nan] * 4) for row in rows], np.float64).reshape(-1, 4),
        "has_box": np.array(["bbox" in row for row in rows], np.bool_),
        "kinds": np.array([_kind(mask) for mask in masks], np.uint8),
        "counts_starts": np.array([start for start, _, _ in strings], np.int64),
        "counts_lengths": np.array([end - start for start, end, _ in strings], np.int64),
        "escaped": np.array([escaped for _, _, escaped in strings], np.uint8),
        "sizes": np.array([run.get("size", [-1, -1]) for run in runs], np.int64).reshape(-1, 2),
        "list_counts": np.array([count for counts in lists for count in counts], np.int64),
        "list_offsets": _offsets(lists),
        "points": np.array([number for polygon in flat for number in polygon], np.float64),
        "polygon_offsets": _offsets(flat),
        "annotation_polygons": _offsets(polygons),
    }


def _kind(mask: Any) -> int:
    if mask is None:
        return NO_MASK
    if isinstance(mask, list):
        return POLYGONS
    return STRING if isinstance(mask["counts"], tuple) else RUNS


def _offsets(groups: list[Any]) -> Any:
    return np.cumsum([0, *map(len, groups)], dtype=np.int64)
