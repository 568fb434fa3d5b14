"""Where links of a page lead: to files beside it, or in a page that holds all others to its parts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Set
from urllib.parse import quote

from segbench.frozen import dataclass

_TYPES = {
    "png": "image/png",
    "csv": "text/csv",
    "json": "application/json",
    "svg": "image/svg+xml",
    "xml": "application/atom+xml",
}


@dataclass(frozen=True)
class Places:
    """What a page of all pages holds.

    Parameters
    ----------
    pages : set of str
        Paths of the pages.
    files : mapping of str to str or bytes
        Content of the other files by path.
    """

    pages: Set[str]
    files: Mapping[str, str | bytes]


@dataclass(frozen=True)
class Links:
    """The links of one page.

    Parameters
    ----------
    path : str
        The page, as ``boards/drive-test.html``.
    places : Places, optional
        What the file holds, where it holds all pages.
    """

    path: str
    places: Places | None = None

    @property
    def is_single(self) -> bool:
        """Whether all pages are in one file."""
        return self.places is not None

    def page(self, path: str, query: str = "") -> str:
        """Return the link to a page, and what is asked of it, as ``board=…&a=…``."""
        if self.places is not None:
            return f"#{path}?{query}" if query else f"#{path}"
        return self._relative(path) + (f"#{query}" if query else "")

    def file(self, path: str) -> str:
        """Return the link to a file that is no page."""
        if self.places is None:
            return self._relative(path)
        kind, content = _TYPES[path.rpartition(".")[2]], self.places.files[path]
        if isinstance(content, bytes):
            return f"data:{kind};base64,{base64.b64encode(content).decode()}"
        return f"data:{kind};charset=utf-8,{quote(content)}"

    def anchor(self, name: str) -> str:
        """Return an id that no other page has."""
        return f"{self.path.removesuffix('.html').replace('/', '-')}--{name}"

    def _relative(self, path: str) -> str:
        return "../" * self.path.count("/") + path
