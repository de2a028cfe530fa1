"""Makes every call of `official_sdk_calls` with one of the official SDK's clients; prints one JSON line per method.

Runs in the SDK's own environment. Its arguments are `async` or `sync` and the line that `polydesk exchange --json`
printed; the first line it prints has all public names of the client.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from dataclasses import replace
from typing import Any

from official_sdk_calls import ASYNC_ONLY, CALLS, Scene, done
from polymarket import AsyncSecureClient, SecureClient
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket.models.clob.requests import PriceRequest
from polymarket.streams import MarketSpec, UserSpec

KEYS = {
    "async": "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "sync": "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
}
WALLETS = {
    "async": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "sync": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
}


async def main(kind: str, addresses: dict[str, Any]) -> None:
    nowhere = "http://127.0.0.1:9"  # services that the exchange does not have
    config = replace(
        PRODUCTION_CONFIG,
        chain_id=addresses["chain_id"],
        clob_url=addresses["clob_url"],
        gamma_url=addresses["gamma_url"],
        data_url=addresses["data_url"],
        clob_market_ws_url=f"{addresses['ws_url']}/market",
        clob_user_ws_url=f"{addresses['ws_url']}/user",
        rpc_url=nowhere,
        relayer_url=nowhere,
        rfq_url=nowhere,
    )
    environment = create_environment(name="polydesk", config=config)
    client_type: Any = AsyncSecureClient if kind == "async" else SecureClient

    async def log_in(**options: Any) -> Any:
        return await done(
            client_type.create(private_key=KEYS[kind], wallet=WALLETS[kind], environment=environment, **options)
        )

    client = await log_in()
    scene = Scene(client, log_in, PriceRequest, MarketSpec, UserSpec, today=time.strftime("%Y-%m-%d", time.gmtime()))
    print(json.dumps({"names": [name for name in dir(client_type) if not name.startswith("_")]}), flush=True)
    for name, make in CALLS.items():
        if kind == "sync" and name in ASYNC_ONLY:
            continue
        error = None
        try:
            await make(client, scene)
        except Exception:
            error = traceback.format_exc(limit=-6)
        print(json.dumps({"method": name, "error": error}), flush=True)
    await done(client.close())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
