"""Reading label maps from PNG bytes: the reader of segbench beside Pillow and the readers of other packages.

Files like PASCAL VOC's are palette files, which Pillow writes without filters; files like Cityscapes' are grey, with
the filters that Pillow chooses (Sub, Up and Paeth), and once more with a filter for each row drawn from all five.
A reader that gives other pixels than the labels (most expand a palette to colours) is not timed. The limit is inflating
the pixels alone.

Run with ``python -m benchmarks png``; with ``--quick`` for fewer files and repetitions.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import deflate
import numpy as np
from PIL import Image

from benchmarks import workloads
from benchmarks.packages import package
from benchmarks.pngs import Labels, any_filters, saved, stream_of
from benchmarks.race import Row, as_table, race
from segbench.kernels import png

Reader = Callable[[bytes], Any]


def rows(quick: bool = False) -> list[Row]:
    """Measure every reader on every set of files."""
    return [row for name, labels, files in sets(quick) for row in _rows(name, labels, files, 3 if quick else 15)]


def _rows(name: str, labels: Sequence[Labels], files: Sequence[bytes], repetitions: int) -> list[Row]:
    if not agrees(png.decode, labels, files):
        raise AssertionError(f"segbench reads other labels from {name}")
    readers = {reader: read for reader, read in installed().items() if agrees(read, labels, files)}
    streams = [stream_of(data) for data in files]
    inflate = _each(lambda stream: deflate.zlib_decompress(*stream), streams)
    runners = [inflate, _each(png.decode, files), *(_each(read, files) for read in readers.values())]
    limit, mine, *others = race(runners, repetitions)
    mean = sum(map(len, files)) / len(files) / 1e3
    workload = f"read {len(files)} PNG, {name}, {mean:.1f} kB each"
    return [Row(workload, mine, reader, time, None, None, limit) for reader, time in zip(readers, others, strict=True)]


def _each(function: Callable[[Any], Any], items: Sequence[Any]) -> Callable[[], None]:
    def run() -> None:
        for item in items:
            function(item)

    return run


def sets(quick: bool) -> Iterator[tuple[str, list[Labels], list[bytes]]]:
    """Yield a name, label maps and their files."""
    n_voc, n_city = (10, 1) if quick else (100, 10)
    voc = [workloads.voc(seed).truth.astype(np.uint8) for seed in range(n_voc)]
    city = [workloads.city(seed).truth.astype(np.uint8) for seed in range(n_city)]
    # The same content comes several times: the files of a data set do not stay in the processor's caches either.
    yield "VOC-like, palette", voc * 4, [saved(labels, palette=True) for labels in voc] * 4
    yield "city-like, grey", city * 2, [saved(labels, palette=False) for labels in city] * 2
    yield "city-like, all filters", city * 2, [any_filters(labels, seed) for seed, labels in enumerate(city)] * 2


def installed() -> dict[str, Reader]:
    """Return the readers of the packages that import."""
    readers: dict[str, Reader] = {}
    for module, (distribution, make) in _MAKERS.items():
        found = package(module, distribution)
        if found is not None:
            loaded, release = found
            readers |= {f"{release} {name}".strip(): read for name, read in make(loaded).items()}
    return readers


def _pillow(_: Any) -> dict[str, Reader]:
    return {"": lambda data: np.asarray(Image.open(io.BytesIO(data)))}


def _imagecodecs(codecs: Any) -> dict[str, Reader]:
    return {"png": codecs.png_decode, "spng": codecs.spng_decode}


def _pyspng(pyspng: Any) -> dict[str, Reader]:
    return {"": pyspng.load}


def _opencv(cv2: Any) -> dict[str, Reader]:
    """OpenCV, which is asked not to convert."""
    return {"": lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)}


_MAKERS: dict[str, tuple[str, Callable[[Any], dict[str, Reader]]]] = {
    "PIL": ("pillow", _pillow),
    "imagecodecs": ("imagecodecs", _imagecodecs),
    "pyspng": ("pyspng", _pyspng),
    "cv2": ("opencv-python-headless", _opencv),
}

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, (distribution, _) in _MAKERS.items()}


def agrees(read: Reader, labels: Sequence[Labels], files: Sequence[bytes]) -> bool:
    """Whether a reader gives the labels of every file."""
    for expected, data in zip(labels, files, strict=True):
        found = np.asarray(read(data))
        if found.ndim == 3 and found.shape[2] == 1:
            found = found[..., 0]
        if not np.array_equal(found, expected):
            return False
    return True


if __name__ == "__main__":
    print(as_table(rows()))
