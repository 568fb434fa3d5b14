"""What users of other libraries expect to see on standard output."""

from __future__ import annotations

import sys


def show(text: str) -> None:
    """Write a `text` to standard output.

    Parameters
    ----------
    text : str
        What is shown.

    Notes
    -----
    Only where the other library prints because it was asked to, as `COCOeval.summarize` is. Nothing else below the
    command line writes there.
    """
    sys.stdout.write(text)
