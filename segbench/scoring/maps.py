"""From label maps to a signed result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from segbench.datasets.forms import Form
from segbench.errors import BadParameter, DatasetError
from segbench.late import late
from segbench.protocols.protocol import Protocol
from segbench.result import Result
from segbench.scoring.inputs import form_of, input_field, numbering_of
from segbench.scoring.judge import Case
from segbench.scoring.options import Options
from segbench.scoring.plan import Plan

if TYPE_CHECKING:
    from segbench.datasets.truth import TruthSet
    from segbench.scoring.units import Resampling

_counted = late("segbench.scoring.run:counted_of")
_open_truth = late("segbench.datasets.truth:open_truth")
_observed = late("segbench.scoring.observing:observed")
_scored_frames = late("segbench.datasets.davis:scored_frames")


def score_maps(
    protocol: Protocol,
    predictions: Path,
    *,
    metrics: Sequence[str],
    split: str | None,
    data_root: Path | None,
    truth: Path | None,
    input: str,
    slices: Mapping[str, Sequence[str]],
    options: Options,
    resampling: Resampling | None = None,
) -> Result:
    """Score label maps, a file for each image or, of volumes, several.

    Parameters
    ----------
    protocol : Protocol
        The rules.
    predictions : Path
        Folder or archive.
    metrics, split, data_root, truth, input, slices
        As for `segbench.score`.
    options : Options
        How the run goes.
    resampling : Resampling, optional
        How intervals are made, where they are asked for.

    Returns
    -------
    Result
        Scores with signatures.

    Raises
    ------
    SegbenchError
        As `segbench.score` says.
    """
    form = form_of(protocol, input)
    # Of classes that are still to be seen there is no plan; the metrics are read, so that a wrong one is told at once.
    for text in metrics:
        protocol.metric(text)
    plan = None if protocol.observed else Plan.of(protocol, metrics)
    truths = _open_truth(protocol, split=split, data_root=data_root, truth=truth)
    options = replace(options, numbering=numbering_of(protocol, input) if form.is_single else {})
    if plan is None:
        truths = _observed(truths, predictions, workers=options.workers, executor=options.executor, form=form)
        plan = Plan.of(truths.protocol, metrics)
    truths = _scored(truths, plan)
    case = _case(truths, plan, form, input, options, resampling)
    return _result(case, truths, predictions, form, options, _checked_slices(slices, truths))


def _case(
    truths: TruthSet, plan: Plan, form: Form, input_: str, options: Options, resampling: Resampling | None
) -> Case:
    """Return what is judged."""
    return Case(
        truths.protocol,
        plan,
        truths.split,
        expected=truths.expected,
        missing=options.missing,
        resize="nearest" if options.resize else "-",
        input=input_field(truths.protocol, form, input_),
        slice="-" if options.shard is None else f"shard:{options.shard}",
        resampling=resampling,
    )


def _result(
    case: Case,
    truths: TruthSet,
    predictions: Path,
    form: Form,
    options: Options,
    slices: Mapping[str, frozenset[str]],
) -> Result:
    """Count the submission and judge what was counted."""
    is_nothing = case.protocol.observed and len(case.protocol.space.classes) == 1
    if is_nothing:
        # Counted all the same, to tell what cannot be read; but what holds no structure leaves nothing to merge.
        options = replace(options, state=None, per_image=None)
    whole, of_slices = _counted(case, truths, predictions, form, options, slices)
    if is_nothing:
        found = "no structure: every label of truth and predictions is 0"
        raise DatasetError(found, expected="something to compare", file=str(truths.root))
    return case.result(whole, of_slices)


def _scored(truth: TruthSet, plan: Plan) -> TruthSet:
    """Return the images that are scored: of videos not every frame."""
    if truth.protocol.kind != "video":
        return truth
    with_ends = any(getattr(metric, "frames", "") == "all" for metric in plan.metrics.values())
    frames: TruthSet = _scored_frames(truth, with_ends=with_ends)
    return frames


def _checked_slices(slices: Mapping[str, Sequence[str]], truth: TruthSet) -> dict[str, frozenset[str]]:
    known = frozenset(truth.keys) if slices else frozenset()
    for name, keys in slices.items():
        if not re.fullmatch(r"[\w.+:-]+", name) or name == "-":
            raise BadParameter(f"a slice named {name!r}", expected="a name of letters, digits and . + - _ :")
        strangers = [key for key in keys if key not in known]
        if strangers or not keys:
            found = f"slice {name}: no image {strangers[0]!r}" if strangers else f"slice {name} is empty"
            raise BadParameter(found, expected=f"names of images of {truth.split}")
    return {name: frozenset(keys) for name, keys in slices.items()}
