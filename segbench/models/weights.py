"""Weights of models: from files, or by the names that torchvision knows."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.hub import get_dir
from torchvision.models import get_weight  # type: ignore[import-untyped]

from segbench.errors import (
    BadParameter,
    EnvironmentProblem,
    UnknownName,
    counted,
    did_you_mean,
    require,
)
from segbench.models.card import Card

#: What checkpoints of others keep their weights under.
_INSIDE = ("state_dict", "model_state_dict", "model")

#: Names shown before the rest is only counted.
_SHOWN = 3


def initialise(model: nn.Module, card: Card, weights: str) -> None:
    """Give a model weights.

    Parameters
    ----------
    model : torch.nn.Module
        Made by the card; changed in place.
    card : Card
        Its card.
    weights : str
        A name of `card.weights`, which torchvision downloads unless it has them; or the path of a file.

    Raises
    ------
    UnknownName
        For what is neither.
    BadParameter
        When a file holds no weights, or weights do not fit.
    EnvironmentProblem
        When weights cannot be downloaded.
    """
    if weights in card.weights:
        named = card.weights[weights]
        state = _downloaded(named.torchvision)
        fit(model, named.adopt(state, model) if named.adopt else state, weights, partial=named.partial)
    elif Path(weights).exists():
        fit(model, read_weights(Path(weights)), weights)
    else:
        known = ", ".join(card.weights) or "none by name"
        expected = f"weights of {card.name} ({known}), or a file"
        raise UnknownName(f"no weights {weights!r}", expected=expected, mend=did_you_mean(weights, card.weights))


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of weights; nothing in it is run.

    Parameters
    ----------
    path : Path
        A file of safetensors (``.safetensors``), or one that `torch.save` made of a state.

    Returns
    -------
    dict of str to tensor
        The weights by name, on the CPU.

    Raises
    ------
    BadParameter
        When it is damaged, or holds something else.
    """
    state = _from_safetensors(path) if path.suffix == ".safetensors" else _from_torch(path)
    inner = next((state[key] for key in _INSIDE if key in state), state) if isinstance(state, Mapping) else state
    if not isinstance(inner, Mapping) or not all(isinstance(value, Tensor) for value in inner.values()):
        raise _no_weights(path, f"a {type(inner).__name__} that is no state")
    return {str(name): weight for name, weight in inner.items()}


def _from_safetensors(path: Path) -> Any:
    broken = require("safetensors", extra="run").SafetensorError
    try:
        return require("safetensors.torch", extra="run").load_file(path, device="cpu")
    except OSError as error:
        raise _no_weights(path, error.strerror or str(error)) from error
    except broken as error:
        raise _no_weights(path, str(error)) from error


def _from_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # About how it was pickled; what is wrong is said below.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # Objects that would be run when they are read, or no file of torch at all.
        raise _no_weights(path, "more than weights, or none") from error
    except OSError as error:
        raise _no_weights(path, error.strerror or str(error)) from error
    except Exception as error:  # torch raises whatever its archive, its unpickler or zlib raise
        raise _no_weights(path, (str(error) or type(error).__name__).splitlines()[0]) from error


def _no_weights(path: Path, found: str) -> BadParameter:
    expected = "the state of a model, in safetensors or from torch.save(model.state_dict(), …)"
    return BadParameter(found, expected=expected, file=str(path))


def unwrapped(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a `state` without the ``module.`` that training on several devices puts before all names."""
    if not all(name.startswith("module.") for name in state):
        return state
    return {name.removeprefix("module."): weight for name, weight in state.items()}


def fit(
    model: nn.Module, state: Mapping[str, Tensor], source: str, *, partial: bool = False, surplus: bool = False
) -> list[str]:
    """Put weights into a model.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place, if everything fits.
    state : mapping of str to tensor
        Weights by name; the ``module.`` that training on several devices puts before all of them is dropped.
    source : str
        Where they come from, for errors.
    partial : bool
        Whether weights may be missing: those keep their values.
    surplus : bool
        Whether weights that the model does not know are left out.

    Returns
    -------
    list of str
        Names of weights of the model that were missing.

    Raises
    ------
    BadParameter
        For weights that are missing or unknown to the model though they must not be, or of another shape.
    """
    state = unwrapped(state)
    own = model.state_dict()
    # A counter that files from before it lack; only means without momentum read it.
    missing = [name for name in own if name not in state and not name.endswith(".num_batches_tracked")]
    extra = [name for name in state if name not in own]
    shapes = [
        f"{name} {tuple(weight.shape)} for {tuple(own[name].shape)}"
        for name, weight in state.items()
        if name in own and weight.shape != own[name].shape
    ]
    faults = [
        *_listed("missing", [] if partial else missing),
        *_listed("unknown", [] if surplus else extra),
        *_listed("of another shape", shapes),
    ]
    if faults:
        mend = "were they trained with other options (classes, width)?" if shapes else "is it the same model?"
        raise BadParameter(
            f"weights that do not fit: {'; '.join(faults)}",
            expected=f"the {len(own)} weights of a {type(model).__name__}",
            mend=mend,
            file=source,
        )
    model.load_state_dict(state, strict=False)
    return missing


def _listed(kind: str, names: list[str]) -> list[str]:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{counted(len(names), 'weight')} {kind} ({', '.join(names[:_SHOWN])}{more})"] if names else []


def _downloaded(name: str) -> dict[str, Tensor]:
    weights = get_weight(name)
    folder = Path(get_dir()) / "checkpoints"
    try:
        state: dict[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"{weights.url} cannot be downloaded: {error}",
            mend=f"download it elsewhere, and put it into {folder}",
        ) from error
    except Exception as error:  # torch raises whatever its archive, its unpickler or zlib raise
        raise EnvironmentProblem(
            f"a download that is damaged, or another file: {type(error).__name__}",
            expected=weights.url,
            mend="remove it, or put the right one in its place",
            file=str(folder / Path(weights.url).name),
        ) from error
    return state
