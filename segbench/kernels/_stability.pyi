import numpy as np
from numpy.typing import NDArray

BYTES_OF_A_JUNCTION: int
BYTES_OF_A_PIECE: int

def mark(mask: NDArray[np.uint8], lines: NDArray[np.uint8], ways: NDArray[np.uint8]) -> tuple[int, int]: ...
def outline(
    mask: NDArray[np.uint8],
    last_of_equals: bool,
    ways: NDArray[np.uint8],
    junctions: NDArray[np.uint8],
    pieces: NDArray[np.uint8],
    walk: NDArray[np.int32],
    corners: NDArray[np.int32],
    kept: NDArray[np.uint8],
    spans: NDArray[np.intp],
) -> int: ...
def resample(outline: NDArray[np.int64], rows_first: bool, in_doubles: bool, points: NDArray[np.float64]) -> int: ...
def distances(points: NDArray[np.float64], found: NDArray[np.float64]) -> None: ...
def contexts(
    points: NDArray[np.float64],
    distances: NDArray[np.float64],
    mean: float,
    limits: NDArray[np.float64],
    is_lenient: bool,
    seen: NDArray[np.int64],
) -> None: ...
def match(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    costs: NDArray[np.float64],
    distances: NDArray[np.float64],
    cells: NDArray[np.int32],
    lines: NDArray[np.int32],
    values: NDArray[np.float64],
) -> int: ...
