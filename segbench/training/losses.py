"""All losses by name, and how a loss is read from text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from torch import Tensor

from segbench.errors import BadParameter, UnknownName, did_you_mean
from segbench.frozen import dataclass
from segbench.metrics.base import Metric, parse_arguments
from segbench.training.lossbase import Batch, Loss, written
from segbench.training.lovasz import Lovasz
from segbench.training.overlap_losses import CeDice, CeLogIou, Dice, SoftIou, Tversky
from segbench.training.pixel_losses import L1, CrossEntropy, EdgeCrossEntropy, TotalVariation

LOSSES: Mapping[str, type[Loss]] = {
    cls.name: cls
    for cls in (
        CrossEntropy,
        EdgeCrossEntropy,
        SoftIou,
        Dice,
        Tversky,
        CeDice,
        CeLogIou,
        TotalVariation,
        L1,
        Lovasz,
    )
}

#: A factor may stand before a loss; what follows it is a plus or the end.
_TERM = re.compile(
    r"\s*(?:(?P<factor>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*\*)?\s*"
    r"(?P<name>[a-z][a-z0-9_]*)\s*(?:\((?P<arguments>[^()]*)\))?\s*(?P<plus>\+|$)"
)


@dataclass(frozen=True)
class Weighted(Loss):
    """Several losses of one batch: Σ_j factor_j · loss_j.

    Parameters
    ----------
    terms : tuple of (float, Loss)
        Factors from 0 on, each with a loss that is not itself such a sum; at least one.

    Raises
    ------
    BadParameter
        For terms of another kind.
    """

    name: ClassVar[str] = "weighted"
    formula: ClassVar[str] = "Σ_j factor_j · loss_j"

    terms: tuple[tuple[float, Loss], ...]

    def __post_init__(self) -> None:
        if not self.terms or not all(0 <= factor < float("inf") for factor, _ in self.terms):
            raise BadParameter(f"factors {[factor for factor, _ in self.terms]}", expected="finite numbers from 0 on")
        if any(isinstance(loss, Weighted) for _, loss in self.terms):
            raise BadParameter("a weighted sum inside another", expected="all its terms in one sum")

    @property
    def needs_counts(self) -> bool:
        """Whether one of them does."""
        return any(loss.needs_counts for _, loss in self.terms)

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        return sum((factor * loss.of(batch) for factor, loss in self.terms), start=batch.logits.new_zeros(()))

    def __str__(self) -> str:
        return "+".join(str(loss) if factor == 1 else f"{written(factor)}*{loss}" for factor, loss in self.terms)


def parse_loss(text: str) -> Loss:
    """Read a loss.

    Parameters
    ----------
    text : str
        ``name`` or ``name(field=value,…)``; or several, with factors: ``cross_entropy+0.1*total_variation(void=in)``.

    Returns
    -------
    Loss
        The loss.

    Raises
    ------
    UnknownName
        When no loss has the name.
    BadParameter
        When the text or a field is malformed.

    Examples
    --------
    >>> str(parse_loss("tversky(alpha=0.5, beta=0.7)"))
    'tversky(alpha=0.5)'
    >>> str(parse_loss("0.5*cross_entropy + lovasz"))
    '0.5*cross_entropy+lovasz'
    """
    terms: list[tuple[float, Loss]] = []
    place, more = 0, True
    while more:
        match = _TERM.match(text, place)
        if match is None:
            raise BadParameter(f"loss {text!r}", expected="name or name(field=value,…), several with + and factors")
        terms.append((float(match["factor"] or 1), _loss(match["name"], match["arguments"] or "")))
        place, more = match.end(), match["plus"] == "+"
    return terms[0][1] if len(terms) == 1 and terms[0][0] == 1 else Weighted(tuple(terms))


def _loss(name: str, arguments: str) -> Loss:
    if name not in LOSSES:
        raise UnknownName(f"no loss {name!r}", mend=did_you_mean(name, LOSSES) or "known: " + ", ".join(LOSSES))
    # Only the name and the fields of the class are looked at, which losses have as metrics do.
    cls = cast("type[Metric[Any]]", LOSSES[name])
    return LOSSES[name](**parse_arguments(cls, arguments))
