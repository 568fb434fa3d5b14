"""Figures: the points drawn are those of the definitions, and the same results give the same bytes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn import metrics as sklearn_metrics

import segbench
from segbench.errors import BadParameter, MissingPackage
from segbench.metrics.levels import Levels
from segbench.scoring.diagrams import MOST, diagram, is_binary
from segbench.scoring.figurestyle import COLORS
from segbench.scoring.plots import figure, plot
from tests.conftest import CHECKOUT
from tests.datasets.pngs import png
from tests.scoring.plotted import GOLDEN, curve, drawn, legend, marks, observer, of_drive, points, put, scored

#: The levels of the golden set drive inside the field of view, as its `arithmetic` lists them.
VESSEL = (128, 100)
OTHER = (200, 127, 0, 0, 10, 128, 128, 0, 0, 30, 40, 50, 128, 255, 60, 0)


def reach(values: Iterable[int], level: int) -> int:
    return sum(value >= level for value in values)


FALLING = sorted({*VESSEL, *OTHER}, reverse=True)
ROC = [(0.0, 0.0), *((reach(OTHER, v) / 16, reach(VESSEL, v) / 2) for v in FALLING)]
PR = [(reach(VESSEL, v) / 2, reach(VESSEL, v) / reach(VESSEL + OTHER, v)) for v in FALLING[::-1]]


class TestPoints:
    def test_roc(self, tmp_path: Path) -> None:
        drawing = drawn([of_drive(tmp_path)], "roc")
        assert points(curve(drawing.axes[0])) == ROC
        # 45 / 64 of the golden set; threshold 0.5 is level 128, where one of two vessels and 5 of 16 others lie.
        assert legend(drawing) == ["net: AUC 0.7031", "threshold 0.5", "chance"]
        assert marks(drawing) == [(5 / 16, 1 / 2)] and set(marks(drawing)) <= set(ROC)

    def test_precision_and_recall(self, tmp_path: Path) -> None:
        drawing = drawn([of_drive(tmp_path)], "pr")
        line = curve(drawing.axes[0])
        # The end at recall 0 is at the precision of the highest level, here 255, which is false.
        assert points(line) == [*PR, (0.0, 0.0)]
        assert line.get_drawstyle() == "steps-post"
        # (1/6 + 1/4) / 2 = 0.20833…; 2 of 18 pixels are vessels.
        assert legend(drawing) == [
            "net: average precision 0.2083",
            "threshold 0.5",
            "chance: 0.1111 of the pixels are positive",
        ]
        assert marks(drawing) == [(1 / 2, 1 / 6)] and set(marks(drawing)) <= set(PR)

    def test_the_area_below_the_steps_is_the_average_precision(self, tmp_path: Path) -> None:
        recall, precision = zip(*points(curve(drawn([of_drive(tmp_path)], "pr").axes[0])), strict=True)
        steps = (Fraction(r - s) * Fraction(p) for r, s, p in zip(recall, recall[1:], precision, strict=False))
        # Golden; 1/6 is rounded twice.
        assert float(sum(steps)) == pytest.approx((1 / 6 + 1 / 4) / 2, rel=2**-52)

    def test_calibration(self, tmp_path: Path) -> None:
        drawing = drawn([of_drive(tmp_path)], "calibration")
        # Tenths of 255 end at 25.5, 51, 76.5, 102, 127.5, 153, 178.5, 204, …
        bins = [(0, 25), (26, 51), (52, 76), (77, 102), (103, 127), (128, 153), (179, 204), (230, 255)]
        held = [[[v for v in values if low <= v <= high] for values in (OTHER, VESSEL)] for low, high in bins]
        expected = [(sum(n + p) / (255 * len(n + p)), len(p) / len(n + p)) for n, p in held]
        assert points(curve(drawing.axes[0])) == expected
        upper, lower = drawing.axes
        shares = [len(n + p) / 18 for n, p in held]
        assert points(curve(lower)) == [(x, share) for (x, _), share in zip(expected, shares, strict=True)]
        error = sum(share * abs(y - x) for (x, y), share in zip(expected, shares, strict=True))
        assert legend(drawing) == [f"net: ECE {error:.4f}", "perfect calibration"]
        assert lower.get_ylim() == (0.01, 1) and upper.get_xlim() == lower.get_xlim() == (0, 1)

    def test_a_binary_map_is_a_point(self, tmp_path: Path) -> None:
        paths = [of_drive(tmp_path), observer(tmp_path)]
        rates, found = drawn(paths, "roc"), drawn(paths, "pr")
        for drawing, place in ((rates, (5 / 16, 1 / 2)), (found, (1 / 2, 1 / 6))):
            line = curve(drawing.axes[0], 1)
            assert (points(line), line.get_linestyle()) == ([place], "None")
            # Its threshold is that of no one, so that only the other result has a mark.
            assert len(marks(drawing)) == 1
        assert legend(rates)[1] == "observer: TPR 0.5000, FPR 0.3125"
        assert legend(found)[1] == "observer: precision 0.1667, recall 0.5000"
        line = curve(drawn(paths, "calibration").axes[0], 1)
        assert (points(line), line.get_linestyle()) == ([(0.0, 1 / 12), (1.0, 1 / 6)], "None")

    def test_a_map_that_finds_nothing_has_no_precision(self, tmp_path: Path) -> None:
        path = observer(tmp_path, lowest=256)
        found = drawn([path], "pr")
        assert points(curve(found.axes[0])) == []
        assert legend(found)[0] == "observer: precision –, recall 0.0000"
        assert points(curve(drawn([path], "roc").axes[0])) == [(0.0, 0.0)]
        # One bin, of all pixels.
        assert points(curve(drawn([path], "calibration").axes[1])) == [(0.0, 1.0)]

    def test_every_threshold_asked_for_is_marked(self, tmp_path: Path) -> None:
        path = of_drive(tmp_path, metrics=["f1(threshold=1)", "accuracy(threshold=0.3935)"])
        drawing = drawn([path], "roc")
        assert legend(drawing)[1:-1] == ["threshold 0.3935", "threshold 0.5", "threshold 1.0"]
        # 0.3935 · 255 is 100.3425, so level 101 and more: the vessel of 100 is not found. 1 is level 255 alone.
        expected = [[(reach(OTHER, v) / 16, reach(VESSEL, v) / 2)] for v in (101, 128, 255)]
        assert [marks(drawing, shape) for shape in "osD"] == expected

    def test_the_working_point_of_road(self, tmp_path: Path) -> None:
        path = scored(GOLDEN / "kitti-road/predictions", tmp_path / "road.json", "kitti-road")
        result = segbench.score(
            GOLDEN / "kitti-road/predictions", dataset="kitti-road", data_root=GOLDEN / "kitti-road/data"
        )
        rates, found = drawn([path], "roc"), drawn([path], "pr")
        assert legend(rates)[1] == "threshold of the highest F1"
        assert marks(rates) == [(result.scores["fpr_wp"].value, result.scores["recall_wp"].value)]
        ((recall, precision),) = marks(found)
        assert recall == result.scores["recall_wp"].value
        # The development kit adds 1e-10 to the divisor, of several pixels here.
        assert precision == pytest.approx(result.scores["precision_wp"].value, abs=1e-10)

    def test_scikit_learn_on_real_maps(self, real_data: Path, tmp_path: Path) -> None:
        root = real_data / "drive"
        path = scored(real_data / "drive-laddernet-preds/test", tmp_path / "net.json", data_root=root)
        positive, levels = real_pixels(real_data / "drive-laddernet-preds/test", root / "test")
        x, y, _ = sklearn_metrics.roc_curve(positive, levels, drop_intermediate=False)
        assert points(curve(drawn([path], "roc").axes[0])) == list(zip(x, y, strict=True))
        precision, recall, _ = sklearn_metrics.precision_recall_curve(positive, levels)
        expected = list(zip(recall, precision, strict=True))[:-1]
        assert points(curve(drawn([path], "pr").axes[0])) == [*expected, (0.0, expected[-1][1])]


def real_pixels(predictions: Path, truth: Path) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    positive, levels = [], []
    for path in sorted(predictions.glob("*.png")):
        mask, manual, level = (
            np.asarray(Image.open(p)) for p in (truth / "mask" / path.name, truth / "manual1" / path.name, path)
        )
        positive.append(manual[mask > 0] > 0)
        levels.append(level[mask > 0])
    return np.concatenate(positive), np.concatenate(levels)


class TestFile:
    def test_the_path_in_the_svg_has_every_point(self, tmp_path: Path) -> None:
        found = path_of_curve(plot([of_drive(tmp_path)], kind="roc"))
        # SVG has six decimals of points, of which the axes have 273.6.
        assert np.allclose(found, ROC, rtol=0, atol=1e-8)

    def test_also_where_they_are_many_and_close(self, tmp_path: Path) -> None:
        """All 256 levels, on a curve that is nearly straight: a path made shorter would look the same."""
        put(tmp_path / "truth/a.png", png(np.tile(np.array([0, 1], np.uint8), (16, 16))))
        put(tmp_path / "predictions/a.png", png(np.arange(512).reshape(16, 32) // 2))
        options = {"data_root": None, "truth": tmp_path / "truth"}
        path = scored(tmp_path / "predictions", tmp_path / "net.json", **options)
        # Each level has one pixel of either class.
        expected = [(i / 256, i / 256) for i in range(257)]
        assert points(curve(drawn([path], "roc").axes[0])) == expected
        assert np.allclose(path_of_curve(plot([path], kind="roc")), expected, rtol=0, atol=1e-8)

    @pytest.mark.parametrize("kind", ["roc", "pr", "calibration"])
    @pytest.mark.parametrize("format_", ["svg", "png"])
    def test_the_same_bytes_wherever_it_is_drawn(self, kind: Any, format_: str, tmp_path: Path) -> None:
        paths = [of_drive(tmp_path), observer(tmp_path)]
        first = plot(paths, kind=kind, format=format_)
        assert plot(paths, kind=kind, format=format_) == first
        assert (b"<svg" in first[:400]) if format_ == "svg" else first.startswith(b"\x89PNG")

    def test_the_same_bytes_under_other_settings(self, tmp_path: Path) -> None:
        """In another process, at another time, with other hashes, and with settings of the user."""
        path = of_drive(tmp_path)
        own = (
            "axes.facecolor: red",
            "font.family: serif",
            "font.size: 30",
            "svg.hashsalt: other",
            "xtick.major.size: 9",
        )
        (tmp_path / "matplotlibrc").write_text("\n".join(own), "utf-8")
        code = (
            "import sys, pathlib; from segbench.scoring.plots import plot; paths = [pathlib.Path(sys.argv[1])]\n"
            "sys.stdout.buffer.write(plot(paths, kind='pr') + plot(paths, kind='calibration', format='png'))"
        )
        settings = {
            "MATPLOTLIBRC": str(tmp_path),
            "PYTHONHASHSEED": "7",
            "PYTHONPATH": str(CHECKOUT),
            "SOURCE_DATE_EPOCH": "86400",
            "TZ": "Asia/Tokyo",
        }
        command = [sys.executable, "-W", "error", "-c", code, str(path)]
        done = subprocess.run(command, env=os.environ | settings, capture_output=True, check=True)
        assert done.stdout == plot([path], kind="pr") + plot([path], kind="calibration", format="png")

    def test_neither_date_nor_maker_is_told(self, tmp_path: Path) -> None:
        path = of_drive(tmp_path)
        svg, file = plot([path], kind="roc").decode(), plot([path], kind="roc", format="png")
        assert "<dc:date>" not in svg and "matplotlib.org" not in svg.lower()
        assert set(Image.open(io.BytesIO(file)).info) == {"Title", "dpi"}
        assert "<title>ROC curve of net: drive@1 | test | 3 images | truth:" in svg

    def test_settings_of_the_caller_stay(self, tmp_path: Path) -> None:
        import matplotlib

        before = dict(matplotlib.rcParams)
        plot([of_drive(tmp_path)], kind="roc")
        assert dict(matplotlib.rcParams) == before


def path_of_curve(svg: bytes) -> list[tuple[float, float]]:
    """Return the path of the first result in the coordinates of its axes."""
    root = ElementTree.fromstring(svg)
    axes = next(group for group in root.iter(tag("g")) if group.get("id") == "axes_1")
    look = f"stroke: {COLORS[0]}; stroke-width: 1.8"
    (line,) = (found for found in paths_of(axes) if look in found.get("style", ""))
    # The first path within axes is their background, from lower left over lower right to upper right.
    (left, bottom), (right, _), (_, top), *_ = places(next(iter(paths_of(axes))))
    return [((x - left) / (right - left), (y - bottom) / (top - bottom)) for x, y in places(line)]


def tag(name: str) -> str:
    return f"{{http://www.w3.org/2000/svg}}{name}"


def paths_of(element: ElementTree.Element) -> Iterable[ElementTree.Element]:
    return element.iter(tag("path"))


def places(path: ElementTree.Element) -> list[tuple[float, float]]:
    found = re.findall(r"[ML] (\S+) (\S+)", path.get("d", ""))
    return [(float(x), float(y)) for x, y in found]


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_only_the_outer_levels_are_binary(level: int) -> None:
    levels: Levels = np.zeros((2, 256), np.int64)
    levels[0, 0] = levels[1, level] = 3
    assert is_binary(levels) == (level in (0, 255))


def test_without_matplotlib_one_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = of_drive(tmp_path)
    shown = diagram([path], "roc")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for work in (lambda: plot([path], kind="roc"), lambda: figure(shown)):
        with pytest.raises(MissingPackage) as caught:
            work()
        assert str(caught.value) == "the package 'matplotlib' is not installed; run: pip install 'segbench[plot]'"


@pytest.mark.parametrize("n", [0, MOST + 1])
def test_too_few_and_too_many_results(n: int) -> None:
    with pytest.raises(BadParameter, match=f"{n} results; expected 1 to {MOST}"):
        diagram([Path(f"{i}.json") for i in range(n)], "roc")
