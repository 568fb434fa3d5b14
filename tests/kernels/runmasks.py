"""Masks, strings and polygons to hold the kernels on runs to their twins, and to pycocotools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from segbench.errors import SegbenchError
from segbench.kernels import merging, rasterise, reference_rle, rle
from segbench.kernels.runs import RleFault, Runs
from tests.kernels.comparisons import Case, same
from tests.kernels.overlapping import broken, mask, runs_of

MODULES = {"merge": merging, "merge_groups": merging, "rasterise": rasterise}

#: Sides of masks.
SIDES = (1, 2, 3, 4, 5, 7, 16, 31, 33, 60)


def agree(name: str, case: Case) -> Any:
    """Assert that a kernel and its twin give the same, or refuse the same; return it."""
    kernel = getattr(MODULES.get(name, rle), name)
    before = _bytes(case)
    found, expected = outcome(kernel, case), outcome(getattr(reference_rle, name), case)
    same(found, expected)
    assert _bytes(case) == before, "what was given was changed"
    return found


def _bytes(case: Case) -> list[bytes]:
    arrays = [
        array for value in case.values() for array in (value.__dict__.values() if isinstance(value, Runs) else [value])
    ]
    return [array.tobytes() for array in arrays if isinstance(array, np.ndarray)]


def outcome(function: Callable[..., Any], case: Case) -> Any:
    """Return what is returned or refused, of parts that can be compared."""
    try:
        found = function(**case)
    except RleFault as error:
        return "RleFault", error.index, error.found, error.expected
    except SegbenchError as error:
        return error
    if isinstance(found, Runs):
        return tuple(np.ascontiguousarray(array) for array in found.__dict__.values())
    return found


def use(monkeypatch: pytest.MonkeyPatch, loops: ModuleType) -> None:
    """Let all kernels on runs use other loops."""
    for module in (rle, merging, rasterise):
        monkeypatch.setattr(module, "_loops", loops)


def size(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.choice(SIDES)), int(rng.choice(SIDES))


def image(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    return mask(rng, height, width)


def runs(rng: np.random.Generator, n: int, *, same_size: bool = False) -> Runs:
    """Masks, half of them with runs of length 0."""
    sizes = [size(rng)] * n if same_size else [size(rng) for _ in range(n)]
    return joined([broken(rng, runs_of(image(rng, *own))) for own in sizes], sizes)


def joined(lists: list[list[int]], sizes: list[tuple[int, int]]) -> Runs:
    heights, widths = np.array(sizes, np.int64).reshape(-1, 2).T.copy()
    ends = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    return Runs(np.array([count for own in lists for count in own], np.uint32), ends, heights, widths)


def string_case(strings: list[bytes], sizes: list[tuple[int, int]], escaped: list[bool] | None = None) -> Case:
    """Strings with something between them."""
    parts = [b"}, " + string for string in strings]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    lengths = np.array([len(string) for string in strings], np.int64)
    heights, widths = np.array(sizes, np.int64).reshape(-1, 2).T
    case = {"data": b"".join(parts), "starts": ends - lengths, "lengths": lengths, "heights": heights, "widths": widths}
    return case if escaped is None else case | {"escaped": np.array(escaped, bool)}


def in_json(string: bytes) -> bytes:
    return json.dumps(string.decode("ascii"))[1:-1].encode()


def string_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Masks as strings, as they are or as in JSON; in every third case something is wrong with one of them."""
    while True:
        masks = runs(rng, int(rng.integers(0, 6)))
        strings = reference_rle.encode_strings(masks)
        sizes = list(zip(masks.heights.tolist(), masks.widths.tolist(), strict=True))
        if strings and rng.random() < 1 / 3:
            at = int(rng.integers(len(strings)))
            strings[at] = damaged(rng, strings[at])
            yield string_case(strings, sizes)
        else:
            escaped = (rng.random(len(strings)) < 0.5).tolist()
            written = [in_json(s) if flag else s for s, flag in zip(strings, escaped, strict=True)]
            yield string_case(written, sizes, escaped)


