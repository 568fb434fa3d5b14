"""Precision and recall of instances: the curves drawn are those that AP is the mean of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segbench.errors import BadParameter, DatasetError
from segbench.metrics.ranking import RECALLS
from segbench.scoring.diagrams import diagram
from segbench.scoring.plots import figure, plot
from tests.scoring.instancefiles import write_results, write_truth
from tests.scoring.plotted import legend, of_drive, scored
from tests.scoring.test_reliabilitycurves import AWAY, CAT, FOUND, HERE, TRUE, result


def test_curves_are_those_of_ap(tmp_path: Path) -> None:
    path = result(tmp_path)
    shown = diagram([path], "pr")
    scores = json.loads(path.read_text())["scores"]
    names = [series.name for series in shown.series]
    assert names == ["net, IoU 0.5", "net, IoU 0.75", "net, mean of IoU 0.5 to 0.95"]
    for series, key in zip(shown.series, ("ap50", "ap75", "ap"), strict=True):
        assert np.array_equal(series.x, RECALLS)
        # The mean over classes at each recall has the mean of all as its mean; the order of sums differs.
        assert series.y.mean() == pytest.approx(scores[key]["value"], abs=1e-12)
        assert series.summary == f"AP {scores[key]['value']:.4f}"
    # Of two cats the first is found at once with 0.5, the second after a false one: precision 1, then 2/3.
    assert shown.series[0].y.tolist() == pytest.approx([1.0] * 51 + [2 / 3] * 50)


def test_several_results_have_a_curve_each(tmp_path: Path) -> None:
    other = result(tmp_path, "other", [(0, CAT, HERE, 0.5), (0, CAT, AWAY, 0.4)])
    page = figure(diagram([result(tmp_path), other], "pr"))
    assert [text.split(":")[0] for text in legend(page)] == ["net", "other"]


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    path = result(tmp_path)
    assert plot([path], kind="pr") == plot([path], kind="pr")


def test_what_has_no_curve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="whose predictions are instances"):
        diagram([result(tmp_path)], "roc")
    with pytest.raises(BadParameter):
        diagram([result(tmp_path), of_drive(tmp_path)], "pr")
    crowd = tmp_path / "crowd"
    crowd.mkdir()
    where = {"data_root": None, "truth": write_truth(crowd, TRUE[2:]), "iou_type": "bbox"}
    path = scored(write_results(crowd, FOUND), crowd / "crowd.json", "instances", **where)
    with pytest.raises(DatasetError, match="no instance that counts"):
        diagram([path], "pr")
