"""What a strategy is given on a desk: live reads, the desk's news, its own part of the account, and the desk itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ..core.clock import Clock
from ..core.errors import InputRejected
from ..core.identifiers import TokenId
from ..core.market_data.directory import MarketDirectory
from ..core.market_data.quotes import MarketQuotes
from ..core.models import Market, NewsItem, OrderBook, PriceHistory
from ..core.news.item_store import NewsStore
from ..core.news.newsroom import Newsroom
from ..core.portfolio.account_state import read_account
from ..core.risk.mandate import Mandate
from ..core.strategies.surroundings import ReadNews, ReferencePrices, RewardTerms, Surroundings
from ..core.trading.desk import TradingDesk
from ..core.trading.run_book import RunBook
from ..core.trading.run_ledger import RunAccount, Worth
from ..core.trading.strategy_execution import DeskExecution
from ..core.trading.strategy_runs import Surround
from ..core.venues.venue import Venue
from .sites import Site

_HISTORY = timedelta(days=7)
_HISTORY_STEP_MIN = 10
_NEWS = timedelta(days=3)
_MOST_NEWS = 2000
_CENTS = Decimal(100)


class _LiveQuotes:
    """Books of now, and the last week's midpoints ten minutes apart, as in a replay."""

    def __init__(self, quotes: MarketQuotes, clock: Clock) -> None:
        self._quotes = quotes
        self._clock = clock

    async def book(self, token_id: TokenId) -> OrderBook | None:
        return await self._quotes.book(token_id)

    async def history(self, token_id: TokenId) -> PriceHistory:
        # Whole hours, so that looks within one hour share a cached answer.
        start = (self._clock.now() - _HISTORY).replace(minute=0, second=0, microsecond=0)
        return await self._quotes.history(token_id, start=start, fidelity_min=_HISTORY_STEP_MIN)


class _KeptNews:
    """The desk's items, read anew from its sources where they are due."""

    name = "the desk's newsroom"

    def __init__(self, newsroom: Newsroom, store: NewsStore, clock: Clock) -> None:
        self._newsroom = newsroom
        self._store = store
        self._clock = clock

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        await self._newsroom.collect(query)
        now: datetime = self._clock.now()
        return [each.evidence for each in self._store.recent(since=now - _NEWS, until=now, most=_MOST_NEWS)]


def worth_now(quotes: MarketQuotes, directory: MarketDirectory) -> Worth:
    """The midpoint of an outcome, or what it paid once its market has ended; None where neither is known."""

    async def worth(token_id: TokenId) -> Decimal | None:
        book = await quotes.book(token_id)
        if book is not None and book.midpoint is not None:
            return book.midpoint
        try:
            market = (await directory.find(token_id)).market
        except InputRejected:
            return None
        outcome = market.outcome_of(token_id)
        if market.resolution.winner is not None and outcome is not None:
            return Decimal(int(market.resolution.winner == outcome.label))
        return book.last_trade_price if book is not None else outcome.price if outcome is not None else None

    return worth


def surround_on(
    site: Site,
    desk: TradingDesk,
    venue: Venue,
    runs: RunBook,
    *,
    quotes: MarketQuotes,
    directory: MarketDirectory,
    newsroom: Newsroom,
    store: NewsStore,
    read_news: ReadNews,
    reference: ReferencePrices,
) -> Surround:
    """Surroundings of runs on this desk."""
    clock, find, worth = site.clock, directory.market, worth_now(quotes, directory)

    async def event_markets(market: Market) -> Sequence[Market]:
        if not market.event_slug:
            return [market]
        return [each for each in (await directory.find_event(market.event_slug)).markets if each.tradable]

    async def siblings(market: Market) -> Sequence[Market]:
        return await event_markets(market) if market.neg_risk else ()

    async def rewards(market: Market) -> RewardTerms | None:
        programme = await site.public.clob.reward_programme(market.condition_id)
        if programme is None or not programme.rate_per_day:
            return None
        return RewardTerms(programme.max_spread_cents / _CENTS, programme.min_size_shares)

    async def may_stake(mandate: Mandate) -> Decimal:
        account = await read_account(venue, TokenId(""), desk.fee_of, clock, to_sell=False)
        return min(account.free, mandate.max_exposure_usd - desk.run_standing(mandate, account).tied_up_usd)

    def surround(run_id: str, mandate: Mandate) -> Surroundings:
        return Surroundings(
            clock=clock,
            random=random.Random(f"{site.seed} {run_id}"),
            quotes=_LiveQuotes(quotes, clock),
            siblings=siblings,
            event_markets=event_markets,
            account=RunAccount(
                desk.journal,
                prefix=f"{run_id}/",
                trades=venue.trades,
                open_orders=venue.open_orders,
                may_stake=lambda: may_stake(mandate),
                fee_of=desk.fee_of,
                worth=worth,
            ),
            execution=DeskExecution(
                desk, find, clock, prefix=run_id, mandate=mandate, goes_on=lambda: runs.is_mine(run_id)
            ),
            news=_KeptNews(newsroom, store, clock),
            read_news=read_news,
            reference=reference,
            rewards=rewards,
        )

    return surround
