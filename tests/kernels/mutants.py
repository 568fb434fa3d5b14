"""Kernels compiled anew from their sources, with a fault put in on purpose or as they are."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from Cython.Build import cythonize
from setuptools import Distribution, Extension

FOLDER = Path(__file__).parents[2] / "src_ext"


def mutant(sources: Sequence[str], folder: Path, right: str, wrong: str) -> ModuleType:
    """Compile a kernel with a fault.

    Parameters
    ----------
    sources : sequence of str
        Names of the .pyx and of the files it includes.
    folder : Path
        An empty folder to work in.
    right, wrong : str
        A text that stands in one place of one of the sources, and what is put there instead.
    """
    texts = _texts(sources)
    count = sum(text.count(right) for text in texts.values())
    assert count == 1, f"{right!r} is {count} places in {', '.join(sources)}"
    return _compiled({name: text.replace(right, wrong) for name, text in texts.items()}, folder)


def unchanged(sources: Sequence[str], folder: Path) -> ModuleType:
    """Compile a kernel as it is, in the way of `mutant`."""
    return _compiled(_texts(sources), folder)


def _texts(sources: Sequence[str]) -> dict[str, str]:
    return {name: (FOLDER / name).read_text(encoding="utf-8") for name in sources}


def _compiled(texts: Mapping[str, str], folder: Path) -> ModuleType:
    """Compile without optimization and with bounds checks, and load."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (source,) = (folder / name for name in texts if name.endswith(".pyx"))
    extension = Extension(
        source.stem,
        [str(source)],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        include_dirs=[str(folder)],
        extra_compile_args=["-O0", "-g0", "-w"],
        py_limited_api=True,
    )
    directives = {"language_level": 3, "boundscheck": True, "wraparound": False, "cdivision": True}
    built = cythonize([extension], compiler_directives=directives, quiet=True)
    command = Distribution({"ext_modules": built}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder), str(folder)
    command.ensure_finalized()
    command.run()
    return _loaded(source.stem, Path(command.get_ext_fullpath(source.stem)))


def _loaded(name: str, library: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
