"""Where volumes lie: a data root in any of its layouts, packed or not, and what stands for the classes seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segbench.datasets.predictions import Naming
from segbench.datasets.truth import open_truth
from segbench.errors import BadParameter, DatasetError
from segbench.protocols.load import load_protocol
from segbench.protocols.observed import input_of, resolved, with_ids
from tests.datasets.niftis import nifti, put

VOLUMES = load_protocol("volumes")
LABELS = np.ones((2, 2, 2), np.uint8)


@pytest.mark.parametrize("folder", ["labelsTr", "labels"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_layouts(folder: str, suffix: str, tmp_path: Path) -> None:
    for key in ("b", "a"):
        put(tmp_path / folder / f"{key}{suffix}", nifti(LABELS, packed=suffix == ".nii.gz"))
    put(tmp_path / folder / "dataset.json", b"{}")
    found = open_truth(VOLUMES, data_root=tmp_path)
    assert (found.split, found.keys, found.path("a")) == ("train", ["a", "b"], str(tmp_path / folder / f"a{suffix}"))
    by_path = open_truth(VOLUMES, truth=tmp_path / folder)
    assert (by_path.keys, by_path.path("b")) == (["a", "b"], str(tmp_path / folder / f"b{suffix}"))


def test_a_folder_without_volumes(tmp_path: Path) -> None:
    put(tmp_path / "labelsTr/a.png", b"")
    with pytest.raises(DatasetError, match=r"no file NAME\.nii\.gz"):
        open_truth(VOLUMES, truth=tmp_path / "labelsTr")


def test_names_of_predictions() -> None:
    naming = Naming.of("volumes", VOLUMES.layout)
    for file in ("outer/site/a.b.nii.gz", "outer/site/a.b.nii", "outer/site/a.b.NII.GZ"):
        assert naming.key(file, "outer/") == "site/a.b"
    assert naming.names("a") == ("a.nii.gz",)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], "classes(0)"),
        ([1, 2, 3], "classes(0..3)"),
        ([7, 3, 2], "classes(0,2..3,7)"),
        ([-2, -1, 100000], "classes(-2..0,100000)"),
    ],
)
def test_the_classes_seen_are_written_and_read_again(ids: list[int], text: str) -> None:
    seen = with_ids(VOLUMES, ids)
    assert input_of(seen) == text
    assert resolved(VOLUMES, text) == seen
    assert seen.space.names == ("background", *map(str, sorted(ids)))
    assert (seen.digest() == VOLUMES.digest()) == (not ids)


def test_what_no_truth_holds_is_written_apart() -> None:
    seen = with_ids(VOLUMES, [1, 4], [4, 2, 3])
    assert input_of(seen) == "classes(0..1,4)+spurious(2..3)"
    assert resolved(VOLUMES, input_of(seen)) == seen
    assert seen.space.spurious == (2, 3)


@pytest.mark.parametrize(
    "text",
    ["-", "classes(0)+spurious()", "classes()", "classes(0..)", "classes(3..1)", "classes(0..99999999999)", "0..3"],
)
def test_what_names_no_classes(text: str) -> None:
    with pytest.raises(BadParameter, match="input"):
        resolved(VOLUMES, text)
    assert resolved(load_protocol("shapes"), text) is load_protocol("shapes")
