from typing import Any

import numpy as np
from numpy.typing import NDArray

WAYS: tuple[str, ...]

def count_bytes(truth: NDArray[Any], prediction: NDArray[Any], table: NDArray[np.int64], way: int = ...) -> None: ...
def count_codes(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    truth_codes: NDArray[np.int32],
    prediction_codes: NDArray[np.int32],
    truth_low: int,
    prediction_low: int,
    table: NDArray[np.int64],
    way: int = ...,
) -> None: ...
def find_code(
    labels: NDArray[Any],
    codes: NDArray[np.int32],
    low: int,
    outside: int,
    code: int,
    first: NDArray[np.int64],
) -> int: ...
