"""The dashboard imports, and asks for nothing that is not measured."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polydesk.server.metrics.catalogue import METRICS

BOARD: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "docs" / "grafana" / "polydesk.json").read_text(encoding="utf-8")
)
_LABELS = re.compile(r"\{([^}]*)\}")
_GROUPS = re.compile(r"by \(([^)]*)\)")


def expressions() -> Iterator[str]:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for annotation in BOARD["annotations"]["list"]:
        yield annotation["expr"]
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]


SAMPLES = {sample: metric for metric in METRICS.values() for sample in metric.sample_names}


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_every_expression_names_metrics_and_labels_that_there_are(expression: str) -> None:
    named = re.findall(r"\bpolydesk_\w+", expression)
    assert named
    assert set(named) <= SAMPLES.keys()
    known = {"instance", "le"} | {label for name in named for label in SAMPLES[name].labels}
    matched = [part.split("=")[0].rstrip("!") for found in _LABELS.findall(expression) for part in found.split(",")]
    grouped = [part.strip() for found in _GROUPS.findall(expression) for part in found.split(",")]
    assert {*matched, *grouped} <= known


def test_legends_name_labels_that_there_are() -> None:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            metrics = [SAMPLES[name] for name in re.findall(r"\bpolydesk_\w+", target["expr"])]
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= {label for metric in metrics for label in metric.labels}, target


def test_it_has_what_an_import_needs_and_a_row_for_each_subject() -> None:
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time", "__inputs", "__requires"} <= BOARD.keys()
    assert BOARD["id"] is None
    rows = [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Money", "Orders", "Venue", "Tools", "Data", "Compute"]
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(cells)) == len(cells), "panels overlap"
    for panel in BOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"]


def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed")
    read = [
        each.replace("$__rate_interval", "5m").replace("$instance", ".*")
        for each in expressions()
        if not each.startswith("label_values")
    ]
    rules = [{"record": f"checked:{number}", "expr": expression} for number, expression in enumerate(read)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
