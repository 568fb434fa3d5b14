"""What tests of several folders share: the embedded data set, real data, and the command line."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from segbench.cli.main import _run
from segbench.datasets import shapes

CHECKOUT = Path(__file__).parent.parent

# How long an example takes says how busy the machine is, and nothing of segbench.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shapes_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded data set in its layout."""
    root = tmp_path_factory.mktemp("shapes")
    shapes.write(root)
    return root


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, which is no part of the repository."""
    if not (folder := os.environ.get("SEGBENCH_TEST_DATA")):
        pytest.skip("SEGBENCH_TEST_DATA does not name the folder of real data")
    return Path(folder)


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str
    #: Largest resident memory and time of the processor, of a process of its own only.
    peak_kib: int = 0
    cpu_seconds: float = 0.0

    @property
    def record(self) -> Any:
        """The JSON on standard output."""
        return json.loads(self.out)

    @property
    def scores(self) -> dict[str, Any]:
        return self.record["scores"]

    @property
    def codes(self) -> list[str]:
        """The codes of a refusal, in order."""
        return [error["code"] for error in self.record["errors"]]


@dataclass(frozen=True)
class CommandLine:
    """Runs `segbench` with arguments, in this process or in one of its own."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *args: object) -> Outcome:
        self.capsys.readouterr()
        code = _run([str(arg) for arg in args])
        out, err = self.capsys.readouterr()
        return Outcome(code, out, err)

    def process(
        self, *args: object, env: Mapping[str, str] | None = None, seconds: float = 120, **options: Any
    ) -> Outcome:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = start(*args, env=env, stdout=out, stderr=err, **options)
            usage, peak = _wait(process, seconds)
            out.seek(0)
            err.seek(0)
            cpu_seconds = usage.ru_utime + usage.ru_stime
            return Outcome(process.returncode, out.read().decode(), err.read().decode(), peak, cpu_seconds)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line."""
    return CommandLine(capsys)


def start(*args: object, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start ``python -m segbench`` of this checkout."""
    settings = {k: v for k, v in os.environ.items() if k not in ("SEGBENCH_DATA", "NO_COLOR", "FORCE_COLOR")}
    settings |= {"PYTHONPATH": str(CHECKOUT), **(env or {})}
    return subprocess.Popen([sys.executable, "-m", "segbench", *map(str, args)], env=settings, **options)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> tuple[resource.struct_rusage, int]:
    """Wait for the end and return what was used, which only `wait4` tells of one child alone, and the peak in KiB."""
    end, peak = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        peak = max(peak, _peak_so_far(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage, peak or usage.ru_maxrss
        time.sleep(0.01)
    process.kill()
    process.wait()
    raise AssertionError(f"still running after {seconds} s: {process.args}")


def _peak_so_far(pid: int) -> int:
    """Return the largest resident memory of a running process in KiB, 0 where the system does not tell.

    Not `ru_maxrss`: a child inherits it from the process that forked it, which may be a large one.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(match[1]) if match else 0
