"""The work behind ``segbench study losses``: the same training with one loss after the other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

import segbench
from segbench.cli.trial import Trial, Wish, attempt
from segbench.errors import BadParameter, SegbenchError, UsageError
from segbench.frozen import dataclass
from segbench.harness.device import Device
from segbench.harness.plan import RESULT, jobs_of
from segbench.harness.runs import versions
from segbench.harness.subjects import read_subject, reference_of
from segbench.scoring.duels import Comparison, Contender, Difference
from segbench.training.loop import Training
from segbench.training.losses import parse_loss
from segbench.training.networks import in_steps
from segbench.training.ranks import Ranks
from segbench.training.recipes import Recipe

Bar = Callable[[int, int], None]

#: Characters of the name of a training at most.
_LONGEST = 64


@dataclass(frozen=True)
class Row:
    """What a loss has come to.

    Parameters
    ----------
    loss : str
        The loss, written out.
    contender : Contender, optional
        Its scores with intervals; None where its training failed.
    difference : Difference, optional
        Its primary score less that of the first; None for the first itself.
    error : str
        Why it failed.
    """

    loss: str
    contender: Contender | None = None
    difference: Difference | None = None
    error: str = ""


@dataclass(frozen=True)
class LossStudy:
    """What several losses have come to.

    Parameters
    ----------
    recipe : Recipe
        What all of them share; its own loss was replaced.
    rows : tuple of Row
        In the order they were asked for.
    comparison : Comparison, optional
        Of those that did not fail; None of fewer than two.
    versions : mapping of str to str
        Of what computed.
    """

    recipe: Recipe
    rows: tuple[Row, ...]
    comparison: Comparison | None
    versions: Mapping[str, str] = field(default_factory=dict)


def study(
    recipe: Recipe,
    losses: Sequence[str],
    output: Path,
    data_roots: Mapping[str, Path],
    device: Device,
    *,
    split: str | None = None,
    resamples: int = 2000,
    seed: int = 0,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> LossStudy:
    """Train with one loss after the other, score and compare.

    Parameters
    ----------
    recipe : Recipe
        The loss of its last stage is replaced.
    losses : sequence of str
        At least two, each once.
    output : Path
        Folder for all of it.
    data_roots : mapping of str to Path
        Where data sets lie, by the names that the recipe uses.
    device : Device
        What computes.
    split : str, optional
        The split that is scored, else the default of the data set of the last stage.
    resamples, seed : int
        Of intervals and p-values.
    bar : callable, optional
        Told steps done and all steps.
    note : callable
        Told in words what a reader should know.

    Returns
    -------
    LossStudy
        What they have come to.

    Raises
    ------
    UsageError
        For a loss that there is not, or is asked for twice, and what is wrong with the recipe.
    SegbenchError
        Why the first failed, where all of them did.
    """
    written = [str(parse_loss(text)) for text in losses]
    if len(written) < 2 or len(set(written)) != len(written):
        raise BadParameter(f"losses {', '.join(written)}", expected="at least two, each once")
    recipe = in_steps(recipe, data_roots)
    trials: list[Trial | SegbenchError] = []
    for i, loss in enumerate(written):
        told = _moved(bar, i * recipe.steps, len(written) * recipe.steps)
        trials.append(_tried(_with_loss(recipe, loss), output, data_roots, device, split, told))
        error = _error_of(trials[-1])
        note(f"{loss}: {'trained and scored' if error is None else error}")
    sound = [trial.job.folder / RESULT for trial in trials if isinstance(trial, Trial) and trial.error is None]
    if not sound and (first := _error_of(trials[0])) is not None:
        raise first
    compared = segbench.compare(*sound, resamples=resamples, seed=seed) if len(sound) > 1 else None
    return LossStudy(recipe, tuple(_rows(written, trials, compared)), compared, versions())


def _with_loss(recipe: Recipe, loss: str) -> Recipe:
    *before, last = recipe.stage
    name = re.sub(r"[^a-z0-9]+", "-", loss).strip("-")
    if len(name) > _LONGEST:
        # Long sums may differ in their last factor alone.
        name = f"{name[: _LONGEST - 9].strip('-')}-{hashlib.sha256(loss.encode()).hexdigest()[:8]}"
    return replace(recipe, name=name, stage=(*before, replace(last, loss=loss)))


def _moved(bar: Bar | None, before: int, total: int) -> Callable[[int], None]:
    """Return what moves the bar of all trainings by the steps of one of them."""
    return lambda done: None if bar is None else bar(before + done, total)


def _tried(
    recipe: Recipe,
    output: Path,
    data_roots: Mapping[str, Path],
    device: Device,
    split: str | None,
    told: Callable[[int], None],
) -> Trial | SegbenchError:
    """Train by a recipe, and score what was learned; what goes wrong with one loss does not stop the others."""
    folder, data = output / "trainings" / recipe.name, recipe.stage[-1].data
    try:
        Training(recipe, folder, data_roots, device.torch, lambda done, total, row: told(done)).run()
    except UsageError:
        # What is wrong with the recipe is wrong with all of them.
        raise
    except SegbenchError as error:
        return error
    subject = read_subject(reference_of(recipe.model_of(recipe.stage[-1]), folder))
    (job,) = jobs_of([subject], [data], output, split=split, data_roots=data_roots, device=device.torch.type)
    return attempt(job, device, Wish(), Ranks())


def _error_of(trial: Trial | SegbenchError) -> SegbenchError | None:
    return trial.error if isinstance(trial, Trial) else trial


def _rows(losses: Sequence[str], trials: Sequence[Trial | SegbenchError], compared: Comparison | None) -> Iterator[Row]:
    """Yield a row for each loss; the others are held against the first that did not fail."""
    contenders = list(compared.contenders) if compared else []
    against = {duel.second: duel for duel in compared.duels if duel.first == contenders[0].name} if compared else {}
    for loss, trial in zip(losses, trials, strict=True):
        error = _error_of(trial)
        if error is not None or compared is None:
            yield Row(loss, error=str(error) if error is not None else "nothing to compare it with")
            continue
        contender = contenders.pop(0)
        duel = against.get(contender.name)
        difference = None if duel is None else duel.scores[compared.primary]
        yield Row(loss, contender, None if difference is None else _turned(difference))


def _turned(difference: Difference) -> Difference:
    """Return the difference the other way round: the later loss less the first."""
    interval = None if difference.interval is None else (-difference.interval[1], -difference.interval[0])
    return Difference(-difference.value, interval, difference.p)
