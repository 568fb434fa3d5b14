"""Pictures of real cases: hippocampi moved by a seed, and a spine with a prediction."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

import segbench
from segbench.scoring.casepictures import CasePicture, Volumes, case_pictures
from segbench.scoring.casetable import CaseTable, case_table
from segbench.scoring.figurestyle import GREY
from segbench.scoring.plots import case_figure, draw_cases
from segbench.scoring.plots.cases import PREDICTION, TRUTH
from tests.conftest import CommandLine
from tests.datasets.niftis import nifti, put
from tests.scoring.test_real_volumes import folder_of, moved


def scored(folder: Path, dataset: str) -> CaseTable:
    state = segbench.state_path(folder / "net.json")
    result = segbench.score(folder / "predictions", dataset=dataset, truth=folder / "truth", state=state)
    segbench.write_result(result, folder / "net.json", seconds=0, state=state)
    return case_table(folder / "net.json")


@pytest.fixture
def hippocampi(real_data: Path, tmp_path: Path) -> CaseTable:
    """Ten cases, each moved by a seed."""
    rng = np.random.default_rng(7)
    for path in sorted((folder_of(real_data, "msd-hippocampus") / "labels").glob("*.nii.gz"))[:10]:
        put(tmp_path / "truth" / path.name, path.read_bytes())
        image = nibabel.load(path)
        labels = moved(np.asarray(image.dataobj), rng)
        put(tmp_path / "predictions" / path.name, nifti(labels, affine=image.affine))
    return scored(tmp_path, "msd-hippocampus")


@pytest.fixture
def spine(real_data: Path, tmp_path: Path) -> CaseTable:
    source = folder_of(real_data, "spine-3d") / "semantic"
    for name, folder in (("ref", "truth"), ("pred", "predictions")):
        (tmp_path / folder).mkdir()
        shutil.copy(source / f"{name}.nii.gz", tmp_path / folder / "spine.nii.gz")
    return scored(tmp_path, "volumes")


def pictures(table: CaseTable, n: int, **more: Any) -> list[CasePicture]:
    folder = Path(table.counted.file).parent
    where = Volumes(folder / "predictions", folder / "truth", **more)
    return case_pictures(table, list(table.cases[:n]), where)


def volumes_of(table: CaseTable, picture: CasePicture) -> list[np.ndarray]:
    """Truth and prediction of a case as nibabel reads them."""
    folder = Path(table.counted.file).parent
    ids = {c.name: c.id for c in table.counted.case.protocol.space.classes}
    names = (folder / kind / f"{picture.case.name}.nii.gz" for kind in ("truth", "predictions"))
    return [np.asarray(nibabel.load(name).dataobj) == ids[picture.structure.name] for name in names]


def test_voxels_and_dice_are_those_of_the_files(hippocampi: CaseTable) -> None:
    for picture in pictures(hippocampi, 10):
        truth, prediction = volumes_of(hippocampi, picture)
        assert picture.structure.voxels == (truth.sum(), prediction.sum())
        dice = 2 * (truth & prediction).sum() / (truth.sum() + prediction.sum())
        assert picture.structure.values["mean_dice"] == dice


def test_no_other_structure_of_a_case_is_worse(hippocampi: CaseTable) -> None:
    values = {case.name: [s.values["mean_dice"] for s in case.structures] for case in hippocampi.cases}
    assert all(found == sorted(found) for found in values.values())
    some_missed = [any(s.state == "missed" for s in case.structures) for case in hippocampi.cases]
    assert some_missed == sorted(some_missed, reverse=True) and True in some_missed and False in some_missed


@pytest.mark.parametrize("name", ["hippocampi", "spine"])
def test_the_slices_are_those_of_the_files(name: str, request: pytest.FixtureRequest) -> None:
    table = request.getfixturevalue(name)
    for picture in pictures(table, 3):
        truth, prediction = volumes_of(table, picture)
        wrong = truth ^ prediction
        for i, axis in enumerate((2, 1, 0)):
            place = picture.cut.place[axis]
            counts = wrong.sum(axis=tuple(j for j in range(3) if j != axis))
            assert counts[place] == counts.max()
            window = [picture.cut.window[j] for j in range(3) if j != axis]
            assert np.array_equal(picture.truth[i], np.take(truth, place, axis)[tuple(window)])
            assert np.array_equal(picture.prediction[i], np.take(prediction, place, axis)[tuple(window)])
            # Nothing of the structure is cropped away.
            assert picture.truth[i].sum() == np.take(truth, place, axis).sum()


def test_the_aspect_of_a_slice_is_that_of_its_voxels(spine: CaseTable) -> None:
    (picture,) = pictures(spine, 1)
    assert picture.spacing == pytest.approx((0.586, 0.586, 3.3), abs=0.05)
    drawing = case_figure(spine, [picture])
    for i, (right, up) in enumerate(((0, 1), (0, 2), (1, 2))):
        box = drawing.axes[i].get_window_extent()
        n_right, n_up = picture.truth[i].shape
        sides = n_right * picture.spacing[right], n_up * picture.spacing[up]
        assert box.width / box.height == pytest.approx(sides[0] / sides[1])
        # All three slices are of one scale.
        first = drawing.axes[0].get_window_extent().width / (picture.truth[0].shape[0] * picture.spacing[0])
        assert box.width / sides[0] == pytest.approx(first)


def test_names_and_values_are_on_the_picture(spine: CaseTable) -> None:
    (picture,) = pictures(spine, 1)
    drawing = case_figure(spine, [picture])
    words = " ".join(text.get_text() for text in drawing.texts)
    structure = picture.structure
    assert f"spine: {structure.name}" in words
    assert f"mean_dice {100 * structure.values['mean_dice']:.2f} %" in words
    assert "with the most wrong voxels of this structure" in words and " mm" in words
    nearest = nibabel.aff2axcodes(nibabel.load(Path(spine.counted.file).parent / "truth/spine.nii.gz").affine)
    assert picture.directions == nearest
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in drawing.axes]
    named = [f"axis {i}, to {nearest[i]} (mm)" for i in range(3)]
    assert labels == [(named[0], named[1]), (named[0], named[2]), (named[1], named[2])]


@pytest.mark.parametrize("name", ["hippocampi", "spine"])
def test_everything_lies_within_the_picture(name: str, request: pytest.FixtureRequest) -> None:
    table = request.getfixturevalue(name)
    drawing = case_figure(table, pictures(table, 3))
    drawing.draw_without_rendering()
    width, height = drawing.get_size_inches()
    taken = drawing.get_tightbbox()
    assert min(taken.x0, taken.y0) >= 0 and taken.x1 <= width and taken.y1 <= height
    # No two of the texts lie on each other.
    texts = [*drawing.texts, *(text for axes in drawing.axes for text in (*axes.texts, axes.xaxis.label))]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert len(boxes) > 10
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_both_outlines_are_drawn_where_they_are(hippocampi: CaseTable, tmp_path: Path) -> None:
    """Each outline leaves pixels of its colour, of a missed structure only that of the truth."""
    found = pictures(hippocampi, 10)
    missed, both = (next(p for p in found if p.structure.state == state) for state in ("missed", "found"))
    for picture, shown in ((missed, (True, False)), (both, (True, True))):
        drawing = case_figure(hippocampi, [picture])
        for legend in drawing.legends:
            legend.remove()
        drawing.savefig(tmp_path / "a.png", dpi=300)
        pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
        colors = [tuple(int(style["color"][i : i + 2], 16) for i in (1, 3, 5)) for style in (TRUTH, PREDICTION)]
        assert tuple((pixels == color).all(axis=2).sum() > 50 for color in colors) == shown
    assert len({TRUTH["color"], PREDICTION["color"], GREY}) == 3


def test_the_same_bytes(hippocampi: CaseTable) -> None:
    found = pictures(hippocampi, 2)
    for form in ("svg", "png"):
        assert draw_cases(hippocampi, found, form) == draw_cases(hippocampi, pictures(hippocampi, 2), form)


def test_a_scan_behind_the_outlines(hippocampi: CaseTable, real_data: Path) -> None:
    images = folder_of(real_data, "msd-hippocampus") / "images"
    (plain,), (picture,) = pictures(hippocampi, 1), pictures(hippocampi, 1, images=images)
    assert not plain.scans
    scan = np.asarray(nibabel.load(images / f"{picture.case.name}.nii.gz").get_fdata())
    for i, axis in enumerate((2, 1, 0)):
        window = tuple(picture.cut.place[j] if j == axis else picture.cut.window[j] for j in range(3))
        shown = picture.scans[i]
        assert shown.min() >= 0 and shown.max() <= 1
        # Grey rises with the value of the scan.
        order = np.argsort(scan[window], axis=None, kind="stable")
        assert (np.diff(shown.ravel()[order]) >= 0).all()


def test_the_command(hippocampi: CaseTable, run: CommandLine) -> None:
    folder = Path(hippocampi.counted.file).parent
    where = ("--predictions", folder / "predictions", "--truth", folder / "truth", "-o", folder / "a.html")
    outcome = run("plot", "case", folder / "net.json", *where, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    assert [one["case"] for one in json.loads(outcome.out)["cases"]] == [case.name for case in hippocampi.cases]
    assert (folder / "a.html").read_text("ascii").count("data:image/svg+xml") == 5
