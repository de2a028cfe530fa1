"""The command line: what it prints and the exit codes it promises."""

from __future__ import annotations

import argparse
import io
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polydesk import __version__
from polydesk.core.errors import VenueUnavailable
from polydesk.server import demo
from polydesk.server.cli import command_line, main
from tests.support.processes import SOURCE_COMMAND, environment, exchange, running


@pytest.fixture(autouse=True)
def log_setup_is_undone() -> Iterator[None]:
    """`serve` sets the root logger up for a process of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"polydesk {__version__}\n"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["serve"],
        ["exchange"],
        ["approve"],
        ["setup"],
        ["demo"],
        ["resume"],
        ["wire"],
        ["wire", "check"],
        ["accounts"],
    ],
)
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--help"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("usage: polydesk")


def _leaves(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, by its words."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(path), parser
    for action in below:
        for name, inner in action.choices.items():
            yield from _leaves(inner, (*path, name))


def test_every_command_that_ends_by_itself_prints_json_where_asked() -> None:
    without = {name for name, parser in _leaves(command_line()) if "--json" not in parser._option_string_actions}
    assert without == {"serve", "dashboard", "desk run", "completion"}


@pytest.mark.parametrize("arguments", [[], ["fly"], ["serve", "--mode", "demo"], ["serve", "--transport", "carrier"]])
def test_a_wrong_command_line_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_an_address_that_other_machines_reach_is_code_2(
    transport: str, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--transport", transport, "--host", host]) == 2
    refusal = capsys.readouterr().err
    assert "can be reached from other machines" in refusal
    assert "a token" in refusal


def test_the_exchange_too_serves_this_machine_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exchange", "--host", "0.0.0.0"]) == 2
    assert "loopback" in capsys.readouterr().err


def test_an_unknown_toolset_is_code_2_and_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--toolsets", "markets,casino"]) == 2
    assert "casino" in (said := capsys.readouterr().err)
    assert "portfolio" in said


def test_a_setting_that_cannot_be_used_is_code_2_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_MAX_ORDER_USD", "all my secrets")
    assert main(["serve"]) == 2
    said = capsys.readouterr().err
    assert "POLYMARKET_MAX_ORDER_USD" in said
    assert "secrets" not in said


def test_a_failure_while_running_is_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*, as_json: bool) -> int:
        raise VenueUnavailable("The venue does not answer.")

    monkeypatch.setattr(demo, "run_demo", fail)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "polydesk: The venue does not answer.\n"


def test_approving_an_unknown_code_is_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    for code in ("abc123", "../../etc/passwd"):
        assert main(["approve", code]) == 1
        assert "No order waits" in capsys.readouterr().out
    assert main(["approve"]) == 0
    assert capsys.readouterr().out == "No order waits for approval.\n"


def test_resuming_lifts_a_halt_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from polydesk.core.clock import SystemClock
    from polydesk.core.risk.kill_switch import KillSwitch

    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    KillSwitch(tmp_path / "sandbox", lifted_by="").engage("a test", SystemClock().now())
    assert main(["resume", "--mode", "sandbox"]) == 0
    assert "allowed again" in capsys.readouterr().out
    assert main(["resume", "--mode", "sandbox"]) == 0
    assert "Nothing was halted" in capsys.readouterr().out


def test_the_exchange_prints_its_addresses_and_ends_with_a_signal(tmp_path: Path) -> None:
    with exchange(SOURCE_COMMAND, tmp_path, "--chain-id", "31337", "--seed", "3") as addresses:
        assert addresses["chain_id"] == 31337
        assert addresses["ws_url"].startswith("ws://127.0.0.1:")


def test_the_exchange_introduces_itself_to_a_person(tmp_path: Path) -> None:
    with running([*SOURCE_COMMAND, "exchange", "--port", "0", "--no-traders"], environment(tmp_path)) as process:
        process.wait_for(r"chain id +137\. Stop with Ctrl-C\.")
        assert "clob_url   http://127.0.0.1:" in process.output["stdout"]
        assert process.end(signal.SIGINT) == 0


def test_a_taken_port_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with exchange(SOURCE_COMMAND, tmp_path, "--no-traders") as addresses:
        port = addresses["clob_url"].split(":")[2].split("/")[0]
        assert main(["exchange", "--port", port]) == 2
        assert main(["serve", "--transport", "http", "--port", port]) == 2
    assert capsys.readouterr().err.count("in use") == 2


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys, polydesk.server.cli, polydesk.server.transports\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'matplotlib', 'sqlalchemy', 'eth_account'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "[]\n"


def test_a_yes_to_an_order_whose_desk_has_ended_is_kept_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import dataclasses
    from datetime import timedelta

    from polydesk.core.clock import SystemClock
    from polydesk.core.trading.approvals import ApprovalBox, Decision

    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    now = SystemClock().now()
    box = ApprovalBox(tmp_path / "live" / "approvals", lambda: "abc123")
    request = box.ask("BUY 10 shares", expires_at=now + timedelta(minutes=5))
    box._write(dataclasses.replace(request, asked_by=ended.pid))
    monkeypatch.setattr("sys.stdin", _Terminal("yes\n"))
    assert main(["approve", "abc123"]) == 0
    assert "placed, at prices of then, if one starts before" in capsys.readouterr().out
    kept = box.read("abc123", now)
    assert kept is not None
    assert kept.decision is Decision.APPROVED


def test_lifting_a_halt_is_in_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from polydesk.core.clock import SystemClock
    from polydesk.core.risk.kill_switch import KillSwitch
    from polydesk.core.storage.database import DESK_FILE, Database

    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    Database.at(tmp_path / "live" / DESK_FILE).close()
    KillSwitch(tmp_path / "live", lifted_by="").engage("a test", SystemClock().now())
    assert main(["resume", "--mode", "live"]) == 0
    capsys.readouterr()
    assert main(["audit", "export", "--mode", "live"]) == 0
    assert '"kind":"halt.lifted"' in capsys.readouterr().out


class _Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        return True
