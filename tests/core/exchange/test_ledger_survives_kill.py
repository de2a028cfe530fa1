"""A process is killed at any moment, and the ledger has all that it acknowledged, to the micro-dollar."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from tests.support.ledger_trader import SECRET, TRADERS, open_exchange
from tests.support.processes import FED, SOURCE_COMMAND, Running, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.exchange.conftest import Client

ROOT = Path(__file__).parents[3]
KILLS = 24


def trade_until_killed(ledger: Path, *, seed: int, acknowledged: int) -> list[dict[str, Any]]:
    """What a trading process was told, up to the moment of its death after some many answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.ledger_trader", str(ledger), str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if len(lines) == acknowledged:
            process.send_signal(signal.SIGKILL)
            break
    assert process.stderr is not None
    with process.stdout, process.stderr:
        rest, complaints = (
            process.stdout.read(),
            process.stderr.read(),
        )  # communicate() would pass over what is buffered
    assert process.wait(timeout=30) == -signal.SIGKILL, complaints.decode()
    told = [*lines, *(line for line in rest.splitlines(keepends=True) if line.endswith(b"\n"))]
    return [json.loads(line) for line in told]


def assert_exact(exchange: Exchange) -> None:
    markets = {listing.condition_id: listing.tokens for listing in exchange.markets.listings}
    assert not exchange.ledger.discrepancies(markets)
    for account in exchange.ledger.accounts.values():
        assert account.cash >= account.open_cash + account.matched_cash
        for token_id, position in account.positions.items():
            assert position.size >= account.open_shares[token_id] + account.matched_shares[token_id]


@pytest.mark.takeover
def test_everything_acknowledged_is_there_after_a_kill_at_any_moment(tmp_path: Path) -> None:
    ledger = tmp_path / "paper.db"
    generator = random.Random(2026)
    placed: dict[str, list[str]] = {}
    cancelled: set[str] = set()
    for kill in range(1, KILLS + 1):
        for told in trade_until_killed(ledger, seed=kill, acknowledged=generator.randint(1, 150)):
            if "placed" in told:
                placed[told["placed"]] = told["trades"]
            else:
                cancelled.add(told["cancelled"])
        with LedgerStore(ledger, secret=SECRET) as store:
            exchange, clock = open_exchange(store)
            assert_exact(exchange)
            missing = placed.keys() - exchange.registry.orders.keys()
            assert not missing
            assert not {trade for trades in placed.values() for trade in trades} - exchange.registry.trades.keys()
            assert not [order_id for order_id in cancelled if exchange.registry.orders[order_id].open_size]
            granted = [account for account in map(exchange.accounts.account_of, TRADERS) if account is not None]
            assert all(account.granted for account in granted)
            # Trades that had not settled go on, and end.
            for _ in range(4):
                clock.step(5)
                exchange.agenda.run_due()
            assert {trade.status for trade in exchange.registry.trades.values()} <= {"CONFIRMED", "FAILED"}
            assert not any(account.matched_cash for account in exchange.ledger.accounts.values())
            assert_exact(exchange)
    assert len(placed) > 500
    assert sum(map(len, placed.values())) > 100
    assert cancelled


async def test_clients_find_every_order_again_that_a_killed_server_answered(
    tmp_path: Path, new_client: Callable[[str], Client]
) -> None:
    clients = [new_client(f"0x{number:064x}") for number in (77, 78, 79)]
    command = [*SOURCE_COMMAND, "exchange", "--port", "0", "--json", "--ledger", str(tmp_path / "paper.db")]
    generator = random.Random(8)
    answered: dict[str, Client] = {}
    for kill in range(4):
        server = Running(command, environment(tmp_path))
        addresses = json.loads(server.wait_for(r"^\{.*\}\n")[0])
        async with httpx2.AsyncClient(base_url=addresses["clob_url"].removesuffix("/clob")) as http:
            for client in clients:
                client.http = http
                if not kill:
                    await client.log_in()
            for order_id, client in answered.items():
                found = await client.call("GET", f"/data/order/{order_id}")
                assert found.status_code == 200, found.json()
            (market,) = (await http.get("/gamma/markets", params={"slug": FED})).json()
            token = json.loads(market["clobTokenIds"])[0]
            left = iter(range(generator.randint(3, 30)))
            lost = await asyncio.gather(
                *(_place_until_killed(client, token, answered, left, server) for client in clients)
            )
        assert server.end(None) == -signal.SIGKILL
        assert any(lost)
    assert len(answered) > 20


async def _place_until_killed(
    client: Client, token: str, answered: dict[str, Client], left: Any, server: Running
) -> bool:
    """Rest one bid after the other; who finds no turn left kills the server. Whether an answer was lost."""
    while True:
        if next(left, None) is None:
            server.process.send_signal(signal.SIGKILL)
        try:
            placed = await client.place(token, "BUY", "0.1", "10", neg_risk=True)
        except httpx2.TransportError:
            return True
        answered[placed.json()["orderID"]] = client
