"""The shape of the package: arrows only downward, one home for each heavy package, nothing printed below the CLI."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "segbench"

#: From the bottom up; a module may import from its own floor and from those below it.
FLOORS = (
    ("segbench.version", "segbench.errors", "segbench.late", "segbench.frozen"),
    (
        "segbench.atomic",
        "segbench.codec",
        "segbench.labels",
        "segbench.samples",
        "segbench.result",
        "segbench.formats",
        "segbench.markup",
    ),
    ("segbench.encoding", "segbench.kernels"),
    ("segbench.metrics",),
    ("segbench.protocols", "segbench.compat"),
    ("segbench.datasets",),
    ("segbench.scoring", "segbench.models"),
    ("segbench.training",),
    ("segbench.harness",),
    ("segbench.leaderboard",),
    ("segbench.cli", "segbench.__main__"),
)
#: Same floor, yet strangers to each other.
STRANGERS = (("segbench.scoring", "segbench.models"),)
HOMES = {
    "scipy": {"segbench.kernels.reference", "segbench.metrics.assignment", "segbench.metrics.resampling"},
    # Its version alone is cheap to know.
    "PIL": {"segbench.datasets.pillow", "segbench.scoring.judge"},
    "msgspec": {"segbench.codec"},
    "click": {"segbench.cli"},
    "deflate": {"segbench.kernels.png"},
    "tqdm": {"segbench.cli"},
    "tifffile": {"segbench.datasets.geo"},
    "nibabel": {"segbench.datasets.nifti"},
    "matplotlib": {"segbench.scoring.plots", "segbench.training.plots"},
    "jinja2": {"segbench.leaderboard.html"},
    "torch": {"segbench.models", "segbench.training", "segbench.harness"},
    "pandas": set[str](),
    "sklearn": set[str](),
}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(("segbench", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


MODULES = modules()


def imports(tree: ast.Module) -> Iterator[str]:
    yield from at_once(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "late":
            (where,) = node.args
            assert isinstance(where, ast.Constant) and ":" in where.value, "late() takes a text, module:name"
            yield where.value.partition(":")[0]


def at_once(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def loaded(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports when it runs: not what only a type checker reads."""
    checked = [
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
        if isinstance(inner, ast.ImportFrom)
    ]
    skipped = {node.module for node in checked}
    yield from (target for target in at_once(tree) if target not in skipped)


def floor(name: str) -> int:
    for i, members in enumerate(FLOORS):
        if any(name == member or name.startswith(f"{member}.") for member in members):
            return i
    raise AssertionError(f"{name} is on no floor: add it to FLOORS")


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"segbench"}))
def test_arrows_point_down(name: str) -> None:
    for target in imports(MODULES[name]):
        if target.startswith("segbench."):
            assert floor(target) <= floor(name), f"{name} imports {target} from a floor above it"
            for group in STRANGERS:
                mine = [member for member in group if name.startswith(member)]
                theirs = [member for member in group if target.startswith(member)]
                assert not mine or not theirs or mine == theirs, f"{name} imports {target}"


def test_no_circles() -> None:
    graph = {name: {t for t in loaded(tree) if t in MODULES} for name, tree in MODULES.items() if name != "segbench"}
    seen: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' → '.join((*path, name))}"
        if name not in seen:
            for target in graph.get(name, ()):
                visit(target, (*path, name))
            seen.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", sorted(MODULES))
def test_heavy_packages_stay_at_home(name: str) -> None:
    for target in imports(MODULES[name]):
        homes = HOMES.get(target.partition(".")[0])
        assert homes is None or any(name == home or name.startswith(f"{home}.") for home in homes), (
            f"{name} imports {target}"
        )


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_import_inside_functions(name: str) -> None:
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert not inner, f"{name}.{node.name} imports inside the function"


@pytest.mark.parametrize("name", sorted(name for name in MODULES if not name.startswith("segbench.cli")))
def test_only_the_cli_prints_and_exits(name: str) -> None:
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "exit", "quit", "eval", "exec"), f"{name}: {node.func.id}()"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_module_and_public_name_is_documented(name: str) -> None:
    tree = MODULES[name]
    if tree.body:
        assert ast.get_docstring(tree), f"{name} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager"], ids=lambda word: f"no {word}")
def test_no_dumping_grounds(word: str) -> None:
    assert not [name for name in MODULES if word in name]


def loaded_after(code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after running code."""
    listing = f"{code}\nimport sys\nprint(' '.join(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


RUN = "import sys\nfrom segbench.cli.main import _run\n_run(sys.argv[1:] or {args!r})"


def test_importing_segbench_loads_nothing() -> None:
    assert not loaded_after("import segbench") & {"numpy", "click", "msgspec", "PIL"}


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["score", "--help"],
        ["check", "--help"],
        ["demo", "--help"],
        ["explain", "--help"],
        ["datasets", "check", "--help"],
        ["plot", "--help"],
        ["compare", "--help"],
        ["board", "add", "--help"],
        ["anatomy", "--help"],
    ],
)
def test_help_loads_no_numpy(args: list[str]) -> None:
    assert not loaded_after(RUN.format(args=args)) & {"numpy", "PIL", "tqdm"}


def test_scoring_loads_nothing_heavy(shapes_root: Path) -> None:
    args = ["score", str(shapes_root / "SegmentationClass"), "--dataset", "shapes", "--data-root", str(shapes_root)]
    heavy = {"pandas", "scipy", "matplotlib", "numba", "torch", "sklearn", "tqdm"}
    assert not loaded_after(RUN.format(args=[*args, "--missing", "miss", "--workers", "1"])) & heavy
