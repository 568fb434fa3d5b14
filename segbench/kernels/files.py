"""Many files read in one call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segbench.errors import BadParameter, KernelsNotBuilt

try:
    import segbench.kernels._files as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error


def read_files(paths: Sequence[bytes], *, most: Sequence[int], follow: bool) -> list[bytes | None]:
    """Read regular files.

    Parameters
    ----------
    paths : sequence of bytes
        Names as the system takes them (`os.fsencode`).
    most : sequence of int
        Bytes read of each file at most, at least 0.
    follow : bool
        Whether a file may be a link.

    Returns
    -------
    list of bytes or None
        The content of each file, or its beginning; None where it cannot be read, or is a pipe, a device, a folder, or
        a link that is not followed.

    Raises
    ------
    BadParameter
        For a path that is not bytes or holds a null, or limits that do not fit.

    Notes
    -----
    O(bytes). The interpreter is let go of once for all files. A limit beyond a file's length costs nothing.
    """
    limits = np.asarray(most, np.int64)
    if limits.shape != (len(paths),) or (limits < 0).any():
        raise BadParameter(f"{limits.size} limits for {len(paths)} files", expected="one from 0 up for each")
    for path in paths:
        if type(path) is not bytes or b"\0" in path:
            raise BadParameter(f"a path {path!r}", expected="bytes without a null")
    return _loops.read_files(list(paths), limits, follow)
