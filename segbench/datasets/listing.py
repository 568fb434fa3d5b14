"""Whether images are still the ones they were, by what can be told without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable


def digest_of(files: Iterable[tuple[str, str | os.PathLike[str]]]) -> str:
    """Return a digest of names and sizes.

    Parameters
    ----------
    files : iterable of (str, path)
        What a file is called, and where it is. Neither its folder nor its date counts: copies on other machines have
        the same digest.

    Returns
    -------
    str
        SHA-256 over each name and the bytes of its file, in hexadecimal; a file that is not there has no size.
    """
    digest = hashlib.sha256()
    for name, path in files:
        size = os.stat(path).st_size if os.path.exists(path) else ""
        digest.update(f"{name}\0{size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
