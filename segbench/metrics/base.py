"""The three words that carry every measure: a tally counts, a state holds, a metric judges.

A `Tally` turns samples into a `State`; a `Metric` turns a state into a `Score`. Metrics that need the same tally share
one count. `Running` is both together, for use inside a program.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from segbench.errors import BadParameter, Refusal, SegbenchError, did_you_mean
from segbench.labels import LabelSpace
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

#: What a tally records of one image; plain JSON values from which the image's share of the state is rebuilt.
Content: TypeAlias = dict[str, Any]

_PLAIN = re.compile(r"[A-Za-z0-9_.+-]+")


class Tally(ABC):
    """How samples become a state."""

    @abstractmethod
    def start(self) -> State:
        """Return the state of nothing counted."""

    @abstractmethod
    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state` and return what is recorded of it; a faulty sample is not counted."""

    def count_into(self, state: State, samples: Iterable[Sample]) -> list[Content]:
        """Count a chunk of samples into a state.

        Parameters
        ----------
        state : State
            Written to.
        samples : iterable of Sample
            The chunk; one sample is held at a time.

        Returns
        -------
        list of Content
            What is recorded of each sample, in order.

        Raises
        ------
        SegbenchError
            The fault of a sample, or a Refusal with those of several; a faulty sample is not counted.
        """
        faults: list[SegbenchError] = []
        contents: list[Content] = []
        for sample in samples:
            try:
                contents.append(self.count_one(state, sample))
            except SegbenchError as error:
                faults += error.faults
        if faults:
            raise faults[0] if len(faults) == 1 else Refusal(faults)
        return contents

    def is_empty(self, state: State) -> bool:
        """Return whether a `state` holds nothing to judge, though images were counted."""
        return False

    @abstractmethod
    def add_record(self, state: State, content: Content) -> None:
        """Count the recorded `content` of one image into a `state`: the same as counting the image."""


T = TypeVar("T", bound=Tally)


class Metric(ABC, Generic[T]):
    """A measure as a value: a frozen dataclass whose fields are its parameters.

    `str(metric)` lists the fields that differ from the class defaults and parses back; `metric.signature()` lists all.
    """

    name: ClassVar[str]
    #: Metrics of one family share a tally.
    family: ClassVar[str]
    #: What the number is, in one sentence, and its formula.
    formula: ClassVar[str]
    unit: ClassVar[str] = "fraction"
    higher_is_better: ClassVar[bool] = True
    #: Fields without which the name says too little: they are written even where they have their default.
    always_shown: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def tally(cls, metrics: Sequence[Self], space: LabelSpace) -> T:
        """Return the one tally that serves several `metrics` of this family on a `space`."""

    @abstractmethod
    def compute(self, state: State, space: LabelSpace) -> Score:
        """Return the score that a `state` counted on a `space` comes to."""

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Return what a reader of the score of a `state` on a `space` should know."""
        return []

    def where_defined(self) -> Self | None:
        """Return the same metric with absent classes left out; None for one without such a rule."""
        return None

    def undefined_classes(self, state: State, space: LabelSpace) -> list[str]:
        """Return the names of the parts of a `space` that make a `state` undefined."""
        return []

    def __post_init__(self) -> None:
        for name, kind in _field_kinds(type(self)).items():
            _check(self.name, name, kind, getattr(self, name))

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Return the names of the parameters, sorted."""
        return tuple(sorted(_field_kinds(cls)))

    def __str__(self) -> str:
        return self.name + _arguments(self.differences(type(self)()))

    def short(self) -> str:
        """Return the name, with those fields without which it says too little."""
        return self.name + _arguments({name: getattr(self, name) for name in sorted(self.always_shown)})

    def differences(self, other: Metric[Any]) -> dict[str, Any]:
        """Return the fields in which this metric differs from another, and those always shown, sorted by name."""
        pairs = ((name, getattr(self, name)) for name in self.field_names())
        return {name: v for name, v in pairs if v != getattr(other, name) or name in self.always_shown}

    def key(self, instance: Metric[Any]) -> str:
        """Return the score key: the name and what differs from the protocol's own instance."""
        return self.name + _arguments(self.differences(instance))

    def signature(self) -> str:
        """Return the metric with all its fields, sorted."""
        return self.name + _arguments({name: getattr(self, name) for name in self.field_names()})


