"""What can be known to be wrong with a recipe before its first step, which may be hours before the stage it is in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from segbench.models.table import find_card
from segbench.models.weights import read_weights
from segbench.training.crops import changes_of
from segbench.training.losses import parse_loss
from segbench.training.networks import images_of
from segbench.training.optimisers import optimiser_of, schedule_of
from segbench.training.recipes import PREVIOUS, Recipe, Stage


def check_stages(recipe: Recipe, first: int, data_roots: Mapping[str, Path], *, is_begun: bool) -> None:
    """Refuse a recipe of which a stage that is left cannot be run.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    first : int
        The stage that is next, from 0; those before it are over, and need nothing any more.
    data_roots : mapping of str to Path
        Where data sets lie.
    is_begun : bool
        Whether that stage goes on, so that it has the weights to begin with already.

    Raises
    ------
    UsageError, DatasetError
        For models, losses, optimisers, schedules, augmentations and weights that there are not, and missing data.
    """
    for number, stage in enumerate(recipe.stage[first:], first):
        _check(recipe, stage)
        if not (is_begun and number == first):
            _check_weights(recipe, stage)
        # The data of the first one is opened at once.
        if number > first and stage.data != recipe.stage[number - 1].data:
            images_of(recipe, stage, data_roots)


def _check(recipe: Recipe, stage: Stage) -> None:
    find_card(recipe.model_of(stage))
    changes_of(stage.augment)
    schedule_of(stage.schedule, stage.steps)
    optimiser_of(stage.optimiser, [torch.nn.Parameter(torch.zeros(1))])
    parse_loss(stage.loss)


def _check_weights(recipe: Recipe, stage: Stage) -> None:
    """Read the weights that a stage begins with, where they are a file."""
    if stage.init_from not in ("", PREVIOUS, *find_card(recipe.model_of(stage)).weights):
        read_weights(Path(stage.init_from))
