"""What a training leaves beside its weights: which model they are of, and what it was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from segbench.atomic import write_text
from segbench.codec import pretty_json, read_table
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.models.sizes import check_size

#: Names of the files in the folder of a training.
DESCRIPTION, WEIGHTS = "model.json", "weights.safetensors"


@dataclass(frozen=True)
class Trained:
    """A model that was trained here.

    Parameters
    ----------
    name : str
        What the training is called: the name of its recipe.
    model : str
        Name or place of the model's card.
    options : mapping of str to object
        What it is built with, the number of classes among them.
    resize : tuple of int
        Rows and columns that images are resized to first; empty for none.
    dataset, split : str
        Protocol, as ``camvid@1``, and split that it learned from.
    images, steps, seed : int
        Images there, batches that were learned from, and the seed.
    categories : tuple of int
        Of models that find instances, the category of each label, from label 1 on.
    weights : str
        SHA-256 of the file of weights.
    """

    name: str
    model: str
    options: Mapping[str, Any]
    dataset: str
    split: str
    images: int
    steps: int
    seed: int
    resize: tuple[int, ...] = ()
    categories: tuple[int, ...] = field(default=())
    weights: str = ""

    def __post_init__(self) -> None:
        check_size(self.resize, "resize")


def describe(trained: Trained, folder: Path) -> None:
    """Write what a folder of a training holds, whose weights are there already.

    Parameters
    ----------
    trained : Trained
        All but the digest of the weights.
    folder : Path
        The folder.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    """
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    write_text(folder / DESCRIPTION, pretty_json(asdict(trained) | {"weights": digest}))


def read_trained(folder: Path) -> Trained:
    """Read what a folder of a training holds.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    Trained
        The description.

    Raises
    ------
    BadParameter
        When it is no such folder, or the description is malformed.
    DatasetError
        When the weights are other ones than described.
    """
    path = folder / DESCRIPTION
    mend = "end the training: segbench train RECIPE -o FOLDER"
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadParameter(
            f"cannot be read: {error.strerror}", expected="the folder of a training", mend=mend, file=str(path)
        ) from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise BadParameter("no JSON object", expected="what segbench train has written", mend=mend, file=str(path))
    try:
        trained = read_table(data, Trained, file=str(path))
    except BadParameter as error:
        raise error.about(str(path)) from None
    try:
        digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", mend=mend, file=str(folder / WEIGHTS)) from None
    if digest != trained.weights:
        raise DatasetError(
            f"weights with the SHA-256 {digest[:8]}…",
            expected=f"{trained.weights[:8]}…, as {DESCRIPTION} says",
            mend=mend,
            file=str(folder / WEIGHTS),
        )
    return trained
