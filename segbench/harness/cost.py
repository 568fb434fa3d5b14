"""What predictions cost: a line for each image in a file that grows, and what is made of all of them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from segbench.atomic import unwritable
from segbench.codec import canonical_json
from segbench.errors import OutputProblem
from segbench.harness.record import Cost

#: Beginning of the names of the files; each share of a split has its own.
_NAME = "timings"

#: What every line of an image tells, and of which kind what is told must be, lest a damaged line end a run.
_OF_IMAGE = {"key", "seconds", "warming", "batch"}
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "key": str,
    "seconds": (int, float),
    "warming": bool,
    "batch": int,
    "bytes": int,
    "parameters": (int, type(None)),
    "flops": (int, float, type(None)),
    "flops_of": list,
    "peak_memory": int,
    "memory_of": str,
}


class Ledger:
    """The file in which a process writes down what each image took; while it is open, no other process may open it.

    Parameters
    ----------
    folder : Path
        Folder of the job.
    share : (int, int)
        Which share of the split, from 1, of how many.
    """

    def __init__(self, folder: Path, share: tuple[int, int]) -> None:
        self._path = folder / f"{_NAME}-{share[0]}-of-{share[1]}.jsonl"
        self._file: IO[str] | None = None

    def __enter__(self) -> Ledger:
        try:
            self._file = open(self._path, "a", encoding="utf-8")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.__exit__()
            raise OutputProblem(
                "another run is at work on these images",
                expected="one at a time for each share of them",
                mend="wait for it, or choose another folder with -o",
                file=str(self._path.parent),
            ) from None
        except OSError as error:
            raise unwritable(self._path, error) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a line, which is on its way to the disk when this returns."""
        assert self._file is not None
        try:
            # What was cut off by an end without warning must not swallow this line too.
            self._file.write(f"\n{canonical_json(dict(row))}\n")
            self._file.flush()
        except OSError as error:
            raise unwritable(self._path, error) from None


def is_at_rest(folder: Path) -> bool:
    """Return whether nobody is predicting for the job of a folder."""
    for path in folder.glob(f"{_NAME}-*.jsonl"):
        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
    return True


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of all processes that have worked on a job; what was cut off is passed over."""
    rows = []
    for path in sorted(folder.glob(f"{_NAME}-*.jsonl")):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and all(isinstance(row[key], _KINDS.get(key, object)) for key in row):
                rows.append(row)
    return [row for row in rows if "key" not in row or row.keys() >= _OF_IMAGE]


def cost_of(folder: Path) -> Cost:
    """Return what a job has cost.

    Parameters
    ----------
    folder : Path
        Folder of the job.

    Returns
    -------
    Cost
        Of all images so far. Of an image that was predicted twice the later time counts.
    """
    rows = rows_of(folder)
    of_images = {row["key"]: row for row in rows if "key" in row}
    seconds = np.array(sorted(row["seconds"] for row in of_images.values() if not row["warming"]))
    counted = next((row for row in rows if row.get("flops")), {})
    peaks = [row for row in rows if "peak_memory" in row]
    largest = max(peaks, key=lambda row: row["peak_memory"], default={})
    known = [row["parameters"] for row in rows if row.get("parameters") is not None]
    return Cost(
        parameters=known[-1] if known else None,
        flops=counted.get("flops"),
        flops_of=tuple(counted.get("flops_of", ())),
        seconds_median=float(np.median(seconds)) if len(seconds) else None,
        seconds_p95=float(np.percentile(seconds, 95)) if len(seconds) else None,
        images_timed=len(seconds),
        images_warming=len(of_images) - len(seconds),
        peak_memory=largest.get("peak_memory"),
        memory_of=largest.get("memory_of", "process"),
    )


def sizes_of(folder: Path) -> dict[str, int]:
    """Return the bytes of each image of a job, as they were when it was predicted last."""
    return {row["key"]: row["bytes"] for row in rows_of(folder) if "key" in row and "bytes" in row}


def batch_of(folder: Path) -> int:
    """Return how many images of a job were predicted at a time: most of them, the last of a split left aside."""
    sizes = [row["batch"] for row in rows_of(folder) if "key" in row]
    return max(sizes, key=lambda size: (sizes.count(size), size), default=1)
