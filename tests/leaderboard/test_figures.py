"""Figures: what is on a Pareto front, round ticks, positions on the canvas."""

from __future__ import annotations

import pytest

from segbench.leaderboard.figures import BOTTOM, LEFT, RIGHT, TOP, Axis, Dot, Line, cost_figure, curve_figure


def front(*points: tuple[float, float], higher_is_better: bool = True) -> list[tuple[float, float]]:
    dots = [Dot(str(i), x, y) for i, (x, y) in enumerate(points)]
    figure = cost_figure("title", "cost", "score", dots, higher_is_better=higher_is_better)
    return [(dot.x, dot.y) for dot in figure.dots if dot.is_front]


def test_the_front_is_what_nothing_beats() -> None:
    # (10, 5) costs more than (1, 5) and is no better; (100, 4) is worse than both; (50, 9) is the best.
    assert front((1, 5), (10, 5), (100, 4), (50, 9)) == [(1, 5), (50, 9)]
    assert front((1, 5), (10, 5), (100, 4), (50, 9), higher_is_better=False) == [(1, 5), (100, 4)]


def test_equals_are_both_on_the_front() -> None:
    assert front((1, 5), (1, 5)) == [(1, 5), (1, 5)]


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis("", 0.0, 1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (Axis("", 58.0, 68.0), [58.0, 60.0, 62.0, 64.0, 66.0, 68.0]),
        (Axis("", 1e6, 1e7, is_log=True), [1e6, 2e6, 5e6, 1e7]),
        (Axis("", 0.001, 1.0, is_log=True), [0.001, 0.01, 0.1, 1.0]),
    ],
)
def test_ticks_are_round(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks == pytest.approx(ticks)


def test_ends_of_axes_are_ends_of_the_canvas() -> None:
    figure = curve_figure("roc", [Line("a", ((0.0, 0.0), (1.0, 1.0)))])
    assert figure.path(figure.lines[0]) == f"M{LEFT}.0 {BOTTOM}.0L{RIGHT}.0 {TOP}.0"


def test_all_dots_are_inside() -> None:
    for points in ([(3, 70.0)], [(3, 70.0), (3, 70.0)], [(1, 0.0), (1000, 99.9)], [(0.2, -4.0), (7, 1e-9)]):
        figure = cost_figure("title", "cost", "score", [Dot("", x, y) for x, y in points])
        for dot in figure.dots:
            assert LEFT <= figure.across(dot.x) <= RIGHT and TOP <= figure.down(dot.y) <= BOTTOM
