"""The site that browser tests open: the committed boards, made-up ones, and one that a stranger filled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from segbench.leaderboard.board import boards_of
from segbench.leaderboard.reported import read_reported
from segbench.leaderboard.standings import Board, Reported, Standing
from tests.leaderboard.boards import made_up

LEADERBOARDS = Path(__file__).parent.parent.parent / "leaderboards"

#: One page of each kind, and of boards each that looks different.
KINDS = (
    "index.html",
    "boards/drive-test.html",
    "boards/shapes-test.html",
    "boards/camvid-test.html",
    "boards/made-up-voc2012-val.html",
    "boards/hostile-test.html",
    "entries/drive-test/laddernet.html",
    "entries/camvid-val/espnet.html",
    "entries/hostile-test/retina-unet.html",
    "compare.html",
    "compare.html#board=hostile-test&a=laddernet&b=retina-unet",
    "metrics.html",
    "metrics/mean_iou.html",
    "protocols.html",
    "protocols/cityscapes.html",
    "submit.html",
)

#: What sets a flag of the window where it is taken for more than text.
HOSTILE = (
    "<img src=x onerror=\"window.harmed='image'\">",
    "</script></title></textarea><script>window.harmed='script'</script>",
    "\"' autofocus onfocus=\"window.harmed='attribute'\" x='",
    "{{ constructor.constructor('window.harmed=1')() }} ${window.harmed=1}",
    "=HYPERLINK(\"https://example.org\") [a](javascript:window.harmed='markdown')",
)
SCRIPT = "javascript:window.harmed='link'"


def boards() -> list[Board]:
    """Return the committed boards, made-up ones, and that of DRIVE once more with hostile texts."""
    committed = boards_of(LEADERBOARDS / "results", read_reported(LEADERBOARDS / "reported"))
    (drive,) = (board for board in committed if board.id == "drive-test")
    made = [replace(board, id=f"made-up-{board.id}") for board in made_up()]
    return [*committed, *made, _hostile(drive)]


def _hostile(board: Board) -> Board:
    first, *others = board.standings
    standings = [_undefined(first, board.primary), *others]
    return replace(
        board,
        id="hostile-test",
        title=HOSTILE[1],
        standings=tuple(_harmed(standing, text) for standing, text in zip(standings, HOSTILE, strict=False)),
        reported=tuple(_published(text) for text in HOSTILE),
    )


def _undefined(standing: Standing, key: str) -> Standing:
    scores: dict[str, Any] = standing.result["scores"]
    return replace(standing, result={**standing.result, "scores": {**scores, key: {**scores[key], "value": None}}})


def _harmed(standing: Standing, text: str) -> Standing:
    words = dict.fromkeys(("name", "training_data", "backbone", "post_processing", "licence", "origin", "device"), text)
    entry = replace(standing.entry, **words, authors=HOSTILE)
    # What `Entry` itself refuses must be no link of a page either.
    for name in ("paper", "code"):
        object.__setattr__(entry, name, SCRIPT)
    images = {f"{key} {text}": value for key, value in standing.images.items()}
    return replace(standing, entry=entry, images=images, result={**standing.result, "warnings": [text]})


def _published(text: str) -> Reported:
    words = dict.fromkeys(("system", "dataset", "split", "metric", "time", "source", "table", "caveat"), text)
    return Reported(**words, value=50.0, url=SCRIPT)


def written(folder: Path) -> list[str]:
    """Return the address of every page below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html"))
