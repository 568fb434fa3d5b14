"""How an entry of a board is cited."""

from __future__ import annotations

from segbench.leaderboard.boardrows import score
from segbench.leaderboard.html import shown_number, web
from segbench.leaderboard.standings import Board, Standing
from segbench.markup import latex_text


def bibtex(board: Board, standing: Standing) -> list[str]:
    """Return the lines of an entry for BibTeX, in which every text is text.

    Parameters
    ----------
    board : Board
        The board.
    standing : Standing
        An entry of it.

    Returns
    -------
    list of str
        BibTeX.
    """
    entry, number = standing.entry, score(standing, board.primary)
    fields = {
        "title": latex_text(entry.name),
        "author": " and ".join(f"{{{latex_text(author)}}}" for author in entry.authors),
        "year": entry.date[:4],
        "url": _address(web(entry.paper) or web(entry.code)),
    }
    if number is not None:
        value = latex_text(shown_number(number.value, number.unit))
        sign = r"\,\%" if number.unit == "fraction" else f" {latex_text(number.unit)}"
        on = latex_text(f"{board.title}, {board.split}")
        fields["note"] = f"{latex_text(board.primary)} {value}{sign} on {on}; {latex_text(number.signature)}"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return [f"@misc{{{board.id}-{entry.id},", *lines, "}"]


def _address(url: str) -> str:
    """Return an address in which no brace or backslash ends the field around it."""
    return url.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
