from typing import Any

import numpy as np
from numpy.typing import NDArray

WAYS: tuple[str, ...]

def count_labels(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    width: int,
    bits: NDArray[np.uint64],
    lines: NDArray[np.uint64],
    counts: NDArray[np.int64],
    way: int = ...,
) -> None: ...
def count_masks(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    width: int,
    bits: NDArray[np.uint64],
    lines: NDArray[np.uint64],
    counts: NDArray[np.int64],
    way: int = ...,
) -> None: ...
def mark_band(
    mask: NDArray[np.uint8],
    width: int,
    bits: NDArray[np.uint64],
    lines: NDArray[np.uint64],
    band: NDArray[np.uint8],
    way: int = ...,
) -> None: ...
