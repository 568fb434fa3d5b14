from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

WAYS: tuple[int, ...]
CHAINS: int
MEMORY: int

def scan(
    data: NDArray[np.uint8],
    truth: bool,
    columns: Mapping[str, Any],
    memory: NDArray[np.int64],
    powers: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    spans: NDArray[np.int64],
    links: NDArray[np.int32],
    heads: NDArray[np.int32],
    begin: int,
    way: int,
) -> tuple[int, tuple[int, int, int, int], tuple[int, int, int, int], tuple[int, int, int, int], int]: ...
