"""`polydesk exchange`: the embedded exchange alone on loopback, for any client that speaks the venue's protocol."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from ..core.background_tasks import cancelled
from ..core.clock import ShiftedClock
from ..core.errors import ConfigurationError
from ..core.exchange.catalogue import Catalogue, load_catalogue
from ..core.exchange.faults import load_fault_plan
from ..core.exchange.replay.folder import load_folder
from ..core.exchange.replay.player import Player
from ..core.exchange.replay.recording import Recording, read_recording
from ..core.exchange.server import ExchangeServer
from ..core.exchange.settings import ExchangeSettings
from ..core.exchange.settings_file import load_exchange_settings
from ..core.exchange.store import LedgerStore
from ..core.exchange.venue import Exchange


def run_exchange(
    *,
    host: str,
    port: int,
    chain_id: int | None,
    seed: int | None,
    traders: bool,
    as_json: bool,
    settings: Path | None = None,
    faults: str | None = None,
    ledger: str | None = None,
    catalogue: Path | None = None,
    replay: Sequence[Path] = (),
    speed: float = 1.0,
) -> int:
    """Serve until a signal arrives. The addresses are printed as soon as they answer.

    `settings` is the path of a file of rules, which the other options go before; `faults` is that of a file of fault
    rules, `ledger` that of the ledger, `catalogue` a folder of payloads to begin with. `replay` are recordings that
    happen again at `speed` times their pace (infinite: as fast as they can be served), without simulated traders.
    Raises ConfigurationError when one of them cannot be used.
    """
    rules = ExchangeSettings() if settings is None else load_exchange_settings(settings)
    if not traders or replay:
        rules = replace(rules, simulated_traders=False)
    if chain_id is not None:
        rules = replace(rules, chain_id=chain_id)
    if seed is not None:
        rules = replace(rules, seed=seed)
    if faults is not None:
        rules = replace(rules, faults=load_fault_plan(Path(faults)))
    if speed != 1 and not replay:
        raise ConfigurationError("--speed is the pace of a recording: name one with --replay")
    recording = read_recording(replay) if replay else None
    if recording is not None:
        markets = recording.catalogue
    else:
        markets = load_catalogue() if catalogue is None else load_folder(catalogue)
    with ExitStack() as opened:
        store = None
        if ledger is not None:
            store = opened.enter_context(LedgerStore(Path(ledger), secret=secrets.token_bytes(32)))
        anyio.run(_run, rules, host, port, as_json, markets, recording, speed, store)
    return 0


async def _run(
    rules: ExchangeSettings,
    host: str,
    port: int,
    as_json: bool,
    catalogue: Catalogue,
    recording: Recording | None,
    speed: float,
    store: LedgerStore | None,
) -> None:
    starts_at = catalogue.starts_at
    if store is not None:
        # The recorded day goes on where it stopped; while nobody served it, no time passed.
        starts_at = max(starts_at, datetime.fromtimestamp(store.at_ms / 1000, UTC))
    at_once = math.isinf(speed)
    clock = ShiftedClock(starts_at, speed=1 if at_once else speed)
    exchange = Exchange(catalogue, rules, clock, store=store)
    player = None if recording is None else Player(exchange, recording)
    async with AsyncExitStack() as opened:
        server = await opened.enter_async_context(ExchangeServer(exchange, host=host, port=port))
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
            if player is not None:
                playing = player.run_at_once(clock) if at_once else player.run()
                opened.push_async_callback(cancelled, asyncio.create_task(playing))
            async for _ in signals:
                return
