"""Tokens in a file: shown once, kept as hashes, ended at once."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
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
    for name in ("", "two words", "x\ny", "x" * 65):
        with pytest.raises(InputRejected, match="is no name"):
            file.add(name, ["markets:read"])
    with pytest.raises(InputRejected, match="no token 'three'"):
        file.remove("three")
    assert [entry.name for entry in file.entries()] == ["one"]


_ODD_ENTRIES = (
    '[{"name": "x", "scopes": "markets:read", "sha256": "00"}]',
    '[{"name": "x", "scopes": [], "sha256": "\xe9"}]',
    '[{"name": 1, "scopes": [], "sha256": "00"}]',
)


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"name": "x"}]', "not json", "\xff", "[" * 100_000, *_ODD_ENTRIES])
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
    with pytest.raises(ConfigurationError, match="chmod 600"):
        file.entries()


async def test_while_the_file_cannot_be_used_nobody_is_let_in_and_nothing_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens.json"
    file = TokenFile(path)
    token = file.add("one", ["markets:read"])
    verifier = TokenFileVerifier(file, resource="http://127.0.0.1/mcp")
    whole = path.read_text()
    path.write_text(whole[:-10])
    assert await verifier.verify_token(token) is None
    path.write_text(whole)
    path.chmod(0o644)
    assert await verifier.verify_token(token) is None
    assert "every token is refused" in caplog.text
    assert token not in caplog.text
    path.chmod(0o600)
    assert await verifier.verify_token(token) is not None


def test_tokens_that_are_added_at_once_are_all_kept(tmp_path: Path) -> None:
    names = [f"agent-{number}" for number in range(12)]
    with ThreadPoolExecutor(max_workers=6) as workers:
        list(workers.map(lambda name: TokenFile(tmp_path / "tokens.json").add(name, ["markets:read"]), names))
    assert sorted(entry.name for entry in TokenFile(tmp_path / "tokens.json").entries()) == sorted(names)
    assert {path.name for path in tmp_path.iterdir()} <= {"tokens.json", "tokens.lock"}


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
    assert main(["tokens", "remove", "agent"]) == 2
    assert main(["tokens", "add", "x", "--scopes", "all"]) == 2
