"""Figures can be read: names as they are, everything within the figure, looks that can be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import segbench
from segbench.scoring.diagrams import MOST, names_of
from segbench.scoring.figurestyle import COLORS, DASHES
from tests.scoring.plotted import drawn, legend, of_drive, put


class TestReadability:
    def test_names_are_shown_as_they_are(self, tmp_path: Path) -> None:
        """No formula between dollars, nothing left out for its underscore, and no box for a missing glyph."""
        names = ["$x^2$", "_under", "größe", "網", "a\u202eb"]
        drawing = drawn([of_drive(tmp_path, name) for name in names], "roc")
        shown = [text.partition(":")[0] for text in legend(drawing)[: len(names)]]
        assert shown == ["$x^2$", "_under", "größe", "\\u7db2", "a\\u202eb"]
        assert not any(text.get_parse_math() for text in drawing.legends[0].get_texts())

    def test_a_long_name_is_broken_and_its_number_is_not(self, tmp_path: Path) -> None:
        drawing = drawn([of_drive(tmp_path, "name " * 20 + "end")], "roc")
        lines = drawing.legends[0].get_texts()[0].get_text().split("\n")
        assert len(lines) > 2 and max(map(len, lines)) <= 48 and lines[-1].endswith("AUC\N{NO-BREAK SPACE}0.7031")

    @pytest.mark.parametrize("kind", ["roc", "pr", "calibration"])
    @pytest.mark.parametrize("n", [1, MOST])
    def test_everything_lies_within_the_figure(self, kind: Any, n: int, tmp_path: Path) -> None:
        path = of_drive(tmp_path, metrics=["f1(threshold=0.25)"])
        copies = [tmp_path / f"{i}" / "net.json" for i in range(n)]
        for copy in copies:
            put(copy, path.read_bytes())
            put(segbench.state_path(copy), segbench.state_path(path).read_bytes())
        drawing = drawn(copies, kind)
        drawing.draw_without_rendering()
        inside = drawing.bbox
        texts = [*drawing.texts, *drawing.legends[0].get_texts(), *(t for axes in drawing.axes for t in axes.texts)]
        labels = [
            label
            for axes in drawing.axes
            for axis in (axes.xaxis, axes.yaxis)
            for label in (axis.label, *axis.get_ticklabels())
        ]
        boxes = [text.get_window_extent() for text in (*texts, *labels) if text.get_text() and text.get_visible()]
        assert len(boxes) > 12
        for box in boxes:
            assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
        assert drawing.axes[0].get_window_extent().width == pytest.approx(drawing.axes[0].get_window_extent().height)

    def test_as_many_results_as_can_be_told_apart(self) -> None:
        looks = {(COLORS[i % len(COLORS)], DASHES[i % len(DASHES)]) for i in range(MOST)}
        assert len(looks) == MOST

    @pytest.mark.parametrize("color", COLORS)
    def test_colours_are_dark_enough_on_white(self, color: str) -> None:
        """WCAG 2.1, success criterion 1.4.11: contrast of at least 3 : 1."""
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 3

    def test_names_that_are_equal_get_their_folders(self) -> None:
        paths = [Path("a/net.json"), Path("b/net.json"), Path("b/other.json")]
        assert names_of(paths) == ["a/net", "b/net", "other"]
