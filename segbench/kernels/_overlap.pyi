import numpy as np
from numpy.typing import NDArray

WORDS: int

def boxes(
    truth: NDArray[np.float64],
    prediction: NDArray[np.float64],
    crowd: NDArray[np.uint8],
    truth_offsets: NDArray[np.int64],
    prediction_offsets: NDArray[np.int64],
    ious: NDArray[np.float64],
) -> None: ...
def masks(
    truth_counts: NDArray[np.uint32],
    truth_runs: NDArray[np.int64],
    truth_sizes: NDArray[np.int64],
    truth_rows: NDArray[np.int64],
    prediction_counts: NDArray[np.uint32],
    prediction_runs: NDArray[np.int64],
    prediction_sizes: NDArray[np.int64],
    prediction_rows: NDArray[np.int64],
    crowd: NDArray[np.uint8],
    truth_offsets: NDArray[np.int64],
    prediction_offsets: NDArray[np.int64],
    work: NDArray[np.int64],
    bounds: NDArray[np.int64],
    ious: NDArray[np.float64],
) -> int: ...
