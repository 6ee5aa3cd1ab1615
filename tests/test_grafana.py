"""The dashboard for Grafana shows metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from app.metrics.record import Record
from app.metrics.requests import counted
from tasks.watch.measures import Measures
from tests.conftest import ROOT

BOARD = json.loads((ROOT / "docs" / "grafana" / "jobspine.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
PAGE = (ROOT / "docs" / "operators.md").read_text()

SUFFIXES = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
NOTHING = Measures(
    queues=[], types=[], workers={}, skew=0.0, lag=0.0, totals=[], causes=[], rows=[]
)


@pytest.fixture(scope="module")
def exported() -> dict[str, str]:
    """Every metric that is told, with its kind."""
    registry = CollectorRegistry()
    registry.register(counted(""))
    registry.register(Record(NOTHING))
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", generate_latest(registry).decode(), re.MULTILINE)
    return {name: kind for name, kind in kinds if not name.endswith("_created")}


def test_every_expression_uses_metrics_that_exist(exported):
    names = {name + suffix for name, kind in exported.items() for suffix in SUFFIXES[kind]}
    used = set(re.findall(r"jobspine_\w+", json.dumps(BOARD)))

    assert len(PANELS) == 25
    assert all(panel["targets"] for panel in PANELS)
    assert used - names == set()


def test_every_metric_is_shown(exported):
    text = json.dumps(BOARD)

    assert [name for name in exported if name not in text] == []


def test_the_page_for_operators_lists_every_metric_and_no_other(exported):
    listed = re.findall(r"^\| `(jobspine_\w+)", PAGE, re.MULTILINE)

    assert sorted(listed) == sorted(exported)


def test_panels_lie_beside_each_other_and_have_numbers_of_their_own():
    places = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy)
        for panel in BOARD["panels"]
        for dx in range(panel["gridPos"]["w"])
        for dy in range(panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) == 23
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
