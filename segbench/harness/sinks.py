"""Where predictions go: a file for each image as a stranger would submit it, or one file of detections."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segbench.atomic import unwritable, write_bytes
from segbench.codec import canonical_json
from segbench.datasets.pngwriter import encode_png
from segbench.harness.cost import is_at_rest
from segbench.harness.detections import write_results
from segbench.harness.plan import PREDICTIONS, Job


class Sink(Protocol):
    """What takes predictions, and knows which are there."""

    def done(self) -> set[str]:
        """Return the keys of the images that are predicted."""

    def write(self, key: str, answer: Any) -> None:
        """Keep the prediction of an image: whole, or not at all."""

    def close(self, keys: Sequence[str]) -> Path:
        """Return what is scored, once all images are predicted."""


class Maps:
    """A folder with a PNG for each image, in the layout that every data set of maps takes.

    Parameters
    ----------
    job : Job
        The job.
    """

    def __init__(self, job: Job) -> None:
        self._folder = job.folder / PREDICTIONS
        self._palette = palette(job) if job.protocol.kind == "labels" else b""

    def done(self) -> set[str]:
        """Return the keys of the images that are predicted."""
        found = self._folder.rglob("*.png")
        return {str(path.relative_to(self._folder).with_suffix("")) for path in found if path.name[0] != "."}

    def write(self, key: str, answer: NDArray[np.uint8]) -> None:
        """Write the map of an image: ids in a palette of their colours, or grey levels."""
        path = self._folder / f"{key}.png"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
        write_bytes(path, encode_png(np.ascontiguousarray(answer), self._palette))

    def close(self, keys: Sequence[str]) -> Path:
        """Return the folder, without what processes have left that were killed while they wrote."""
        for partial in self._folder.rglob(".*.png.*") if is_at_rest(self._folder.parent) else ():
            partial.unlink(missing_ok=True)
        return self._folder


class Detections:
    """A line for each image until all are there, then one file of results as COCO has them.

    Parameters
    ----------
    job : Job
        The job.
    share : (int, int)
        Which share of the split, from 1, of how many: each writes a file of its own.
    """

    def __init__(self, job: Job, share: tuple[int, int]) -> None:
        self._folder = job.folder
        self._own = job.folder / f"detections-{share[0]}-of-{share[1]}.jsonl"

    def done(self) -> set[str]:
        """Return the keys of the images that are predicted."""
        return set(self._rows())

    def _rows(self) -> dict[str, list[dict[str, Any]]]:
        rows: dict[str, list[dict[str, Any]]] = {}
        for path in sorted(self._folder.glob("detections-*.jsonl")):
            for line in path.read_text("utf-8", errors="replace").splitlines():
                try:
                    row = json.loads(line)
                    rows[row["key"]] = row["rows"]
                except (ValueError, KeyError, TypeError):
                    # A line that was cut off by an end without warning: its image is predicted again.
                    continue
        return rows

    def write(self, key: str, answer: list[dict[str, Any]]) -> None:
        """Append what was found on an image."""
        try:
            with open(self._own, "a", encoding="utf-8") as file:
                file.write(f"\n{canonical_json({'key': key, 'rows': answer})}\n")
        except OSError as error:
            raise unwritable(self._own, error) from None

    def close(self, keys: Sequence[str]) -> Path:
        """Write the results of all images in their order, and return the file."""
        rows = self._rows()
        path = self._folder / PREDICTIONS / "results.json"
        write_results(path, [row for key in keys for row in rows[key]])
        return path


def palette(job: Job) -> bytes:
    """Return the colour of each id as a palette of a PNG; black where the data set names none."""
    colors = np.zeros((256, 3), np.uint8)
    for label_class in job.protocol.space.classes:
        if label_class.color is not None and 0 <= label_class.id <= 255:
            colors[label_class.id] = label_class.color
    return colors.tobytes()
