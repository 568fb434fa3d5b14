"""The protocols of DAVIS on files: which frames are needed, what is refused, official lists, shards and slices."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.errors import DatasetError, MissingPrediction, Refusal, StrayLabel
from tests.datasets.pngs import PALETTE, png
from tests.metrics.video_cases import Labels, random_video
from tests.protocols.test_official_davis import ONE, ORACLES, SHAPE, TWO, Videos, hold, random_videos


def put(folder: Path, frames: Mapping[str, Labels], **options: Any) -> Path:
    for key, labels in frames.items():
        path = folder / f"{key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(labels, **options))
    return folder


def named(sequence: str, frames: list[Labels], first: int = 0) -> dict[str, Labels]:
    return {f"{sequence}/{i:05}": labels for i, labels in enumerate(frames, first)}


def site(tmp_path: Path, videos: Videos, name: str) -> dict[str, Any]:
    """Truth and predictions as files, the truth given by its path."""
    for key, (truths, predictions) in videos.items():
        put(tmp_path / "truth", named(key, truths))
        put(tmp_path / "predictions", named(key, predictions), kind=PALETTE)
    return {"predictions": tmp_path / "predictions", "dataset": name, "truth": tmp_path / "truth"}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(5))
def test_files_score_as_the_reference(name: str, seed: int, tmp_path: Path) -> None:
    videos = random_videos(np.random.default_rng(seed), name)
    ends = 0 if name == "davis2017-unsupervised" else 2
    asked = site(tmp_path, videos, name)
    for how in ({"workers": 1}, {"workers": 3}, {"workers": 2, "executor": "processes"})[: 3 if seed == 0 else 2]:
        result = segbench.score(**asked, **how)
        hold(name, result.scores, ORACLES[name](videos))
        assert (result.n_images, result.warnings) == (sum(len(t) - ends for t, _ in videos.values()), ())


@pytest.mark.parametrize("name", ["davis2016", "davis2017"])
def test_the_first_and_the_last_frame_may_be_missing_or_be_anything(name: str, tmp_path: Path) -> None:
    asked = site(tmp_path, {"a": ([ONE] * 4, [ONE, ONE, ONE - ONE, ONE])}, name)
    whole = segbench.score(**asked)
    (tmp_path / "predictions/a/00000.png").write_bytes(b"no PNG")
    (tmp_path / "predictions/a/00003.png").unlink()
    for strict in (False, True):
        result = segbench.score(**asked, strict=strict)
        assert (result.scores, result.warnings) == (whole.scores, ())
    assert result.scores["j_mean"].value == 0.5
    (tmp_path / "predictions/a/00001.png").unlink()
    with pytest.raises(MissingPrediction, match="no prediction of a/00001"):
        segbench.score(**asked)
    # An empty mask in both of the frames that are scored.
    assert segbench.score(**asked, missing="miss").scores["j_mean"].value == 0.0


def test_all_frames_where_a_metric_asks_for_them(tmp_path: Path) -> None:
    asked = site(tmp_path, {"a": ([ONE] * 4, [ONE - ONE, ONE, ONE, ONE])}, "davis2017")
    result = segbench.score(**asked, metrics=["j_mean(frames=all)"])
    assert (result.n_images, result.scores["j_mean"].value) == (4, 1.0)
    assert result.scores["j_mean(frames=all)"].value == 0.75
    (tmp_path / "predictions/a/00000.png").unlink()
    with pytest.raises(MissingPrediction, match="a/00000"):
        segbench.score(**asked, metrics=["j_mean(frames=all)"])


def test_one_number_too_many_is_refused(tmp_path: Path) -> None:
    asked = site(tmp_path, {"a": ([ONE, ONE + TWO, ONE, ONE], [ONE, ONE + TWO, ONE, ONE])}, "davis2017")
    with pytest.raises(StrayLabel, match=r"value 2 at row 5, column 18, 64 stray pixels") as caught:
        segbench.score(**asked)
    assert "up to 1, the objects of the first frame" in str(caught.value)
    # Only scored frames are looked at, as by the official tool.
    put(tmp_path / "predictions", named("a", [TWO, ONE, ONE, TWO]))
    assert segbench.score(**asked).scores["j_mean"].value == 1.0


def test_masks_of_2016_are_refused_by_2017(tmp_path: Path) -> None:
    asked = site(tmp_path, {"a": ([ONE] * 3, [ONE * 255] * 3)}, "davis2017")
    with pytest.raises(StrayLabel, match="value 255 .* a 0/255 mask"):
        segbench.score(**asked)
    put(tmp_path / "truth", named("a", [ONE * 255] * 3))
    for name in ("davis2017", "davis2017-unsupervised"):
        with pytest.raises(DatasetError, match="score them with --dataset davis2016"):
            segbench.score(**{**asked, "dataset": name})
    assert segbench.score(**{**asked, "dataset": "davis2016"}).scores["jf_mean"].value == 1.0


def test_twenty_proposals_and_no_more(tmp_path: Path) -> None:
    name = "davis2017-unsupervised"
    asked = site(tmp_path, {"a": ([ONE] * 2, [20 * ONE] * 2)}, name)
    assert segbench.score(**asked).scores["jf_mean"].value == 1.0
    put(tmp_path / "predictions", named("a", [21 * ONE, ONE]))
    with pytest.raises(StrayLabel, match="value 21 .* up to 20, at most so many proposals"):
        segbench.score(**asked)


def test_objects_of_the_official_lists(tmp_path: Path) -> None:
    root = tmp_path / "DAVIS"
    for sequence, labels in (("b", ONE), ("a", ONE + TWO), ("other", ONE)):
        put(root / "Annotations/480p", named(sequence, [labels] * 4))
        put(tmp_path / "predictions", named(sequence, [ONE] * 4))
    for year, lines in (
        ("2017", "b\na\n"),
        ("2016", "".join(f"/JPEGImages/480p/b/{i:05}.jpg /Annotations/480p/b/{i:05}.png \n" for i in range(3))),
    ):
        (root / f"ImageSets/{year}").mkdir(parents=True)
        (root / f"ImageSets/{year}/val.txt").write_text(lines, "utf-8")
    found = segbench.score(tmp_path / "predictions", dataset="davis2017", data_root=tmp_path)
    assert found.n_images == 4 and found.split == "val"
    assert found.scores["j_mean"].per_class == {"a_1": 1.0, "a_2": 0.0, "b_1": 1.0}
    assert found.scores["j_mean"].value == 2 / 3
    assert found.warnings == (
        "4 files belong to no image of the split: " + ", ".join(f"other/{i:05}.png" for i in range(4)),
    )
    single = segbench.score(tmp_path / "predictions", dataset="davis2016", data_root=root)
    # The list names three frames of one video.
    assert single.n_images == 1 and single.scores["j_mean"].per_class == {"b": 1.0}


def test_full_resolution_where_480p_is_not_there(tmp_path: Path) -> None:
    put(tmp_path / "data/Annotations/Full-Resolution", named("a", [ONE] * 3))
    (tmp_path / "data/ImageSets/2017").mkdir(parents=True)
    (tmp_path / "data/ImageSets/2017/val.txt").write_text("a", "utf-8")
    put(tmp_path / "predictions", named("a", [ONE] * 3))
    assert segbench.score(tmp_path / "predictions", dataset="davis2017", data_root=tmp_path / "data").n_images == 1


def test_every_fault_of_the_first_frames_is_told(tmp_path: Path) -> None:
    asked = site(tmp_path, {key: ([ONE] * 3, [ONE] * 3) for key in "abcd"}, "davis2017")
    put(tmp_path / "truth", {"a/00000": 255 * ONE, "b/00000": 255 + 0 * ONE})
    (tmp_path / "truth/c/00002.png").unlink()
    (tmp_path / "truth/d/00000.png").write_bytes(b"no PNG")
    with pytest.raises(Refusal) as caught:
        segbench.score(**asked)
    said = [str(fault) for fault in caught.value.faults]
    assert all(isinstance(fault, DatasetError) for fault in caught.value.faults) and len(said) == 4
    assert "of 0 and 255" in said[0] and "of 255 alone" in said[1] and "2 frames of c" in said[2]


def test_shards_and_slices(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    name = "davis2017-unsupervised"
    videos = {key: random_video(rng, SHAPE, 6, n_objects=2, n_proposals=4, void=True) for key in "ab"}
    asked = site(tmp_path, videos, name)
    whole = segbench.score(**asked, slices={"a": [f"a/{i:05}" for i in range(6)]})
    hold(name, whole.slices["a"].scores, ORACLES[name]({"a": videos["a"]}))
    states = [tmp_path / f"{i}.jsonl" for i in (1, 2, 3)]
    for i, state in enumerate(states, 1):
        segbench.score(**asked, shard=f"{i}/3", state=state)
    assert segbench.merge(states).scores == segbench.score(**asked).scores


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda counts: counts["pairs"][0].__setitem__(0, 0), "numbers of objects or proposals"),
        (lambda counts: counts["pairs"][0].__setitem__(1, 10**9), "numbers of objects or proposals"),
        (lambda counts: counts["pairs"][0].pop(), "a damaged record"),
        (lambda counts: counts.pop("pairs"), "a damaged record"),
    ],
)
def test_a_damaged_record_is_no_score(change: Callable[[dict[str, Any]], Any], found: str, tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    segbench.score(**site(tmp_path, random_videos(np.random.default_rng(0), "davis2017"), "davis2017"), state=state)
    header, *lines = state.read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    whole = next(record for record in records if record["counts"]["video"]["pairs"])
    change(whole["counts"]["video"])
    state.write_text("\n".join([header, *map(json.dumps, records)]) + "\n", "utf-8")
    with pytest.raises(DatasetError, match=found):
        segbench.merge([state])
