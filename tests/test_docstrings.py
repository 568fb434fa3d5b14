"""Docstrings are complete: parameters, what is returned, and which errors of segbench are raised.

The form is numpydoc's, read by a small parser. Constructors name all their parameters, and whatever raises an error of
segbench has a Raises section, everywhere. Beyond that there are two measures:

- *The library*, which strangers import (`LIBRARY` and the names of `segbench` itself): every parameter in a Parameters
  section, and Returns or Yields. One line is enough where it says "Return …" or "Yield …" and names every parameter.
- *The inside*: one line is enough; a docstring that says more says all.

Exempt, by category:

- properties, names with underscores, and commands (their help is their documentation);
- methods that override one of a base class, which documents them;
- constructors that a class inherits, and those of Enum and Protocol;
- ``other`` in one line of a method: the same kind of object as the method's own.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

import segbench
from segbench import errors

#: What strangers import; the rest of the package is its inside.
LIBRARY = (
    "segbench.compat",
    "segbench.encoding",
    "segbench.errors",
    "segbench.kernels",
    "segbench.labels",
    "segbench.metrics",
    "segbench.result",
    "segbench.samples",
)
#: In those, what only their neighbours import: checks that kernels share, and twins documented by their kernel.
INSIDE = ("segbench.kernels.arrays", "segbench.kernels.segments", "segbench.kernels.reference")


def modules() -> Iterator[str]:
    yield "segbench"
    for info in pkgutil.walk_packages(segbench.__path__, "segbench."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield info.name


# What a docstring holds.

_HEADER = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Docstring:
    summary: str
    sections: dict[str, str]

    @classmethod
    def of(cls, documented: Any) -> Docstring:
        text = inspect.cleandoc(documented.__doc__ or "")
        summary, *rest = _HEADER.split(text)
        return cls(summary.strip(), dict(zip(rest[::2], rest[1::2], strict=True)))

    @property
    def one_line(self) -> bool:
        return bool(self.summary) and "\n" not in self.summary and not self.sections

    def names(self, section: str) -> set[str]:
        """Return what a section has entries for: ``a, b : type`` names a and b."""
        heads = [line for line in self.sections.get(section, "").splitlines() if line[:1].strip()]
        return {name.strip(" *`") for head in heads for name in head.partition(" : ")[0].split(",")}


# What a function does.


@dataclasses.dataclass(frozen=True)
class Doings:
    returns: bool
    yields: bool
    raised: frozenset[str]


class _Reader(ast.NodeVisitor):
    """Collects what the body of one function does, not what the functions in it do."""

    def __init__(self) -> None:
        self.returns, self.yields, self.raised = False, False, set[str]()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        pass

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_Return(self, node: ast.Return) -> None:
        self.returns |= node.value is not None and not (
            isinstance(node.value, ast.Constant) and node.value.value is None
        )
        self.generic_visit(node)

    def visit_Yield(self, node: ast.Yield) -> None:
        self.yields = True

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self.yields = True

    def visit_Raise(self, node: ast.Raise) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = raised.attr if isinstance(raised, ast.Attribute) else getattr(raised, "id", "")
        if isinstance(found := getattr(errors, name, None), type) and issubclass(found, errors.SegbenchError):
            self.raised.add(name)


@cache
def doings(function: Callable[..., Any]) -> Doings:
    reader = _Reader()
    for statement in ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body:  # type: ignore[attr-defined]
        reader.visit(statement)
    return Doings(reader.returns, reader.yields, frozenset(reader.raised))


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


# The rules.


def gaps_of_function(function: Callable[..., Any], *, of_library: bool) -> Iterator[str]:
    doc, does = Docstring.of(function), doings(function)
    if not doc.summary:
        yield "no docstring"
        return
    if of_library or not doc.one_line:
        yield from gaps_of_signature(function, doc, does)
    if does.raised and "Raises" not in doc.sections:
        yield f"Raises {', '.join(sorted(does.raised))}"


def gaps_of_signature(function: Callable[..., Any], doc: Docstring, does: Doings) -> Iterator[str]:
    documented = doc.names("Parameters") | doc.names("Other Parameters")
    if doc.one_line:
        documented |= {*re.findall(r"\w+", doc.summary), "other"}
    yield from (f"parameter {name}" for name in parameters(function) if name not in documented)
    said = doc.summary.split()[0] if doc.one_line else ""
    if does.returns and said != "Return" and "Returns" not in doc.sections:
        yield "Returns"
    if does.yields and said != "Yield" and not doc.sections.keys() & {"Yields", "Returns"}:
        yield "Yields"


def gaps_of_generated(function: Callable[..., Any]) -> Iterator[str]:
    doc = Docstring.of(function)
    yield from (f"parameter {name}" for name in parameters(function) if name not in doc.names("Parameters"))
    yield from (name for name in ("Returns", "Raises", "Notes", "Examples") if name not in doc.sections)


def gaps_of_constructor(cls: type) -> Iterator[str]:
    doc = Docstring.of(cls)
    if not doc.summary:
        yield "no docstring"
        return
    yield from (f"parameter {name}" for name in constructed_with(cls) if name not in doc.names("Parameters"))


def constructed_with(cls: type) -> list[str]:
    """Return the parameters of the constructor that the class itself defines."""
    if issubclass(cls, enum.Enum) or getattr(cls, "_is_protocol", False):
        return []
    if dataclasses.is_dataclass(cls):
        own = vars(cls).get("__annotations__", {})
        return [f.name for f in dataclasses.fields(cls) if f.init and f.name in own]
    return parameters(cls.__init__) if "__init__" in vars(cls) else []


def overrides(cls: type, name: str) -> bool:
    """Whether a base class has the method, and so documents it."""
    return any(name in vars(base) for base in cls.__mro__[1:])


def public_functions(name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for key, value in public_names(name):
        if inspect.isfunction(value):
            yield f"{name}:{key}", inspect.unwrap(value)
        elif inspect.isclass(value):
            for attribute, member in vars(value).items():
                function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
                if inspect.isfunction(function) and not attribute.startswith("_") and not overrides(value, attribute):
                    yield f"{name}:{key}.{attribute}", inspect.unwrap(function)


def public_names(name: str) -> Iterator[tuple[str, Any]]:
    for key, value in vars(importlib.import_module(name)).items():
        if not key.startswith("_") and getattr(value, "__module__", None) == name:
            yield key, value


def of_library(path: str) -> bool:
    module, _, names = path.partition(":")
    inside = module.startswith(INSIDE) or not module.startswith(LIBRARY)
    return not inside or names.split(".")[0] in segbench.__all__


def gaps_in(name: str) -> Iterator[str]:
    for path, function in public_functions(name):
        if "<locals>" in function.__code__.co_qualname:
            gaps = gaps_of_generated(function)
        else:
            gaps = gaps_of_function(function, of_library=of_library(path))
        yield from (f"{path}: {gap}" for gap in gaps)
    for key, cls in public_names(name):
        if inspect.isclass(cls):
            yield from (f"{name}:{key}: {gap}" for gap in gaps_of_constructor(cls))


@pytest.mark.parametrize("name", list(modules()))
def test_docstrings_are_complete(name: str) -> None:
    gaps = list(gaps_in(name))
    assert not gaps, "\n" + "\n".join(gaps)


def test_the_names_of_the_package_are_measured_as_library() -> None:
    assert of_library("segbench.scoring.score:score") and not of_library("segbench.scoring.score:judge")
    assert of_library("segbench.metrics.base:Running.update")


# The parser, on docstrings with every gap.


def whole(a: int, *, b: int = 0) -> int:
    """Return something.

    Parameters
    ----------
    a, b : int
        Numbers.

    Returns
    -------
    int
        A number.

    Raises
    ------
    BadParameter
        When a is zero.
    """
    if not a:
        raise errors.BadParameter("a is 0")
    return a + b


def short(a: int) -> int:
    """Return `a` and one."""
    return a + 1


def full_of_gaps(a: int, *rest: int) -> Iterator[int]:
    """Give something.

    Parameters
    ----------
    b : int
        No longer there.
    """
    if not a:
        raise errors.BadParameter("a is 0")

    def inner() -> int:
        return 1

    yield inner()


def test_the_parser_sees_every_gap() -> None:
    assert not list(gaps_of_function(whole, of_library=True)) and not list(gaps_of_function(short, of_library=True))
    assert set(gaps_of_function(full_of_gaps, of_library=False)) == {
        "parameter a",
        "parameter rest",
        "Yields",
        "Raises BadParameter",
    }
