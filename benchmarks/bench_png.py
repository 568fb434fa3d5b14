"""Reading label maps from PNG bytes: the reader of segbench beside Pillow and the readers of other packages.

Files like PASCAL VOC's are palette files, which Pillow writes without filters; files like Cityscapes' are grey, with
the filters that Pillow chooses (Sub, Up and Paeth), and once more with a filter for each row drawn from all five.
A reader that gives other pixels than the labels (most expand a palette to colours) is not timed.

Run ``python -m benchmarks.bench_png``; with ``--quick`` for fewer files and repetitions.
"""

from __future__ import annotations

import importlib
import io
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import workloads
from segbench.kernels import png

Labels = NDArray[np.uint8]
Reader = Callable[[bytes], Any]


@dataclass(frozen=True)
class Row:
    """One reader on one set of files: median CPU time for all of them, and how many times that of segbench it is."""

    files: str
    n_files: int
    mean_bytes: int
    reader: str
    milliseconds: float
    ratio: float


def rows(quick: bool = False) -> list[Row]:
    """Measure every reader on every set of files, interleaved; the ratio is the time over that of segbench."""
    measured = []
    for name, labels, files in sets(quick):
        readers = {name: read for name, read in known().items() if agrees(read, labels, files)}
        times = interleaved(readers, files, repetitions=5 if quick else 15)
        mean_bytes = sum(map(len, files)) // len(files)
        measured += [
            Row(name, len(files), mean_bytes, reader, 1e3 * spent, spent / times["segbench"])
            for reader, spent in sorted(times.items(), key=lambda item: item[1])
        ]
    return measured


def sets(quick: bool) -> Iterator[tuple[str, list[Labels], list[bytes]]]:
    """Yield a name, label maps and their files."""
    n_voc, n_city = (20, 2) if quick else (100, 10)
    voc = [workloads.voc(seed).truth.astype(np.uint8) for seed in range(n_voc)]
    city = [workloads.city(seed).truth.astype(np.uint8) for seed in range(n_city)]
    # The same content comes several times: the files of a data set do not stay in the processor's caches either.
    yield "VOC-like, palette", voc * 4, [saved(labels, palette=True) for labels in voc] * 4
    yield "city-like, grey", city * 2, [saved(labels, palette=False) for labels in city] * 2
    yield "city-like, all filters", city * 2, [any_filters(labels, seed) for seed, labels in enumerate(city)] * 2


def saved(labels: Labels, *, palette: bool) -> bytes:
    """Return the file Pillow writes."""
    image, file = Image.fromarray(labels), io.BytesIO()
    if palette:
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(file, "PNG")
    return file.getvalue()


def any_filters(labels: Labels, seed: int) -> bytes:
    """Return a grey file with a filter for each row drawn from all five."""
    padded = np.pad(labels.astype(np.int64), ((1, 0), (1, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    distances = np.abs(np.stack([left, above, corner]) - (left + above - corner))
    paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
    predicted = np.stack([np.zeros_like(left), left, above, (left + above) // 2, paeth])
    filters = np.random.default_rng(seed).integers(0, 5, len(labels))
    residuals = labels - predicted[filters, np.arange(len(labels))]
    stream = zlib.compress(np.column_stack([filters, residuals]).astype(np.uint8).tobytes())
    height, width = labels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def known() -> dict[str, Reader]:
    """Return the readers that are installed."""
    readers: dict[str, Reader] = {"segbench": png.decode, "Pillow": with_pillow}
    for package, make in {"imagecodecs": imagecodecs_readers, "pyspng": pyspng_readers, "cv2": cv2_readers}.items():
        try:
            readers |= make(importlib.import_module(package))
        except ImportError:
            continue
    return readers


def with_pillow(data: bytes) -> Labels:
    """Decode with Pillow."""
    return np.asarray(Image.open(io.BytesIO(data)))


def imagecodecs_readers(package: Any) -> dict[str, Reader]:
    """Return libpng and libspng of imagecodecs."""
    return {"imagecodecs png": package.png_decode, "imagecodecs spng": package.spng_decode}


def pyspng_readers(package: Any) -> dict[str, Reader]:
    """Return pyspng."""
    return {"pyspng": package.load}


def cv2_readers(package: Any) -> dict[str, Reader]:
    """Return OpenCV, which is asked not to convert."""
    return {"cv2": lambda data: package.imdecode(np.frombuffer(data, np.uint8), package.IMREAD_UNCHANGED)}


def agrees(read: Reader, labels: Sequence[Labels], files: Sequence[bytes]) -> bool:
    """Whether a reader gives the labels of every file."""
    for expected, data in zip(labels, files, strict=True):
        found = np.asarray(read(data))
        if found.ndim == 3 and found.shape[2] == 1:
            found = found[..., 0]
        if not np.array_equal(found, expected):
            return False
    return True


def interleaved(readers: dict[str, Reader], files: Sequence[bytes], *, repetitions: int) -> dict[str, float]:
    """Return the median CPU time each reader takes for all files, the readers taking turns."""
    times: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(repetitions):
        for name, read in readers.items():
            start = time.process_time()
            for data in files:
                read(data)
            times[name].append(time.process_time() - start)
    return {name: median(spent) for name, spent in times.items()}


def main() -> None:
    """Print the table."""
    lines = [f"{'files':<24}{'n':>5}{'bytes each':>12}  {'reader':<18}{'CPU ms':>9}{'× segbench':>12}"]
    lines += [
        f"{row.files:<24}{row.n_files:>5}{row.mean_bytes:>12}  {row.reader:<18}"
        f"{row.milliseconds:>9.1f}{row.ratio:>12.2f}"
        for row in rows("--quick" in sys.argv[1:])
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
