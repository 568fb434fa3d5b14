"""``ENTRY.toml``: what its authors tell of an entry, and the form they fill in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segbench.codec import read_table, read_toml
from segbench.errors import BadParameter
from segbench.harness.record import RunRecord
from segbench.leaderboard.entry import Entry

#: Bytes at most.
LARGEST = 1 << 20

_TEMPLATE = """\
# What is told of a leaderboard entry. Only id and name are needed; leave out what you do not know.

# Name in files and addresses: small letters, digits and hyphens. An id is never used again.
id = "my-network"
# What boards call it.
name = "My network"
# Who made the predictions or the method.
# authors = ["First Author", "Second Author"]
# When the method was published or the predictions were made: 2018, 2018-10 or 2018-10-01.
# date = "2018-10"
# Links, http or https.
# paper = "https://example.org/paper"
# code = "https://example.org/code"

# In words.
# training_data = "the train split, without other data"
# backbone = "ResNet-50"
# post_processing = "none"

# Numbers that are learned; multiplications and additions for one image; seconds for one image, on the device.
# parameters = 31_000_000
# flops = 1.2e11
# seconds_per_image = 0.05
# device = "one GPU of the kind …, batches of 1"

# Licence of the predictions, or of the weights they were made with.
# licence = "MIT"
# Where the predictions come from: enough to find them, or to make them again.
# origin = "weights v1.0 of the code above, run with its test script"

# The entry that this one corrects.
# replaces = "my-netwrok"
"""


def template() -> str:
    """Return an ``ENTRY.toml`` to fill in."""
    return _TEMPLATE


def read_entry(path: Path) -> Entry:
    """Read what is told of an entry.

    Parameters
    ----------
    path : Path
        A file in TOML.

    Returns
    -------
    Entry
        The entry.

    Raises
    ------
    BadParameter
        When the file cannot be read, or a key is unknown, missing or malformed; names file and key.
    """
    mend = "run: segbench board add --template"
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST + 1).decode()
    except OSError as error:
        raise BadParameter(
            f"cannot be read: {error.strerror}", expected="an ENTRY.toml", mend=mend, file=str(path)
        ) from None
    except UnicodeDecodeError:
        raise BadParameter("no UTF-8", expected="an ENTRY.toml", mend=mend, file=str(path)) from None
    if len(text) > LARGEST:
        raise BadParameter(f"more than {LARGEST} bytes", expected="an ENTRY.toml", mend=mend, file=str(path))
    try:
        return read_toml(text, Entry, file=str(path))
    except BadParameter as error:
        error.about(str(path))
        raise


def read_run(path: Path) -> RunRecord:
    """Read the record of a run.

    Parameters
    ----------
    path : Path
        The ``run.json`` that `segbench run` has written.

    Returns
    -------
    RunRecord
        The record.

    Raises
    ------
    BadParameter
        When it is no such file.
    """
    try:
        with open(path, "rb") as file:
            record = json.loads(file.read(LARGEST + 1))
    except OSError as error:
        raise BadParameter(f"cannot be read: {error.strerror}", expected="a run.json", file=str(path)) from None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise BadParameter("no JSON object", expected="what segbench run has written", file=str(path))
    return read_table(record, RunRecord, file=str(path))


def render(entry: Entry) -> str:
    """Return an ``ENTRY.toml`` that tells of an entry; the record of its run is a file of its own."""
    told = {name: value for name, value in entry.as_record().items() if name != "run" and value not in (None, "", [])}
    return "".join(f"{name} = {_toml(value)}\n" for name, value in told.items())


def _toml(value: Any) -> str:
    # Strings, numbers and lists of strings of JSON are those of TOML, but for a character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
