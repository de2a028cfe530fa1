"""How a client, or a desk with mode=live, is pointed at an exchange of this machine, and somebody to trade with."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.identifiers import Slug
from polydesk.core.models import OrderSide, OrderTicket, TimeInForce
from polydesk.core.polymarket.amounts import market_buy_amounts
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.environments import Environment, environment_at
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport

SOMEBODY = Signer("0x" + "6" * 64)


def environment_of(server: ExchangeServer, *, chain_id: int = 137) -> Environment:
    """The exchange as a client's environment."""
    return environment_at(
        "exchange",
        clob_url=server.clob_url,
        gamma_url=server.gamma_url,
        data_url=server.data_url,
        ws_url=server.ws_url,
        chain_id=chain_id,
    )


def live_urls(server: ExchangeServer) -> dict[str, str]:
    """The exchange as settings of a desk."""
    return {
        "api_url": server.clob_url,
        "gamma_url": server.gamma_url,
        "data_url": server.data_url,
        "ws_url": server.ws_url,
    }


async def somebody_buys(server: ExchangeServer, slug: str, *, outcome: int, dollars: str) -> None:
    """Another trader takes from the recorded book."""
    async with Transport(environment_of(server), clock=SystemClock(), random=Random(3)) as transport:
        clob = CLOBClient(transport, signer=SOMEBODY)
        market = await GammaClient(transport).market_by_slug(Slug(slug))
        assert market is not None
        token_id = market.outcomes[outcome].token_id
        book = await clob.book(token_id)
        assert book is not None
        assert book.best_ask is not None
        price = book.best_ask.price
        amounts = market_buy_amounts(worst_price=price, spend_dollars=Decimal(dollars), tick=book.tick)
        ticket = OrderTicket(
            token_id=token_id,
            condition_id=market.condition_id,
            side=OrderSide.BUY,
            price=price,
            shares=amounts.shares,
            dollars=amounts.dollars,
            time_in_force=TimeInForce.FAK,
            tick=book.tick,
            neg_risk=market.neg_risk,
        )
        await clob.post_order(clob.sign(ticket))
