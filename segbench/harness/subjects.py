"""What is run: models by name, the folders of trainings, and classical rules, as the command line names them.

========================================= =============================================================
``unet_half(width=0.25)@weights.pt``      a model by name, its options, and a file of weights
``deeplab_v3@coco_voc``, ``mask_rcnn``    weights by the name that the card gives them; alone: the only ones
``package.module:CARD@weights.pt``        a card of one's own
``runs/unet``                             the folder of a training
``package.module:CARD@runs/own``          the folder of a training of a card of one's own
``nearest_colour``                        a classical rule, fitted on the train split
========================================= =============================================================
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import chain, count
from pathlib import Path
from typing import Any

from segbench.errors import BadParameter, UnknownName, did_you_mean
from segbench.frozen import dataclass
from segbench.harness.record import RunModel
from segbench.models.table import MODELS, find_card
from segbench.models.trained import DESCRIPTION, WEIGHTS, read_trained

#: Classical rules, and what they do.
RULES: Mapping[str, str] = {
    "majority": "the most frequent class of the train split everywhere",
    "nearest_colour": "the class with the nearest mean colour",
    "smoothed_colour": "the same after edge-preserving smoothing",
}

_REFERENCE = re.compile(r"(?P<model>[\w.:]+?)(?:\((?P<options>.*)\))?(?:@(?P<weights>.+))?", re.DOTALL)


@dataclass(frozen=True)
class Subject:
    """Something that predicts.

    Parameters
    ----------
    name : str
        What it is called in folders and records.
    model : str
        Name or place of a card, or a rule.
    options : mapping of str to object
        What the model is built with.
    weights : str
        A name of weights of the card, or a file; empty for a rule.
    resize : tuple of int
        Rows and columns that images are resized to first; empty for none.
    identity : str
        Which weights these are, wherever they lie.
    trained_on : str
        Protocol and split, where that is known.
    categories : tuple of int
        The category of each label of a model that finds instances, from label 1 on; empty where labels are categories.
    """

    name: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    resize: tuple[int, ...] = ()
    identity: str = ""
    trained_on: str = ""
    categories: tuple[int, ...] = ()

    @property
    def is_rule(self) -> bool:
        """Whether it is a classical rule, which has no probabilities and needs no device."""
        return self.model in RULES

    def as_model(self) -> RunModel:
        """Return what a record says of it."""
        return RunModel(self.name, self.model, dict(self.options), self.identity, self.trained_on)


def read_subjects(texts: tuple[str, ...]) -> list[Subject]:
    """Return what is run.

    Parameters
    ----------
    texts : tuple of str
        Each one or several, divided by commas.

    Returns
    -------
    list of Subject
        In their order; names that appear twice are numbered.

    Raises
    ------
    UnknownName
        For a model, rule or weights that there are not.
    BadParameter
        For what cannot be read, or a model without weights.
    """
    subjects: list[Subject] = []
    for part in (part for text in texts for part in split_list(text)):
        subject = read_subject(part)
        taken = {other.name for other in subjects}
        numbered = (f"{subject.name}-{n}" for n in count(2))
        name = next(name for name in chain([subject.name], numbered) if name not in taken)
        subjects.append(_renamed(subject, name))
    return subjects


def split_list(text: str) -> Iterator[str]:
    """Yield the parts of a list divided by commas; those within parentheses and quotes divide nothing."""
    depth, part, quote = 0, "", ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and depth:
            quote = character
        depth += (character in "([{") - (character in ")]}") if not quote else 0
        if character == "," and depth <= 0 and not quote:
            yield part.strip()
            part = ""
        else:
            part += character
    yield part.strip()


def read_subject(text: str) -> Subject:
    """Return a model, a training or a rule.

    Parameters
    ----------
    text : str
        As the module says.

    Returns
    -------
    Subject
        What is run; weights are not read yet, only their digest.

    Raises
    ------
    UnknownName
        For a model, rule or weights that there are not.
    BadParameter
        For what cannot be read, or a model without weights.
    """
    if text in RULES:
        return Subject(text, text, identity=f"rule:{text}")
    if text and (Path(text) / DESCRIPTION).is_file():
        return _of_training(Path(text))
    if Path(text).is_dir():
        mend = "end the training: segbench train RECIPE -o FOLDER"
        raise BadParameter("no training that has ended", expected=f"a folder with {DESCRIPTION}", mend=mend, file=text)
    match = _REFERENCE.fullmatch(text)
    if match is None or (":" not in match["model"] and match["model"] not in MODELS):
        known = [*MODELS, *RULES]
        expected = f"one of {', '.join(known)}, package.module:CARD, or the folder of a training"
        name = text.partition("(")[0].partition("@")[0]
        raise UnknownName(f"no model {text!r}", expected=expected, mend=did_you_mean(name, known))
    options, weights = _options(match["options"] or "", text), match["weights"] or ""
    if weights and (Path(weights) / DESCRIPTION).is_file():
        if options:
            raise BadParameter(f"options beside a training: {text}", expected="those that it was trained with")
        return _of_training(Path(weights), match["model"])
    return _of_card(match["model"], options, weights)


def reference_of(model: str, folder: Path) -> str:
    """Return how the command line names a training.

    Parameters
    ----------
    model : str
        Name or place of the card that was trained.
    folder : Path
        Folder of the training.

    Returns
    -------
    str
        The folder alone, or behind a card of one's own.
    """
    return str(folder) if model in MODELS else f"{model}@{folder}"


def _of_training(folder: Path, model: str = "") -> Subject:
    """Return a training, of a `model` that was named with it; without one it is a model of segbench.

    Weights of strangers are harmless and code is not, so that no file says which code is run.
    """
    trained = read_trained(folder)
    if not model and trained.model not in MODELS:
        raise BadParameter(
            f"weights of a model of one's own, {trained.model}",
            expected="its card named by whoever runs it",
            mend=f"if you trust its code: {reference_of(trained.model, folder)}",
            file=str(folder / DESCRIPTION),
        )
    if model and trained.model != model:
        raise BadParameter(f"weights of {trained.model}", expected=f"those of {model}", file=str(folder / DESCRIPTION))
    return Subject(
        trained.name,
        trained.model,
        trained.options,
        str(folder / WEIGHTS),
        trained.resize,
        f"sha256:{trained.weights}",
        f"{trained.dataset}, {trained.split}",
        trained.categories,
    )


def _of_card(model: str, options: dict[str, Any], weights: str) -> Subject:
    card = find_card(model)
    whole = [name for name, named in card.weights.items() if not named.partial]
    if not weights and len(whole) == 1:
        (weights,) = whole
    if not weights:
        known = " or ".join(f"{model}@{name}" for name in whole) or "the folder of a training"
        raise BadParameter(f"model {model} without weights", expected=f"{model}@FILE, or {known}")
    if weights in card.weights:
        identity = f"torchvision:{card.weights[weights].torchvision}"
    else:
        try:
            identity = f"sha256:{hashlib.sha256(Path(weights).read_bytes()).hexdigest()}"
        except OSError as error:
            known = ", ".join(card.weights) or "none by name"
            found = f"no weights {weights!r}: {error.strerror}"
            raise UnknownName(found, expected=f"weights of {model} ({known}), or a file") from None
    return Subject(card.name, model, options, weights, (), identity)


def _options(text: str, whole: str) -> dict[str, Any]:
    try:
        return dict(tomllib.loads(f"options = {{{text}}}")["options"])
    except tomllib.TOMLDecodeError:
        raise BadParameter(
            f"model {whole!r}", expected="options as in TOML: unet_half(width=0.25,norm=true)@FILE"
        ) from None


def _renamed(subject: Subject, name: str) -> Subject:
    return Subject(**{**vars(subject), "name": name})
