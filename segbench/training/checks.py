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


def check_recipe(recipe: Recipe, data_roots: Mapping[str, Path]) -> None:
    """Refuse a recipe of which a stage cannot be run.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    data_roots : mapping of str to Path
        Where data sets lie.

    Raises
    ------
    UsageError, DatasetError
        For models, losses, optimisers, schedules, augmentations and weights that there are not, and missing data.
    """
    for number, stage in enumerate(recipe.stage):
        _check_stage(recipe, stage)
        if number and stage.data != recipe.stage[number - 1].data:
            images_of(recipe, stage, data_roots)


def _check_stage(recipe: Recipe, stage: Stage) -> None:
    card = find_card(recipe.model_of(stage))
    changes_of(stage.augment)
    schedule_of(stage.schedule, max(1, stage.steps))
    optimiser_of(stage.optimiser, [torch.nn.Parameter(torch.zeros(1))])
    parse_loss(stage.loss)
    if stage.init_from and stage.init_from != PREVIOUS and stage.init_from not in card.weights:
        read_weights(Path(stage.init_from))
