"""`polydesk exchange`: the embedded exchange alone on loopback, for any client that speaks the venue's protocol."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import anyio

from ..core.clock import ShiftedClock
from ..core.exchange.catalogue import load_catalogue
from ..core.exchange.faults import load_fault_plan
from ..core.exchange.server import ExchangeServer
from ..core.exchange.settings import ExchangeSettings
from ..core.exchange.venue import Exchange


def run_exchange(
    *, host: str, port: int, chain_id: int, seed: int | None, traders: bool, as_json: bool, faults: str | None = None
) -> int:
    """Serve until a signal arrives. The addresses are printed as soon as they answer.

    `faults` is the path of a file of fault rules. Raises ConfigurationError when it cannot be used.
    """
    rules = ExchangeSettings(chain_id=chain_id, simulated_traders=traders)
    if seed is not None:
        rules = replace(rules, seed=seed)
    if faults is not None:
        rules = replace(rules, faults=load_fault_plan(Path(faults)))
    anyio.run(_run, rules, host, port, as_json)
    return 0


async def _run(rules: ExchangeSettings, host: str, port: int, as_json: bool) -> None:
    catalogue = load_catalogue()
    exchange = Exchange(catalogue, rules, ShiftedClock(catalogue.starts_at))
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
                print("The exchange answers; its clock starts at", catalogue.starts_at.isoformat(), flush=True)
                for name, address in addresses.items():
                    print(f"  {name:10} {address}", flush=True)
                print(f"  chain id   {rules.chain_id}. Stop with Ctrl-C.", flush=True)
            async for _ in signals:
                return
