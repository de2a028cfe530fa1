"""Tokens in a file: shown once, kept as hashes, ended at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from polydesk.core.errors import ConfigurationError, InputRejected
from polydesk.server.cli import main
from polydesk.server.web.tokens import TokenFile, TokenFileVerifier


async def test_a_token_is_known_until_it_is_removed_and_never_written_down(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "state" / "tokens.json")
    token, other = file.add("one", ["markets:read"]), file.add("two", ["trading:write"])
    verifier = TokenFileVerifier(file, resource="http://127.0.0.1/mcp")
    known = await verifier.verify_token(token)
    assert known is not None
    assert (known.client_id, known.scopes, known.resource) == ("one", ["markets:read"], "http://127.0.0.1/mcp")
    assert await verifier.verify_token(token + "x") is None
    assert await verifier.verify_token("") is None
    text = (tmp_path / "state" / "tokens.json").read_text()
    assert token not in text and other not in text
    assert os.stat(tmp_path / "state" / "tokens.json").st_mode & 0o777 == 0o600
    file.remove("one")
    assert await verifier.verify_token(token) is None
    assert await verifier.verify_token(other) is not None


def test_names_are_given_once_and_scopes_exist(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    file.add("one", ["markets:read"])
    with pytest.raises(InputRejected, match="already"):
        file.add("one", ["markets:read"])
    with pytest.raises(InputRejected, match="no scope markets:everything"):
        file.add("two", ["markets:everything"])
    with pytest.raises(InputRejected, match="no token 'three'"):
        file.remove("three")
    assert [entry.name for entry in file.entries()] == ["one"]


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"name": "x"}]', "not json", "\xff"])
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text, encoding="latin-1")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"tokens\.json"):
        TokenFile(path).entries()


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    file.add("one", ["markets:read"])
    (tmp_path / "tokens.json").chmod(0o644)
    with pytest.raises(ConfigurationError, match="set its mode to 600"):
        file.entries()


def test_the_command_shows_a_token_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    assert main(["tokens", "list"]) == 0
    assert "no tokens" in capsys.readouterr().out
    assert main(["tokens", "add", "agent", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["token"].startswith("pd_")
    assert "trading:read" in made["scopes"]
    assert not any(scope.endswith(":write") for scope in made["scopes"])
    assert main(["tokens", "add", "trader", "--scopes", "trading:write,markets:read"]) == 0
    assert "Shown this once" in capsys.readouterr().out
    assert main(["tokens", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    assert made["token"] not in listed
    assert [each["name"] for each in json.loads(listed)] == ["agent", "trader"]
    assert main(["tokens", "remove", "agent"]) == 0
    assert main(["tokens", "remove", "agent"]) == 1
    assert main(["tokens", "add", "x", "--scopes", "all"]) == 1
