import numpy as np
from numpy.typing import NDArray

WAYS: tuple[str, ...]

def find_box(mask: NDArray[np.uint8], box: NDArray[np.int64]) -> None: ...
def pack(mask: NDArray[np.uint8], bits: NDArray[np.uint64], way: int = ...) -> None: ...
def mark(bits: NDArray[np.uint64], flat: bool, corners: bool, found: NDArray[np.uint64]) -> int: ...
def unpack(bits: NDArray[np.uint64], marks: NDArray[np.uint8]) -> None: ...
def tree_words(slices: int, rows: int, words: int) -> int: ...
def measure(
    bits: NDArray[np.uint64],
    begin: NDArray[np.int64],
    words: NDArray[np.uint64],
    shape: tuple[int, ...],
    slices: NDArray[np.float64],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    distances: NDArray[np.float64],
) -> None: ...
def read_sizes(
    bits: NDArray[np.uint64],
    flat: bool,
    corners: NDArray[np.uint64],
    table: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> None: ...
