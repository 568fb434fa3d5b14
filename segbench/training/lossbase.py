"""What all losses share: a batch that is made ready once, and a loss as a value that is read from text."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import fields
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import torch
from torch import Tensor

from segbench.errors import BadParameter, ShapeMismatch, StrayLabel, did_you_mean
from segbench.frozen import dataclass
from segbench.training.pictures import VOID
from segbench.training.weights import ClassCounts, Rule


@dataclass(frozen=True)
class Batch:
    """Logits and truth of some images, in a precision that can be summed; what several losses need is computed once.

    Parameters
    ----------
    logits : Tensor of float32 or float64, shape (n, classes, rows, columns)
        As the model gave them.
    truth : Tensor of int64, shape (n, rows, columns)
        Indices of classes, or `VOID`.
    counts : ClassCounts, optional
        Of the training set, for losses that weigh classes.
    """

    logits: Tensor
    truth: Tensor
    counts: ClassCounts | None = None

    @classmethod
    def of(cls, logits: Tensor, truth: Tensor, counts: ClassCounts | None = None) -> Batch:
        """Check a batch, and widen logits of 16 bits.

        Parameters
        ----------
        logits, truth, counts
            As for `Loss`.

        Returns
        -------
        Batch
            The same images.

        Raises
        ------
        ShapeMismatch
            When the two do not fit.
        BadParameter
            For other dtypes, or counts of another number of classes.
        StrayLabel
            For a value of the truth that is neither a class nor `VOID`.
        """
        if logits.ndim != 4 or truth.shape != (logits.shape[0], *logits.shape[2:]):
            found = f"logits of shape {tuple(logits.shape)} and truth of shape {tuple(truth.shape)}"
            raise ShapeMismatch(found, expected="(n, classes, rows, columns) and (n, rows, columns)")
        if not logits.is_floating_point() or truth.is_floating_point() or truth.is_complex():
            found = f"logits of {logits.dtype} and truth of {truth.dtype}"
            raise BadParameter(found, expected="floats and whole numbers")
        if counts is not None and len(counts.pixels) != logits.shape[1]:
            found = f"counts of {len(counts.pixels)} classes for logits of {logits.shape[1]}"
            raise BadParameter(found, expected="one count for each class")
        truth = truth.long()
        _refuse_strays(truth, logits.shape[1])
        # Σ 1 over 512 × 512 pixels is infinite in float16, and stops growing at 256 in bfloat16.
        wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        return cls(wide, truth, counts)

    @cached_property
    def valid(self) -> Tensor:
        """Which pixels have a class, shape (n, rows, columns)."""
        return self.truth != VOID

    @cached_property
    def n_valid(self) -> Tensor:
        """How many pixels have a class, at least 1 so that it can be divided by."""
        return self.valid.sum().clamp(min=1).to(self.logits.dtype)

    @cached_property
    def log_q(self) -> Tensor:
        """Logarithms of the probabilities; void pixels are the same for all classes, and without gradient."""
        # Before the softmax and not after it: 0 times what a NaN or an infinity has become would be NaN.
        return self.logits.masked_fill(~self.valid.unsqueeze(1), 0).log_softmax(dim=1)

    @cached_property
    def q(self) -> Tensor:
        """Probabilities, 0 at void pixels."""
        return self.log_q.exp() * self.valid.unsqueeze(1)

    @cached_property
    def p(self) -> Tensor:
        """1 where the truth is the class, 0 elsewhere and at void pixels."""
        classes = torch.arange(self.logits.shape[1], device=self.truth.device).view(1, -1, 1, 1)
        return (self.truth.unsqueeze(1) == classes).to(self.logits.dtype)

    @cached_property
    def present(self) -> Tensor:
        """Which classes the truth has, 1 or 0, shape (classes,)."""
        return (self.p.sum(dim=(0, 2, 3)) > 0).to(self.logits.dtype)

    @cached_property
    def surprise(self) -> Tensor:
        """−log q of the true class of each pixel, 0 at void pixels, shape (n, rows, columns)."""
        own = self.log_q.gather(1, self.truth.clamp(min=0).unsqueeze(1)).squeeze(1)
        return -own * self.valid

    def class_weights(self, rule: Rule) -> Tensor:
        """Return what classes weigh.

        Parameters
        ----------
        rule : str
            As for `ClassCounts.weights`.

        Returns
        -------
        Tensor, shape (classes,)
            In the precision of the logits.

        Raises
        ------
        BadParameter
            When the rule needs counts that are not there.
        """
        if rule == "none":
            return self.logits.new_ones(self.logits.shape[1])
        if self.counts is None:
            found = f"weights={rule} without how often classes occur"
            raise BadParameter(found, expected="the ClassCounts of the training set as `counts`")
        return torch.from_numpy(self.counts.weights(rule)).to(self.logits)


def _refuse_strays(truth: Tensor, classes: int) -> None:
    strays = (truth != VOID) & ((truth < 0) | (truth >= classes))
    if strays.any():
        image, row, column = (int(i) for i in strays.nonzero()[0])
        raise StrayLabel(
            f"{int(truth[image, row, column])} in the truth of image {image}",
            expected=f"0 to {classes - 1}, or {VOID} for void",
            pixel=(row, column),
            count=int(strays.sum()),
        )


class Loss(ABC):
    """A loss as a value: a frozen dataclass whose fields are its parameters.

    Called with logits and truth it returns one number to minimise. Void pixels have no part in it, neither by their
    values nor by gradients; a batch without any other pixel gives 0 with a gradient of zeros. Sums run over all images
    of a batch at once, in float32 for logits of 16 bits, and under autocast too. `str(loss)` parses back.
    """

    name: ClassVar[str]
    #: On one line, in the letters of `segbench.training.formulas`.
    formula: ClassVar[str]

    def __call__(self, logits: Tensor, truth: Tensor, counts: ClassCounts | None = None) -> Tensor:
        """Compute the loss of a batch.

        Parameters
        ----------
        logits : Tensor of float, shape (n, classes, rows, columns)
            What the softmax is taken of, in any precision.
        truth : Tensor of int64, shape (n, rows, columns)
            Indices of classes, or `VOID`.
        counts : ClassCounts, optional
            Of the training set; needed where `needs_counts` says so.

        Returns
        -------
        Tensor of float32, or float64 for such logits, shape ()
            The loss.

        Raises
        ------
        ShapeMismatch, BadParameter, StrayLabel
            For a batch that does not fit together, or without counts that are needed.
        """
        with torch.autocast(logits.device.type, enabled=False):
            return self.of(Batch.of(logits, truth, counts))

    @abstractmethod
    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""

    @property
    def needs_counts(self) -> bool:
        """Whether it has to be told how often classes occur in the training set."""
        return False

    def __post_init__(self) -> None:
        for name, kind in field_kinds(type(self)).items():
            _check(self.name, name, kind, getattr(self, name))

    def __str__(self) -> str:
        plain = {f.name: f.default for f in fields(self)}  # type: ignore[arg-type]
        changed = [f"{name}={written(getattr(self, name))}" for name in plain if getattr(self, name) != plain[name]]
        return self.name + (f"({','.join(changed)})" if changed else "")


def field_kinds(cls: type[Loss]) -> dict[str, Any]:
    """Return the fields of a class of losses with their types."""
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}  # type: ignore[arg-type]


def written(value: object) -> str:
    """Return the `value` of a field as text: 4 and 4.0 are one number, and written as one."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _check(loss: str, name: str, kind: Any, value: Any) -> None:
    """Refuse a value of another kind; no number of a loss is negative."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            mend = did_you_mean(str(value), get_args(kind))
            raise BadParameter(f"{loss}: {name}={value}", expected=" | ".join(get_args(kind)), mend=mend)
    elif kind in (int, float):
        is_number = isinstance(value, int | kind) and not isinstance(value, bool)
        if not is_number or not 0 <= value < math.inf:
            raise BadParameter(f"{loss}: {name}={value}", expected=f"a finite number ({kind.__name__}) from 0 on")
