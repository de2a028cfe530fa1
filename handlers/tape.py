"""The tool that reads what anybody traded on a market."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ..core.untrusted_text import quoted
from .answer import Answer, Num, When, rounded
from .arguments import AsMoment, Cursor, MarketRef, moment_schema
from .context import Desk
from .toolspec import Toolset, ToolSpec


class TapeLine(Answer):
    """One trade as its taker made it: price in dollars per share, size in shares."""

    at: When
    outcome: str
    side: str
    price: Num
    size: Num
    dollars: Num


class TapeAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    market: str
    trades: list[TapeLine]
    bought: dict[str, Num]
    sold: dict[str, Num]
    next_cursor: str | None = None
    note: str


async def get_market_trades(
    desk: Desk,
    market_id: MarketRef,
    since: Annotated[datetime, AsMoment, moment_schema("Only trades from then on, e.g. 2026-05-17T06:00:00Z")]
    | None = None,
    limit: Annotated[int, Field(ge=1, le=20, description="Most trades to return")] = 15,
    cursor: Cursor | None = None,
) -> TapeAnswer:
    """Read the public tape of a market, newest trade first: which side takers took, at what price, how much.

    `bought` and `sold` sum the shares of the listed trades by outcome.
    """
    reference = await desk.directory.find(market_id)
    page = await desk.tape.latest(reference.market.condition_id, limit=limit, since=since, cursor=cursor)
    totals: dict[str, dict[str, Decimal]] = {"BUY": {}, "SELL": {}}
    for trade in page.trades:
        taken = totals[trade.side.value]
        label = quoted(trade.outcome, 60)
        taken[label] = taken.get(label, Decimal(0)) + trade.size
    return TapeAnswer(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=desk.recorded,
        market=reference.market.slug,
        trades=[
            TapeLine(
                at=trade.timestamp,
                outcome=quoted(trade.outcome, 60),
                side=trade.side.value,
                price=trade.price,
                size=trade.size,
                dollars=rounded(trade.dollars, 2),
            )
            for trade in page.trades
        ],
        bought=totals["BUY"],
        sold=totals["SELL"],
        next_cursor=page.next_cursor,
        note="Settled trades only; the record may lag the market by minutes."
        if page.trades
        else "No settled trade is on record for this market and period.",
    )


TOOLS = (ToolSpec("polymarket_get_market_trades", Toolset.ADVANCED, "Read a market's trades", get_market_trades),)
