"""Optimisers and schedules of the learning rate, by the names that recipes use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from segbench.errors import BadParameter, UnknownName, did_you_mean

_CALL = re.compile(r"([a-z][a-z0-9_]*)(?:\((.*)\))?")

#: The fields of each optimiser, with defaults; a learning rate has none.
OPTIMISERS: Mapping[str, Mapping[str, float]] = {
    "sgd": {"lr": 0.0, "momentum": 0.0, "weight_decay": 0.0},
    "adam": {"lr": 0.0, "weight_decay": 0.0},
    "adamw": {"lr": 0.0, "weight_decay": 0.01},
}

#: The fields of each schedule.
SCHEDULES: Mapping[str, Mapping[str, float]] = {
    "constant": {},
    "poly": {"power": 0.9},
    "step": {"every": 0.0, "factor": 0.1},
}


def optimiser_of(text: str, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return an optimiser.

    Parameters
    ----------
    text : str
        As ``sgd(lr=0.01,momentum=0.9)``.
    parameters : iterable of Parameter
        What it changes.

    Returns
    -------
    torch.optim.Optimizer
        The optimiser; its steps are the same wherever it runs.

    Raises
    ------
    UnknownName
        For a name that there is not.
    BadParameter
        For fields or numbers that it does not take.
    """
    name, fields = _read(text, OPTIMISERS, "optimiser")
    if not fields["lr"] > 0:
        raise BadParameter(f"optimiser {text!r}", expected=f"{name}(lr=…) with a learning rate above 0")
    makers: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "sgd": torch.optim.SGD,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    return makers[name](list(parameters), **fields)


def schedule_of(text: str, steps: int) -> Callable[[int], float]:
    """Return by what the learning rate is multiplied at each step of a stage.

    Parameters
    ----------
    text : str
        ``constant``, ``poly(power=0.9)``: (1 − step / steps)^power, or ``step(every=…,factor=0.1)``.
    steps : int
        Of the stage.

    Returns
    -------
    callable
        From step, from 0, to factor.

    Raises
    ------
    UnknownName
        For a name that there is not.
    BadParameter
        For fields or numbers that it does not take.
    """
    name, fields = _read(text, SCHEDULES, "schedule")
    if name == "poly":
        return lambda step: float((1 - step / steps) ** fields["power"])
    if name == "step":
        every = int(fields["every"])
        if every < 1 or every != fields["every"]:
            raise BadParameter(f"schedule {text!r}", expected="step(every=…,factor=0.1), every so many whole steps")
        return lambda step: float(fields["factor"] ** (step // every))
    return lambda step: 1.0


def _read(text: str, known: Mapping[str, Mapping[str, float]], what: str) -> tuple[str, dict[str, Any]]:
    match = _CALL.fullmatch(text.replace(" ", ""))
    name = match[1] if match else text
    if match is None or name not in known:
        raise UnknownName(f"no {what} {text!r}", mend=did_you_mean(name, known) or f"known: {', '.join(known)}")
    fields = dict(known[name])
    for part in (match[2] or "").split(",") if match[2] else []:
        key, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if key not in fields or not 0 <= number < float("inf"):
            form = ",".join(f"{field}=…" for field in fields)
            raise BadParameter(f"{what} {text!r}", expected=f"{name}({form}) with numbers from 0 on")
        fields[key] = number
    return name, fields
