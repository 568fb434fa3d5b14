"""A real video: two methods on car-shadow of DAVIS, by all three protocols, from folders and archives."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import CommandLine
from tests.datasets.pngs import png
from tests.oracles import davis

NAME = "car-shadow"


@pytest.fixture(scope="module")
def video(real_data: Path) -> Path:
    folder = real_data / "davis-car-shadow"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture(scope="module")
def numbered(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the truth, which marks the object by 255, with object number 1."""
    root = tmp_path_factory.mktemp("truth")
    (root / NAME).mkdir()
    for path in (video / "Annotations/480p" / NAME).glob("*.png"):
        (root / NAME / path.name).write_bytes(png((pixels(path) > 0).astype(np.uint8)))
    return root


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def frames(folder: Path) -> list[np.ndarray]:
    return [pixels(path) for path in sorted((folder / NAME).glob("*.png"))]


def hold(run: CommandLine, method: Path, dataset: str, truth: Path, expected: davis.DavisResult) -> dict[str, float]:
    outcome = run("score", method, "--dataset", dataset, "--truth", truth, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    values = {key: score["value"] for key, score in outcome.scores.items()}
    for measure in "jf":
        statistics = getattr(expected, measure)
        for statistic in statistics._fields:
            assert values[f"{measure}_{statistic}"] == getattr(statistics, statistic)
    assert values["jf_mean"] == expected.jf_mean
    (part,) = outcome.scores["j_mean"]["per_class"]
    assert part == (NAME if dataset == "davis2016" else f"{NAME}_1")
    return values


def test_2016(video: Path, run: CommandLine) -> None:
    truth = video / "Annotations/480p"
    for method in ("osvos", "rvos"):
        expected = davis.davis2016({NAME: (frames(truth), frames(video / "results" / method))})
        values = hold(run, video / "results" / method, "davis2016", truth, expected)
        if method == "osvos":
            # What the transcribed tool gave when the reference was written.
            assert (values["j_mean"], values["f_mean"]) == (0.9284015952829885, 0.9174071827386898)


def test_2017(video: Path, numbered: Path, run: CommandLine) -> None:
    expected = davis.davis2017({NAME: (frames(numbered), frames(video / "results/osvos"))})
    hold(run, video / "results/osvos", "davis2017", numbered, expected)


def test_2017_unsupervised(video: Path, numbered: Path, run: CommandLine) -> None:
    expected = davis.davis2017_unsupervised({NAME: (frames(numbered), frames(video / "results/rvos"))})
    values = hold(run, video / "results/rvos", "davis2017-unsupervised", numbered, expected)
    assert (values["j_mean"], values["f_mean"]) == (0.9195785329881255, 0.9574679286966106)


@pytest.mark.parametrize("dataset", ["davis2017", "davis2017-unsupervised"])
def test_a_truth_of_2016_is_refused(dataset: str, video: Path, run: CommandLine) -> None:
    truth = video / "Annotations/480p"
    outcome = run("score", video / "results/osvos", "--dataset", dataset, "--truth", truth)
    assert outcome.code == 4
    assert outcome.err.count("\n") == 1 and "--dataset davis2016" in outcome.err


def test_twenty_proposals_for_one_object(video: Path, numbered: Path, run: CommandLine) -> None:
    outcome = run("score", video / "results/rvos", "--dataset", "davis2017", "--truth", numbered, "--format", "json")
    assert outcome.code == 3 and set(outcome.codes) == {"stray-label"}


def test_a_zip_with_or_without_a_folder_around(video: Path, run: CommandLine, tmp_path: Path) -> None:
    where = ["--dataset", "davis2016", "--truth", video / "Annotations/480p", "--format", "json"]
    plain = run("score", video / "results/osvos", *where)
    for prefix in ("", "osvos/"):
        path = tmp_path / "submission.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted((video / "results/osvos").rglob("*.png")):
                archive.write(file, prefix + str(file.relative_to(video / "results/osvos")))
        assert run("score", path, *where).out == plain.out


def test_ends_left_out_of_the_submission(video: Path, run: CommandLine, tmp_path: Path) -> None:
    shutil.copytree(video / "results/osvos", tmp_path / "osvos")
    for name in ("00000", "00039"):
        (tmp_path / f"osvos/{NAME}/{name}.png").unlink()
    where = ["--dataset", "davis2016", "--truth", video / "Annotations/480p", "--format", "json"]
    assert run("score", tmp_path / "osvos", *where).out == run("score", video / "results/osvos", *where).out
