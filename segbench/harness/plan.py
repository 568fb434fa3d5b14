"""Which models run over which data sets, where what they say is kept, and what of it is there already."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segbench.atomic import write_text
from segbench.codec import pretty_json
from segbench.errors import BadParameter, OutputProblem
from segbench.frozen import dataclass
from segbench.harness.subjects import Subject
from segbench.harness.views import Views
from segbench.protocols.load import load_protocol
from segbench.protocols.protocol import Protocol

#: Files in the folder of a job.
IDENTITY, PREDICTIONS, RECORD, RESULT = "job.json", "predictions", "run.json", "result.json"


@dataclass(frozen=True)
class Job:
    """One model, or one ensemble, on one split.

    Parameters
    ----------
    name : str
        What the model is called.
    subjects : tuple of Subject
        One, or several whose probabilities are averaged.
    dataset : str
        The data set as it was named: a name, an alias, or the path of a TOML.
    protocol : Protocol
        Its protocol.
    split : str
        The split.
    data_root : Path, optional
        Where the data set lies.
    views : Views
        What each model sees of an image.
    device, precision : str
        Kind of device, and the precision of the forward pass.
    folder : Path
        Where predictions, records and results of this job are.
    """

    name: str
    subjects: tuple[Subject, ...]
    dataset: str
    protocol: Protocol
    split: str
    data_root: Path | None
    views: Views
    device: str
    precision: str
    folder: Path

    @property
    def title(self) -> str:
        """What the job is called in messages."""
        return f"{self.name} on {self.protocol.name}, {self.split}"

    def identity(self, fitted_on: str) -> dict[str, Any]:
        """Return what its predictions depend on, but for the images; rules are `fitted_on` others, by a digest."""
        models = [
            {
                "model": subject.model,
                "options": dict(subject.options),
                "weights": subject.identity,
                "resize": list(subject.resize),
            }
            for subject in self.subjects
        ]
        return {
            "models": models,
            "dataset": self.protocol.identity,
            "split": self.split,
            "views": str(self.views),
            "device": self.device,
            "precision": self.precision,
            "fitted_on": fitted_on,
        }

    def check(self, fitted_on: str) -> bool:
        """See that the folder is of no other job.

        Parameters
        ----------
        fitted_on : str
            The digest of the images that a rule is fitted on.

        Returns
        -------
        bool
            Whether it is of this very job already; else there is no such folder yet.

        Raises
        ------
        BadParameter
            When predictions of another model, or made in another way, are there.
        OutputProblem
            When it cannot be read.
        """
        path = self.folder / IDENTITY
        try:
            there = json.loads(path.read_text("utf-8")) if path.exists() else None
        except OSError as error:
            raise OutputProblem(f"cannot be read: {error.strerror}", file=str(path)) from None
        except (ValueError, RecursionError):
            there = {}
        mine = json.loads(json.dumps(self.identity(fitted_on)))
        if there is not None and there != mine:
            raise BadParameter(
                f"predictions of another run, which differs in {', '.join(_differing(there, mine))}",
                expected=self.title,
                mend="choose another folder with -o, or remove this one",
                file=str(self.folder),
            )
        return there is not None

    def claim(self, fitted_on: str) -> None:
        """Make the folder, or see that it is of this very job, as `check` does.

        Parameters
        ----------
        fitted_on : str
            The digest of the images that a rule is fitted on.

        Raises
        ------
        BadParameter
            When predictions of another model, or made in another way, are there.
        OutputProblem
            When the folder cannot be made.
        """
        try:
            (self.folder / PREDICTIONS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            mend = "choose another folder with -o"
            raise OutputProblem(f"cannot be made: {error.strerror}", mend=mend, file=str(self.folder)) from None
        if not self.check(fitted_on):
            write_text(self.folder / IDENTITY, pretty_json(self.identity(fitted_on)))


def _differing(there: Any, mine: Mapping[str, Any]) -> list[str]:
    if not isinstance(there, dict):
        return ["everything"]
    return [key for key in mine if there.get(key) != mine[key]] or ["its form"]


def jobs_of(
    subjects: Sequence[Subject],
    datasets: Sequence[str],
    output: Path,
    *,
    split: str | None = None,
    data_roots: Mapping[str, Path] | None = None,
    views: Views | None = None,
    device: str = "cpu",
    precision: str = "float32",
    ensemble: str = "",
) -> list[Job]:
    """Plan which model runs over which data set.

    Parameters
    ----------
    subjects : sequence of Subject
        The models.
    datasets : sequence of str
        Data sets by name, or paths of protocols in TOML.
    output : Path
        Folder for all of it: ``OUTPUT/DATASET-SPLIT/MODEL/``.
    split : str, optional
        The split of each data set, else its default.
    data_roots : mapping of str to Path, optional
        Where data sets lie, by the names that are used here.
    views : Views, optional
        What each model sees of an image; by default the image as it is.
    device, precision : str
        Kind of device, and the precision of the forward pass.
    ensemble : str
        Name of what all models together are; empty where each runs on its own.

    Returns
    -------
    list of Job
        Model by model, so that each is loaded as seldom as can be.

    Raises
    ------
    UnknownName
        For a data set or split that there is not.
    BadParameter
        For an ensemble of what has no probabilities, or names that are no names of folders.
    """
    if ensemble and any(subject.is_rule for subject in subjects):
        raise BadParameter("--ensemble of a classical rule, which has no probabilities", expected="models")
    groups = [(ensemble, tuple(subjects))] if ensemble else [(subject.name, (subject,)) for subject in subjects]
    protocols = [(dataset, load_protocol(dataset)) for dataset in datasets]
    if len({protocol.name for _, protocol in protocols}) != len(protocols):
        raise BadParameter(f"--dataset {','.join(datasets)}", expected="each data set once")
    jobs = []
    for name, group in groups:
        if not re.fullmatch(r"[A-Za-z0-9][\w.+-]*", name):
            raise BadParameter(f"a model named {name!r}", expected="letters, digits and . + - _")
        for dataset, protocol in protocols:
            wanted = _split(protocol, split)
            folder = output / f"{protocol.name}-{wanted}" / name
            root = (data_roots or {}).get(dataset)
            seen = views or Views()
            jobs.append(Job(name, group, dataset, protocol, wanted, root, seen, device, precision, folder))
    return jobs


def _split(protocol: Protocol, split: str | None) -> str:
    """Return the split meant: one with truth, or the one whose truth only a server has."""
    if split is not None and protocol.pack is not None and split == protocol.pack.split:
        return split
    return protocol.check_split(split)
