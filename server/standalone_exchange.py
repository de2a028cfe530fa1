"""`polydesk exchange`: the embedded exchange alone on loopback, for any client that speaks the venue's protocol."""

from __future__ import annotations

import json
import secrets
import signal
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from ..core.clock import ShiftedClock
from ..core.exchange.catalogue import load_catalogue
from ..core.exchange.faults import load_fault_plan
from ..core.exchange.server import ExchangeServer
from ..core.exchange.settings import ExchangeSettings
from ..core.exchange.store import LedgerStore
from ..core.exchange.venue import Exchange


def run_exchange(
    *,
    host: str,
    port: int,
    chain_id: int,
    seed: int | None,
    traders: bool,
    as_json: bool,
    faults: str | None = None,
    ledger: str | None = None,
) -> int:
    """Serve until a signal arrives. The addresses are printed as soon as they answer.

    `faults` is the path of a file of fault rules, `ledger` that of the ledger. Raises ConfigurationError when one of
    them cannot be used.
    """
    rules = ExchangeSettings(chain_id=chain_id, simulated_traders=traders)
    if seed is not None:
        rules = replace(rules, seed=seed)
    if faults is not None:
        rules = replace(rules, faults=load_fault_plan(Path(faults)))
    with ExitStack() as opened:
        store = None
        if ledger is not None:
            store = opened.enter_context(LedgerStore(Path(ledger), secret=secrets.token_bytes(32)))
        anyio.run(_run, rules, host, port, as_json, store)
    return 0


async def _run(rules: ExchangeSettings, host: str, port: int, as_json: bool, store: LedgerStore | None) -> None:
    catalogue = load_catalogue()
    starts_at = catalogue.starts_at
    if store is not None:
        # The recorded day goes on where it stopped; while nobody served it, no time passed.
        starts_at = max(starts_at, datetime.fromtimestamp(store.at_ms / 1000, UTC))
    exchange = Exchange(catalogue, rules, ShiftedClock(starts_at), store=store)
    async with ExchangeServer(exchange, host=host, port=port) as server:
        addresses = {
            "clob_url": server.clob_url,
            "gamma_url": server.gamma_url,
            "data_url": server.data_url,
            "ws_url": server.ws_url,
        }
        # Listening for signals comes first: whoever has read the addresses may stop the exchange at once.
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            if as_json:
                print(json.dumps({**addresses, "chain_id": rules.chain_id}), flush=True)
            else:
                print("The exchange answers; its clock starts at", starts_at.isoformat(), flush=True)
                for name, address in addresses.items():
                    print(f"  {name:10} {address}", flush=True)
                print(f"  chain id   {rules.chain_id}. Stop with Ctrl-C.", flush=True)
            async for _ in signals:
                return
