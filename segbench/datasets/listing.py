"""Whether images are still the ones they were, by what can be told without reading them: names, and sizes of files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable


def size_of(*paths: str | os.PathLike[str] | None) -> int:
    """Return the bytes of files together; one that is not there has none."""
    return sum(os.stat(path).st_size for path in paths if path is not None and os.path.exists(path))


def digest_of(names: Iterable[str]) -> str:
    """Return the SHA-256, in hexadecimal, over names in their order."""
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
