"""Reliability diagrams of instances: the points drawn are those of the results, and what cannot be drawn is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from segbench.errors import BadParameter, DatasetError
from segbench.scoring.anatomy import anatomy
from segbench.scoring.plots import figure, plot
from segbench.scoring.reliabilitycurves import reliability_diagram
from tests.metrics.detected import Box, Found, True_
from tests.scoring.instancefiles import write_results, write_truth
from tests.scoring.plotted import curve, legend, of_drive, points, scored

CAT, DOG = 0, 1
HERE: Box = (0, 0, 40, 40)
#: IoU 0.6.
NEAR: Box = (0, 0, 40, 24)
AWAY: Box = (100, 100, 40, 40)
TRUE: list[True_] = [(0, CAT, HERE, False), (1, CAT, HERE, False), (2, DOG, (0, 0, 90, 90), True)]
FOUND: list[Found] = [
    (0, CAT, NEAR, 0.9),
    (0, CAT, AWAY, 0.82),
    (1, CAT, HERE, 0.2),
    (1, DOG, AWAY, 0.1),
    (2, DOG, HERE, 0.5),
]


def result(folder: Path, name: str = "net", rows: Sequence[Found] = FOUND, **options: Any) -> Path:
    truth = write_truth(folder, TRUE)
    where = {"data_root": None, "truth": truth, "iou_type": "bbox", **options}
    return scored(write_results(folder, rows, name=f"{name}-results"), folder / f"{name}.json", "instances", **where)


def drawn(*paths: Path) -> Figure:
    return figure(reliability_diagram(paths))


def test_points_are_bins_of_scores(tmp_path: Path) -> None:
    page = drawn(result(tmp_path))
    # 0.1 is wrong and 0.2 right, each at the end of its bin; of 0.82 and 0.9 one is right; 0.5 lies in a crowd.
    assert points(curve(page.axes[0])) == [(0.1, 0), (0.2, 1), (pytest.approx(0.86), 0.5)]
    assert points(curve(page.axes[1])) == [(0.1, 0.25), (0.2, 0.25), (pytest.approx(0.86), 0.5)]
    # (0.1 + 0.8 + 2·0.36) / 4.
    assert legend(page) == ["net: ECE 0.4050, MCE 0.8000", "perfect calibration"]
    texts = [text.get_text() for text in page.texts]
    assert "right: IoU of boxes of 0.5 or more" in texts
    assert (page.axes[0].get_ylabel(), page.axes[1].get_xlabel()) == ("precision", "mean score")


def test_the_same_numbers_as_the_anatomy(tmp_path: Path) -> None:
    path = result(tmp_path)
    shown = reliability_diagram([path]).curves[0]
    truth, results = tmp_path / "truth.json", tmp_path / "net-results.json"
    told = anatomy(results, dataset="instances", truth=truth, iou_type="bbox").calibration
    assert told is not None
    assert shown.expected_error == told.expected_error
    assert np.array_equal(shown.observed, told.observed)


def test_several_results_share_a_figure(tmp_path: Path) -> None:
    other = [(image, label, box, score / 2) for image, label, box, score in FOUND]
    page = drawn(result(tmp_path), result(tmp_path, "other", other))
    assert [text.split(":")[0] for text in legend(page)] == ["net", "other", "perfect calibration"]
    assert points(curve(page.axes[0], 1))[0] == (pytest.approx(0.075), 0.5)


def test_another_threshold_is_taken_where_the_usual_was_not_scored(tmp_path: Path) -> None:
    truth, found = write_truth(tmp_path, TRUE), write_results(tmp_path, FOUND)
    own = Path(__file__).parents[2] / "segbench/protocols/data/instances.toml"
    text = own.read_text("utf-8").replace('name = "instances"', 'name = "strict"')
    begin, _, rest = text.partition("metrics = [")
    (tmp_path / "strict.toml").write_text(f'{begin}metrics = ["ap(thresholds=0.75)"]{rest.partition("]")[2]}', "utf-8")
    dataset = str(tmp_path / "strict.toml")
    path = scored(found, tmp_path / "net.json", dataset, data_root=None, truth=truth, iou_type="bbox")
    shown = reliability_diagram([path], dataset)
    assert shown.iou == 0.75
    assert shown.curves[0].observed.tolist() == [0, 1, 0]


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    path = result(tmp_path)
    for format_, head in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        first = plot([path], kind="reliability", format=format_)
        assert first == plot([path], kind="reliability", format=format_)
        assert first.startswith(head)


def test_what_is_refused(tmp_path: Path) -> None:
    path = result(tmp_path)
    with pytest.raises(BadParameter, match=r"expected detected instances.*plot calibration is for probability maps"):
        reliability_diagram([of_drive(tmp_path, "vessels")])
    with pytest.raises(BadParameter, match="expected probability maps"):
        plot([path], kind="calibration")
    with pytest.raises(BadParameter, match="1 of 1 scores are no probabilities: 3"):
        reliability_diagram([result(tmp_path, "logits", [(0, CAT, HERE, 3.0)])])
    with pytest.raises(DatasetError, match="no detection; expected a score to draw"):
        reliability_diagram([result(tmp_path, "none", [])])
    with pytest.raises(DatasetError, match="no detection that is right or wrong"):
        reliability_diagram([result(tmp_path, "crowd", [(2, DOG, HERE, 0.5)])])
    with pytest.raises(BadParameter, match="the same result twice"):
        reliability_diagram([path, path])


def test_other_comparisons_may_not_be_mixed(tmp_path: Path) -> None:
    boxes, masks = result(tmp_path), result(tmp_path, "masks", iou_type="segm")
    with pytest.raises(BadParameter, match="rules"):
        reliability_diagram([boxes, masks])
