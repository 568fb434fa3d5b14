"""What a model learns from a batch: its logits held against label maps, or the losses of a net that finds instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from segbench.errors import BadParameter, SubmissionError
from segbench.models.failures import told
from segbench.training.instances import InstancePicture, target_of
from segbench.training.losses import parse_loss
from segbench.training.networks import Network
from segbench.training.pictures import Picture, Pictures
from segbench.training.recipes import Stage, Targets
from segbench.training.weights import ClassCounts

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Lesson(Protocol):
    """What makes a loss of a batch."""

    def loss(self, batch: Sequence[Picture], name: str) -> Tensor:
        """Return the loss of a batch; `name` is for errors."""


def lesson_of(network: Network, stage: Stage) -> Lesson:
    """Return what a network learns in a stage.

    Parameters
    ----------
    network : Network
        What learns.
    stage : Stage
        How.

    Returns
    -------
    Lesson
        Of label maps, or of instances.

    Raises
    ------
    UsageError
        For a loss that there is not, or what makes no sense for instances.
    """
    return LabelLesson(network, stage) if isinstance(network.pictures, Pictures) else InstanceLesson(network, stage)


def counts_of(pictures: Pictures) -> ClassCounts:
    """Return how many pixels of `pictures` have each class."""
    return ClassCounts.of((pictures.read(key).truth for key in pictures.keys), pictures.classes)


class LabelLesson:
    """Logits against label maps.

    Parameters
    ----------
    network : Network
        What learns, from label maps.
    stage : Stage
        Names the loss.
    """

    _beside: object

    def __init__(self, network: Network, stage: Stage) -> None:
        assert isinstance(network.pictures, Pictures)
        self._network, self._stride, self._precision = network, stage.targets.stride, _PRECISIONS[stage.precision]
        self._loss = parse_loss(stage.loss)
        self._counts = counts_of(network.pictures) if self._loss.needs_counts else None
        self._auxiliary, self._beside = stage.auxiliary, None
        if stage.auxiliary:
            network.model.register_forward_hook(self._keep)

    def loss(self, batch: Sequence[Picture], name: str) -> Tensor:
        """Return the loss of a batch; `name` is for errors."""
        network, stride = self._network, self._stride
        truth = network.targets(batch)
        with torch.autocast(network.device.type, dtype=self._precision, enabled=self._precision != torch.float32):
            logits = network.logits(batch, [name] * len(batch))
        value = self._loss(logits[..., ::stride, ::stride], truth[..., ::stride, ::stride], self._counts)
        if not self._auxiliary:
            return value
        beside = self._second(truth.shape, name)[..., ::stride, ::stride]
        return value + self._auxiliary * self._loss(beside, truth[..., ::stride, ::stride], self._counts)

    def _keep(self, model: nn.Module, images: object, answer: object) -> None:
        self._beside = answer.get("aux") if isinstance(answer, Mapping) else None

    def _second(self, size: Sequence[int], name: str) -> Tensor:
        """Return the logits of the second head, of the size of the truth."""
        found = self._beside
        if not isinstance(found, Tensor) or found.shape[:2] != (size[0], self._network.classes):
            raise SubmissionError(
                f"model {self._network.name} gives no logits of a second head",
                expected=f"'aux', of {self._network.classes} classes, beside the others",
                mend="build it with its auxiliary head, or leave `auxiliary` out of the stage",
                file=name,
            )
        return interpolate(found.float(), size=list(size[-2:]), mode="bilinear", align_corners=False)


class InstanceLesson:
    """The sum of the losses that a net has itself, as those of torchvision: while they train, they return them by name.

    Parameters
    ----------
    network : Network
        What learns, from instances.
    stage : Stage
        Without what is of label maps alone.
    """

    def __init__(self, network: Network, stage: Stage) -> None:
        _refuse(stage, network.name)
        self._network = network

    def loss(self, batch: Sequence[Picture], name: str) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        batch : sequence of Picture
            With their instances, of any sizes.
        name : str
            The step, for errors.

        Returns
        -------
        Tensor
            One number.

        Raises
        ------
        SubmissionError
            When the net fails, or gives no losses by name.
        """
        network = self._network
        prepared = [network.card.preprocessing.apply(picture.image, network.channels) for picture in batch]
        images = [torch.from_numpy(image).to(network.device) for image in prepared]

        def failed(raised: str) -> SubmissionError:
            return SubmissionError(f"model {network.name} fails: {raised}", expected="losses by name", file=name)

        with told(failed):
            found = network.model(images, [self._target(picture) for picture in batch])
        if not (isinstance(found, Mapping) and found and all(isinstance(part, Tensor) for part in found.values())):
            raise SubmissionError(
                f"model {network.name} gives no losses while it trains", expected="losses by name", file=name
            )
        return torch.stack([part.float() for part in found.values()]).sum()

    def _target(self, picture: Picture) -> dict[str, Tensor]:
        assert isinstance(picture, InstancePicture)
        return {key: torch.from_numpy(part).to(self._network.device) for key, part in target_of(picture).items()}


def _refuse(stage: Stage, name: str) -> None:
    """Refuse what a stage asks of label maps alone."""
    usual = Stage(stage.data, stage.steps)
    strange = {
        "loss": (stage.loss, usual.loss, "nothing: the model has losses of its own"),
        "auxiliary": (stage.auxiliary, usual.auxiliary, "nothing: the model has losses of its own"),
        "crop": (list(stage.crop), [], "nothing, or resize = [rows, columns]"),
        "targets": (stage.targets, Targets(), "nothing: masks have the size of the image"),
        "precision": (stage.precision, usual.precision, "float32"),
    }
    for key, (value, default, expected) in strange.items():
        if value != default:
            shown = f"stride = {value.stride}" if isinstance(value, Targets) else value
            found = f"{key} = {shown} for {name}, which finds instances"
            raise BadParameter(found, expected=expected, mend=f"leave `{key}` out of the stage")
