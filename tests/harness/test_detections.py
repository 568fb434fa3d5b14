"""What nets that find instances say of an image, and the file of results that is scored."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytest.importorskip("safetensors")

import segbench  # noqa: E402
from segbench.datasets.cocophotos import CocoPhotos  # noqa: E402
from segbench.errors import BadParameter, OutputProblem, SubmissionError  # noqa: E402
from segbench.harness.detections import Detector, detections_of, write_results  # noqa: E402
from segbench.harness.device import Device  # noqa: E402
from segbench.harness.subjects import Subject, read_subject, reference_of  # noqa: E402
from segbench.kernels.rle import areas, decode, decode_strings  # noqa: E402
from segbench.models.trained import read_trained  # noqa: E402
from segbench.protocols.load import load_protocol  # noqa: E402
from segbench.training.loop import Training  # noqa: E402
from segbench.training.recipes import read_recipe  # noqa: E402
from tests.training.detecting import STAGE, nuclei, recipe, write_data  # noqa: E402

CPU = Device(torch.device("cpu"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Known(torch.nn.Module):
    """A net that says what it was told to, and keeps what it was shown."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer, self.shown, self.was_training = answer, None, True

    def forward(self, images: list[Any]) -> Any:
        (self.shown,) = images
        self.was_training = self.training
        assert torch.is_inference_mode_enabled()
        return self.answer


def answer(size: tuple[int, int] = (6, 8), **parts: Any) -> dict[str, Any]:
    """Two instances: columns 1 to 3 of rows 2 to 4, and the upper left pixel."""
    masks = torch.zeros(2, 1, *size)
    masks[0, 0, 2:5, 1:4], masks[1, 0, 0, 0] = 0.5, 1.0
    found = {
        "boxes": torch.tensor([[1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 1.0, 1.0]]),
        "labels": torch.tensor([2, 1]),
        "scores": torch.tensor([0.25, 0.75]),
        "masks": masks,
    }
    return {**found, **parts}


def rows_of(model: torch.nn.Module, size: tuple[int, int] = (6, 8), **options: Any) -> list[dict[str, Any]]:
    image = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3)
    return detections_of(
        model, image, 5, **{"categories": [30, 70], "name": "known", "device": torch.device("cpu"), **options}
    )


def mask_of(row: Mapping[str, Any]) -> np.ndarray:
    counts = row["segmentation"]["counts"].encode()
    rows, columns = row["segmentation"]["size"]
    return decode(decode_strings(counts, [0], [len(counts)], [rows], [columns]), 0)


def test_rows_of_an_image() -> None:
    model = Known([answer()])
    first, second = rows_of(model)
    assert (first["image_id"], first["category_id"], first["score"]) == (5, 70, 0.25)
    assert (second["category_id"], second["score"]) == (30, 0.75)
    # Left, top, width, height.
    assert (first["bbox"], second["bbox"]) == ([1, 2, 3, 3], [0, 0, 1, 1])
    expected = np.zeros((6, 8), np.uint8)
    expected[2:5, 1:4] = 1
    assert np.array_equal(mask_of(first), expected) and mask_of(second).sum() == 1


def test_the_net_is_shown_the_image_and_left_as_it_was() -> None:
    model = Known([answer()])
    model.train()
    rows_of(model)
    assert model.training and not model.was_training
    shown = np.arange(6 * 8 * 3).reshape(6, 8, 3) / 255
    assert np.allclose(model.shown.numpy(), np.moveaxis(shown, -1, 0), atol=1e-7)


def test_labels_are_categories_where_none_are_given() -> None:
    assert [row["category_id"] for row in rows_of(Known([answer()]), categories=None)] == [2, 1]


@pytest.mark.parametrize(("smallest", "n"), [(0.0, 2), (0.25, 2), (0.26, 1), (0.76, 0)])
def test_the_smallest_score(smallest: float, n: int) -> None:
    assert len(rows_of(Known([answer()]), smallest_score=smallest)) == n


