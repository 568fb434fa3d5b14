from typing import Any

import numpy as np
from numpy.typing import NDArray

WAYS: tuple[str, ...]

def count(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    are_masks: bool,
    definition: int,
    frame_bounds: bool,
    reach: NDArray[np.int64],
    lines: NDArray[np.int8],
    pieces: NDArray[np.uint64],
    ends: NDArray[np.uint32],
    words: NDArray[np.uint64],
    counts: NDArray[np.int64],
    way: int = ...,
) -> int: ...
def mark(
    mask: NDArray[np.uint8],
    definition: int,
    frame_bounds: bool,
    lines: NDArray[np.int8],
    pieces: NDArray[np.uint64],
    ends: NDArray[np.uint32],
    counts: NDArray[np.int64],
    marks: NDArray[np.uint8],
    way: int = ...,
) -> None: ...
