"""What the picture of a case shows lies where it is in the volume, in mm."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import segbench
from segbench.scoring.casepictures import CasePicture, Volumes, case_pictures
from segbench.scoring.casetable import CaseTable, case_table
from segbench.scoring.plots import case_figure
from segbench.scoring.plots.cases import PREDICTION, TRUTH, round_length
from tests.datasets.niftis import nifti, put

SPACING = (0.5, 2.0, 3.0)
#: The axes of the array to the right and upwards in each picture.
SHOWN = ((0, 1), (0, 2), (1, 2))


@pytest.fixture
def shown(tmp_path: Path) -> tuple[CaseTable, CasePicture]:
    """A structure far from the first voxel, beside another one; the prediction has one voxel more in each slice."""
    truth = np.zeros((40, 30, 20), np.uint8)
    truth[20:30, 14:18, 10:13] = 1
    truth[20:25, 18:20, 10:13] = 2
    prediction = truth.copy()
    prediction[30, 15, 11] = 1
    put(tmp_path / "truth/a.nii.gz", nifti(truth, SPACING))
    put(tmp_path / "predictions/a.nii.gz", nifti(prediction, SPACING))
    state = segbench.state_path(tmp_path / "net.json")
    result = segbench.score(tmp_path / "predictions", dataset="volumes", truth=tmp_path / "truth", state=state)
    segbench.write_result(result, tmp_path / "net.json", seconds=0, state=state)
    table = case_table(tmp_path / "net.json")
    where = Volumes(tmp_path / "predictions", tmp_path / "truth")
    (picture,) = case_pictures(table, list(table.cases), where, "1")
    return table, picture


def test_outlines_lie_around_the_structure_in_mm(shown: tuple[CaseTable, CasePicture]) -> None:
    # Wrong is the voxel (30, 15, 11) alone: of the truth the slice 30 of axis 0 has none.
    bounds = {0: (20, 30), 1: (14, 18), 2: (10, 13)}
    drawing = case_figure(shown[0], [shown[1]])
    for axes, sides in zip(drawing.axes, SHOWN, strict=True):
        found = {}
        for lines in axes.collections:
            color = tuple(np.round(lines.get_color()[0][:3] * 255).astype(int).tolist())
            ends = np.concatenate(lines.get_segments())
            found[f"#{bytes(color).hex()}"] = (ends.min(axis=0).tolist(), ends.max(axis=0).tolist())
        of_truth = [tuple(bounds[side][k] * SPACING[side] for side in sides) for k in (0, 1)]
        if 0 in sides:
            assert tuple(map(tuple, found[TRUTH["color"]])) == tuple(of_truth)
            longer = (of_truth[1][0] + SPACING[0], of_truth[1][1])
            assert tuple(map(tuple, found[PREDICTION["color"]])) == (of_truth[0], longer)
        else:
            # One voxel, (15, 11), of 2 × 3 mm.
            assert found == {PREDICTION["color"]: ([30.0, 33.0], [32.0, 36.0])}


def test_the_other_structure_lies_in_the_background(shown: tuple[CaseTable, CasePicture]) -> None:
    table, picture = shown
    (image,) = case_figure(table, [picture]).axes[0].images
    left, right, bottom, top = image.get_extent()
    darker = np.asarray(image.get_array()) < 0.9
    # Rows go upwards.
    rows, columns = np.nonzero(darker)
    steps = (right - left) / darker.shape[1], (top - bottom) / darker.shape[0]
    assert steps == pytest.approx(SPACING[:2])
    assert left + columns.min() * steps[0] == pytest.approx(20 * 0.5)
    assert left + (columns.max() + 1) * steps[0] == pytest.approx(25 * 0.5)
    assert bottom + rows.min() * steps[1] == pytest.approx(18 * 2.0)
    assert bottom + (rows.max() + 1) * steps[1] == pytest.approx(20 * 2.0)


def test_the_bar_is_as_long_as_it_says(shown: tuple[CaseTable, CasePicture]) -> None:
    drawing = case_figure(shown[0], [shown[1]])
    drawing.draw_without_rendering()
    (bar,) = drawing.artists
    (text,) = (t.get_text() for t in drawing.texts if re.fullmatch(r"[\d.]+ mm", t.get_text()))
    pixels = float(np.ptp(bar.get_xdata())) * drawing.bbox.width
    axes = drawing.axes[0]
    mm_per_pixel = float(np.ptp(axes.get_xlim())) / axes.get_window_extent().width
    assert pixels * mm_per_pixel == pytest.approx(float(text.removesuffix(" mm")))


@pytest.mark.parametrize(("most", "length"), [(1.0, 1.0), (1.9, 1.0), (2.0, 2.0), (4.9, 2.0), (74.0, 50.0), (0.3, 0.2)])
def test_round_lengths(most: float, length: float) -> None:
    assert round_length(most) == pytest.approx(length)
