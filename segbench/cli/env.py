"""``segbench env``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform

import click

from segbench.cli import report
from segbench.cli.options import output_format
from segbench.errors import printable
from segbench.version import __version__

_PACKAGES = ("numpy", "pillow", "click", "msgspec", "tqdm")


@click.command(short_help="Print versions, kernels and settings.")
@output_format("table", "json")
def env(format_: str) -> int:
    """Print what scores are made with: versions, compiled kernels, processors, settings."""
    found = {
        "segbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "kernels": _kernels(),
        "cpus": str(os.cpu_count()),
        "SEGBENCH_DATA": os.environ.get("SEGBENCH_DATA", "not set"),
    }
    if format_ == "json":
        report.data(report.json_text(found))
    else:
        width = max(map(len, found))
        report.data("".join(f"{name:<{width}}  {printable(value)}\n" for name, value in found.items()))
    return 0


def _kernels() -> str:
    spec = importlib.util.find_spec("segbench.kernels._confusion")
    return os.path.basename(spec.origin) if spec and spec.origin else "not built: run `pip install .` in the checkout"
