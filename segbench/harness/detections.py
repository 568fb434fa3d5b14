"""Nets that find instances: from an image to rows of results as COCO has them, and the file that holds them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from segbench.atomic import write_text
from segbench.codec import canonical_json
from segbench.datasets.pillow import resized
from segbench.errors import BadParameter, SubmissionError
from segbench.frozen import dataclass
from segbench.harness.device import Device
from segbench.harness.subjects import Subject
from segbench.models.card import Card, Preprocessing
from segbench.models.failures import told
from segbench.models.mask_rcnn import coco_results
from segbench.models.table import find_card
from segbench.models.weights import initialise

Image = NDArray[np.uint8]

#: What goes into nets of torchvision: values from 0 to 1.
_PLAIN = Preprocessing()


def detections_of(
    model: nn.Module,
    image: Image,
    image_id: int,
    *,
    categories: Sequence[int] | None,
    name: str,
    device: torch.device,
    smallest_score: float = 0.0,
    resize: tuple[int, ...] = (),
    preprocessing: Preprocessing = _PLAIN,
) -> list[dict[str, Any]]:
    """Return what a net finds on an image.

    Parameters
    ----------
    model : torch.nn.Module
        As `segbench.models.mask_rcnn.build` makes it, on its device; set to evaluation, and back when it has answered.
    image : ndarray of uint8, shape (height, width, 3)
        Red, green, blue.
    image_id : int
        Id of the image in the truth.
    categories : sequence of int, optional
        The category of each label, from label 1 on; None where labels are the ids of categories.
    name : str
        Name of the model, for errors.
    device : torch.device
        Where the model is.
    smallest_score : float
        What is less sure is left out.
    resize : tuple of int
        Rows and columns that the net sees; boxes and masks are brought back to the size of the image. Empty for none.
    preprocessing : Preprocessing
        What the net expects of an image.

    Returns
    -------
    list of dict
        See `segbench.models.mask_rcnn.coco_results`; in the order of the net.

    Raises
    ------
    SubmissionError
        When the net answers with anything but one set of instances of finite numbers, of the size of the image.
    BadParameter
        For a label without a category.
    """
    size = image.shape[:2]
    seen = image if not resize or size == resize else resized(image, (resize[0], resize[1]))

    def failed(raised: str) -> SubmissionError:
        return SubmissionError(f"model {name} fails: {raised}", expected="instances", file=f"image {image_id}")

    with told(failed):
        answer = _answer(model, torch.from_numpy(preprocessing.apply(seen)).to(device))
    found = _checked(_only(answer, name, image_id), seen.shape[:2], name, image_id)
    # Label 0 is the background, which is no instance: it has no category.
    known = None if categories is None else (-1, *categories)
    rows = coco_results(_fitted(found, seen.shape[:2], size), image_id, categories=known, model=name)
    if any(row["category_id"] == -1 for row in rows):
        raise BadParameter(f"label 0 of {name} on image {image_id}", expected="labels from 1: 0 is the background")
    return [row for row in rows if row["score"] >= smallest_score]


def _answer(model: nn.Module, image: Tensor) -> Any:
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            return model([image])
    finally:
        model.train(was_training)


def _only(answer: Any, name: str, image_id: int) -> Mapping[str, Tensor]:
    """Return the instances of the only image."""
    if isinstance(answer, Sequence) and len(answer) == 1 and isinstance(answer[0], Mapping):
        found: Mapping[str, Tensor] = answer[0]
        return found
    told = f"{len(answer)} answers" if isinstance(answer, list | tuple) else f"a {type(answer).__name__}"
    expected = "a list of one dictionary of instances"
    raise SubmissionError(f"model {name} gives {told} for one image", expected=expected, file=f"image {image_id}")


def _checked(found: Mapping[str, Tensor], size: tuple[int, ...], name: str, image_id: int) -> Mapping[str, Tensor]:
    """Refuse masks of another size than what the net has seen; the rest is checked where rows are made of it."""
    masks = found.get("masks")
    if masks is not None and masks.ndim == 4 and tuple(masks.shape[2:]) != size:
        shapes = ["×".join(map(str, sides)) for sides in (masks.shape[2:], size)]
        found_ = f"model {name} gives masks of {shapes[0]} pixels"
        raise SubmissionError(found_, expected=f"{shapes[1]} as the image", file=f"image {image_id}")
    return found


def _fitted(found: Mapping[str, Tensor], seen: tuple[int, ...], size: tuple[int, ...]) -> Mapping[str, Tensor]:
    """Bring boxes and masks from what the net has seen to the size of the image."""
    if seen == size or not {"boxes", "masks"} <= found.keys() or found["masks"].ndim != 4:
        return found
    down, right = size[0] / seen[0], size[1] / seen[1]
    boxes = found["boxes"] * found["boxes"].new_tensor([right, down, right, down])
    masks = found["masks"].float()
    if len(masks):
        masks = interpolate(masks, size=list(size), mode="bilinear", align_corners=False)
    else:
        masks = masks.new_zeros((0, 1, *size))
    return {**found, "boxes": boxes, "masks": masks}


@dataclass(frozen=True)
class Detector:
    """A model with its weights that finds instances, ready to answer.

    Parameters
    ----------
    subject : Subject
        What it is.
    card : Card
        What is known of the model.
    model : torch.nn.Module
        On its device, and not training.
    device : Device
        What computes.
    """

    subject: Subject
    card: Card
    model: nn.Module
    device: Device

    @classmethod
    def load(cls, subject: Subject, categories: Sequence[int], device: Device) -> Detector:
        """Build a model and give it its weights.

        Parameters
        ----------
        subject : Subject
            A model.
        categories : sequence of int
            Ids of the categories of the data set.
        device : Device
            What computes.

        Returns
        -------
        Detector
            Ready to answer.

        Raises
        ------
        UsageError
            When the model finds no instances, or of categories that the data set has not, or its weights do not fit.
        EnvironmentProblem
            When weights cannot be downloaded.
        """
        card = find_card(subject.model)
        if card.task != "instances":
            raise BadParameter(f"model {subject.name}, which labels pixels", expected="one that finds instances")
        if strange := sorted(set(subject.categories) - set(categories)):
            raise BadParameter(
                f"model {subject.name}, which was trained on category {strange[0]}",
                expected="a data set with that category",
            )
        classes = int(subject.options.get("classes", card.classes))
        if not subject.categories and max(categories) >= classes:
            found = f"model {subject.name} of {classes} classes, whose labels are the ids of categories"
            raise BadParameter(found, expected=f"at least {max(categories) + 1}: there is a category {max(categories)}")
        model = card.construct(**subject.options)
        initialise(model, card, subject.weights)
        return cls(subject, card, model.to(device.torch).eval(), device)

    @property
    def parameters(self) -> int:
        """Numbers that it has learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def predict(self, images: Sequence[Image], names: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Return the rows of results of each image.

        Parameters
        ----------
        images : sequence of ndarray of uint8, shape (height, width, 3)
            The images.
        names : sequence of str
            Their keys, which are their numbers.

        Returns
        -------
        list of list of dict
            See `detections_of`.

        Raises
        ------
        SubmissionError, BadParameter
            As of `detections_of`.
        """
        with self.device.autocast():
            return [self._rows(image, int(key)) for image, key in zip(images, names, strict=True)]

    def _rows(self, image: Image, image_id: int) -> list[dict[str, Any]]:
        return detections_of(
            self.model,
            image,
            image_id,
            categories=self.subject.categories or None,
            name=self.subject.name,
            device=self.device.torch,
            resize=self.subject.resize,
            preprocessing=self.card.preprocessing,
        )


def write_results(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one file of results as COCO has them: whole, or not at all.

    Parameters
    ----------
    path : Path
        The file.
    rows : iterable of mapping
        As `detections_of` returns them. They are sorted by the id of the image, and then the surest come first; of
        equal scores the order is kept.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    """
    ordered = sorted(rows, key=lambda row: (row["image_id"], -row["score"]))
    write_text(path, "[" + ",\n".join(canonical_json(dict(row)) for row in ordered) + "]\n")
