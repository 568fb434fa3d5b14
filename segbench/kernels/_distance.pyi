import numpy as np
from numpy.typing import NDArray

WAYS: tuple[str, ...]

def scratch(slices: int, rows: int, columns: int, real: bool) -> int: ...
def square_whole(
    sources: NDArray[np.uint8],
    weights: NDArray[np.uint32],
    out: NDArray[np.int32],
    work: NDArray[np.int8],
    way: int = ...,
) -> None: ...
def square_scaled(
    sources: NDArray[np.uint8],
    weights: NDArray[np.uint32],
    out: NDArray[np.float64],
    work: NDArray[np.int8],
    unit: float,
    way: int = ...,
) -> None: ...
def square_real(
    sources: NDArray[np.uint8],
    spacing: NDArray[np.float64],
    out: NDArray[np.float64],
    work: NDArray[np.int8],
    way: int = ...,
) -> None: ...
def count_moves(sources: NDArray[np.uint8], out: NDArray[np.int32], work: NDArray[np.int32]) -> None: ...
