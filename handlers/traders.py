"""The tool that reads how traders rank, and what one wallet holds and did."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from ..core.errors import InputRejected
from ..core.identifiers import Address
from ..core.models import Standing
from ..core.untrusted_text import quoted
from .answer import Answer, Num, When, rounded
from .arguments import Cursor
from .context import Desk
from .toolspec import Toolset, ToolSpec

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_SHOWN = 10
_RANKS = "Past profit says little about the next bet; the best of many are lucky too."


class Rank(Answer):
    """A trader over the period; profit in dollars, volume in shares."""

    wallet: str
    name_by_stranger: str | None = None
    rank: int | None = None
    profit: Num
    volume: Num


class HeldLine(Answer):
    market: str
    outcome: str
    shares: Num
    average_price: Num
    value: Num | None = None


class ActivityLine(Answer):
    at: When
    kind: str
    market: str | None = None
    outcome: str | None = None
    side: str | None = None
    shares: Num
    dollars: Num


class TradersAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    ranking: list[Rank]
    value: Num | None = None
    positions: list[HeldLine] | None = None
    more_positions: int | None = None
    activity: list[ActivityLine] | None = None
    next_cursor: str | None = None
    note: str | None = None


async def get_traders(
    desk: Desk,
    wallet: Annotated[str | None, Field(max_length=42, description="One wallet, 0x and 40 hex digits")] = None,
    period: Annotated[Literal["day", "week", "month", "all"], Field(description="Of ranks")] = "week",
    order: Annotated[Literal["profit", "volume"], Field(description="What ranks are by")] = "profit",
    limit: Annotated[int, Field(ge=1, le=20, description="Most traders to return")] = 10,
    cursor: Cursor | None = None,
) -> TradersAnswer:
    """Read who traded best over a period, or one wallet's rank, largest positions and latest activity."""
    if wallet is None:
        page = await desk.traders.ranking(
            period=period, order="PNL" if order == "profit" else "VOLUME", limit=limit, cursor=cursor
        )
        return TradersAnswer(
            as_of=desk.clock.now(),
            source=desk.source,
            recorded_on=desk.recorded,
            ranking=[_rank(each) for each in page.items],
            next_cursor=page.next_cursor,
            note=_RANKS,
        )
    if not _ADDRESS.fullmatch(wallet):
        raise InputRejected(
            f"{quoted(wallet, 60)!r} is not a wallet.",
            code="invalid_arguments",
            fix="give 0x and 40 hex digits, as in `largest_holders` of polymarket_get_market with detail=full",
        )
    record = await desk.traders.wallet(Address(wallet), period=period, activities=limit)
    held = sorted(record.positions, key=lambda each: each.value or 0, reverse=True)
    return TradersAnswer(
        as_of=desk.clock.now(),
        source=desk.source,
        recorded_on=desk.recorded,
        ranking=[_rank(record.standing)] if record.standing else [],
        value=rounded(record.value, 2),
        positions=[
            HeldLine(
                market=each.slug,
                outcome=quoted(each.outcome, 60),
                shares=each.size,
                average_price=rounded(each.average_price),
                value=rounded(each.value, 2),
            )
            for each in held[:_SHOWN]
        ],
        more_positions=len(held) - _SHOWN if len(held) > _SHOWN else None,
        activity=[
            ActivityLine(
                at=each.timestamp,
                kind=each.kind.lower(),
                market=each.slug or None,
                outcome=quoted(each.outcome, 60) or None,
                side=each.side.value if each.side else None,
                shares=each.size,
                dollars=rounded(each.dollars, 2),
            )
            for each in record.activity
        ],
        note=None if held or record.activity else "No position or deed of this wallet is on record.",
    )


def _rank(standing: Standing) -> Rank:
    return Rank(
        wallet=standing.user,
        name_by_stranger=quoted(standing.name, 60) or None,
        rank=standing.rank,
        profit=rounded(standing.profit, 2),
        volume=rounded(standing.volume, 2),
    )


TOOLS = (ToolSpec("polymarket_get_traders", Toolset.ADVANCED, "Read ranks and wallets", get_traders),)
