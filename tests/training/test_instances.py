"""Training of nets that find instances: what they are shown, what is refused, and the same weights every time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytest.importorskip("safetensors")

from segbench.errors import BadParameter, DatasetError, SubmissionError  # noqa: E402
from segbench.models.trained import read_trained  # noqa: E402
from segbench.protocols.load import load_protocol  # noqa: E402
from segbench.training.crops import Crops  # noqa: E402
from segbench.training.instances import InstancePicture, InstancePictures, target_of  # noqa: E402
from segbench.training.loop import HISTORY, WEIGHTS, Training  # noqa: E402
from segbench.training.networks import Network  # noqa: E402
from segbench.training.recipes import Stage, read_recipe  # noqa: E402
from tests.training.detecting import STAGE, Finder, nuclei, recipe, write_data, write_json  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_data(tmp_path / "data")
    return tmp_path / "data"


def opened(root: Path, split: str = "train", **options: Any) -> InstancePictures:
    return InstancePictures.open(load_protocol("instances"), split=split, data_root=root, **options)


def trained(path: Path, folder: Path, root: Path, stop_after: int = 0, data: str = "instances") -> dict[str, bytes]:
    def told(done: int, total: int, row: Mapping[str, Any]) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    Training(read_recipe(path), folder, {data: root}, progress=told).run()
    return {name: (folder / name).read_bytes() for name in (WEIGHTS, HISTORY)}


def losses(files: Mapping[str, bytes]) -> list[float]:
    return [json.loads(line)["loss"] for line in files[HISTORY].splitlines()]


def test_what_is_read(root: Path) -> None:
    pictures = opened(root)
    assert [int(key) for key in pictures.keys] == [4, 9, 20, 100] and pictures.keys == sorted(pictures.keys)
    assert (pictures.classes, pictures.categories) == (3, (3, 7))
    picture = pictures.read(pictures.keys[0])
    assert picture.image.shape == (24, 32, 3) and picture.truth.shape == (24, 32, 2)
    assert picture.labels.tolist() == [1, 2]
    square = np.zeros((24, 32), bool)
    square[3:11, 2:9] = True
    assert np.array_equal(picture.truth[..., 0] == 1, square)
    assert (picture.image[square] == (220, 20, 20)).all()


def test_crowds_and_empty_masks_are_no_targets(root: Path) -> None:
    pictures = opened(root)
    assert pictures.read(pictures.keys[3]).labels.tolist() == [1, 2]


def test_targets(root: Path) -> None:
    pictures = opened(root)
    target = target_of(pictures.read(pictures.keys[0]))
    # Columns 2 to 8 and rows 3 to 10; columns 4 to 19 and rows 14 to 17: right and bottom are the first ones outside.
    assert target["boxes"].tolist() == [[2, 3, 9, 11], [4, 14, 20, 18]]
    assert target["boxes"].dtype == np.float32 and target["labels"].dtype == np.int64
    assert target["masks"].shape == (2, 24, 32) and target["masks"].dtype == np.uint8
    bare = target_of(pictures.read(pictures.keys[1]))
    assert [bare[name].shape for name in ("boxes", "labels", "masks")] == [(0, 4), (0,), (0, 24, 32)]


def test_an_instance_of_one_pixel_has_a_box() -> None:
    truth = np.zeros((4, 5, 1), np.int16)
    truth[2, 3, 0] = 1
    picture = InstancePicture(np.zeros((4, 5, 3), np.uint8), truth, np.array([2]))
    assert target_of(picture)["boxes"].tolist() == [[3, 2, 4, 3]]


def test_changes_move_masks_with_their_image(root: Path) -> None:
    stage = Stage("instances", 1, batch=16, augment=("mirror", "flip", "rotate90", "scale(0.8,1.5)"))
    pictures, n_seen = opened(root), 0
    for picture in Crops(pictures, stage, seed=1).batch(0):
        assert isinstance(picture, InstancePicture) and picture.truth.shape[:2] == picture.image.shape[:2]
        for label, colour in ((1, 0), (2, 2)):
            for mask in picture.truth[..., picture.labels == label].astype(bool).transpose(2, 0, 1):
                # Resizing blurs the edges: on the whole the pixels are of the colour that goes with the label.
                assert picture.image[mask].mean(0).argmax() == colour and picture.image[mask].mean(0)[1] < 60
                n_seen += 1
    # Three in four images have two instances, in whatever order they came.
    assert n_seen == 24


def test_instances_that_vanish_are_left_out(root: Path) -> None:
    stage = Stage("instances", 1, batch=4, resize=(2, 2))
    batch = Crops(opened(root), stage, seed=1).batch(0)
    for picture in batch:
        assert isinstance(picture, InstancePicture) and picture.truth.shape[:2] == (2, 2)
        target = target_of(picture)
        assert len(target["boxes"]) == len(target["labels"]) == len(target["masks"])
        assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()
    # Of 24×32, rows 6 and 18 and columns 8 and 24 are left: the square has one of these pixels, the bar none.
    left = {tuple(target_of(p)["labels"].tolist()) for p in batch if isinstance(p, InstancePicture)}
    assert () in left and (1,) in left


@pytest.mark.parametrize(
    ("folder", "truth"),
    [
        ("train", "annotations/instances_train.json"),
        ("images/train", "annotations/instances_train.json"),
        ("images", "annotations/train.json"),
        (".", "annotations/instances_train.json"),
        ("annotations", "annotations/instances_train.json"),
        ("train", "train/_annotations.coco.json"),
    ],
)
def test_where_photographs_lie(tmp_path: Path, folder: str, truth: str) -> None:
    write_data(tmp_path, folder=folder, truth=truth)
    assert opened(tmp_path).read("000000000004").labels.tolist() == [1, 2]


@pytest.mark.parametrize("name", ["/etc/passwd", "../i4.png", "a/../../i4.png", "..\\i4.png", "C:\\i4.png", "", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(root: Path, name: str) -> None:
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(root / "i4.png")
    content = write_data(root)
    content["images"][1]["file_name"] = name
    write_json(root / "annotations/instances_train.json", content["images"], content["annotations"])
    with pytest.raises(DatasetError, match="image 4 with the file_name"):
        opened(root)


def test_photographs_that_are_missing_or_of_another_size(root: Path) -> None:
    Image.fromarray(np.zeros((24, 31, 3), np.uint8)).save(root / "images/i4.png")
    with pytest.raises(DatasetError, match="24×31"):
        opened(root).read("000000000004")
    (root / "images/i4.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"i4\.png"):
        opened(root).read("000000000004")
    (root / "images/i4.png").unlink()
    with pytest.raises(DatasetError, match=r"no photograph 'i4\.png'"):
        opened(root)


def test_labels_of_coco_are_ids_for_a_net_of_91_classes(root: Path) -> None:
    content = write_data(root, split="val2017")
    for row in content["annotations"]:
        row["category_id"] = {3: 18, 7: 90}[row["category_id"]]
    named = {18: "dog", 90: "toothbrush"}
    write_json(root / "annotations/instances_val2017.json", content["images"], content["annotations"], named)
    coco = load_protocol("coco-instances")
    ids = InstancePictures.open(coco, split="val2017", data_root=root, classes=91)
    assert (ids.read(ids.keys[0]).labels.tolist(), ids.classes, ids.categories) == ([18, 90], 91, ())
    places = InstancePictures.open(coco, split="val2017", data_root=root)
    assert (places.read(places.keys[0]).labels.tolist(), places.classes, places.categories) == ([1, 2], 3, (18, 90))
    # Elsewhere an id means nothing to a net of 91 classes.
    with pytest.raises(BadParameter, match="classes = 91"):
        opened(root, classes=91)


@pytest.mark.parametrize("model", ["CARD", "SMALL"])
def test_resumed_is_uninterrupted(tmp_path: Path, root: Path, model: str) -> None:
    """The second one draws proposals at random, as torchvision does."""
    stage = STAGE.replace("lr=0.05", "lr=0.01")
    path = recipe(tmp_path, stage, model=f"tests.training.detecting:{model}")
    whole = trained(path, tmp_path / "whole", root)
    for stop in (1, 4, 6):
        with pytest.raises(KeyboardInterrupt):
            trained(path, tmp_path / "parts", root, stop)
    assert trained(path, tmp_path / "parts", root) == whole
    assert trained(path, tmp_path / "again", root) == whole
    path.write_text(path.read_text().replace("seed = 3", "seed = 4"))
    assert trained(path, tmp_path / "other", root)[WEIGHTS] != whole[WEIGHTS]


def test_the_loss_is_the_sum_of_the_losses_of_the_net(tmp_path: Path, root: Path) -> None:
    path = recipe(tmp_path, STAGE.replace("steps = 8", "steps = 1").replace('augment = ["mirror", "flip"]', ""))
    found = losses(trained(path, tmp_path / "run", root))
    plan = read_recipe(path)
    torch.manual_seed(1000 * plan.seed)
    network = Network.of(plan, plan.stage[0], {"instances": root}, torch.device("cpu"))
    crops = Crops(network.pictures, plan.stage[0], plan.seed)
    batch = crops.batch(0)
    images = [torch.from_numpy(np.moveaxis(p.image / 255, -1, 0).astype(np.float32)) for p in batch]
    targets = [{k: torch.from_numpy(v) for k, v in target_of(p).items()} for p in batch]
    network.model.train()
    torch.manual_seed(crops.noise(step=0, rank=0))
    parts = network.model(images, targets)
    assert found == [pytest.approx((parts["masks"] + parts["size"]).item(), rel=1e-6)]


def test_it_learns_and_says_what_its_labels_are(tmp_path: Path, root: Path) -> None:
    found = losses(trained(recipe(tmp_path, STAGE.replace("steps = 8", "steps = 60")), tmp_path / "run", root))
    assert sum(found[-10:]) < 0.6 * sum(found[:10])
    told = read_trained(tmp_path / "run")
    assert (told.categories, told.options["classes"], told.images) == ((3, 7), 3, 4)
    assert told.dataset == load_protocol("instances").identity


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ("loss = 'dice'", BadParameter, "loss = dice"),
        ("crop = [8, 8]", BadParameter, "crop"),
        ("targets = { stride = 8 }", BadParameter, "stride = 8"),
        ("validate = 'val'", BadParameter, "validate"),
        ("precision = 'bfloat16'", BadParameter, "precision"),
        ("options = { classes = 5 }", BadParameter, "classes = 5"),
        ("model = 'tests.training.detecting:SILENT'", SubmissionError, "no losses"),
        ("model = 'tests.training.tiny:CARD'", BadParameter, "instances"),
    ],
)
def test_what_makes_no_sense_for_instances_is_refused(
    tmp_path: Path, root: Path, change: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        trained(recipe(tmp_path, f"{STAGE}{change}\n"), tmp_path / "run", root)


def test_data_of_another_kind_is_refused(tmp_path: Path, shapes_root: Path) -> None:
    path = recipe(tmp_path, STAGE.replace('"instances"', '"shapes"'))
    with pytest.raises(BadParameter, match="shapes, whose predictions are labels"):
        trained(path, tmp_path / "run", shapes_root, data="shapes")


def test_a_loss_that_is_not_finite_is_told(tmp_path: Path, root: Path) -> None:
    with pytest.raises(DatasetError, match="a loss of"):
        trained(recipe(tmp_path, STAGE.replace("lr=0.05", "lr=1e30")), tmp_path / "run", root)


def test_real_nuclei_are_learned(tmp_path: Path, real_data: Path) -> None:
    """The loss of ten steps at the end is a tenth lower than that of the first ten, which took images of all kinds."""
    nuclei(real_data / "dsb2018-nuclei", tmp_path / "nuclei", split="train", first=0, last=8)
    stage = STAGE.replace("steps = 8", "steps = 40").replace("batch = 3", "batch = 2")
    stage = stage.replace("sgd(lr=0.05,momentum=0.9)", "adam(lr=0.001)")
    path = recipe(tmp_path, stage, model="tests.training.detecting:SMALL")
    found = losses(trained(path, tmp_path / "run", tmp_path / "nuclei"))
    assert np.isfinite(found).all()
    assert sum(found[-10:]) < 0.9 * sum(found[:10])


def test_mask_rcnn_itself_takes_a_step(tmp_path: Path, root: Path) -> None:
    """The whole net on images small enough for seconds; one of them has no instance."""
    stage = STAGE.replace("steps = 8", "steps = 1").replace("batch = 3", "batch = 4").replace("lr=0.05", "lr=0.0001")
    head = "options = { smallest_side = 32, largest_side = 64 }"
    (found,) = losses(trained(recipe(tmp_path, stage, model="mask_rcnn", head=head), tmp_path / "run", root))
    assert np.isfinite(found)
    assert read_trained(tmp_path / "run").options["classes"] == 3


def test_a_net_that_fails_while_it_trains(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("the net is broken")

    monkeypatch.setattr(Finder, "forward", fail)
    with pytest.raises(SubmissionError, match=r"step 1: model .* fails: RuntimeError: the net is broken"):
        trained(recipe(tmp_path, STAGE), tmp_path / "run", root)
