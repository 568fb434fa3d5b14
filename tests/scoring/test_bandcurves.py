"""Trimap curves: the points drawn are those of the definition, and lines that may not be compared are refused."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from segbench.errors import BadParameter, DatasetError
from segbench.scoring.bandcurves import BandDiagram, band_diagram
from segbench.scoring.diagrams import MOST
from segbench.scoring.plots import figure, plot
from segbench.scoring.plots.bands import spread
from tests.datasets.pngs import png
from tests.scoring.plotted import curve, legend, of_drive, points, put, scored

#: Ids of CamVid. With width w the band are the w last pixels of the sky and the w first of the road.
SKY, ROAD = 0, 3
TRUTH = [SKY] * 8 + [ROAD] * 8
#: The last and the fourth last pixel of the sky are wrong.
NET = [SKY] * 4 + [ROAD] + [SKY] * 2 + [ROAD] * 9
WRONG = {1: 1, 2: 1, 4: 2, 8: 2}
WIDTHS = tuple(WRONG)
ACCURACY = [(w, (2 * w - n) / (2 * w)) for w, n in WRONG.items()]
#: Nothing is sky that should not be; all of the road is found, and what is wrong besides.
MEAN_IOU = [(w, ((w - n) / w + w / (w + n)) / 2) for w, n in WRONG.items()]


def result(folder: Path, name: str = "net", row: Sequence[int] = NET, metrics: Sequence[str] = ()) -> Path:
    """Score one row of pixels; metrics say W where the width stands, and default to both at every width."""
    asked = metrics or ["trimap_iou(band_px=W,absent=skip)", "trimap_accuracy(band_px=W)"]
    texts = [text.replace("W", str(width)) for text in asked for width in (WIDTHS if "W" in text else [0])]
    put(folder / "truth/a.png", png(np.array([TRUTH])))
    put(folder / name / "a.png", png(np.array([row])))
    where: dict[str, Any] = {"data_root": None, "truth": folder / "truth", "metrics": texts}
    return scored(folder / name, folder / f"{name}.json", "camvid", **where)


def accuracy(folder: Path, name: str = "net", row: Sequence[int] = NET) -> Path:
    return result(folder, name, row, ["trimap_accuracy(band_px=W)"])


def drawn(paths: Sequence[Path]) -> Figure:
    return figure(band_diagram(paths))


def lines(figure: Figure, n: int) -> list[list[tuple[float, float]]]:
    """The points of the first lines, which are the curves."""
    return [points(curve(figure.axes[0], i)) for i in range(n)]


def beside(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


class TestCurves:
    def test_points(self, tmp_path: Path) -> None:
        assert lines(drawn([accuracy(tmp_path)]), 1) == [ACCURACY]
        assert lines(drawn([result(tmp_path, "both")]), 2) == [MEAN_IOU, ACCURACY]

    def test_points_are_the_scores_of_the_result(self, tmp_path: Path, real_data: Path) -> None:
        widths = (1, 2.5, 8, 32)
        metrics = [f"trimap_iou(band_px={w},centre={c})" for w in widths for c in ("void", "boundary")]
        output = tmp_path / "net.json"
        where = {"data_root": real_data / "camvid", "split": "val", "metrics": metrics}
        scored(real_data / "camvid-espnet-val-preds/val", output, "camvid", **where)
        scores = json.loads(output.read_bytes())["scores"]
        keys = [[f"trimap_iou(band_px={w}{centre})" for w in widths] for centre in ("", ",centre=void")]
        expected = [[(w, scores[key]["value"]) for w, key in zip(widths, line, strict=True)] for line in keys]
        assert lines(drawn([output]), 2) == expected
        assert all(y < z for line in expected for (_, y), (_, z) in itertools.pairwise(line)), "errors lie at edges"

    def test_a_line_for_each_result(self, tmp_path: Path) -> None:
        drawing = drawn([accuracy(tmp_path), accuracy(tmp_path, "perfect", TRUTH)])
        assert lines(drawing, 2) == [ACCURACY, [(w, 1.0) for w in WIDTHS]]
        assert beside(drawing) == ["net", "perfect"]

    def test_results_may_have_other_widths(self, tmp_path: Path) -> None:
        one = result(tmp_path, "one", NET, ["trimap_accuracy(band_px=4)"])
        drawing = drawn([accuracy(tmp_path), one])
        assert lines(drawing, 2) == [ACCURACY, ACCURACY[2:3]]
        # A name beside the axes would be joined to its point by what looks like a curve.
        assert (beside(drawing), legend(drawing)) == ([], ["net", "one"])

    def test_a_line_for_each_kind_of_band_says_what_is_its_own(self, tmp_path: Path) -> None:
        kinds = ("", ",centre=void,limit=open", ",pool=image,classes=[Sky,Road]")
        # The truth has no void, so there is no band around it.
        metrics = [f"trimap_accuracy(band_px=W{kind})" for kind in (kinds[0], kinds[2])]
        shown = band_diagram([result(tmp_path, metrics=metrics)])
        assert [line.name for line in shown.curves] == ["classes=[Sky,Road], pool=image", "classes=all, pool=dataset"]
        assert shown.metrics == [
            "trimap_accuracy(band_px=…,classes=[Sky,Road],pool=image,void_prediction=skip)",
            "trimap_accuracy(band_px=…,void_prediction=skip)",
        ]
        with pytest.raises(DatasetError, match=r"net\.json: trimap_accuracy\(.*centre=void.* undefined at every width"):
            band_diagram([result(tmp_path, metrics=[*metrics, f"trimap_accuracy(band_px=W{kinds[1]})"])])

    def test_metrics_are_told_apart_by_what_they_measure(self, tmp_path: Path) -> None:
        shown = band_diagram([result(tmp_path)])
        assert [line.name for line in shown.curves] == ["mean IoU", "accuracy"]
        assert shown.quantity == "mean IoU or accuracy"
        names = [line.name for line in band_diagram([result(tmp_path), result(tmp_path, "other")]).curves]
        assert names == ["net, mean IoU", "net, accuracy", "other, mean IoU", "other, accuracy"]

    def test_an_undefined_value_is_a_gap(self, tmp_path: Path) -> None:
        """The wall is 3 pixels from the edge of the sky: at narrower widths it is absent."""
        put(tmp_path / "truth/a.png", png(np.array([[SKY] * 8 + [ROAD] * 8])))
        put(tmp_path / "net/a.png", png(np.array([[SKY] * 8 + [ROAD] * 3 + [1] * 5])))
        metrics = [f"trimap_iou(band_px={w},absent=propagate,classes=[Sky,Building])" for w in (2, 4, 8)]
        where: dict[str, Any] = {"data_root": None, "truth": tmp_path / "truth", "metrics": metrics}
        (line,) = band_diagram([scored(tmp_path / "net", tmp_path / "net.json", "camvid", **where)]).curves
        # The wall is false, which scores 0, and the sky is right.
        assert np.array_equal(line.values, [np.nan, 0.5, 0.5], equal_nan=True)


class TestRefused:
    def test_a_result_without_a_trimap(self, tmp_path: Path) -> None:
        path = result(tmp_path, metrics=["mean_dice"])
        with pytest.raises(BadParameter, match=r"a result of camvid@1, without a trimap metric; .*; score again with"):
            band_diagram([path])

    def test_maps_of_probability(self, tmp_path: Path) -> None:
        with pytest.raises(BadParameter, match=r"a result of drive@\d, whose predictions are levels; expected label"):
            band_diagram([of_drive(tmp_path)])

    @pytest.mark.parametrize("fields", ["void_edges=skip", "void_prediction=miss", "pool=image", "distance=square"])
    def test_another_kind_of_band(self, fields: str, tmp_path: Path) -> None:
        other = result(tmp_path, "other", metrics=[f"trimap_accuracy(band_px=W,{fields})"])
        with pytest.raises(BadParameter) as caught:
            band_diagram([accuracy(tmp_path), other])
        expected = f"trimap_accuracy(band_px=…,void_prediction=skip), as {tmp_path / 'net.json'} has"
        usual = fields == "void_prediction=miss"
        assert (fields in caught.value.found or usual) and caught.value.expected == expected
        assert caught.value.found != expected.partition(", as")[0]
        assert caught.value.file == str(other)

    def test_a_kind_that_the_other_has_not(self, tmp_path: Path) -> None:
        for paths in itertools.permutations([accuracy(tmp_path), result(tmp_path, "both")]):
            with pytest.raises(BadParameter, match="expected trimap_"):
                band_diagram(paths)

    def test_another_truth(self, tmp_path: Path) -> None:
        with pytest.raises(BadParameter, match=r"truth [0-9a-f]{8}; expected truth [0-9a-f]{8}, as "):
            other = tmp_path / "other"
            put(other / "truth/a.png", png(np.array([NET])))
            where: dict[str, Any] = {"data_root": None, "truth": other / "truth"}
            put(other / "net/a.png", png(np.array([NET])))
            scored(other / "net", other / "net.json", "camvid", metrics=["trimap_accuracy(band_px=1)"], **where)
            band_diagram([accuracy(tmp_path), other / "net.json"])

    def test_more_lines_than_can_be_told_apart(self, tmp_path: Path) -> None:
        paths = [result(tmp_path, f"net{i}") for i in range(MOST // 2 + 1)]
        assert len(band_diagram(paths[:-1]).curves) == MOST
        with pytest.raises(BadParameter, match=f"{MOST + 2} lines, 2 of each result; expected 1 to {MOST}"):
            band_diagram(paths)

    def test_the_same_twice(self, tmp_path: Path) -> None:
        with pytest.raises(BadParameter, match="the same result twice"):
            band_diagram([accuracy(tmp_path)] * 2)


class TestFigure:
    def test_the_axes(self, tmp_path: Path) -> None:
        axes = drawn([accuracy(tmp_path)]).axes[0]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("width of the band in pixels", "accuracy inside the band")
        assert (axes.get_xscale(), axes.get_xlim(), axes.get_ylim()) == ("log", (1, 8), (0, 1))
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4", "8"]
        assert not axes.get_xticks(minor=True).size

    @pytest.mark.parametrize(
        ("widths", "ticks"),
        [((3, 5.5), "3 5.5"), ((0.5, 3), "0.5 1 2"), ((7,), "3.5 7 14"), ((1.5, 40), "2 4 8 16 32")],
    )
    def test_ticks_are_powers_of_two_or_widths(self, widths: Sequence[float], ticks: str, tmp_path: Path) -> None:
        metrics = [f"trimap_accuracy(band_px={width})" for width in widths]
        axes = drawn([result(tmp_path, metrics=metrics)]).axes[0]
        assert " ".join(label.get_text() for label in axes.get_xticklabels()) == ticks

    def test_ticks_of_very_wide_bands_are_fewer(self, tmp_path: Path) -> None:
        drawing = drawn([result(tmp_path, metrics=["trimap_accuracy(band_px=1)", "trimap_accuracy(band_px=65536)"])])
        assert drawing.axes[0].get_xticks().tolist() == [4**i for i in range(9)]

    def test_names_stand_beside_the_lines_where_there_is_room(self, tmp_path: Path) -> None:
        paths = [accuracy(tmp_path, name) for name in ("net", "$x^2$", "_under", "網")]
        drawing = drawn(paths)
        assert beside(drawing) == ["net", "$x^2$", "_under", "\\u7db2"] and not drawing.legends
        assert not any(text.get_parse_math() for text in drawing.axes[0].texts)
        # All curves are the same; their names are not upon each other.
        drawing.draw_without_rendering()
        boxes = sorted((text.get_window_extent() for text in drawing.axes[0].texts), key=lambda box: box.y0)
        assert all(lower.y1 <= upper.y0 for lower, upper in itertools.pairwise(boxes))
        long = drawn([*paths, accuracy(tmp_path, "a name that is very long indeed")])
        assert not beside(long) and legend(long)[-1] == "a name that is very long indeed"

    @pytest.mark.parametrize("n", [1, MOST])
    @pytest.mark.parametrize("name", ["net", "a rather long name of it", "a name that is very long indeed" * 4])
    def test_everything_lies_within_the_figure(self, n: int, name: str, tmp_path: Path) -> None:
        drawing = drawn([accuracy(tmp_path, f"{name}{i}") for i in range(n)])
        drawing.draw_without_rendering()
        axes, texts = drawing.axes[0], [*drawing.texts, *drawing.axes[0].texts]
        texts += [text for found in drawing.legends for text in found.get_texts()]
        texts += [label for axis in (axes.xaxis, axes.yaxis) for label in (axis.label, *axis.get_ticklabels())]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        inside = drawing.bbox
        assert len(boxes) > 12
        for box in boxes:
            assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
        assert axes.get_window_extent().width == pytest.approx(axes.get_window_extent().height)

    @pytest.mark.parametrize("format_", ["svg", "png"])
    def test_the_same_bytes_twice(self, format_: str, tmp_path: Path) -> None:
        paths = [accuracy(tmp_path), accuracy(tmp_path, "other", TRUTH)]
        first = plot(paths, kind="trimap", format=format_)
        assert plot(paths, kind="trimap", format=format_) == first
        assert first != plot(paths[::-1], kind="trimap", format=format_)
        if format_ == "svg":
            title = r"<title>Trimap curve of net, other: camvid@1 \| custom \| 1 image \| truth:[0-9a-f]{8}</title>"
            assert re.search(title, first.decode())

    def test_what_is_compared_stands_below_the_title(self, tmp_path: Path) -> None:
        texts = [text.get_text() for text in drawn([result(tmp_path)]).texts]
        assert texts[0] == "Trimap curve" and texts[1].startswith("camvid@1 | ")
        assert texts[2:] == [
            "trimap_iou(band_px=…, void_prediction=skip)",
            "trimap_accuracy(band_px=…, void_prediction=skip)",
        ]


class TestSpread:
    @pytest.mark.parametrize(
        ("places", "expected"),
        [
            ([0.5], [0.5]),
            ([0.2, 0.8], [0.2, 0.8]),
            ([0.5, 0.5], [0.45, 0.55]),
            ([0.55, 0.5, 0.1], [0.575, 0.475, 0.1]),
            ([1.0, 1.0, 1.0], [0.8, 0.9, 1.0]),
            ([0.0, 0.05], [0.0, 0.1]),
        ],
    )
    def test_by_hand(self, places: list[float], expected: list[float]) -> None:
        assert spread(places, 0.1) == pytest.approx(expected, abs=1e-12)

    def test_no_move_of_a_single_place_is_better(self) -> None:
        """The sum of squares is convex, so what cannot be improved in any direction of the allowed set is the least."""
        rng = np.random.default_rng(0)
        for _ in range(200):
            places = rng.random(int(rng.integers(1, 9))).round(1)
            found = np.array(spread(places.tolist(), 0.1))
            other = np.sort(rng.random(len(places))) * (1 - 0.1 * (len(places) - 1)) + 0.1 * np.arange(len(places))
            allowed = np.empty_like(found)
            allowed[np.argsort(places, kind="stable")] = other
            assert (np.diff(np.sort(found)) >= 0.1 - 1e-12).all() and found.min() >= 0 and found.max() <= 1 + 1e-12
            assert np.array_equal(np.argsort(found, kind="stable"), np.argsort(places, kind="stable"))
            # At the least of a convex function no allowed direction goes down.
            assert np.dot(found - places, allowed - found) >= -1e-12


def test_a_diagram_names_its_results(tmp_path: Path) -> None:
    shown: BandDiagram = band_diagram([result(tmp_path)])
    assert (shown.kind, shown.names, shown.terms["protocol"]) == ("trimap", ["net"], "camvid@1")
