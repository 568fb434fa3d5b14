"""The model of a stage: built for the classes of its data, with weights to begin with, some of them frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.models.adapter import logits_of
from segbench.models.card import Card
from segbench.models.table import find_card
from segbench.models.weights import initialise, read_weights, unwrapped
from segbench.protocols.load import load_protocol
from segbench.training.instances import InstancePictures
from segbench.training.pictures import Picture, Pictures
from segbench.training.recipes import PREVIOUS, Recipe, Stage


@dataclass(frozen=True)
class Network:
    """A model and what it learns from.

    Parameters
    ----------
    name : str
        What the model is called.
    card : Card
        What is known of it.
    model : torch.nn.Module
        On its device.
    pictures : Pictures or InstancePictures
        The split that is learned from.
    validation : Pictures, optional
        The split that is scored.
    device : torch.device
        Where it is computed.
    channels : int
        Channels of its input: 3, or 1 for grey.
    """

    name: str
    card: Card
    model: nn.Module
    pictures: Pictures | InstancePictures
    validation: Pictures | None
    device: torch.device
    channels: int = 3

    @classmethod
    def of(cls, recipe: Recipe, stage: Stage, data_roots: Mapping[str, Path], device: torch.device) -> Network:
        """Build the model of a stage with fresh weights, and open its data.

        Parameters
        ----------
        recipe : Recipe
            Names model and options.
        stage : Stage
            Names the data.
        data_roots : mapping of str to Path
            Where data sets lie.
        device : torch.device
            Where the model goes.

        Returns
        -------
        Network
            Ready to learn.

        Raises
        ------
        UsageError, DatasetError
            For names that there are not, options that the model does not take, and data that is not there.
        """
        name = recipe.model_of(stage)
        card = find_card(name)
        options = recipe.options_of(stage)
        pictures, validation = _opened(name, card, stage, options.get("classes"), data_roots.get(stage.data))
        model = card.construct(**{"classes": pictures.classes, **options})
        channels = int(options.get("channels", card.channels))
        return cls(name, card, model.to(device), pictures, validation, device, channels)

    def begin(self, init_from: str, previous: Mapping[str, Tensor]) -> None:
        """Take the weights that a stage begins with.

        Parameters
        ----------
        init_from : str
            ``previous``, a name of weights of the card, or a file.
        previous : mapping of str to Tensor
            What the stage before has ended with.

        Raises
        ------
        UsageError
            For a file that holds no weights, or weights that do not fit.
        EnvironmentProblem
            When weights by name cannot be downloaded.
        """
        if init_from in self.card.weights:
            initialise(self.model, self.card, init_from)
        else:
            self.begin_from(previous if init_from == PREVIOUS else read_weights(Path(init_from)))

    def begin_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take those weights that the model has, in name and shape; a stage may add layers, as FCN-16s does.

        Parameters
        ----------
        weights : mapping of str to Tensor
            Of another model or stage.

        Raises
        ------
        BadParameter
            When they are less than half of the numbers of the model.
        """
        mine = self.model.state_dict()
        given = unwrapped(weights)
        fitting = {name: tensor for name, tensor in given.items() if name in mine and mine[name].shape == tensor.shape}
        if 2 * sum(tensor.numel() for tensor in fitting.values()) < sum(tensor.numel() for tensor in mine.values()):
            raise BadParameter(
                f"weights that are {len(fitting)} of the {len(mine)} of {self.name!r}, less than half of its numbers",
                expected="those of a similar model",
                mend="were they trained with other options (classes, width)?",
            )
        self.model.load_state_dict(fitting, strict=False)

    def freeze(self, beginnings: Sequence[str]) -> list[nn.Parameter]:
        """Freeze the parameters whose names begin so, and return the others.

        Parameters
        ----------
        beginnings : sequence of str
            Beginnings of names.

        Returns
        -------
        list of Parameter
            What is learned.

        Raises
        ------
        BadParameter
            When a beginning is of no parameter, or nothing is left to learn.
        """
        named = dict(self.model.named_parameters())
        for beginning in beginnings:
            if not any(name.startswith(beginning) for name in named):
                some = ", ".join(sorted({name.split(".")[0] for name in named}))
                raise BadParameter(f"freeze {beginning!r}", expected=f"the beginning of a parameter's name: {some}")
        for name, parameter in named.items():
            # What the model itself holds fixed, as FCN its bilinear kernels, stays so.
            parameter.requires_grad_(parameter.requires_grad and not name.startswith(tuple(beginnings)))
        learned = [parameter for parameter in named.values() if parameter.requires_grad]
        if not learned:
            raise BadParameter(f"freeze {list(beginnings)}", expected="something that is left to learn")
        return learned

    def inputs(self, pictures: Sequence[Picture]) -> Tensor:
        """Return pictures of one size as what the model takes, shape (n, channels, height, width)."""
        prepared = [self.card.preprocessing.apply(picture.image, self.channels) for picture in pictures]
        return torch.from_numpy(np.stack(prepared)).to(self.device)

    def logits(self, pictures: Sequence[Picture], names: Sequence[str]) -> Tensor:
        """Return the logits of pictures of one size, shape (n, classes, height, width); `names` are for errors."""
        return logits_of(self.model, self.inputs(pictures), card=self.card, classes=self.classes, names=names)

    @property
    def classes(self) -> int:
        """How many classes the data has; with the background where it is of instances."""
        return self.pictures.classes

    def targets(self, pictures: Sequence[Picture]) -> Tensor:
        """Return the truth of pictures of one size, indices of shape (n, height, width)."""
        truths: Any = np.stack([picture.truth for picture in pictures]).astype(np.int64)
        return torch.from_numpy(truths).to(self.device)


