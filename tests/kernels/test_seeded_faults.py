"""Faults put into the compiled loops on purpose: the comparison with the twins must catch every one."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
from Cython.Build import cythonize
from setuptools import Distribution, Extension

from segbench.kernels import confusion, reference
from tests.kernels.comparisons import CASES, hold

SOURCE = Path(__file__).parents[2] / "src_ext" / "_confusion.pyx"

COUNT_BYTES = "table[truth[z, y, x], prediction[z, y, x]] += 1"
COUNT_CODES = "table[row, column] += 1"
LAST_ROW = "last_row = table.shape[0] - 1"
FIRST = "if count == 0:\n                    first[0], first[1], first[2] = z, y, x"
INSIDE = "if value < low or place >= <uint64_t>codes.shape[0]:"
SEARCH = "for x in range(labels.shape[2]):"

# kernel, what is wrong, the right text, the wrong text
FAULTS = [
    ("byte_table", "axes swapped", COUNT_BYTES, "table[prediction[z, y, x], truth[z, y, x]] += 1"),
    ("byte_table", "last column skipped", COUNT_BYTES, f"if x + 1 < truth.shape[2]: {COUNT_BYTES}"),
    ("byte_table", "first pixel skipped", COUNT_BYTES, f"if z + y + x > 0: {COUNT_BYTES}"),
    ("byte_table", "last slice skipped", COUNT_BYTES, f"if z == 0 or z + 1 < truth.shape[0]: {COUNT_BYTES}"),
    ("byte_table", "value 255 dropped", COUNT_BYTES, f"if prediction[z, y, x] != 255: {COUNT_BYTES}"),
    ("coded_table", "axes swapped", COUNT_CODES, "table[column, row] += 1"),
    ("coded_table", "last row dropped", COUNT_CODES, f"if row < last_row: {COUNT_CODES}"),
    ("coded_table", "outside one row early", LAST_ROW, "last_row = table.shape[0] - 2"),
    (
        "coded_table",
        "low of the truth",
        "prediction_codes, prediction_low, last",
        "prediction_codes, truth_low, last",
    ),
    ("coded_table", "bound one late", INSIDE, INSIDE.replace(">=", ">")),
    ("coded_table", "low not tested", INSIDE, INSIDE.replace("value < low or ", "")),
    ("coded_table", "32-bit difference", "<uint64_t>value - <uint64_t>low\n", "<int32_t>(value - low)\n"),
    ("find_code", "last position", FIRST, FIRST.replace("count == 0", "True")),
    ("find_code", "row and column swapped", FIRST, FIRST.replace("z, y, x", "z, x, y")),
    ("find_code", "column order", SEARCH, "for x in reversed(range(labels.shape[2])):"),
    ("find_code", "last column skipped", SEARCH, "for x in range(labels.shape[2] - 1):"),
    ("find_code", "bound one early", INSIDE, INSIDE.replace("codes.shape[0]", "codes.shape[0] - 1")),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    source = SOURCE.read_text(encoding="utf-8")
    assert source.count(right) == 1, f"{right!r} is no longer one place in {SOURCE.name}"
    monkeypatch.setattr(confusion, "_loops", compiled(source.replace(right, wrong), tmp_path))
    cases = itertools.islice(CASES[kernel](np.random.default_rng(0)), 700)
    with pytest.raises(AssertionError):
        for case in cases:
            hold(getattr(confusion, kernel), getattr(reference, kernel), case)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(confusion, "_loops", compiled(SOURCE.read_text(encoding="utf-8"), tmp_path))
    for kernel, cases in CASES.items():
        for case in itertools.islice(cases(np.random.default_rng(0)), 700):
            hold(getattr(confusion, kernel), getattr(reference, kernel), case)


def compiled(text: str, folder: Path):
    """Compile a .pyx with bounds checks, so that a fault cannot write where it should not, and load it."""
    (folder / SOURCE.name).write_text(text, encoding="utf-8")
    extension = Extension(
        SOURCE.stem,
        [str(folder / SOURCE.name)],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        extra_compile_args=["-O0", "-g0", "-w"],
        py_limited_api=True,
    )
    directives = {"language_level": 3, "boundscheck": True, "wraparound": False, "cdivision": True}
    built = cythonize([extension], compiler_directives=directives, quiet=True)
    command = Distribution({"ext_modules": built}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder), str(folder)
    command.ensure_finalized()
    command.run()
    return loaded(Path(command.get_ext_fullpath(SOURCE.stem)))


def loaded(library: Path):
    spec = importlib.util.spec_from_file_location(SOURCE.stem, library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
