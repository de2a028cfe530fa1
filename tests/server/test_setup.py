"""`polydesk setup` changes a host's configuration only when the server starts, and loses nothing in it."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.server import setup
from polydesk.server.cli import main


def entry(path: Path, key: str = "mcpServers") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())[key]["polymarket"]
    return found


def test_it_adds_the_server_beside_others_and_keeps_a_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "claude_desktop_config.json"
    before = json.dumps({"theme": "dark", "mcpServers": {"other": {"command": "other"}}})
    config.write_text(before)
    config.chmod(0o600)
    assert main(["setup", "--host", "claude-desktop", "--config", str(config), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["server"].startswith("polydesk ")
    assert said["tools"] > 5
    assert Path(said["backup"]).read_text() == before
    after = json.loads(config.read_text())
    assert after["theme"] == "dark"
    assert set(after["mcpServers"]) == {"other", "polymarket"}
    assert entry(config)["command"] == sys.executable
    assert entry(config)["env"] == {"POLYMARKET_MODE": "paper"}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ['{"mcpServers": {', "[]", '{"mcpServers": []}'])
def test_a_file_it_does_not_understand_is_left_as_it_was(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(content)
    assert main(["setup", "--config", str(config)]) == 2
    assert "nothing was changed" in capsys.readouterr().err
    assert config.read_text() == content
    assert list(tmp_path.iterdir()) == [config]


def test_a_server_that_does_not_start_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ConfigurationError, match="did not start"):
        setup.run_setup("cursor", config=str(config), as_json=False)
    assert config.read_text() == "{}"


def test_an_unknown_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="claude-desktop, claude-code, cursor, vscode"):
        setup.run_setup("netscape", config=None, as_json=False)


async def _started(command: str, arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[str, int]:
    return "polydesk 1.2.3", 12


@pytest.mark.parametrize(
    ("host", "place", "key", "kind"),
    [
        ("claude-code", "work/.mcp.json", "mcpServers", "stdio"),
        ("cursor", "home/.cursor/mcp.json", "mcpServers", None),
        ("vscode", "work/.vscode/mcp.json", "servers", "stdio"),
    ],
)
def test_every_host_gets_its_own_file_and_shape(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    host: str,
    place: str,
    key: str,
    kind: str | None,
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(setup, "_start", _started)
    assert main(["setup", "--host", host]) == 0
    assert entry(tmp_path / place, key).get("type") == kind
    assert "polydesk 1.2.3 answered with 12 tools" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("darwin", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("win32", "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("linux", ".config/Claude/claude_desktop_config.json"),
    ],
)
def test_claude_desktop_keeps_its_file_where_the_system_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, place: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("APPDATA", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert setup.HOSTS["claude-desktop"].path() == tmp_path / place


def test_a_second_run_keeps_the_first_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_start", _started)
    config = tmp_path / "config.json"
    config.write_text("{}")
    for _ in range(2):
        assert main(["setup", "--config", str(config)]) == 0
    assert (tmp_path / "config.json.backup-1").read_text() == "{}"
    assert entry(tmp_path / "config.json.backup-2") == entry(config)
