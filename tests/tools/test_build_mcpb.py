"""The bundles for Claude Desktop say what they are, ask for what live trading needs, and carry no secret."""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path

import pytest

from polydesk import __version__
from polydesk.core.settings import Mode, Settings, is_placeholder
from polydesk.handlers.catalogue import tools_of
from polydesk.handlers.toolspec import DEFAULT_TOOLSETS
from tools.build_mcpb import build_bundle, main, manifest


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    file = tmp_path / f"polydesk-{__version__}-py3-none-any.whl"
    file.write_bytes(b"a wheel")
    return file


def test_a_bundle_holds_manifest_project_and_wheel(wheel: Path, tmp_path: Path) -> None:
    bundle = build_bundle(Mode.PAPER, wheel, tmp_path / "out")
    with zipfile.ZipFile(bundle) as archive:
        assert sorted(archive.namelist()) == sorted(["manifest.json", "pyproject.toml", wheel.name])
        project = tomllib.loads(archive.read("pyproject.toml").decode())
        assert json.loads(archive.read("manifest.json")) == manifest(Mode.PAPER)
        assert archive.read(wheel.name) == b"a wheel"
    assert project["tool"]["uv"]["sources"]["polydesk"]["path"] == wheel.name
    assert project["project"]["version"] == __version__


def test_the_same_wheel_gives_the_same_bundle(wheel: Path, tmp_path: Path) -> None:
    first, second = (build_bundle(Mode.LIVE, wheel, tmp_path / name).read_bytes() for name in ("one", "two"))
    assert first == second


def test_both_bundles_are_built_at_once(wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(wheel), str(tmp_path / "out")]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [
        f"polydesk-{__version__}.mcpb",
        f"polydesk-live-{__version__}.mcpb",
    ]


def test_the_paper_bundle_asks_for_nothing_and_the_live_one_for_limits() -> None:
    assert manifest(Mode.PAPER)["user_config"] == {}
    live = manifest(Mode.LIVE)
    asked = live["user_config"]
    assert {name for name, each in asked.items() if each["required"]} == {
        "max_order_usd",
        "max_day_usd",
        "max_exposure_usd",
    }
    assert {name for name, each in asked.items() if each.get("sensitive")} == {"private_key"}
    assert "default" not in asked["private_key"]
    assert set(asked) <= set(Settings.model_fields)
    environment = live["server"]["mcp_config"]["env"]
    assert environment == {f"POLYMARKET_{name.upper()}": f"${{user_config.{name}}}" for name in asked}
    assert all(is_placeholder(value) for value in environment.values())  # what the user leaves empty counts as unset


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
def test_the_manifest_names_the_tools_of_the_default_list(mode: Mode) -> None:
    described = manifest(mode)
    listed = [each["name"] for each in described["tools"]]
    assert listed == [spec.name for spec in tools_of(DEFAULT_TOOLSETS)]
    assert all(each["description"].endswith(".") and "{" not in each["description"] for each in described["tools"])
    assert described["server"]["mcp_config"]["args"][-1] == mode.value
    assert described["version"] == __version__
