"""Nets that give each pixel a class: from images to label maps and levels of probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from segbench.datasets.pillow import resized
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.harness.device import Device
from segbench.harness.subjects import Subject
from segbench.harness.views import Views
from segbench.harness.windows import windowed
from segbench.models.adapter import logits_of
from segbench.models.card import Card
from segbench.models.table import find_card
from segbench.models.weights import initialise

Image = NDArray[np.uint8]

#: Largest tile of a net without padding, unless another one is asked for: that of the U-Net paper.
_TILE = 572


@dataclass(frozen=True)
class Net:
    """A model with its weights, ready to answer.

    Parameters
    ----------
    subject : Subject
        What it is.
    card : Card
        What is known of the model.
    model : torch.nn.Module
        On its device, and not training.
    classes : int
        Classes of its answer.
    device : Device
        What computes.
    """

    subject: Subject
    card: Card
    model: torch.nn.Module
    classes: int
    device: Device

    @classmethod
    def load(cls, subject: Subject, classes: int, device: Device) -> Net:
        """Build a model and give it its weights.

        Parameters
        ----------
        subject : Subject
            A model.
        classes : int
            Classes of the data set.
        device : Device
            What computes.

        Returns
        -------
        Net
            Ready to answer.

        Raises
        ------
        UsageError
            When the model finds instances, was made for another number of classes, or its weights do not fit.
        EnvironmentProblem
            When weights cannot be downloaded.
        """
        card = find_card(subject.model)
        if card.task != "semantic":
            raise BadParameter(f"model {subject.name}, which finds {card.task}", expected="one that labels pixels")
        own = subject.options.get("classes", classes)
        if own != classes:
            raise BadParameter(f"model {subject.name} of {own} classes", expected=f"{classes}, as the data set has")
        model = card.construct(**{**subject.options, "classes": classes})
        initialise(model, card, subject.weights)
        return cls(subject, card, model.to(device.torch).eval(), classes, device)

    @property
    def parameters(self) -> int:
        """Numbers that it has learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def logits(self, images: Sequence[Image], names: Sequence[str], views: Views) -> Iterator[Tensor]:
        """Yield what the model sees in each view of images of one size.

        Parameters
        ----------
        images : sequence of ndarray of uint8, shape (height, width, 3)
            The images.
        names : sequence of str
            Their names, for errors.
        views : Views
            The views.

        Yields
        ------
        tensor of float32, shape (n, classes, height, width)
            Logits of the size of the images.

        Raises
        ------
        SubmissionError
            When the model answers with NaN, another number of classes, or another size.
        """
        size = images[0].shape[:2]
        rows, columns = views.resize or self.subject.resize or size
        for scale in views.scales:
            inputs = self._inputs(images, (max(1, round(rows * scale)), max(1, round(columns * scale))))
            for is_mirrored in (False, True)[: 1 + views.flip]:
                seen = self._run(inputs.flip(-1) if is_mirrored else inputs, names, views)
                yield _fitted(seen.flip(-1) if is_mirrored else seen, size)

    def _inputs(self, images: Sequence[Image], size: tuple[int, int]) -> Tensor:
        channels = int(self.subject.options.get("channels", self.card.channels))
        sized = (image if image.shape[:2] == size else resized(image, size) for image in images)
        prepared = [self.card.preprocessing.apply(image, channels) for image in sized]
        return torch.from_numpy(np.stack(prepared)).to(self.device.torch)

    def _run(self, inputs: Tensor, names: Sequence[str], views: Views) -> Tensor:
        def net(part: Tensor) -> Tensor:
            with self.device.autocast():
                tile = views.tile or _TILE
                return logits_of(self.model, part, card=self.card, classes=self.classes, names=names, tile=tile)

        is_valid = getattr(self.model, "valid", None) is not None
        return net(inputs) if is_valid else windowed(net, inputs, views.tile, views.overlap)


def _fitted(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    if logits.shape[-2:] == size:
        return logits.float()
    return interpolate(logits.float(), size=list(size), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Networks:
    """One net, or several whose probabilities are averaged.

    Parameters
    ----------
    nets : tuple of Net
        At least one.
    views : Views
        What each of them sees; probabilities are averaged over all nets and views.
    ids : ndarray of uint8
        What stands in a file for each class.
    kind : str
        What predictions hold: ``labels``, or ``levels`` or ``membranes``, which are the probability of the second class
        in steps of 1/255.
    """

    nets: tuple[Net, ...]
    views: Views
    ids: NDArray[np.uint8]
    kind: str

    @property
    def parameters(self) -> int:
        """Numbers that all of them have learned."""
        return sum(net.parameters for net in self.nets)

    def predict(self, images: Sequence[Image], names: Sequence[str]) -> list[NDArray[np.uint8]]:
        """Return what a file of predictions holds for each image.

        Parameters
        ----------
        images : sequence of ndarray of uint8, shape (height, width, 3)
            Images of one size.
        names : sequence of str
            Their names, for errors.

        Returns
        -------
        list of ndarray of uint8, shape (height, width)
            Ids or levels.

        Raises
        ------
        SubmissionError
            As of `Net.logits`.
        """
        with torch.inference_mode():
            if self.kind != "labels":
                levels = (255 * self._probabilities(images, names)[:, 1]).round().to(torch.uint8)
                return list(levels.cpu().numpy())
            # Of one view the largest logit has the largest probability, without the rounding of a softmax.
            is_one = len(self.nets) == 1 and self.views.is_single
            answers = next(self._views(images, names)) if is_one else self._probabilities(images, names)
            return [self.ids[indices] for indices in answers.argmax(dim=1).cpu().numpy()]

    def _views(self, images: Sequence[Image], names: Sequence[str]) -> Iterator[Tensor]:
        for net in self.nets:
            yield from net.logits(images, names, self.views)

    def _probabilities(self, images: Sequence[Image], names: Sequence[str]) -> Tensor:
        """Return mean probabilities: added one view at a time, always in the same order."""
        total, n = torch.zeros(()), 0
        for logits in self._views(images, names):
            total = logits.softmax(dim=1) if not n else total + logits.softmax(dim=1)
            n += 1
        return total / n
