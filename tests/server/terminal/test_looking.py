"""What a person at a shell sees of a desk that runs elsewhere, and of one that does not run."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from polydesk.core.clock import SystemClock
from polydesk.core.errors import RateLimitError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.risk.kill_switch import KillSwitch
from polydesk.core.settings import load_settings
from polydesk.server.cli import main
from polydesk.server.terminal.screen import alerts_table, concerns_of
from polydesk.server.terminal.watch import follow
from tests.support.live_desk import live_client
from tests.support.processes import FED, SOURCE_COMMAND, Served, answer_of, environment, running, serving

RESTING = {"market_id": FED, "outcome": "Yes", "size": 20, "price": "0.01", "time_in_force": "GTC"}

Said = Callable[..., tuple[int, str]]


@dataclass(frozen=True)
class Desk:
    """A sandbox desk of another process, with one position and one resting order."""

    pid: int
    placed: dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    env = environment(folder, POLYMARKET_COMPUTE="inline", POLYMARKET_SANDBOX_TRADERS="false")
    with serving(SOURCE_COMMAND, "http", env) as served:
        placed = asyncio.run(_traded(served))
        assert served.process is not None
        yield Desk(served.process.process.pid, placed)


async def _traded(served: Served) -> dict[str, Any]:
    async with served.connect() as client:
        await answer_of(client, "place_order", market_id=FED, outcome="Yes", spend_usd=25)
        for _ in range(200):
            if (await answer_of(client, "get_portfolio"))["positions"]:
                break
            await asyncio.sleep(0.05)
        return await answer_of(client, "place_order", **RESTING)


@pytest.fixture
def polydesk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Said:
    def run(*arguments: str, state: Path = tmp_path) -> tuple[int, str]:
        monkeypatch.setenv("POLYMARKET_STATE_DIR", str(state))
        monkeypatch.setenv("COLUMNS", "150")
        code = main([*arguments, "--mode", "sandbox"])
        return code, capsys.readouterr().out

    return run


def test_the_status_of_a_desk_elsewhere(desk: Desk, folder: Path, polydesk: Said) -> None:
    code, out = polydesk("status", "--json", state=folder)
    told = json.loads(out)
    assert (code, told["concerns"]) == (0, [])
    assert (told["mode"], told["health"]["desk"]["pid"]) == ("sandbox", desk.pid)
    code, out = polydesk("status", state=folder)
    assert code == 0
    assert "SANDBOX" in out
    assert re.search(r"equity\s+\$[0-9,]+\.\d\d", out)
    assert "not current prices" in out


def test_orders_and_positions_of_a_desk_elsewhere(desk: Desk, folder: Path, polydesk: Said) -> None:
    code, out = polydesk("orders", "--status", "open", "--json", state=folder)
    (order,) = json.loads(out)["orders"]
    assert (code, order["order_id"], order["status"]) == (0, desk.placed["order_id"], "open")
    assert len(json.loads(polydesk("orders", "--json", state=folder)[1])["orders"]) == 2
    assert len(json.loads(polydesk("orders", "--most", "1", "--json", state=folder)[1])["orders"]) == 1
    assert "BUY Yes" in polydesk("orders", state=folder)[1]
    (position,) = json.loads(polydesk("positions", "list", "--json", state=folder)[1])["positions"]
    assert position["market"] == FED
    assert "Yes: Will there be no change" in polydesk("positions", "list", state=folder)[1]


def test_watching_shows_the_desk_and_ends_after_as_many_updates_as_asked(
    desk: Desk, folder: Path, polydesk: Said
) -> None:
    code, out = polydesk("watch", "--updates", "2", "--json", state=folder)
    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert first["account"] == second["account"]
    assert first["health"]["desk"]["pid"] == desk.pid
    code, out = polydesk("watch", "--updates", "1", state=folder)
    assert code == 0
    for part in ("Positions", "Orders", "Last fills", "Health", "Limits"):
        assert part in out


@pytest.mark.takeover
def test_watching_ends_with_ctrl_c_and_the_desk_goes_on(desk: Desk, folder: Path) -> None:
    with running([*SOURCE_COMMAND, "watch", "--json"], environment(folder)) as process:
        process.wait_for(r"\"mark\"")
        assert process.end(signal.SIGINT) == 0
    assert "Traceback" not in process.stderr
    os.kill(desk.pid, 0)


def test_without_a_desk_the_files_are_told_and_nothing_is_opened(polydesk: Said, tmp_path: Path) -> None:
    code, out = polydesk("status", "--json")
    assert (code, json.loads(out)) == (
        1,
        {"desk": None, "mode": "sandbox", "folder": str(tmp_path / "sandbox"), "halt": None, "orders": {}},
    )
    assert polydesk("status")[1].startswith("No process holds the sandbox desk")
    assert polydesk("positions", "list")[0] == 2
    assert polydesk("orders")[0] == 2
    assert list(tmp_path.iterdir()) == []


async def test_orders_of_a_desk_that_has_ended_come_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange = Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())
    async with ExchangeServer(exchange) as venue:
        async with live_client(venue, state_dir=tmp_path, confirmation="acknowledge", ack_max_usd=100) as client:
            placed = await answer_of(client, "place_order", **RESTING, acknowledge="0.2099")
        monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
        assert await asyncio.to_thread(main, ["orders", "--mode", "live", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["as_last_known"] is True
    assert [order["attempt_id"] for order in told["orders"]] == [placed["attempt_id"]]
    assert await asyncio.to_thread(main, ["status", "--mode", "live", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["orders"] == {placed["status"].replace("open", "live"): 1}


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_complete_every_command(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for command in ("dead-letters", "watch", "--mode"):
        assert command in script
    if shell == "bash":
        (tmp_path / "completion").write_text(script, encoding="utf-8")
        typed = 'source ./completion; COMP_WORDS=(polydesk dea); COMP_CWORD=1; COMP_LINE="polydesk dea"; '
        typed += "COMP_POINT=12; _shtab_polydesk; echo ${COMPREPLY[@]}"
        done = subprocess.run(["bash", "-c", typed], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == "dead-letters", done.stderr


def test_what_needs_a_person_is_said() -> None:
    told: dict[str, Any] = {
        "halt": {"reason": "a test", "lifted_by": "polydesk resume"},
        "health": {
            "venue": {"condition": "post_only", "left_alone": ["clob"]},
            "orders": {"unknown": 2},
            "dead_letters": 1,
        },
        "waiting": [{"what": "BUY", "code": "abc"}],
        "problems": {"news": "no answer"},
    }
    assert len(concerns_of(told)) == 7
    assert concerns_of({**told, "halt": None, "problems": None})[0] == "The venue is in the state post_only."


def test_no_text_of_strangers_commands_the_terminal() -> None:
    title = "Rain?\x1b]0;owned\x07\x1b[2J [bold]now[/bold]"
    row = {"at": "2026-06-01T12:00:00Z", "text": title}
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(alerts_table([row]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Rain?" in shown and "[bold]now[/bold]" in shown
    assert not set(shown) & {"\x1b", "\x07"}


def test_why_trading_was_halted_commands_no_terminal_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    folder = load_settings(mode="paper").desk_folder
    KillSwitch(folder, lifted_by="").engage("too much\x1b[2J\nOrders in its file: none.", SystemClock().now())
    assert main(["status", "--mode", "paper"]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert len(said.splitlines()) == 3


async def test_what_is_watched_stays_on_screen_while_the_desk_does_not_answer_and_is_said_to_be_old() -> None:
    answers: Iterator[Any] = iter([{"mark": "1"}, RateLimitError("slow down\x1b[2J"), {"mark": "2"}, None])

    async def look(name: str, arguments: dict[str, Any]) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    class Now(SystemClock):
        async def sleep(self, seconds: float) -> None:
            return None

    seen = [(update.told["mark"], update.problem) async for update in follow(look, Now())]
    assert [mark for mark, _ in seen] == ["1", "1", "2"]
    assert seen[1][1] is not None
    assert "slow down" in seen[1][1]
    assert "\x1b" not in seen[1][1]
