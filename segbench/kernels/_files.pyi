import numpy as np
from numpy.typing import NDArray

def read_files(paths: list[bytes], most: NDArray[np.int64], follow: bool) -> list[bytes | None]: ...
