import numpy as np
from numpy.typing import NDArray

def count_ends(
    data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], offsets: NDArray[np.int64]
) -> None: ...
def decode(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    escaped: NDArray[np.uint8],
    pixels: NDArray[np.int64],
    offsets: NDArray[np.int64],
    counts: NDArray[np.uint32],
) -> tuple[int, int]: ...
def check(
    given: NDArray[np.int64], offsets: NDArray[np.int64], pixels: NDArray[np.int64], counts: NDArray[np.uint32]
) -> tuple[int, int]: ...
def encode(
    counts: NDArray[np.uint32], offsets: NDArray[np.int64], text: NDArray[np.uint8], ends: NDArray[np.int64]
) -> None: ...
def measure_areas(counts: NDArray[np.uint32], offsets: NDArray[np.int64], areas: NDArray[np.int64]) -> None: ...
def measure_boxes(
    counts: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    heights: NDArray[np.int64],
    boxes: NDArray[np.float64],
) -> None: ...
def unite(
    counts: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    groups: NDArray[np.int64],
    is_intersection: bool,
    scratch: NDArray[np.uint32],
    merged: NDArray[np.uint32],
    merged_offsets: NDArray[np.int64],
) -> None: ...
def of_pixels(pixels: NDArray[np.uint8], counts: NDArray[np.uint32]) -> int: ...
def fill(counts: NDArray[np.uint32], pixels: NDArray[np.uint8]) -> None: ...
def most_crossings(
    points: NDArray[np.float64], offsets: NDArray[np.int64], widths: NDArray[np.int64], most: NDArray[np.int64]
) -> None: ...
def draw(
    points: NDArray[np.float64],
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
    work: NDArray[np.int64],
    begins: NDArray[np.int64],
    counts: NDArray[np.uint32],
    drawn: NDArray[np.int64],
    first: int,
) -> int: ...