def damaged(rng: np.random.Generator, string: bytes) -> bytes:
    """Cut, lengthened, or with other characters."""
    at = int(rng.integers(len(string) + 1))
    other = bytes([int(rng.integers(48, 112)) if rng.random() < 0.7 else int(rng.integers(256))])
    made = (string[:at], string[:at] + other + string[at:], string[:at] + string[at + 1 :])
    return (*made, string[:at] + other + string[at + 1 :], b"", other * int(rng.integers(1, 30)))[rng.integers(6)]


def count_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        masks = runs(rng, int(rng.integers(0, 5)))
        counts = masks.counts.astype(np.int64)
        if len(counts) and rng.random() < 1 / 3:
            counts[rng.integers(len(counts))] += rng.choice([-(2**40), -70, -1, 1, 2**32, 2**62])
        yield {"counts": counts, "offsets": masks.offsets, "heights": masks.heights, "widths": masks.widths}


def mask_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        images = [image(rng, *size(rng)) for _ in range(rng.integers(0, 5))]
        yield {"masks": [one if rng.random() < 0.5 else np.asfortranarray(one) * 3.0 for one in images]}


def decode_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        masks = runs(rng, int(rng.integers(1, 4)))
        if rng.random() < 0.2:
            masks.heights[rng.integers(len(masks))] += 1
        yield {"runs": masks, "i": int(rng.integers(-1, len(masks) + 1))}


def runs_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield {"runs": runs(rng, int(rng.integers(0, 6)))}


def merge_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        masks = runs(rng, int(rng.integers(0, 6)), same_size=rng.random() < 0.95)
        yield {"runs": masks, "intersect": bool(rng.random() < 0.5)}


def group_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        parts = [runs(rng, int(rng.integers(1, 5)), same_size=True) for _ in range(rng.integers(1, 5))]
        offsets = np.cumsum([0, *map(len, parts)])
        if rng.random() < 0.1:
            offsets[rng.integers(1, len(offsets))] = 0
        yield {"runs": rle.concatenate(parts), "offsets": offsets, "intersect": bool(rng.random() < 0.5)}


def polygon_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        sizes = [size(rng) for _ in range(rng.integers(0, 4))]
        drawn = [[polygon(rng, max(own)) for _ in range(rng.choice([1, 1, 2, 4]))] for own in sizes]
        yield polygon_case(drawn, sizes)


def polygon_case(drawn: list[list[np.ndarray]], sizes: list[tuple[int, int]]) -> Case:
    """The polygons of each mask as columns."""
    flat = [np.asarray(polygon, np.float64) for polygons in drawn for polygon in polygons]
    heights, widths = np.array(sizes, np.int64).reshape(-1, 2).T
    return {
        "points": np.concatenate([np.zeros(0), *flat]),
        "polygon_offsets": np.cumsum([0, *map(len, flat)], dtype=np.int64),
        "annotation_offsets": np.cumsum([0, *map(len, drawn)], dtype=np.int64),
        "heights": heights,
        "widths": widths,
    }


def polygon(rng: np.random.Generator, side: int) -> np.ndarray:
    """Numbers of a polygon around the image: any, whole, halves, tenths, fifths, tiny, slivers, repeated, outside."""
    n = int(rng.integers(5, 41))
    numbers = (rng.random(n) - 0.3) * 1.6 * side
    style = rng.integers(0, 9)
    if style < 4:
        numbers = np.round(numbers * (1, 2, 10, 5)[style]) / (1, 2, 10, 5)[style]
    elif style == 4:
        numbers *= rng.choice([1e-3, 1, 20])
    elif style == 5:
        numbers[::2] = numbers[0] + rng.random(len(numbers[::2])) * rng.choice([0.0, 0.2, 3])
    elif style == 6:
        numbers[1::2] = numbers[1] + rng.random(len(numbers[1::2])) * rng.choice([0.0, 0.2, 3])
    elif style == 7:
        numbers = np.repeat(numbers[: n // 2 * 2].reshape(-1, 2), rng.integers(1, 4, n // 2), axis=0).reshape(-1)
    else:
        numbers += side * rng.choice([-3, 2])
    return numbers


RUN_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "decode_strings": string_cases,
    "from_counts": count_cases,
    "from_masks": mask_cases,
    "decode": decode_cases,
    "encode_strings": runs_cases,
    "areas": runs_cases,
    "boxes": runs_cases,
    "merge": merge_cases,
    "merge_groups": group_cases,
    "rasterise": polygon_cases,
}
