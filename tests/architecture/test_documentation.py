"""What the documents say is what the code does."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path

from polydesk import __version__
from polydesk.core.settings import Settings
from polydesk.handlers.catalogue import all_tools
from polydesk.server.cli import command_names
from polydesk.server.metrics.catalogue import METRICS
from polydesk.server.reference import render
from polydesk.server.web.settings import HttpSettings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _shown(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{default.value if isinstance(default, StrEnum) else default}`"


def test_every_setting_stands_in_the_readme_with_its_default_and_meaning() -> None:
    expected = [
        f"| `POLYMARKET_{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert re.findall(r"^\| `POLYMARKET_.*$", README, re.MULTILINE) == expected


def test_every_tool_stands_in_the_readme() -> None:
    for spec in all_tools():
        assert f"`{spec.name.removeprefix('polymarket_')}`" in README


def test_every_command_stands_in_the_readme() -> None:
    assert set(re.findall(r"^\| `polydesk ([\w-]+)`", README, re.MULTILINE)) == set(command_names())


def test_the_tool_reference_is_current() -> None:
    assert (ROOT / "docs" / "tools.md").read_text(encoding="utf-8") == render(), "run `make docs`"


def test_the_changelog_names_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)}\b", changelog, re.MULTILINE)


def test_both_host_configurations_offer_the_same_server_without_secrets() -> None:
    published = json.loads((ROOT / "mcp.json").read_text())["mcpServers"]
    local = json.loads((ROOT / ".mcp.json").read_text())["mcpServers"]
    assert published.keys() == local.keys() == {"polymarket"}
    assert published["polymarket"]["env"] == local["polymarket"]["env"]
    assert published["polymarket"]["env"]["POLYMARKET_MODE"] == "paper"
    assert "KEY" not in json.dumps([published, local])


def test_architecture_names_every_package_of_core() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for folder in (ROOT / "core").iterdir():
        if (folder / "__init__.py").exists():
            assert f"`{folder.name}/`" in page, folder.name


def test_every_line_of_the_security_list_names_tests_that_exist() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    lines = [line for line in page.split("## The list")[1].splitlines() if line.startswith("- ")]
    for line in lines:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line)
        assert named, line
        for path, test in named:
            assert re.search(rf"def {test}\(", (ROOT / path).read_text(encoding="utf-8")), f"{path}::{test}"


def test_every_setting_of_the_network_stands_in_its_page() -> None:
    expected = [
        f"| `POLYMARKET_HTTP_{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in HttpSettings.model_fields.items()
    ]
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `POLYMARKET_.*$", page, re.MULTILINE) == expected


def test_every_metric_stands_in_its_page_with_its_meaning() -> None:
    expected = []
    for metric in METRICS.values():
        name = metric.name if metric.kind == "histogram" else metric.sample_names[0]
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        expected.append(f"| `{name}` | {metric.kind} | {labels} | {metric.about} |")
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `polydesk_.*$", page, re.MULTILINE) == expected
