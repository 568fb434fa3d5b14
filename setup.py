"""The compiled kernels; everything else about the package stands in pyproject.toml.

Two environment variables make builds for testing, which are slower and always compiled anew (build them in a
copy of the checkout, or come back with ``python setup.py build_ext --inplace --force``):

SEGBENCH_CHECKED=1
    Every index is checked.
SEGBENCH_SANITIZE=1
    Address and undefined-behaviour sanitizers. Run with libasan preloaded and
    ``ASAN_OPTIONS=detect_leaks=0``.
"""

import os
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# src_ext/_<topic>.pyx becomes segbench.kernels._<topic>.
TOPICS = (
    *("confusion", "png", "files", "pairs", "thinning", "distance", "boundary", "bands", "surface", "stability"),
    *("rle", "records", "overlap", "detection"),
)

CHECKED = os.environ.get("SEGBENCH_CHECKED") == "1"
SANITIZE = os.environ.get("SEGBENCH_SANITIZE") == "1"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": CHECKED,
    "wraparound": CHECKED,
    "cdivision": True,
}
# The same bits on every machine: no -march, no fast-math, no fused multiply-add.
OPTIMIZE = ["-O3", "-ffp-contract=off"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"] if SANITIZE else []


class BuildKernels(build_ext):
    """Translate and compile. The .pyx stay the sources of the extensions, so that an sdist holds them."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.force = self.force or CHECKED or SANITIZE

    def build_extension(self, ext: Extension) -> None:
        plain = Extension(ext.name, list(ext.sources))
        (translated,) = cythonize(
            [plain], build_dir="build/cython", compiler_directives=DIRECTIVES, force=self.force, quiet=True
        )
        ext.sources = translated.sources
        super().build_extension(ext)


def kernel(topic: str) -> Extension:
    return Extension(
        f"segbench.kernels._{topic}",
        [f"src_ext/_{topic}.pyx"],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        include_dirs=["src_ext"],
        depends=sorted(glob("src_ext/*.h") + glob("src_ext/*.pxi")),
        py_limited_api=True,
        extra_compile_args=[*OPTIMIZE, *SANITIZERS],
        extra_link_args=SANITIZERS,
    )


setup(
    ext_modules=[kernel(topic) for topic in TOPICS],
    cmdclass={"build_ext": BuildKernels},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
