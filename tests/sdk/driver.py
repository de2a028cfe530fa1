"""Trades on an exchange with the official SDK, unmodified but for its addresses; prints one JSON line per step.

Runs in the SDK's own environment, so it imports nothing of polydesk. Its one argument is the line that
`polydesk exchange --json` printed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from polymarket import AsyncSecureClient
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket.errors import RequestRejectedError
from polymarket.streams import MarketSpec, UserSpec

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
WALLET = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
SLUG = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
EVENT_TIMEOUT_S = 15


def report(step: str, **facts: Any) -> None:
    print(json.dumps({"step": step, **facts}, default=str), flush=True)


async def main(addresses: dict[str, Any]) -> None:
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
    async with await AsyncSecureClient.create(private_key=KEY, wallet=WALLET, environment=environment) as client:
        report("credentials", wallet=client.wallet, api_key=client.credentials.key)
        await trade(client)


async def trade(client: AsyncSecureClient) -> None:
    market = await client.get_market(slug=SLUG)
    token = market.outcomes.yes.token_id
    assert token is not None
    report("market", slug=market.slug, condition=market.condition_id, tick=market.trading.minimum_tick_size)

    book = await client.get_order_book(token_id=token)
    best_bid, best_ask = book.bids[-1].price, book.asks[-1].price
    report("book", best_bid=best_bid, best_ask=best_ask, tick=book.tick_size)
    report("midpoint", value=await client.get_midpoint(token_id=token))
    balance = await client.get_balance_allowance(asset_type="COLLATERAL")
    report("balance", micro_usd=balance.balance)

    async with (
        watched(client, MarketSpec(token_ids=[token])) as market_event,
        watched(client, UserSpec()) as user_event,
    ):
        first = await market_event("the book on the market stream", lambda each: each.type == "book")
        report("market stream book", best_ask=first.payload.asks[-1].price)

        price = best_bid - 20 * book.tick_size
        resting = await client.place_limit_order(token_id=token, price=price, size=10, side="BUY")
        report("limit order", ok=resting.ok, status=resting.status, order_id=resting.order_id)
        changed = await market_event("the new level on the market stream", lambda each: each.type == "price_change")
        report("market stream change", prices=[each.price for each in changed.payload.price_changes])
        placed = await user_event("the placement on the user stream", lambda each: each.type == "order")
        report("user stream order", order_id=placed.payload.id, event=placed.payload.order_event_type)

        open_orders = (await client.list_open_orders().first_page()).items
        report(
            "open orders",
            orders=[{"id": each.id, "price": each.price, "size": each.original_size} for each in open_orders],
        )
        cancelled = await client.cancel_order(order_id=resting.order_id)
        report("cancel", canceled=cancelled.canceled, not_canceled=cancelled.not_canceled)
        report("open orders after", orders=[each.id for each in (await client.list_open_orders().first_page()).items])

        taken = await client.place_market_order(token_id=token, side="BUY", amount=20, order_type="FAK")
        report(
            "market order",
            ok=taken.ok,
            status=taken.status,
            order_id=taken.order_id,
            paid=taken.making_amount,
            shares=taken.taking_amount,
        )
        traded = await user_event("the fill on the user stream", lambda each: each.type == "trade")
        report("user stream trade", taker_order_id=traded.payload.taker_order_id, size=traded.payload.size)
        report("settlement", hashes=await client.wait_for_order_fill_settlement(taken))

    trades = (await client.list_account_trades().first_page()).items
    report(
        "trades", trades=[{"order": each.taker_order_id, "size": each.size, "status": each.status} for each in trades]
    )
    positions = (await client.list_positions().first_page()).items
    report(
        "positions", positions=[{"asset": each.asset_id, "size": each.current_size} for each in positions], token=token
    )

    sold = await client.place_market_order(token_id=token, side="SELL", shares=10, order_type="FAK")
    report("sale", ok=sold.ok, status=sold.status, shares=sold.making_amount, got=sold.taking_amount)
    await refused("refusal: balance", client.place_limit_order(token_id=token, price=price, size=1_000_000, side="BUY"))
    await refused(
        "refusal: post only",
        client.place_limit_order(token_id=token, price=best_ask, size=10, side="BUY", post_only=True),
    )


async def refused(step: str, placing: Awaitable[Any]) -> None:
    try:
        answer = await placing
    except RequestRejectedError as error:
        report(step, status=error.status, message=str(error))
    else:
        report(step, status=200, message=answer.message if not answer.ok else "accepted")


@asynccontextmanager
async def watched(
    client: AsyncSecureClient, spec: MarketSpec | UserSpec
) -> AsyncIterator[Callable[[str, Callable[[Any], bool]], Awaitable[Any]]]:
    """A stream, as a function that waits for the next event that fits."""
    async with await client.subscribe(spec) as events:

        async def next_event(what: str, fits: Callable[[Any], bool]) -> Any:
            try:
                async with asyncio.timeout(EVENT_TIMEOUT_S):
                    async for event in events:
                        if fits(event):
                            return event
            except TimeoutError:
                raise SystemExit(f"{what} did not come within {EVENT_TIMEOUT_S} s") from None
            raise SystemExit(f"the stream ended before {what}")

        yield next_event


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
