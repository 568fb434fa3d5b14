"""A small data set in COCO's layout, and a net that finds instances in milliseconds, by its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign

from segbench.kernels.rle import boxes, encode_strings, from_masks
from segbench.models.card import Card

#: Ids of categories, with gaps and not in the order of their names.
CATEGORIES = {3: "square", 7: "bar"}


class Finder(nn.Module):
    """One convolution with the interface of torchvision's detectors: it finds the pixels that it thinks are likely.

    What it has seen is kept, for tests.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, classes, 3, padding=1)
        self.dropout = nn.Dropout(0.2)
        self.seen: list[tuple[Tensor, dict[str, Tensor]]] = []

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        maps = [self.layer(self.dropout(image[None])) for image in images]
        if targets is not None:
            self.seen = list(zip(images, targets, strict=True))
            losses = [self._loss(found, target) for found, target in zip(maps, targets, strict=True)]
            return {"masks": torch.stack(losses).mean(), "size": 1e-3 * self.layer.weight.square().sum()}
        return [self._instances(found) for found in maps]

    def _loss(self, found: Tensor, target: dict[str, Tensor]) -> Tensor:
        truth = torch.zeros(found.shape[-2:], dtype=torch.long)
        for mask, label in zip(target["masks"], target["labels"], strict=True):
            truth[mask > 0] = label
        return nn.functional.cross_entropy(found, truth[None])

    def _instances(self, found: Tensor) -> dict[str, Tensor]:
        levels = found.softmax(1)[0, 1:]
        n, rows, columns = levels.shape
        return {
            "boxes": torch.tensor([[0.0, 0.0, columns, rows]]).repeat(n, 1),
            "labels": torch.arange(1, n + 1),
            "scores": levels.amax((1, 2)),
            "masks": levels[:, None],
        }


def build(classes: int = 3) -> nn.Module:
    return Finder(classes)


CARD = Card(
    name="finder",
    title="One convolution",
    source=("these tests",),
    configuration="3 classes",
    build=build,
    classes=3,
    task="instances",
)


def silent(classes: int = 3) -> nn.Module:
    """Build a net that has no losses."""

    class Silent(Finder):
        def forward(self, images: list[Tensor], targets: Any = None) -> Any:
            return super().forward(images)

    return Silent(classes)


SILENT = Card(
    name="silent",
    title="No losses",
    source=("these tests",),
    configuration="-",
    build=silent,
    classes=3,
    task="instances",
)


def small(classes: int = 2, side: int = 64) -> nn.Module:
    """Build torchvision's Mask R-CNN on three convolutions."""
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.ReLU()]
    backbone = nn.Sequential(*layers)
    backbone.out_channels = 32  # type: ignore[assignment]
    return MaskRCNN(
        backbone,
        min_size=side,
        max_size=2 * side,
        rpn_anchor_generator=AnchorGenerator(((4, 8, 16, 32),), ((0.5, 1.0, 2.0),)),
        rpn_pre_nms_top_n_train=200,
        rpn_post_nms_top_n_train=100,
        rpn_post_nms_top_n_test=50,
        box_batch_size_per_image=32,
        box_detections_per_img=20,
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=TwoMLPHead(32 * 7 * 7, 64),
        box_predictor=FastRCNNPredictor(64, classes),
        mask_roi_pool=MultiScaleRoIAlign(["0"], 14, 2),
        mask_head=MaskRCNNHeads(32, (32,), 1),
        mask_predictor=MaskRCNNPredictor(32, 32, classes),
    )


SMALL = Card(
    name="small_mask_rcnn",
    title="Mask R-CNN on three convolutions",
    source=("these tests",),
    configuration="2 classes",
    build=small,
    classes=2,
    task="instances",
)


def annotations_of(image_id: int, masks: Sequence[Any], categories: Sequence[int], first: int) -> list[dict[str, Any]]:
    """Return masks as annotations in the form of COCO."""
    runs = from_masks(masks)
    columns = zip(masks, categories, encode_strings(runs), boxes(runs).tolist(), strict=True)
    return [
        {
            "id": first + i,
            "image_id": image_id,
            "category_id": category,
            "iscrowd": 0,
            "area": int(np.sum(mask)),
            "bbox": box,
            "segmentation": {"size": list(np.shape(mask)), "counts": counts.decode("ascii")},
        }
        for i, (mask, category, counts, box) in enumerate(columns)
    ]


def write_json(path: Path, images: Any, annotations: Any, categories: dict[int, str] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    named = [{"id": number, "name": name} for number, name in (categories or CATEGORIES).items()]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": named}), "utf-8")


def write_data(root: Path, *, folder: str = "images", split: str = "train", truth: str = "") -> dict[str, Any]:
    """Write four images: two with a red square and a blue bar, one with a crowd and an empty mask too, one bare.

    Returns what stands in the truth, to be changed.
    """
    rng = np.random.default_rng(5)
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    (root / folder).mkdir(parents=True, exist_ok=True)
    # Not in the order of their numbers, and of two sizes.
    for number, (height, width) in ((20, (24, 32)), (4, (24, 32)), (100, (20, 24)), (9, (24, 32))):
        pixels = rng.integers(90, 110, (height, width, 3), dtype=np.uint8)
        square, bar, empty = (np.zeros((height, width), bool) for _ in range(3))
        square[3:11, 2:9], bar[14:18, 4:20] = True, True
        if number != 9:
            pixels[square], pixels[bar] = (220, 20, 20), (20, 20, 220)
            added = annotations_of(number, [square, bar], [3, 7], len(rows) + 1)
            if number == 100:
                added += annotations_of(number, [square | bar, empty], [3, 7], len(rows) + 3)
                added[2]["iscrowd"] = 1
            rows += added
        Image.fromarray(pixels).save(root / folder / f"i{number}.png")
        images.append({"id": number, "height": height, "width": width, "file_name": f"i{number}.png"})
    write_json(root / (truth or f"annotations/instances_{split}.json"), images, rows)
    return {"images": images, "annotations": rows}


STAGE = """
[[stage]]
data = "instances"
steps = 8
batch = 3
augment = ["mirror", "flip"]
optimiser = "sgd(lr=0.05,momentum=0.9)"
"""


def recipe(folder: Path, stage: str = STAGE, *, model: str = "tests.training.detecting:CARD", head: str = "") -> Path:
    """Write a recipe of the net."""
    path = folder / "recipe.toml"
    path.write_text(f'name = "finder"\nmodel = "{model}"\nsave_every = 3\nseed = 3\n{head}\n{stage}', "utf-8")
    return path


def nuclei(source: Path, root: Path, *, split: str, first: int, last: int) -> None:
    """Make real nuclei a data set in COCO's layout: the truth from maps of numbers, the images by a link."""
    if not (root / "images").exists():
        root.mkdir(parents=True, exist_ok=True)
        (root / "images").symlink_to(source / "images")
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, path in list(enumerate(sorted((source / "instances").glob("*.png")), 1))[first:last]:
        labels = np.asarray(Image.open(path))
        masks = [labels == value for value in np.unique(labels[labels > 0])]
        images.append({"id": number, "height": labels.shape[0], "width": labels.shape[1], "file_name": path.name})
        rows += annotations_of(number, masks, [1] * len(masks), len(rows) + 1)
    write_json(root / f"annotations/instances_{split}.json", images, rows, {1: "nucleus"})
