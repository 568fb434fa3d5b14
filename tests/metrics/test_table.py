"""The table of metrics: it names what the modules hold, and reads a module only when one of its metrics is wanted."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import segbench.metrics
from segbench.errors import UnknownName
from segbench.metrics import table
from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS, parse_metric

HOMES = table._HOMES
NAMES = [name for names in HOMES.values() for name in names]


def modules_read_by(code: str) -> set[str]:
    """Return the homes of metrics that a fresh interpreter has read after running code."""
    listing = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return {home for home in HOMES if f"segbench.metrics.{home}" in done.stdout.split()}


@pytest.mark.parametrize("home", HOMES)
def test_the_names_are_those_of_the_module_in_its_order(home: str) -> None:
    module = importlib.import_module(f"segbench.metrics.{home}")
    assert HOMES[home] == tuple(cls.name for cls in module.METRICS)
    for cls in module.METRICS:
        assert METRICS[cls.name] is cls and issubclass(cls, Metric) and cls.__module__ == module.__name__


def test_no_module_with_metrics_is_left_out() -> None:
    infos = pkgutil.iter_modules(segbench.metrics.__path__, "segbench.metrics.")
    modules = [importlib.import_module(info.name) for info in infos if info.name != table.__name__]
    assert {module.__name__ for module in modules if hasattr(module, "METRICS")} == {
        f"segbench.metrics.{home}" for home in HOMES
    }


def test_the_table_is_a_mapping_of_classes() -> None:
    assert list(METRICS) == NAMES and len(NAMES) == len(set(NAMES)) == len(METRICS)
    assert [cls.name for cls in METRICS.values()] == [cls.name for cls in {**METRICS}.values()] == NAMES
    assert "mean_iou" in METRICS and "nonsense" not in METRICS
    assert METRICS.get("nonsense") is None
    with pytest.raises(KeyError):
        METRICS["nonsense"]


TABLE = "from segbench.metrics.table import METRICS, parse_metric\n"


@pytest.mark.parametrize(
    ("code", "homes"),
    [
        ("", set()),
        ("'auc' in METRICS, len(METRICS), list(METRICS)", set()),
        ("parse_metric('mean_iou(absent=zero)')", {"region"}),
        ("METRICS['v_rand']", {"membrane"}),
        ("METRICS['max_f'], METRICS['precision_wp']", {"road"}),
        ("list(METRICS.values())", set(HOMES)),
    ],
)
def test_a_module_is_read_with_the_first_of_its_metrics(code: str, homes: set[str]) -> None:
    assert modules_read_by(TABLE + code) == homes


@pytest.mark.parametrize(("dataset", "home"), [("voc2012", "region"), ("kitti-road", "road"), ("isbi2012", "membrane")])
def test_a_protocol_reads_the_module_of_its_metrics_only(dataset: str, home: str) -> None:
    code = f"from segbench.protocols.load import load_protocol\nprotocol = load_protocol({dataset!r})\n"
    assert modules_read_by(code) == {home}
    assert modules_read_by(f"{code}protocol.metric(protocol.primary)") == {home}


def test_an_unknown_name_is_refused_without_reading_a_module() -> None:
    refused = (
        "try:\n    parse_metric('mean_iuo')\nexcept Exception as error:\n    assert 'mean_iou' in str(error), error"
    )
    assert modules_read_by(TABLE + refused) == set()


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("mean_iuo", "mean_iou"), ("vrand", "v_rand"), ("vinfo", "v_info"), ("maxf", "max_f"), ("acu", "auc")],
)
def test_an_unknown_name_suggests_the_near_one(slip: str, meant: str) -> None:
    with pytest.raises(UnknownName, match=f"did you mean '{meant}'"):
        parse_metric(slip)


def test_an_unknown_name_near_to_none_lists_all() -> None:
    with pytest.raises(UnknownName) as caught:
        parse_metric("zzz")
    assert caught.value.mend == "known: " + ", ".join(NAMES)
