"""Images of a split whose truth is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segbench.datasets.pictures import as_pictures, open_pictures
from segbench.datasets.pillow import write_rgb_png
from segbench.datasets.truth import open_truth
from segbench.protocols.load import load_protocol

_CAMVID = load_protocol("camvid")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("listed", [False, True])
def test_a_suffix_that_the_data_set_leaves_open_is_that_of_the_files(suffix: str, listed: bool, tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    for key in ("b", "a"):
        write_rgb_png(tmp_path / f"val/{key}.png", np.zeros((4, 5, 3), np.uint8))
        (tmp_path / f"val/{key}.png").rename(tmp_path / f"val/{key}{suffix}")
    if listed:
        (tmp_path / "val.txt").write_text("a\n", "utf-8")
    found = open_pictures(_CAMVID, split="val", data_root=tmp_path)
    assert found.keys == (["a"] if listed else ["a", "b"])
    assert found.path("a") == str(tmp_path / f"val/a{suffix}")


def test_images_of_a_list_whose_truth_is_not_there(tmp_path: Path) -> None:
    for folder in ("val", "valannot"):
        (tmp_path / folder).mkdir()
    write_rgb_png(tmp_path / "val/a.png", np.zeros((4, 5, 3), np.uint8))
    (tmp_path / "val.txt").write_text("a\n", "utf-8")
    found = as_pictures(open_truth(_CAMVID, split="val", data_root=tmp_path))
    assert found.path("a") == str(tmp_path / "val/a.png")
