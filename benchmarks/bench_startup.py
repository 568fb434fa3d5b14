"""Whole processes: what the command line costs beside the work. CPU time of processes that are started for it.

The peer is what segbench cannot do without: importing the packages it stands on, and scoring in a process that runs.
So a floor below 1 says how much of its own it may add. The limit is an interpreter that does nothing. All processes
keep compiled modules, in a folder of their own, whatever the environment says: pip compiles what it installs, and
nothing would compile a checkout where Python may not write into it.

Run with ``python -m benchmarks startup``.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench_folder import score
from benchmarks.folders import Folders, voc_folders
from benchmarks.race import Row, as_table, race

#: `--help` takes at most twice the import of click; a run at most 1.3 times its imports and its work.
HELP, RUN = 0.5, 0.77
#: What ``segbench score`` imports from others.
IMPORTS = "import click, deflate, msgspec, numpy"
#: Nothing here comes from a package that may be absent.
PACKAGES: dict[str, str] = {}


def rows(quick: bool = False) -> list[Row]:
    """Race ``--help`` and ``score`` against the least they need."""
    with TemporaryDirectory() as folder:
        work = voc_folders(Path(folder) / "voc", 20 if quick else 101)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        python = partial(_python, environment | {"PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")})
        run = python(*_command(work))
        _check(work, run)
        runners = [
            python("-c", "pass"),
            python("-m", "segbench", "--help"),
            python("-c", "import click"),
            run,
            _in_process(work, python("-c", IMPORTS)),
        ]
        limit, usage, click, whole, parts = race(runners, 1 if quick else 15, clock=_cpu_ns)
    return [
        Row("segbench --help, whole process", usage, "import click", click, HELP, None, limit),
        Row(f"segbench {work.name}, whole process", whole, "imports + work in process", parts, RUN, None, limit),
    ]


def _python(environment: Mapping[str, str], *arguments: str) -> Callable[[], str]:
    def run() -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    return run


def _command(work: Folders) -> list[str]:
    where = [str(work.predictions), "--dataset", work.dataset, "--truth", str(work.truth)]
    return ["-m", "segbench", "score", *where, "--workers", "1", "--quiet"]


def _in_process(work: Folders, imports: Callable[[], str]) -> Callable[[], None]:
    def run() -> None:
        imports()
        score(work)

    return run


def _check(work: Folders, run: Callable[[], str]) -> None:
    """The process prints the score that is found in process."""
    key = "pixel_accuracy"
    expected = f"{100 * float(score(work).scores[key]):.2f} %"
    if not any(key in line and line.endswith(expected) for line in run().splitlines()):
        raise AssertionError(f"the process does not print {key} {expected}")


def _cpu_ns() -> int:
    """CPU time of this process and of all its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int((children.ru_utime + children.ru_stime) * 1e9)


if __name__ == "__main__":
    print(as_table(rows()))
