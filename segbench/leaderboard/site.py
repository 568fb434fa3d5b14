"""The site of the leaderboards: static pages that need neither network, server nor JavaScript to be read."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segbench.errors import BadParameter, OutputProblem
from segbench.leaderboard.entry import ID
from segbench.leaderboard.html import render, trusted
from segbench.leaderboard.pages import Page, pages
from segbench.leaderboard.pictures import pictures_of
from segbench.leaderboard.places import Links, Places
from segbench.leaderboard.sitedata import data_files
from segbench.leaderboard.standings import Board

ASSETS = Path(__file__).parent / "assets"


def build(boards: Sequence[Board], output: Path, *, single_file: bool = False, data_root: Path | None = None) -> Path:
    """Write the pages of boards; the same boards give the same bytes.

    Parameters
    ----------
    boards : sequence of Board
        What to show.
    output : Path
        The folder to write, or with `single_file` the file. Files of an older site are replaced, others left alone.
    single_file : bool
        Whether all pages go into one file, which needs no other.
    data_root : Path, optional
        Where the images of the data sets are: entries then show those on which they are worst.

    Returns
    -------
    Path
        The page to open first.

    Raises
    ------
    BadParameter
        For a board whose id is no name for a file, two boards or entries of one id, or a `data_root` without the data
        of any board.
    MissingPackage
        When jinja2 is not installed.
    OutputProblem
        When a file cannot be written.
    """
    _refuse(boards)
    shown, pictures = pictures_of(boards, data_root) if data_root is not None else ({}, {})
    made = list(pages(boards, shown))
    files: dict[str, str | bytes] = {**data_files(boards), **pictures}
    if single_file:
        _write(output, _one_page(made, files))
        return output
    texts: dict[str, str | bytes] = {**files, **{page.path: _page(page) for page in made}}
    texts |= {f"assets/{name}": asset(name) for name in ("site.css", "site.js")}
    for path, content in texts.items():
        _write(output / path, content)
    return output / "index.html"


def asset(name: str) -> str:
    """Return a style or script of the site by the name of its file."""
    return (ASSETS / name).read_text("utf-8")


def _refuse(boards: Iterable[Board]) -> None:
    seen: set[str] = set()
    for board in boards:
        for name in (board.id, *(f"{board.id}/{standing.entry.id}" for standing in board.standings)):
            if name in seen:
                raise BadParameter(f"two of the id {name!r}", expected="an id for each")
            seen.add(name)
        if not ID.fullmatch(board.id):
            raise BadParameter(f"a board of the id {board.id!r}", expected="small letters, digits and hyphens")


def _page(page: Page) -> str:
    return render(page.template, {**page.context, "layout": "page.html", "at": Links(page.path)})


def _one_page(made: Sequence[Page], files: Mapping[str, str | bytes]) -> str:
    places = Places({page.path for page in made}, files)
    parts = [
        render(page.template, {**page.context, "layout": "fragment.html", "at": Links(page.path, places)})
        for page in made
    ]
    context: dict[str, Any] = {"parts": [trusted(part) for part in parts], "at": Links("index.html", places)}
    for name, file in (("style", "site.css"), ("script", "site.js")):
        text = asset(file)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        context |= {name: trusted(text), f"{name}_hash": f"sha256-{digest}"}
    return render("single.html", context)


def _write(path: Path, content: str | bytes) -> None:
    """Write a file whole: a reader sees the old one or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    except OSError as error:
        raise OutputProblem(f"cannot be written: {error.strerror}", file=str(path)) from None