def in_steps(recipe: Recipe, data_roots: Mapping[str, Path]) -> Recipe:
    """Return a recipe with all its stages in steps.

    Parameters
    ----------
    recipe : Recipe
        Stages may be given in passes over the images.
    data_roots : mapping of str to Path
        Where data sets lie.

    Returns
    -------
    Recipe
        The same work, counted.

    Raises
    ------
    UsageError, DatasetError
        For data that is not there.
    """
    return replace(recipe, stage=tuple(_in_steps(recipe, stage, data_roots) for stage in recipe.stage))


def _in_steps(recipe: Recipe, stage: Stage, data_roots: Mapping[str, Path]) -> Stage:
    return stage if stage.steps else stage.in_steps(images_of(recipe, stage, data_roots))


def images_of(recipe: Recipe, stage: Stage, data_roots: Mapping[str, Path]) -> int:
    """Return how many images a stage learns from.

    Parameters
    ----------
    recipe, stage : Recipe and Stage
        One of its stages.
    data_roots : mapping of str to Path
        Where data sets lie.

    Returns
    -------
    int
        At least one.

    Raises
    ------
    UsageError, DatasetError
        For data that is not there, or that the model cannot learn from.
    """
    name = recipe.model_of(stage)
    classes = recipe.options_of(stage).get("classes")
    pictures, _ = _opened(name, find_card(name), stage, classes, data_roots.get(stage.data))
    return len(pictures)


def _opened(
    name: str, card: Card, stage: Stage, classes: int | None, root: Path | None
) -> tuple[Pictures | InstancePictures, Pictures | None]:
    """Open what a model learns from, and what it is scored on meanwhile."""
    protocol = load_protocol(stage.data)
    if card.task != "instances":
        validation = Pictures.open(protocol, split=stage.validate, data_root=root) if stage.validate else None
        return Pictures.open(protocol, split=stage.split, data_root=root), validation
    if protocol.kind != "instances":
        raise BadParameter(
            f"model {name!r}, which finds instances, for {protocol.name}, whose predictions are {protocol.kind}",
            expected="a data set of instances, or a model that gives classes to pixels",
        )
    if stage.validate:
        raise BadParameter(
            f"validate = {stage.validate!r} for {name}, which finds instances",
            expected="nothing: only label maps are scored while training",
            mend="leave `validate` out of the stage, and score with segbench run",
        )
    return InstancePictures.open(protocol, split=stage.split, data_root=root, classes=classes), None
