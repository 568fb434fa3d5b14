"""Docstrings are complete: parameters, what is returned, and which errors of segbench are raised.

The form is numpydoc's, read by a small parser. What is exempt, by category:

- properties, names with underscores, commands of the command line (their help is their documentation);
- a method that overrides one of a base class in segbench, as far as the base documents it;
- a constructor that a class inherits, and that of an Enum or Protocol;
- a one-line docstring is a Returns section where it says "Return …", and a Parameters section of a method where it
  names the parameter, or where the only parameter is ``other``, of the same class.
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
from types import ModuleType
from typing import Any

import pytest

import segbench
from segbench import errors

#: Modules that need what a plain installation lacks.
OPTIONAL: dict[str, str] = {}


def modules() -> Iterator[str]:
    yield "segbench"
    for info in pkgutil.walk_packages(segbench.__path__, "segbench."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield info.name


def load(name: str) -> ModuleType:
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name], reason=f"{name} needs {OPTIONAL[name]}")
    return importlib.import_module(name)


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
        self.returns |= node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None)
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


def gaps_of_function(function: Callable[..., Any], *, method: bool) -> Iterator[str]:
    doc, does = Docstring.of(function), doings(function)
    if not doc.summary:
        yield "no docstring"
        return
    documented = doc.names("Parameters") | doc.names("Other Parameters")
    if method and doc.one_line:
        documented |= set(re.findall(r"\w+", doc.summary)) | {"other"}
    yield from (f"parameter {name}" for name in parameters(function) if name not in documented)
    said = doc.one_line and doc.summary.startswith("Return")
    if does.returns and not said and "Returns" not in doc.sections:
        yield "Returns"
    if does.yields and not doc.sections.keys() & {"Yields", "Returns"} and not (doc.one_line and "Yield" in doc.summary):
        yield "Yields"
    if does.raised and "Raises" not in doc.sections:
        yield f"Raises {', '.join(sorted(does.raised))}"


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
    return parameters(cls.__init__) if "__init__" in vars(cls) else []  # type: ignore[misc]


def overrides(cls: type, name: str) -> bool:
    """Whether a base class in segbench has the method, and so documents it."""
    return any(name in vars(base) for base in cls.__mro__[1:] if base.__module__.startswith("segbench"))


def public_functions(name: str) -> Iterator[tuple[str, Callable[..., Any], bool]]:
    for key, value in public_names(name):
        if inspect.isfunction(value):
            yield f"{name}.{key}", value, False
        elif inspect.isclass(value):
            for attribute, member in vars(value).items():
                function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
                if inspect.isfunction(function) and not attribute.startswith("_") and not overrides(value, attribute):
                    yield f"{name}.{key}.{attribute}", function, True


def public_names(name: str) -> Iterator[tuple[str, Any]]:
    for key, value in vars(load(name)).items():
        if not key.startswith("_") and getattr(value, "__module__", None) == name:
            yield key, value


def generated(function: Callable[..., Any]) -> bool:
    """Whether the source is that of a function another function made."""
    return "<locals>" in function.__code__.co_qualname


@pytest.mark.parametrize("name", list(modules()))
def test_docstrings_are_complete(name: str) -> None:
    gaps = []
    for path, function, method in public_functions(name):
        if generated(function):
            documented = Docstring.of(function)
            gaps += [(path, p) for p in parameters(function) if p not in documented.names("Parameters")]
            gaps += [(path, s) for s in ("Returns", "Raises", "Notes", "Examples") if s not in documented.sections]
        else:
            gaps += [(path, gap) for gap in gaps_of_function(function, method=method)]
    for key, cls in public_names(name):
        if inspect.isclass(cls):
            gaps += [(f"{name}.{key}", gap) for gap in gaps_of_constructor(cls)]
    assert not gaps, "\n" + "\n".join(f"{path}: {gap}" for path, gap in gaps)
