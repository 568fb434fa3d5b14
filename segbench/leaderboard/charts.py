"""The figures of a board and of an entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from segbench.leaderboard.boardrows import score
from segbench.leaderboard.figures import KINDS, Dot, Figure, Line, cost_figure, curve_figure
from segbench.leaderboard.standings import Board, Reported, Standing

#: Curves of a name, in the order of pages.
_CURVES = ("precision recall", "roc", "trimap")

#: Costs of verified entries: field, and the label of the axis.
_COSTS = {"parameters": "parameters", "seconds_per_image": "seconds per image"}

#: Published numbers that make a figure.
_FEWEST = 3


def curves(standings: Sequence[Standing]) -> list[Figure]:
    """Return the curves of entries, those of one name in one figure; the best entries where there are too many."""
    figures = []
    for name in _CURVES:
        drawn = [standing for standing in standings if len(standing.curves.get(name, ())) > 1][:KINDS]
        if drawn:
            lines = [Line(standing.entry.name, standing.curves[name]) for standing in drawn]
            figures.append(curve_figure(name, lines))
    return figures


def costs(board: Board) -> list[Figure]:
    """Return scores against what they cost, of verified entries and of published numbers, where costs are known."""
    return [*_of_entries(board), *_of_published(board.reported)]


def _of_entries(board: Board) -> Iterator[Figure]:
    scale, unit = (100, " %") if board.unit == "fraction" else (1, f" {board.unit}")
    for name, label in _COSTS.items():
        dots = []
        for standing in board.standings:
            cost, number = getattr(standing.entry, name), score(standing, board.primary)
            if cost and number is not None and number.value is not None:
                page = f"entries/{board.id}/{standing.entry.id}.html"
                dots.append(Dot(standing.entry.name, cost, scale * number.value, page))
        if len({dot.x for dot in dots}) > 1:
            label_y = f"{board.primary.partition('(')[0]},{unit}"
            better = board.higher_is_better
            yield cost_figure(f"Score against {label}", label, label_y, dots, higher_is_better=better)


def _of_published(reported: Sequence[Reported]) -> Iterator[Figure]:
    """Yield the metric that most published numbers with parameters share, where these are enough."""
    sized = [number for number in reported if number.parameters]
    shared = Counter((number.metric, number.unit) for number in sized)
    for (metric, unit), n in shared.most_common(1):
        if n >= _FEWEST:
            dots = [
                Dot(number.system, float(number.parameters or 0), number.value)
                for number in sized
                if (number.metric, number.unit) == (metric, unit)
            ]
            sign = "%" if unit == "percent" else unit
            figure = cost_figure("Published numbers against parameters", "parameters", f"{metric}, {sign}", dots)
            note = "Published by different people under different conditions; none of them was checked here."
            yield Figure(figure.title, figure.x, figure.y, dots=figure.dots, is_published=True, note=note)
