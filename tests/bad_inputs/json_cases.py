"""Everything that goes wrong with results and truths in the JSON of COCO, and the answer each must get.

Names and reasons are those of a matrix of cases that the usual tools were tried on: ``cj_`` results, ``cj_gt_`` the
truth. A case spoils the text of the clean file, mostly one value of the third record.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.protocols.coco_sets import compressed, listed

HEIGHT, WIDTH = 48, 64
IMAGES = (17, 42)
#: The record that is spoilt, counted from 1.
SPOILT = 3

Record = dict[str, Any]
Spoil = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Refused:
    """No score: the code of the fault, what the message finds, and what it expected."""

    code: str
    found: str
    expected: str = ""
    exit: int = 3


@dataclass(frozen=True)
class Same:
    """The score of the clean files."""

    warning: str = ""


@dataclass(frozen=True)
class Scored:
    """A score, of whatever height, with a warning if one is named."""

    warning: str = ""


@dataclass(frozen=True)
class Case:
    """One way to spoil a file, and the answer it must get."""

    name: str
    spoil: Spoil
    answer: Refused | Same | Scored
    iou_type: str = "segm"

    def __str__(self) -> str:
        return self.name

    @property
    def of_truth(self) -> bool:
        return self.name.startswith("cj_gt_")


def mask(number: int) -> np.ndarray:
    """One of the true masks, which are not near each other."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[3 + 10 * (number % 4) : 10 + 10 * (number % 4), 5 + 9 * number : 19 + 9 * number] = 1
    return values


def box(number: int) -> list[float]:
    return [float(5 + 9 * number), float(3 + 10 * (number % 4)), 14.0, 7.0]


def truth() -> Record:
    polygon = [[5.0, 3.0, 5.0, 10.0, 19.0, 10.0, 19.0, 3.0]]
    shapes: list[Any] = [polygon, compressed(mask(1)), compressed(mask(2)), listed(mask(3))]
    annotations = [
        {"id": 101 + i, "image_id": IMAGES[i // 2], "category_id": 1 + i % 2, "area": 98, "iscrowd": 0,
         "bbox": box(i), "segmentation": shape}
        for i, shape in enumerate(shapes)
    ]  # fmt: skip
    return {
        "images": [{"id": i, "height": HEIGHT, "width": WIDTH, "file_name": f"{i}.jpg"} for i in IMAGES],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": annotations,
    }


def results(iou_type: str) -> list[Record]:
    """All instances, a little moved, and surer of some than of others."""
    shape = {"segm": lambda i: {"segmentation": compressed(np.roll(mask(i), 1, 0))}, "bbox": lambda i: {"bbox": box(i)}}
    return [
        {"image_id": IMAGES[i // 2], "category_id": 1 + i % 2, "score": 0.9 - i / 8, **shape[iou_type](i)}
        for i in range(4)
    ]


def as_text(content: Any) -> bytes:
    return json.dumps(content).encode()


def put(key: str, text: str) -> Spoil:
    """Put `text` in the place of a value of the record that is spoilt; a dot leads into the segmentation."""
    return _changed(lambda record: _assign(record, key.split("."), text))


def drop(key: str) -> Spoil:
    return _changed(lambda record: _assign(record, key.split("."), None))


def again(key: str) -> Spoil:
    """Write a key twice."""
    return lambda data: data.replace(f'"{key}":'.encode(), f'"{key}": 1, "{key}":'.encode(), 1)


def whole(text: bytes | str) -> Spoil:
    return lambda data: text if isinstance(text, bytes) else text.encode()


def counts(values: list[int]) -> Spoil:
    return put("segmentation.counts", json.dumps(values))


def twin(change: Record) -> Spoil:
    """Add the spoilt record once more, with changes."""

    def spoil(data: bytes) -> bytes:
        content = json.loads(data)
        records = content["annotations"] if isinstance(content, dict) else content
        records.append({**records[SPOILT - 1], **change})
        return as_text(content)

    return spoil


def of_truth(change: Callable[[Record], Any]) -> Spoil:
    def spoil(data: bytes) -> bytes:
        content = json.loads(data)
        change(content)
        return as_text(content)

    return spoil


def _changed(change: Callable[[Record], dict[str, str]]) -> Spoil:
    def spoil(data: bytes) -> bytes:
        content = json.loads(data)
        records = content["annotations"] if isinstance(content, dict) else content
        texts = change(records[SPOILT - 1])
        changed = json.dumps(content)
        for mark, text in texts.items():
            changed = changed.replace(json.dumps(mark), text)
        return changed.encode("utf-8", "surrogatepass")

    return spoil


def _assign(record: Record, keys: list[str], text: str | None) -> dict[str, str]:
    for key in keys[:-1]:
        record = record[key]
    if text is None:
        del record[keys[-1]]
        return {}
    record[keys[-1]] = "<here>"
    return {"<here>": text}


_PIXELS = HEIGHT * WIDTH
_RESULT = f"result {SPOILT}"
_STRING = str(compressed(np.roll(mask(2), 1, 0))["counts"])
