"""A model that answers with what is no logits is refused; model and image are named, and others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.harness.nets import net
from tests.harness.smalldata import KEYS, over, predicted, write_small

#: What a net answers, and what is said of it; of an image of 11×14.
ALWAYS = [
    ("classes", "logits of shape (1, 2, 11, 14)", "shape-mismatch"),
    ("larger", "logits of 11×15", "shape-mismatch"),
    ("string", "a str without logits", "bad-logits"),
]


@pytest.mark.parametrize(("answer", "said", "code"), ALWAYS)
def test_what_is_always_wrong(
    answer: str, said: str, code: str, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    args = over(small, tmp_path / "out", net(pt, answer=answer))
    done = run(*args)
    assert done.code == 3 and f"v0: model plain gives {said}" in done.err
    done = run(*args, "--format", "json")
    assert done.code == 3 and code in done.out
    assert predicted(tmp_path / "out") == {}
    assert not (tmp_path / "out/small-val/plain/result.json").exists()


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("answer", "said"), [("nan", "NaN"), ("infinity", "infinity")])
def test_one_bad_image_is_named(answer: str, said: str, batch: int, run: CommandLine, pt: Path, tmp_path: Path) -> None:
    small = write_small(tmp_path / "marked", marked=("v5",))
    done = run(*over(small, tmp_path / "out", net(pt, answer=answer)), "--batch", str(batch))
    assert done.code == 3 and f"v5: model plain gives {said} among its logits" in done.err
    assert not any(key in done.err for key in KEYS if key != "v5")
    # What was right before it is kept.
    assert predicted(tmp_path / "out").keys() == set(KEYS[:5] if batch == 1 else KEYS[:4])


@pytest.mark.parametrize("bad_first", [True, False])
def test_the_other_model_is_scored(bad_first: bool, run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    models = [net(pt, answer="string"), net(pt)]
    bad, good = ("plain", "plain-2") if bad_first else ("plain-2", "plain")
    done = run(*over(small, tmp_path / "out", *(models if bad_first else reversed(models))))
    assert done.code == 3
    rows = {line.split()[2]: line.split()[-1] for line in done.out.splitlines()[1:] if line.strip()}
    assert rows == {bad: "failed", good: "scored"}
    assert (tmp_path / "out/small-val" / good / "result.json").exists()
    assert not (tmp_path / "out/small-val" / bad / "result.json").exists()
    assert "model plain gives a str" in done.err


def test_all_models_are_bad(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    done = run(*over(small, tmp_path / "out", net(pt, answer="string"), net(pt, answer="classes")))
    assert done.code == 3 and "a str without logits" in done.err and "logits of shape" in done.err


def test_a_model_that_does_not_fit_the_data(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    done = run(*over(small, tmp_path / "out", net(pt, classes=4)))
    assert done.code == 2 and "plain of 4 classes" in done.err and "3, as the data set has" in done.err
    done = run(*over(small, tmp_path / "other", net(pt, side=3)))
    assert done.code == 2 and "do not fit" in done.err and str(pt) in done.err
    done = run(*over(small, tmp_path / "third", f"mask_rcnn@{pt}"))
    assert done.code == 2 and "instances" in done.err
