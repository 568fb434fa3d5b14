"""What a training leaves on disk at any moment: enough to go on as if it had never stopped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segbench.atomic import unwritable, write_file
from segbench.errors import DatasetError, OutputProblem, require

#: Version of the format.
VERSION = 3

#: What a checkpoint holds beside what a stage is in the middle of.
_KINDS = {
    "recipe": dict,
    "history": list,
    "trained": dict,
    "stage": int,
    "step": int,
    "keys": str,
    "seen": dict,
    "model": dict,
}


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint whole or not at all.

    Parameters
    ----------
    path : Path
        The file, which keeps what it holds until the new one is complete.
    content : mapping of str to object
        Tensors, numbers, text, and lists and dictionaries of these.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    """

    def write(part: Path) -> None:
        torch.save({"version": VERSION, **content}, part)

    _written(path, write)


def write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write weights as safetensors, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    weights : mapping of str to Tensor
        By name.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    MissingPackage
        When safetensors is not installed.
    """
    package = require("safetensors.torch", extra="run")
    # Each tensor by itself: the format knows no two names for the same numbers.
    _written(path, lambda part: package.save_file({n: w.clone().contiguous() for n, w in weights.items()}, part))


def _written(path: Path, write: Callable[[Path], None]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, write)
    except OSError as error:
        raise unwritable(path, error) from None
    except RuntimeError as error:
        # What torch makes of a full disk.
        raise OutputProblem(f"cannot be written: {error}", mend="free some space", file=str(path)) from None


def prepare(folder: Path) -> None:
    """Make the folder of a training, and see that something can be written there at its end.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    OutputProblem
        When it cannot be made, or nothing can be written in it.
    MissingPackage
        When safetensors is not installed.
    """
    require("safetensors.torch", extra="run")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from None


def load(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict of str to object or None
        What was saved; None where there is no file.

    Raises
    ------
    DatasetError
        When it is damaged or of another version. Nothing of it is executed.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its archive, its unpickler or zlib raise
        raise _unfit(path, f"a damaged checkpoint ({type(error).__name__})", "what training wrote") from None
    if not isinstance(content, dict) or content.pop("version", None) != VERSION:
        raise _unfit(path, "no checkpoint of this version", f"version {VERSION}")
    if any(not isinstance(content.get(name), kind) for name, kind in _KINDS.items()):
        raise _unfit(path, "a damaged checkpoint", "what training wrote")
    return dict(content)


def _unfit(path: Path, found: str, expected: str) -> DatasetError:
    return DatasetError(found, expected=expected, mend="remove it to train from the start", file=str(path))
