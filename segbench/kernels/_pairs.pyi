from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def count_pairs(
    truths: list[bytes],
    predictions: list[bytes],
    codes: NDArray[np.int32],
    low: int,
    tables: NDArray[np.int64],
    counted: NDArray[np.uint8],
    addresses: Sequence[int],
) -> None: ...
def count_files(
    truths: list[bytes],
    predictions: list[bytes],
    most: int,
    codes: NDArray[np.int32],
    low: int,
    tables: NDArray[np.int64],
    counted: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    palettes: NDArray[np.uint8],
    digests: NDArray[np.uint8],
    addresses: Sequence[int],
    sha256: int,
) -> None: ...
