import numpy as np
from numpy.typing import NDArray

def connect(foreground: NDArray[np.uint8], labels: NDArray[np.int32], queue: NDArray[np.int32]) -> None: ...
def thin(foreground: NDArray[np.uint8], labels: NDArray[np.int32], queue: NDArray[np.int32]) -> None: ...
def count_pairs(
    truth: NDArray[np.int32],
    prediction: NDArray[np.int32],
    work: NDArray[np.int32],
    places: NDArray[np.int32],
    cells: NDArray[np.int64],
) -> int: ...
