"""What a strategy is given in a replay: the same as on a live desk, and nothing of the replay itself."""

from __future__ import annotations

import random

from ..news.news_source import NewsSource
from ..strategies.surroundings import Execution, ReadNews, ReferencePrices, Surroundings
from ..trading.desk import TradingDesk
from ..trading.run_ledger import RunAccount
from .replay import Replay


def replay_surroundings(
    replay: Replay,
    desk: TradingDesk,
    execution: Execution,
    *,
    prefix: str,
    seed: int,
    news: NewsSource | None = None,
    read_news: ReadNews | None = None,
    reference: ReferencePrices | None = None,
) -> Surroundings:
    """Of a strategy whose orders have tokens that begin with `prefix`."""
    account = RunAccount(
        desk.journal,
        prefix=f"{prefix}/",
        trades=replay.venue.trades,
        open_orders=replay.venue.open_orders,
        may_stake=replay.free_cash,
        fee_of=desk.fee_of,
        worth=replay.worth,
    )

    return Surroundings(
        clock=replay.clock,
        random=random.Random(f"polydesk strategy {seed}"),
        quotes=replay.present,
        siblings=replay.present.siblings,
        event_markets=replay.present.event_markets,
        account=account,
        execution=execution,
        news=news,
        read_news=read_news,
        reference=reference,
    )
