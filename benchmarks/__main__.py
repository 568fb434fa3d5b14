"""Run benchmarks and print one table: ``python -m benchmarks [--quick] [NAME ...]``; no name stands for all."""

from __future__ import annotations

import argparse
import platform
import sys
from types import ModuleType

from benchmarks import (
    bench_ap,
    bench_bands,
    bench_boundary,
    bench_confusion,
    bench_detection,
    bench_distance,
    bench_folder,
    bench_png,
    bench_records,
    bench_rle,
    bench_startup,
    bench_surface,
)
from benchmarks.packages import absent
from benchmarks.race import as_table
from segbench.scoring.executors import available_cpus
from segbench.version import __version__

BENCHES: dict[str, ModuleType] = {
    "confusion": bench_confusion,
    "png": bench_png,
    "folder": bench_folder,
    "startup": bench_startup,
    "bands": bench_bands,
    "distance": bench_distance,
    "boundary": bench_boundary,
    "surface": bench_surface,
    "detection": bench_detection,
    "records": bench_records,
    "rle": bench_rle,
    "ap": bench_ap,
}


def main() -> int:
    """Print the table; the exit code is 1 when a floor does not hold, unless the run is a quick one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Race segbench against its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer files and repetitions; times say little")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHES)}; default: all")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]}; there are {', '.join(BENCHES)}")
    chosen = [BENCHES[name] for name in arguments.names or BENCHES]
    rows = [row for bench in chosen for row in bench.rows(arguments.quick)]
    print(f"segbench {__version__}, Python {platform.python_version()}, {platform.machine()}, {available_cpus()} CPUs")
    print("median times of CPU unless the workload says wall; every answer was checked")
    print(as_table(rows))
    missing = absent({module: name for bench in chosen for module, name in bench.PACKAGES.items()})
    if missing:
        print(f"not installed, skipped: {', '.join(missing)}")
    below = sum(not row.holds for row in rows)
    print(f"{below} of {sum(row.floor is not None for row in rows)} floors do not hold" if below else "all floors hold")
    return 1 if below and not arguments.quick else 0


if __name__ == "__main__":
    sys.exit(main())
