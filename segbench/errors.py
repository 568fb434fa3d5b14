"""Every error segbench raises, and the exit code the command line gives it.

::

    SegbenchError                70  (a bare one is a bug)
    ├─ UsageError                 2  UnknownName, BadParameter
    ├─ SubmissionError            3  MissingPrediction, DuplicatePrediction, UnclaimedFile, UnreadableImage,
    │                                ShapeMismatch, StrayLabel, VoidPrediction, BadJson, UnsafeArchive, BadLogits
    ├─ DatasetError               4  truth missing, damaged or changed; nothing to count
    ├─ ResourceError              5  a limit of size, time or memory
    ├─ EnvironmentProblem         6  MissingPackage, KernelsNotBuilt, OutputProblem
    ├─ RunIncomplete              7  a worker died; the work can be done again
    └─ Refusal               3 or 4  several faults found in one pass

An error carries its subject (file, what was found, what was expected, how to mend it), so that the command line,
JSON and tests read the same fields.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, ClassVar

from segbench.late import late

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return `text` with control, direction and surrogate characters escaped: names come from strangers."""
    return _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 pixel``, ``2 pixels``."""
    return f"{number} {noun}{'s'[: number != 1]}"


class SegbenchError(Exception):
    """One problem, with the file it is about and the way to mend it.

    Parameters
    ----------
    found : str
        What was found, as a clause.
    expected : str, optional
        What was expected instead.
    mend : str, optional
        What the reader can do about it.
    file : str, optional
        The file or folder concerned, as the user knows it.
    pixel : sequence of int, optional
        First pixel concerned, (row, column), or (slice, row, column) of a volume.
    count : int
        How many pixels or files show the problem.
    """

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        found: str,
        *,
        expected: str = "",
        mend: str = "",
        file: str | None = None,
        pixel: Sequence[int] | None = None,
        count: int = 1,
    ) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.mend = mend
        self.file = file
        self.pixel = None if pixel is None else tuple(int(i) for i in pixel)
        self.count = count

    @property
    def code(self) -> str:
        """The class name in kebab case: ``stray-label``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def exit(self) -> int:
        """The exit code of a command that ends with this error."""
        return self.exit_code

    @property
    def faults(self) -> tuple[SegbenchError, ...]:
        """The single problems behind this error: itself, unless it gathers several."""
        return (self,)

    def about(self, file: str) -> SegbenchError:
        """Return the error, which takes `file` as the one it is about unless it knows already."""
        if self.file is None:
            self.file = file
        return self

    def as_record(self) -> dict[str, Any]:
        """Return the fields of a refusal as JSON shows them."""
        return {
            "code": self.code,
            "file": self.file,
            "found": self.found,
            "expected": self.expected,
            "mend": self.mend,
            "pixel": None if self.pixel is None else list(self.pixel),
            "count": self.count,
        }

    def __str__(self) -> str:
        parts = [self.found]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.mend:
            parts.append(self.mend)
        text = "; ".join(parts)
        return printable(text if self.file is None else f"{self.file}: {text}")

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not survive the default pickling, and errors cross process borders.
        return _rebuild, (type(self), self.found, self.expected, self.mend, self.file, self.pixel, self.count)


def _rebuild(
    kind: type[SegbenchError],
    found: str,
    expected: str,
    mend: str,
    file: str | None,
    pixel: tuple[int, ...] | None,
    count: int,
) -> SegbenchError:
    return kind(found, expected=expected, mend=mend, file=file, pixel=pixel, count=count)


class UsageError(SegbenchError):
    """The call is wrong: an unknown name, a bad option or parameter."""

    exit_code = 2


class UnknownName(UsageError):
    """A data set, metric, split or class that does not exist."""


class BadParameter(UsageError):
    """A parameter with a value it cannot take."""


class SubmissionError(SegbenchError):
    """The submission is refused; its author must act."""

    exit_code = 3


class MissingPrediction(SubmissionError):
    """An image of the split has no prediction."""


class DuplicatePrediction(SubmissionError):
    """Two files claim the same image."""


class UnclaimedFile(SubmissionError):
    """A file that belongs to no image of the split (a fault only when warnings are faults)."""


class UnreadableImage(SubmissionError):
    """A file that is no label map: damaged, of another format, or of a kind that holds no labels."""


class ShapeMismatch(SubmissionError):
    """Prediction and truth differ in size."""


class GeometryMismatch(SubmissionError):
    """The voxels of prediction and truth do not lie at the same places."""


class StrayLabel(SubmissionError):
    """A value that is no id of the label space."""


class VoidPrediction(SubmissionError):
    """A void value in a prediction whose protocol forbids it."""


class BadJson(SubmissionError):
    """A file that is no JSON, or whose JSON does not say what its format demands."""


class BadRle(SubmissionError):
    """Run lengths that are no mask of their image."""


class BadLogits(SubmissionError):
    """A model that answers with what is no logits: NaN, infinity, or something else altogether."""


class UnsafeArchive(SubmissionError):
    """An archive that is damaged, or that could harm whoever unpacks it."""


class DatasetError(SegbenchError):
    """The data set is missing, damaged or changed, or holds nothing to count."""

    exit_code = 4


class ResourceError(SegbenchError):
    """A limit of size, time or memory was hit."""

    exit_code = 5


class EnvironmentProblem(SegbenchError):
    """Something around segbench: a full disk, a missing package, a lock."""

    exit_code = 6


class MissingPackage(EnvironmentProblem):
    """An optional package is not installed."""


class KernelsNotBuilt(EnvironmentProblem):
    """The compiled extension is missing."""


class OutputProblem(EnvironmentProblem):
    """A result could not be written."""


class RunIncomplete(SegbenchError):
    """Some images were not counted because a worker died."""

    exit_code = 7


class Refusal(SegbenchError):
    """All faults found in one pass over a submission.

    A fault of the data set outweighs the others (exit code 4): no author can mend it.

    Parameters
    ----------
    faults : iterable of SegbenchError
        At least one.
    """

    def __init__(self, faults: Iterable[SegbenchError]) -> None:
        self._faults = tuple(faults)
        super().__init__(f"{len(self._faults)} faults", count=len(self._faults))

    @property
    def faults(self) -> tuple[SegbenchError, ...]:
        """The single problems, in the order they are reported."""
        return self._faults

    @property
    def exit(self) -> int:
        """4 when the data set is at fault, else 3."""
        return max(fault.exit_code for fault in self._faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self._faults)

    def __reduce__(self) -> tuple[Any, ...]:
        return Refusal, (self._faults,)


_close_matches = late("difflib:get_close_matches")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for a `name`, or an empty string where nothing `known` is near."""
    near = _close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def require(package: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say which extra installs it.

    Parameters
    ----------
    package : str
        Name of the module to import.
    extra : str
        The extra of segbench that brings it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingPackage
        When the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackage(
            f"the package {package!r} is not installed", mend=f"run: pip install 'segbench[{extra}]'"
        ) from error
