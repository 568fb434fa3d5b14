"""COCO files from JSON to columns: the scanner of segbench beside JSON libraries and loaders, on one thread.

Others are timed until they have their own objects: dicts and lists (json, orjson), typed objects (msgspec), or an
indexed data set from a file (hotcoco, truth only: what it does with results it does not do apart from them). None of
them has columns then. The limit is looking at every byte once.

Run with ``python -m benchmarks records``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.packages import package
from benchmarks.race import Row, as_table, race
from segbench.kernels.records import scan_results, scan_truth

#: A loader gives any object, of which the other function tells the image ids, to be compared.
Loader = tuple[Callable[[], Any], Callable[[Any], list[int]]]

#: How many times faster than a peer: at least, and if possible.
GOALS: dict[str, tuple[float | None, float | None]] = {"json": (5.0, 10.0), "orjson": (3.0, 8.0), "msgspec": (1.5, 3.0)}


def rows(quick: bool = False) -> list[Row]:
    """Race on results with masks, results with boxes, and truth with polygons."""
    with tempfile.TemporaryDirectory() as folder:
        return [row for name, value in files(quick) for row in _rows(name, value, Path(folder), 3 if quick else 9)]


def _rows(name: str, value: Any, folder: Path, repetitions: int) -> list[Row]:
    data = json.dumps(value).encode()
    path = folder / "file.json"
    path.write_bytes(data)
    is_truth = isinstance(value, dict)
    scan = scan_truth if is_truth else scan_results
    expected = [record["image_id"] for record in (value["annotations"] if is_truth else value)]
    if scan(data).image_ids.tolist() != expected:
        raise AssertionError(f"segbench reads other records from {name}")
    loaders = {
        peer: load
        for peer, (load, ids) in installed(data, path, is_truth).items()
        if sorted(ids(load())) == sorted(expected)
    }
    limit, mine, *others = race([partial(data.count, b"\n"), partial(scan, data), *loaders.values()], repetitions)
    workload = f"{name}, {len(expected)} records, {len(data) / 1e6:.1f} MB"
    return [
        Row(workload, mine, peer, time, *GOALS.get(peer.split()[0], (None, None)), limit)
        for peer, time in zip(loaders, others, strict=True)
    ]


def files(quick: bool) -> Iterator[tuple[str, Any]]:
    """Yield names and contents of files like those of COCO."""
    random = Random(0)
    n = 10_000 if quick else 100_000
    letters = [chr(code) for code in range(48, 112)]
    strings = ["".join(random.choices(letters, k=random.randrange(60, 240))) for _ in range(1000)]
    masks = [{"size": [480, 640], "counts": random.choice(strings)} for _ in range(n)]
    yield "results, masks", [{**_result(random), "segmentation": mask} for mask in masks]
    yield "results, boxes", [{**_result(random), "bbox": _numbers(random, 4)} for _ in range(n)]
    images = [{"id": i, "file_name": f"{i:012}.jpg", "height": 480, "width": 640} for i in range(n // 20)]
    yield "truth, polygons", {"images": images, "annotations": [_annotation(random, i) for i in range(n // 4)]}


def _result(random: Random) -> dict[str, Any]:
    return {"image_id": random.randrange(600_000), "category_id": random.randrange(91), "score": random.random()}


def _annotation(random: Random, number: int) -> dict[str, Any]:
    return {
        "segmentation": [_numbers(random, 2 * random.randrange(8, 50))],
        "area": random.uniform(10, 1e5),
        "iscrowd": 0,
        "image_id": random.randrange(600_000),
        "bbox": _numbers(random, 4),
        "category_id": random.randrange(91),
        "id": number + 1,
    }


def _numbers(random: Random, n: int) -> list[float]:
    return [round(random.uniform(0, 640), 2) for _ in range(n)]


def installed(data: bytes, path: Path, is_truth: bool) -> dict[str, Loader]:
    """Return the loaders of the packages that import."""
    loaders: dict[str, Loader] = {"json": (partial(json.loads, data), partial(_ids, is_truth))}
    for module, (distribution, make) in _MAKERS.items():
        found = package(module, distribution)
        if found is not None:
            loaded, release = found
            loader = make(loaded, data, path, is_truth)
            loaders |= {} if loader is None else {release: loader}
    return loaders


def _ids(is_truth: bool, value: Any) -> list[int]:
    return [record["image_id"] for record in (value["annotations"] if is_truth else value)]


def _orjson(orjson: Any, data: bytes, _: Path, is_truth: bool) -> Loader:
    return partial(orjson.loads, data), partial(_ids, is_truth)


def _msgspec(msgspec: Any, data: bytes, _: Path, is_truth: bool) -> Loader:
    """Typed objects that the garbage collector does not look at: the fastest way of msgspec."""
    mask: Any = msgspec.defstruct("Mask", [("size", tuple[int, int]), ("counts", str)], gc=False)
    common: list[Any] = [("image_id", int), ("category_id", int)]
    box: Any = ("bbox", list[float], [])
    if not is_truth:
        fields = [*common, ("score", float), box, ("segmentation", mask | None, None)]
        result: Any = msgspec.defstruct("Result", fields, gc=False)
        return partial(msgspec.json.Decoder(list[result]).decode, data), lambda value: [
            record.image_id for record in value
        ]
    own = [("id", int), ("area", float), ("iscrowd", int), ("segmentation", list[list[float]]), box]
    annotation: Any = msgspec.defstruct("Annotation", [*common, *own], gc=False)
    truth: Any = msgspec.defstruct("Truth", [("annotations", list[annotation])], gc=False)
    return (
        partial(msgspec.json.Decoder(truth).decode, data),
        lambda value: [record.image_id for record in value.annotations],
    )


def _hotcoco(hotcoco: Any, _: bytes, path: Path, is_truth: bool) -> Loader | None:
    if not is_truth:
        return None
    return partial(hotcoco.COCO, str(path)), lambda coco: [record["image_id"] for record in coco.dataset["annotations"]]


_MAKERS: dict[str, tuple[str, Callable[[Any, bytes, Path, bool], Loader | None]]] = {
    "orjson": ("orjson", _orjson),
    "msgspec": ("msgspec", _msgspec),
    "hotcoco": ("hotcoco", _hotcoco),
}

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, (distribution, _) in _MAKERS.items()}

if __name__ == "__main__":
    print(as_table(rows()))
