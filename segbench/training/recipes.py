"""Recipes: how a model is trained, as data.

A recipe is a TOML with one ``[[stage]]`` table for each part of the training, in their order. A stage may begin with
the weights of the one before it, freeze parameters, and build the model with other options: FCN-32s, 16s and 8s are
three stages of one recipe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Literal

from segbench.codec import read_toml
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.models.sizes import check_size

#: A stage begins with the weights that the one before it has ended with.
PREVIOUS = "previous"

#: Beyond them a number is a mistake: a slip of the keyboard is told at once, and not by a machine without memory.
_MOST_STEPS, _MOST_BATCH = 1_000_000_000, 65_536

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Targets:
    """What the loss is held against.

    Parameters
    ----------
    stride : int
        Truth and logits are taken at every so many pixels; DeepLab v1 trains at 8.
    """

    stride: int = 1


@dataclass(frozen=True)
class Stage:
    """One part of a training.

    Parameters
    ----------
    data : str
        A data set of label maps, levels, membranes or instances, by name or the path of a TOML.
    steps, epochs : int and float
        How long: batches that are learned from, or passes over all images, of which one is given.
    split : str
        What is learned from.
    validate : str
        The split that is scored while training; empty for none.
    name : str
        What the stage is called.
    model : str
        A model other than the recipe's.
    init_from : str
        Empty for fresh weights, ``previous`` for those of the stage before, weights by name, or a file of them.
    options : mapping of str to object
        Options of the model that differ from those of the recipe.
    freeze : tuple of str
        Beginnings of the names of parameters that stay as they are.
    loss : str
        As `segbench models losses` lists them: ``name(field=value)``.
    auxiliary : float
        Weight of the same loss of a second head, whose logits come as ``aux`` while the model trains.
    optimiser : str
        ``sgd(lr=…,momentum=…,weight_decay=…)`` or ``adam(lr=…,weight_decay=…)``.
    schedule : str
        ``constant``, ``poly(power=0.9)`` or ``step(every=…,factor=0.1)``.
    batch : int
        Images of a step, over all ranks.
    resize : tuple of int
        Rows and columns that every image is resized to first; empty for none.
    crop : tuple of int
        Rows and columns of what is cut out at random; empty for the whole, which takes images of one size.
    augment : tuple of str
        In their order: ``mirror``, ``flip``, ``rotate90``, ``scale(low,high)``, ``colour(amount)``.
    precision : {'float32', 'bfloat16', 'float16'}
        Of the forward pass.
    targets : Targets
        What the loss is held against.
    """

    data: str
    steps: int = 0
    epochs: float = 0
    split: str = "train"
    validate: str = ""
    name: str = ""
    model: str = ""
    init_from: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    freeze: tuple[str, ...] = ()
    loss: str = "cross_entropy"
    auxiliary: float = 0.0
    optimiser: str = "sgd(lr=0.01,momentum=0.9)"
    schedule: str = "constant"
    batch: int = 4
    resize: tuple[int, ...] = ()
    crop: tuple[int, ...] = ()
    augment: tuple[str, ...] = ()
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    targets: Targets = Targets()

    def __post_init__(self) -> None:
        if not self.data:
            raise BadParameter("data = ''", expected="a data set by name, or the path of a TOML")
        if bool(self.steps) == bool(self.epochs):
            found = f"steps = {self.steps}, epochs = {self.epochs}"
            raise BadParameter(found, expected="one of the two, above 0")
        if not (0 <= self.steps <= _MOST_STEPS and 0 <= self.epochs <= _MOST_STEPS):
            expected = f"a number above 0, {_MOST_STEPS:,} at most"
            raise BadParameter(f"steps = {self.steps}, epochs = {self.epochs}", expected=expected)
        if not 1 <= self.batch <= _MOST_BATCH:
            raise BadParameter(f"batch = {self.batch}", expected=f"1 to {_MOST_BATCH:,}")
        for name in ("resize", "crop"):
            check_size(getattr(self, name), name)
        if not 0 <= self.auxiliary < math.inf:
            raise BadParameter(f"auxiliary = {self.auxiliary}", expected="a number from 0 on")
        if self.targets.stride < 1:
            raise BadParameter(f"targets.stride = {self.targets.stride}", expected="at least 1")

    def in_steps(self, images: int) -> Stage:
        """Return the stage in steps, where it is given in passes over so many `images`; a last batch may reach on."""
        if self.steps:
            return self
        return replace(self, steps=max(1, math.ceil(self.epochs * images / self.batch)), epochs=0)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Parameters
    ----------
    name : str
        What the recipe is called.
    model : str
        A model by name, or ``package.module:CARD``.
    stage : tuple of Stage
        At least one.
    seed : int
        Of the fresh weights, of the order of images, crops and dropout.
    options : mapping of str to object
        Options of the model.
    validate_every : int
        Steps between two scores of the validation split; it is also scored at the end of each stage, with 0 only there.
    save_every : int
        Steps between two checkpoints.
    """

    name: str
    model: str
    stage: tuple[Stage, ...]
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    validate_every: int = 0
    save_every: int = 100

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadParameter(f"name = {self.name!r}", expected="letters, digits and . _ -, 64 at most")
        if not self.stage:
            raise BadParameter("no stage", expected="at least one [[stage]] table")
        if self.stage[0].init_from == PREVIOUS:
            raise BadParameter("init_from = 'previous' in the first stage", expected="no weights, or a file of them")
        if not 0 <= self.seed < 1 << 32 or self.validate_every < 0 or self.save_every < 1:
            found = f"seed = {self.seed}, validate_every = {self.validate_every}, save_every = {self.save_every}"
            raise BadParameter(found, expected="whole numbers from 0 (below 2^32), 0 and 1 on")

    def model_of(self, stage: Stage) -> str:
        """Return the model of a `stage`."""
        return stage.model or self.model

    def options_of(self, stage: Stage) -> dict[str, Any]:
        """Return the options that the model of a `stage` is built with."""
        return {**self.options, **stage.options}

    @property
    def steps(self) -> int:
        """Steps of all stages that are given in steps; see `in_steps` of the networks for the others."""
        return sum(stage.steps for stage in self.stage)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : Path
        A TOML.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    BadParameter
        When it cannot be read, or a key or value is none; names the file.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadParameter(f"cannot be read: {error}", expected="a recipe in TOML", file=str(path)) from None
    try:
        return read_toml(text, Recipe, file=str(path))
    except BadParameter as error:
        raise error.about(str(path)) from None
