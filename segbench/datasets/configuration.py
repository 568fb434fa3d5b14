"""Settings from a file: ``segbench.toml``, or the table ``[tool.segbench]`` of ``pyproject.toml``.

The nearest folder, from the current one upwards, that has either is taken. Keys: `data` (a folder as in the environment
variable SEGBENCH_DATA), the table `data_roots` (folder of single data sets by name), and the table `options` (defaults
of options of the command line, as ``workers = 2``).
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import field
from pathlib import Path
from typing import Any

from segbench.codec import read_table
from segbench.errors import BadParameter
from segbench.frozen import dataclass


@dataclass(frozen=True)
class Configuration:
    """What a settings file says.

    Parameters
    ----------
    data : str
        Folder that holds data sets by name.
    data_roots : dict of str to str
        Folder of single data sets.
    options : dict of str to object
        Defaults of command line options.
    file : str
        Where it was read, empty when there is none.
    """

    data: str = ""
    data_roots: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    file: str = ""


def read_configuration(start: Path | None = None) -> Configuration:
    """Read the settings that hold in a folder.

    Parameters
    ----------
    start : Path, optional
        The folder, else the current one.

    Returns
    -------
    Configuration
        The settings of the nearest file, else the defaults.

    Raises
    ------
    BadParameter
        When the file is no TOML, or a key is unknown or of another type; names file, table and key.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        own, project = folder / "segbench.toml", folder / "pyproject.toml"
        if own.is_file():
            return _read(own, ())
        if project.is_file() and b"[tool.segbench" in project.read_bytes():
            return _read(project, ("tool", "segbench"))
    return Configuration()


def data_places(names: tuple[str, ...]) -> list[Path]:
    """Return the folders in which a data set is sought that was not named on the command line, first to last.

    Parameters
    ----------
    names : tuple of str
        Name and aliases of the data set.

    Returns
    -------
    list of Path
        Below SEGBENCH_DATA, then what the settings file says.
    """
    places = [Path(home) / name for name in names if (home := os.environ.get("SEGBENCH_DATA"))]
    settings = read_configuration()
    base = Path(settings.file).parent
    places += [base / settings.data_roots[name] for name in names if name in settings.data_roots]
    return places + [base / settings.data / name for name in names if settings.data]


def _read(path: Path, tables: tuple[str, ...]) -> Configuration:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadParameter(f"no TOML: {error}", expected="a settings file", file=str(path)) from None
    for table in tables:
        data = data.get(table, {})
    return read_table({**data, "file": str(path)}, Configuration, file=str(path))