def test_nothing_found() -> None:
    nothing = {name: part[:0] for name, part in answer().items()}
    assert rows_of(Known([nothing])) == []
    assert rows_of(Known([nothing]), (12, 16), resize=(6, 8)) == []


def test_what_was_seen_at_another_size_is_brought_back() -> None:
    model = Known([answer()])
    first, _ = rows_of(model, (12, 24), resize=(6, 8))
    assert model.shown.shape == (3, 6, 8)
    # Twice as high, three times as wide.
    assert first["bbox"] == [3, 4, 9, 6] and first["segmentation"]["size"] == [12, 24]
    mask = mask_of(first)
    assert mask[5:9, 4:11].all() and not mask[:4].any() and not mask[:, 12:].any()


@pytest.mark.parametrize("broken", ["boxes", "scores", "masks"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_told(broken: str, value: float) -> None:
    part = answer()[broken].clone()
    part.view(-1)[0] = value
    for resize in ((), (6, 8)):
        with pytest.raises(SubmissionError, match=f"known gives NaN or infinity among its {broken}") as caught:
            rows_of(Known([answer(**{broken: part})]), (12, 16) if resize else (6, 8), resize=resize)
        assert caught.value.file == "image 5"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([answer(), answer()], "2 answers"),
        ([], "0 answers"),
        (answer(), "a dict"),
        (torch.zeros(1, 3, 6, 8), "a Tensor"),
        ([{name: part for name, part in answer().items() if name != "masks"}], "no masks"),
        ([answer(size=(5, 8))], "masks of 5×8"),
        ([answer(scores=torch.zeros(3))], "of shapes"),
    ],
)
def test_other_answers_are_refused(told: Any, words: str) -> None:
    with pytest.raises(SubmissionError, match=words):
        rows_of(Known(told))


@pytest.mark.parametrize("label", [0, 3, -1])
def test_labels_without_a_category_are_refused(label: int) -> None:
    with pytest.raises(BadParameter, match=f"label {label} of known on image 5"):
        rows_of(Known([answer(labels=torch.tensor([1, label]))]))


def test_results_are_sorted_and_equal_scores_keep_their_order(tmp_path: Path) -> None:
    scores = [(9, 0.5), (10, 0.1), (9, 0.75), (9, 0.5), (2, 0.3)]
    rows = [{"image_id": image, "score": score, "category_id": i} for i, (image, score) in enumerate(scores)]
    write_results(tmp_path / "results.json", iter(rows))
    written = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert [row["category_id"] for row in written] == [4, 2, 0, 3, 1]
    assert [rows[row["category_id"]] for row in written] == written
    write_results(tmp_path / "results.json", [])
    assert json.loads((tmp_path / "results.json").read_text("utf-8")) == []


def test_results_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    write_results(path, [])

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputProblem, match="No space left"):
        write_results(path, [{"image_id": 1, "score": 1.0}])
    assert json.loads(path.read_text("utf-8")) == [] and [p.name for p in tmp_path.iterdir()] == ["results.json"]


def trained(folder: Path, root: Path, stage: str = STAGE, **options: Any) -> Subject:
    """Train, and return what was trained as the command line names it."""
    Training(read_recipe(recipe(folder, stage, **options)), folder / "run", {"instances": root}).run()
    path = folder / "run"
    return read_subject(reference_of(read_trained(path).model, path))


def opened(root: Path, split: str = "train") -> CocoPhotos:
    return CocoPhotos.open(load_protocol("instances"), split=split, data_root=root)