def mean(values: Iterable[float | None]) -> float | None:
    """Return the exactly summed mean of the values that are not None; None of nothing, NaN when one is NaN."""
    listed = [value for value in values if value is not None]
    return math.fsum(listed) / len(listed) if listed else None


def or_nan(value: float | None) -> float:
    """Return the `value` for a score: what is left out is undefined there."""
    return math.nan if value is None else value


def parse_arguments(cls: type[Metric[Any]], text: str) -> dict[str, Any]:
    """Read ``k=v,k=v`` as fields of a metric class.

    Parameters
    ----------
    cls : type of Metric
        The class whose fields are meant.
    text : str
        What stands between the parentheses.

    Returns
    -------
    dict
        Field values by name.

    Raises
    ------
    BadParameter
        For a field the class has not, given twice, or with a value of another kind.
    """
    kinds = _field_kinds(cls)
    values: dict[str, Any] = {}
    for argument in _split(text):
        name, equals, value = argument.partition("=")
        name = name.strip()
        if not equals or name not in kinds:
            raise BadParameter(
                f"{cls.name} has no parameter {name!r}",
                expected=", ".join(kinds) or "no parameters",
                mend=did_you_mean(name, kinds),
            )
        if name in values:
            raise BadParameter(f"{cls.name}: {name} given twice", expected="each parameter once")
        values[name] = _read(cls.name, name, kinds[name], value.strip())
    return values


@cache
def _field_kinds(cls: type[Metric[Any]]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}  # type: ignore[arg-type]


def _arguments(values: dict[str, Any]) -> str:
    return f"({','.join(f'{name}={_write(value)}' for name, value in values.items())})" if values else ""


def _write(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{','.join(_write(v) for v in value)}]"
    # 4 and 4.0 are one number, and written as one.
    text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _split(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts: list[str] = []
    depth, quoted, start, i = 0, False, 0, 0
    while i < len(text):
        if quoted and text[i] == "\\":
            i += 1
        elif text[i] == "'":
            quoted = not quoted
        elif not quoted:
            depth += (text[i] == "[") - (text[i] == "]")
            if text[i] == "," and depth == 0:
                parts.append(text[start:i])
                start = i + 1
        i += 1
    parts.append(text[start:])
    if quoted or depth or (len(parts) > 1 and not all(part.strip() for part in parts)):
        raise BadParameter(f"parameters {text!r}", expected="field=value,…, with brackets and quotes closed")
    return parts if text.strip() else []


def _read(metric: str, name: str, kind: Any, text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return tuple(_unquote(item.strip()) for item in _split(text[1:-1]))
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise BadParameter(f"{metric}: {name}={text}", expected=f"a number ({kind.__name__})") from None
    return _unquote(text)


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _check(metric: str, name: str, kind: Any, value: Any) -> None:
    """Refuse a field value of another kind: metrics are built from strings that people write."""
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        if value not in get_args(kind):
            mend = did_you_mean(str(value), choices)
            raise BadParameter(f"{metric}: {name}={value}", expected=" | ".join(choices), mend=mend)
    elif kind in (int, float):
        if isinstance(value, bool) or not isinstance(value, int | kind) or not math.isfinite(value):
            raise BadParameter(f"{metric}: {name}={value}", expected=f"a finite number ({kind.__name__})")
    elif not isinstance(value, str) and not _is_names(value):
        raise BadParameter(f"{metric}: {name}={value!r}", expected="a name or a list of names")


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(isinstance(item, str) for item in value)
