"""Masks as runs: strings decoded, and polygons drawn, beside other mask libraries, on one thread.

Others take a list of objects, one for each mask, and segbench columns; both are made before. With strings, what is
timed is what COCO's metrics ask of every mask: its area and its box, for which the string has to be decoded. The
limit is looking at every byte once.

Run with ``python -m benchmarks rle``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detections import HEIGHT, WIDTH, Shapes, _shapes
from benchmarks.packages import package
from benchmarks.race import Row, as_table, race
from segbench.kernels.rasterise import rasterise
from segbench.kernels.rle import Runs, areas, boxes, decode_strings, encode_strings

#: The distribution of each module that a peer comes from.
PACKAGES = {"pycocotools.mask": "pycocotools", "hotcoco.mask": "hotcoco"}

#: Masks that others measure in one call: pycocotools cannot do more than 255 with recent releases of NumPy.
_AT_A_TIME = 200

#: How many times faster than a peer: at least, and if possible.
GOALS: dict[str, dict[str, tuple[float | None, float | None]]] = {
    "polygons": {"pycocotools": (2.0, 4.0)},
    "strings": {"pycocotools": (2.0, 4.0)},
}


def rows(quick: bool = False) -> list[Row]:
    """Race on the polygons of COCO's val2017, and on strings of several results."""
    rng = np.random.default_rng(0)
    repetitions = 3 if quick else 9
    shapes = _shapes(rng, 2000 if quick else 36_781)
    runs = _drawn(shapes)
    strings = encode_strings(runs)
    chosen = rng.integers(0, len(strings), 5000 if quick else 200_000).tolist()
    return [
        *_polygon_rows(shapes, strings, repetitions),
        *_string_rows([strings[i] for i in chosen], repetitions),
    ]


def _drawn(shapes: Shapes) -> Runs:
    n = len(shapes.offsets) - 1
    return rasterise(shapes.points, shapes.offsets, np.arange(n + 1), np.full(n, HEIGHT), np.full(n, WIDTH))


def _polygon_rows(shapes: Shapes, strings: list[bytes], repetitions: int) -> list[Row]:
    n = len(strings)
    lists = [[shapes.of(i).tolist()] for i in range(n)]
    runners: dict[str, Callable[[], Any]] = {}
    for release, module in installed().items():
        draw = partial(_draw_each, module, lists)
        if [mask["counts"] for mask in draw()] != strings:
            raise AssertionError(f"{release} draws other masks")
        runners[release] = draw
    limit = partial(np.count_nonzero, shapes.points)
    return _raced("polygons", f"{n} polygons", partial(_drawn, shapes), runners, limit, repetitions)


def _draw_each(module: Any, lists: list[list[list[float]]]) -> list[Any]:
    return [module.frPyObjects(polygons, HEIGHT, WIDTH)[0] for polygons in lists]


def _string_rows(strings: list[bytes], repetitions: int) -> list[Row]:
    n, data = len(strings), b"".join(strings)
    ends = np.concatenate([[0], np.cumsum([len(string) for string in strings])])
    sizes = np.full(n, HEIGHT), np.full(n, WIDTH)
    mine = partial(_measured, data, ends, sizes)
    objects = [{"size": [HEIGHT, WIDTH], "counts": string} for string in strings]
    runners: dict[str, Callable[[], Any]] = {}
    for release, module in installed().items():
        measure = partial(_measure_all, module, objects)
        if not all(np.array_equal(one, other) for one, other in zip(mine(), measure(), strict=True)):
            raise AssertionError(f"{release} measures other masks")
        runners[release] = measure
    limit = partial(data.count, b"\n")
    workload = f"{n} strings, {len(data) / 1e6:.1f} MB, area and box"
    return _raced("strings", workload, mine, runners, limit, repetitions)


def _measured(data: bytes, ends: NDArray[np.int64], sizes: tuple[Any, Any]) -> tuple[Any, Any]:
    runs = decode_strings(data, ends[:-1], np.diff(ends), *sizes)
    return areas(runs), boxes(runs)


def _measure_all(module: Any, objects: list[Any]) -> tuple[Any, ...]:
    parts = [objects[i : i + _AT_A_TIME] for i in range(0, len(objects), _AT_A_TIME)]
    measured = [(module.area(part), module.toBbox(part)) for part in parts]
    return tuple(np.concatenate(columns) for columns in zip(*measured, strict=True))


def _raced(
    kind: str,
    workload: str,
    mine: Callable[[], Any],
    runners: dict[str, Callable[[], Any]],
    limit: Callable[[], Any],
    repetitions: int,
) -> list[Row]:
    least, own, *others = race([limit, mine, *runners.values()], repetitions)
    return [
        Row(workload, own, peer, time, *GOALS[kind].get(peer.split()[0], (None, None)), least)
        for peer, time in zip(runners, others, strict=True)
    ]


def installed() -> dict[str, Any]:
    """Return the mask modules of the packages that import, by release."""
    found = [package(module, distribution) for module, distribution in PACKAGES.items()]
    return {release: module for module, release in filter(None, found)}


if __name__ == "__main__":
    print(as_table(rows()))
