from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

class Chunks:
    verdict: str
    at: int
    height: int
    width: int
    first: int
    n_parts: int
    n_bytes: int
    def __init__(self, file: memoryview, crc32: Callable[[memoryview], int]) -> None: ...

def gather(data: memoryview, first: int, out: bytearray) -> None: ...
def unfilter(rows: NDArray[np.uint8]) -> int: ...
