"""Training by a recipe: deterministic, and resumed from where it was stopped as if it had not been."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from segbench.atomic import write_text
from segbench.codec import canonical_json, read_table
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.models.trained import WEIGHTS as WEIGHTS
from segbench.models.trained import Trained, describe
from segbench.training import checkpoints
from segbench.training.checks import check_stages
from segbench.training.crops import Crops
from segbench.training.networks import Network, in_steps
from segbench.training.ranks import Ranks, joined
from segbench.training.recipes import Recipe, Stage
from segbench.training.steps import Steps
from segbench.training.validation import mean_iou_of

#: Told of steps done, of all steps, and of what was measured in the last one.
Progress: TypeAlias = Callable[[int, int, Mapping[str, Any]], None]

#: Files of a training in its folder.
CHECKPOINT, HISTORY = "checkpoint.pt", "history.jsonl"


@dataclass
class Training:
    """A recipe on its way.

    Parameters
    ----------
    recipe : Recipe
        What is done.
    folder : Path
        Where checkpoint, history and weights go.
    data_roots : mapping of str to Path
        Where data sets lie, by the name that the recipe uses.
    device : torch.device
        Where it is computed.
    progress : callable, optional
        Told after each step, in the first of several processes.
    """

    recipe: Recipe
    folder: Path
    data_roots: Mapping[str, Path] = field(default_factory=dict)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    progress: Progress | None = None
    history: list[dict[str, Any]] = field(default_factory=list, init=False)
    is_first: bool = field(default=True, init=False)
    _trained: Trained | None = field(default=None, init=False)

    def run(self) -> Path:
        """Train to the end, from the checkpoint in the folder if there is one.

        Returns
        -------
        Path
            The weights.

        Raises
        ------
        UsageError, DatasetError, OutputProblem
            For what is wrong with the recipe, the data or the folder.
        """
        torch.use_deterministic_algorithms(True, warn_only=self.device.type != "cpu")
        self.recipe = in_steps(self.recipe, self.data_roots)
        checkpoints.prepare(self.folder)
        with joined(self.device) as ranks:
            self.is_first = ranks.is_first
            saved = checkpoints.load(self.folder / CHECKPOINT)
            first = self._resumed(saved)
            check_stages(self.recipe, first, self.data_roots, is_begun=bool(saved and saved["step"]))
            weights = saved["model"] if saved is not None else {}
            for number in range(first, len(self.recipe.stage)):
                going_on = saved if saved is not None and number == first and saved["step"] else None
                weights = self._stage(number, weights, going_on, ranks)
            if ranks.is_first:
                checkpoints.write_weights(self.folder / WEIGHTS, weights)
                self._write_history()
                assert self._trained is not None, "the last stage was run, or its checkpoint read"
                describe(self._trained, self.folder)
            ranks.wait()
        return self.folder / WEIGHTS

    def _resumed(self, saved: Mapping[str, Any] | None) -> int:
        """Return the stage that is next."""
        if saved is None:
            return 0
        if differing := _differing(saved["recipe"], self._identity()):
            raise BadParameter(
                f"a checkpoint of another recipe in {self.folder}, which differs in {', '.join(differing)}",
                expected="the recipe that it was begun with",
                mend="choose another folder, or remove the checkpoint",
            )
        self.history = list(saved["history"])
        self._trained = read_table(saved["trained"], Trained, file=str(self.folder / CHECKPOINT))
        return min(int(saved["stage"]), len(self.recipe.stage))

    def _identity(self) -> dict[str, Any]:
        """Return the recipe as what JSON has, in which a checkpoint gives it back."""
        return dict(json.loads(canonical_json(asdict(self.recipe))))

    def _stage(
        self, number: int, weights: Mapping[str, Tensor], saved: Mapping[str, Any] | None, ranks: Ranks
    ) -> dict[str, Tensor]:
        """Run a stage, or what is left of it, and return the weights that it ends with."""
        stage = self.recipe.stage[number]
        # Fresh weights of each stage, whatever the stages before have drawn.
        torch.manual_seed(1000 * self.recipe.seed + number)
        network = Network.of(self.recipe, stage, self.data_roots, self.device)
        self._trained = self._described(stage, network)
        if saved is None and stage.init_from:
            network.begin(stage.init_from, weights)
        steps = Steps(network, stage, Crops(network.pictures, stage, self.recipe.seed, number), ranks)
        if saved is not None:
            steps.resume(saved)
        ranks.agree(network.model)
        while steps.done < stage.steps:
            row = {"stage": number, **steps.next()}
            # The others would come to the same, and wait for the first at their next step.
            if network.validation is not None and ranks.is_first and self._is_due(steps.done, stage.steps):
                row["mean_iou"] = mean_iou_of(network, stage)
            self.history.append(row)
            if ranks.is_first and (steps.done % self.recipe.save_every == 0 or steps.done == stage.steps):
                self._save(number, steps, is_over=steps.done == stage.steps)
            if self.progress is not None and ranks.is_first:
                before = sum(earlier.steps for earlier in self.recipe.stage[:number])
                self.progress(before + steps.done, self.recipe.steps, row)
        ranks.wait()
        return steps.weights()

    def _is_due(self, done: int, steps: int) -> bool:
        every = self.recipe.validate_every
        return done == steps or (every > 0 and done % every == 0)

    def _save(self, number: int, steps: Steps, *, is_over: bool) -> None:
        place = {"stage": number + 1, "step": 0} if is_over else {"stage": number, "step": steps.done}
        assert self._trained is not None
        told = {"recipe": self._identity(), "history": self.history, "trained": asdict(self._trained)}
        checkpoints.save(self.folder / CHECKPOINT, {**told, **place, **steps.state()})

    def _described(self, stage: Stage, network: Network) -> Trained:
        """Return what the weights are of, at the end of a stage."""
        truth = network.pictures.truth
        return Trained(
            name=self.recipe.name,
            model=network.name,
            options={**self.recipe.options_of(stage), "classes": network.classes},
            dataset=truth.protocol.identity,
            split=truth.split,
            images=len(network.pictures),
            steps=self.recipe.steps,
            seed=self.recipe.seed,
            resize=stage.resize,
            categories=tuple(getattr(network.pictures, "categories", ())),
        )

    def _write_history(self) -> None:
        write_text(self.folder / HISTORY, "".join(f"{canonical_json(row)}\n" for row in self.history))


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the keys in which two recipes differ; those of a stage with its number."""
    names = [name for name in sorted({*before, *now} - {"stage"}) if before.get(name) != now.get(name)]
    empty: dict[str, Any] = {}
    for number, (first, second) in enumerate(zip_longest(before.get("stage", []), now["stage"], fillvalue=empty), 1):
        names += [f"{key} of stage {number}" for key in sorted({*first, *second}) if first.get(key) != second.get(key)]
    return names