def test_what_was_trained_finds_categories_of_the_data_set(tmp_path: Path) -> None:
    write_data(tmp_path / "data")
    photos = opened(tmp_path / "data")
    stage = STAGE.replace("steps = 8", "steps = 150")
    detector = Detector.load(trained(tmp_path, tmp_path / "data", stage), photos.categories, CPU)
    # A convolution of 3×3 from 3 colours to 3 classes, with a bias.
    assert detector.parameters == 3 * 3 * 9 + 3
    (rows,) = detector.predict([photos.photograph(photos.keys[0])], photos.keys[:1])
    assert [row["image_id"] for row in rows] == [4, 4] and [row["category_id"] for row in rows] == [3, 7]
    (square, bar), _ = photos.instances(photos.keys[0])
    for row, truth in zip(rows, (square, bar), strict=True):
        found = mask_of(row)
        assert (found & truth).sum() > 0.5 * (found | truth).sum()


def test_models_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_data(tmp_path / "data")
    subject = trained(tmp_path, tmp_path / "data", STAGE.replace("steps = 8", "steps = 1"))
    with pytest.raises(BadParameter, match="trained on category 7"):
        Detector.load(subject, (3, 5), CPU)
    # Three classes are the background and the ids 1 and 2.
    bare = Subject(**{**vars(subject), "categories": ()})
    with pytest.raises(BadParameter, match="there is a category 7"):
        Detector.load(bare, (3, 7), CPU)
    assert Detector.load(bare, (1, 2), CPU).subject is bare
    with pytest.raises(BadParameter, match="labels pixels"):
        Detector.load(Subject("tiny", "tests.training.tiny:CARD"), (3, 7), CPU)


def test_real_nuclei_from_training_to_a_score(tmp_path: Path, real_data: Path) -> None:
    nuclei(real_data / "dsb2018-nuclei", tmp_path / "nuclei", split="train", first=0, last=6)
    nuclei(real_data / "dsb2018-nuclei", tmp_path / "nuclei", split="val", first=6, last=10)
    stage = STAGE.replace("steps = 8", "steps = 6").replace("batch = 3", "batch = 2").replace("lr=0.05", "lr=0.01")
    subject = trained(tmp_path, tmp_path / "nuclei", stage, model="tests.training.detecting:SMALL")
    photos = opened(tmp_path / "nuclei", "val")
    detector = Detector.load(subject, photos.categories, CPU)
    rows = [row for key in photos.keys for row in detector.predict([photos.photograph(key)], [key])[0]]
    assert rows and {row["image_id"] for row in rows} <= {7, 8, 9, 10}
    write_results(tmp_path / "results.json", rows)
    result = segbench.score(tmp_path / "results.json", dataset="instances", split="val", data_root=tmp_path / "nuclei")
    # Six steps find next to nothing; that it is a score at all says that ids, sizes and categories are right.
    assert 0 <= result.scores["ap"].value <= 1
    # The truth itself, as detections, is all right.
    write_results(tmp_path / "perfect.json", _perfect(photos))
    perfect = segbench.score(tmp_path / "perfect.json", dataset="instances", split="val", data_root=tmp_path / "nuclei")
    # An image has more than a hundred nuclei here and there, of which a hundred detections count.
    assert perfect.scores["ap50"].value > 0.9 > result.scores["ap50"].value


def _perfect(photos: CocoPhotos) -> list[dict[str, Any]]:
    rows = []
    for key in photos.keys:
        masks, _ = photos.instances(key)
        n, *size = masks.shape
        found = answer(
            boxes=torch.zeros(n, 4),
            labels=torch.ones(n, dtype=torch.long),
            scores=torch.ones(n),
            masks=torch.from_numpy(masks[:, None].astype(np.float32)),
        )
        known = {"categories": photos.categories, "name": "known", "device": torch.device("cpu")}
        added = detections_of(Known([found]), photos.photograph(key), int(key), **known)
        counts = [row["segmentation"]["counts"].encode() for row in added]
        starts = np.cumsum([0, *map(len, counts)])
        runs = decode_strings(b"".join(counts), starts[:-1], np.diff(starts), [size[0]] * n, [size[1]] * n)
        assert areas(runs).tolist() == masks.sum((1, 2)).tolist()
        rows += added
    return rows
