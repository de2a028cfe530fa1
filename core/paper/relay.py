"""Brings real markets onto the exchange when somebody asks for them, and keeps their books as the real ones are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError
from ..exchange.book import level_key
from ..exchange.listing import Listing
from ..exchange.mirror import Mirror
from ..exchange.trades import Trade
from ..exchange.units import price_units
from ..exchange.venue import Exchange
from ..identifiers import ConditionId, TokenId
from ..market_data.book_keeper import BookGap
from ..market_data.live_book import LiveBook
from ..market_data.market_feed import BooksFetched, MarketFeed
from ..models import Market, OrderSide
from ..polymarket.wire.stream_events import (
    BookSnapshot,
    LastTrade,
    MarketEvent,
    MarketResolved,
    PriceChanges,
    TickSizeChange,
)
from .absence import Absence, Absences
from .freshness import Freshness
from .listings_on_demand import ListingsOnDemand
from .public_venue import PublicVenue
from .tape import real_trade

_tell_failure = logs_failure(logging.getLogger(__name__), "a market is not followed any more")

_MOST_MARKETS = 200
"""Markets followed at once; those that nobody asked for longest make room, unless somebody has a stake in them."""

_RETRY_S = 5.0


class Relay:
    """Follows the real markets that are asked for. An `async with` runs it and the feed.

    `on_resolved` is told the condition ids of markets that the stream calls decided.
    """

    def __init__(
        self,
        real: PublicVenue,
        exchange: Exchange,
        mirror: Mirror,
        *,
        feed: MarketFeed,
        clock: Clock,
        absences: Absences,
        freshness: Freshness,
        on_resolved: Callable[[ConditionId], None],
    ) -> None:
        self._exchange = exchange
        self._mirror = mirror
        self._feed = feed
        self._clock = clock
        self._absences = absences
        self._freshness = freshness
        self._on_resolved = on_resolved
        self._listings = ListingsOnDemand(real, exchange, mirror, clock=clock, absences=absences)
        self._asked: dict[str, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._feed.on_event(self._on_event)
        self._feed.on_gap(self._on_gap)
        await self._feed.__aenter__()
        staked = self.staked()
        if staked:
            self._spawn(self._return_to(staked))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._tasks):
            await cancelled(task)
        await self._feed.aclose()

    # -- what somebody asks for --------------------------------------------------------------------------------------

    async def list_tokens(self, token_ids: Collection[str]) -> None:
        """Have the markets of these tokens on the exchange, and follow them.

        Raises PolymarketAPIError when the real venue cannot be asked, as the next two do.
        """
        await self._follow(await self._listings.list_tokens(token_ids))

    async def list_conditions(self, condition_ids: Collection[str]) -> None:
        """The same for markets by their condition ids."""
        await self._follow(await self._listings.list_conditions(condition_ids))

    async def take_terms(self, token_ids: Collection[str], condition_ids: Collection[str]) -> None:
        """Have the real terms of orders in these listed markets."""
        wanted = self._listings.of_tokens(token_ids) | set(condition_ids)
        await self._listings.take_terms(wanted, followed=self._freshness.shown)

    def staked(self) -> set[str]:
        """Condition ids of the open markets in which a client has an order or a position."""
        exchange = self._exchange
        staked = {order.condition_id for order in exchange.registry.orders.values() if order.owner and order.open_size}
        for account in exchange.ledger.accounts.values():
            if not account.is_house:
                held = (token_id for token_id, position in account.positions.items() if position.size)
                staked.update(exchange.markets.by_token[token_id].condition_id for token_id in held)
        return {each for each in staked if not exchange.markets.by_condition[each].closed}

    async def settle_missed(self, market: Market) -> bool:
        """Settle what was missed in a market that has ended, of which no book tells any more.

        False as long as somebody else is at it.
        """
        if market.condition_id not in self._absences.pending:
            return True
        self._listings.take(market)
        absence = self._absences.begin(self._mirror.books[market.condition_id])
        if absence is None:
            return False
        await self._absences.settle(absence)
        return True

    # -- listing and following ---------------------------------------------------------------------------------------

    async def _follow(self, condition_ids: Collection[str]) -> None:
        now = self._clock.now()
        self._asked.update(dict.fromkeys(condition_ids, now))
        await self._listings.refresh(condition_ids)
        wanted = {
            TokenId(token_id)
            for each in condition_ids
            if each in self._listings and not (listing := self._exchange.markets.by_condition[each]).closed
            for token_id in listing.tokens
        }
        if not wanted <= self._feed.token_ids:
            await self._feed.follow(wanted)
            await self._make_room(keep=self.staked() | set(condition_ids))

    async def _make_room(self, *, keep: set[str]) -> None:
        """Stop following the markets that nobody has asked for longest."""
        followed = {self._exchange.markets.by_token[token_id].condition_id for token_id in self._feed.token_ids}
        idle = sorted(followed - keep, key=lambda each: self._asked[each])
        for condition_id in idle[: max(len(followed) - _MOST_MARKETS, 0)]:
            self._freshness.shown.discard(condition_id)
            tokens = [TokenId(token_id) for token_id in self._exchange.markets.by_condition[condition_id].tokens]
            await self._feed.unfollow(tokens)

    async def _return_to(self, condition_ids: set[str]) -> None:
        """Follow again where somebody has a stake, as soon as the real venue answers."""
        while True:
            try:
                await self._follow(condition_ids)
                return
            except PolymarketAPIError:
                await self._clock.sleep(_RETRY_S)

    # -- what the real market tells ----------------------------------------------------------------------------------

    def _on_event(self, event: MarketEvent | BooksFetched) -> None:
        match event:
            case PriceChanges():
                self._changed(event)
            case BookSnapshot():
                self._whole(event.token_id)
            case BooksFetched():
                for token_id in event.token_ids:
                    self._whole(token_id)
            case LastTrade():
                self._traded(event)
            case TickSizeChange():
                listing = self._exchange.markets.by_token.get(event.token_id)
                if listing is not None:
                    self._exchange.trading.set_tick(listing, price_units(event.new_tick))
            case MarketResolved():
                if event.condition_id in self._exchange.markets.by_condition:
                    self._on_resolved(event.condition_id)
            case _:
                return
        self._freshness.note_news()

    def _changed(self, event: PriceChanges) -> None:
        """The levels of the first outcome, as the keeper holds them now."""
        listing = self._exchange.markets.by_condition.get(event.condition_id)
        if listing is None or listing.condition_id not in self._freshness.shown:
            return
        token_id = _first_token(listing)
        book = self._feed.live_book(token_id)
        if book is None or book.stale:
            return
        changes = []
        for row in event.rows:
            if row[0] == token_id:
                is_bid = row[1] is OrderSide.BUY
                levels = book.bids if is_bid else book.asks
                changes.append((level_key(is_bid=is_bid, price=row[2]), levels.get(row[2], 0)))
        self._mirror.books[listing.condition_id].apply_changes(changes, at_ms=event.timestamp_ms)
        self._absences.saw(listing)

    def _whole(self, token_id: str) -> None:
        """A book was sent or read whole: show it, after what happened meanwhile has been settled."""
        listing = self._exchange.markets.by_token.get(token_id)
        if listing is None or listing.closed or token_id != _first_token(listing):
            return
        book = self._feed.live_book(TokenId(token_id))
        if book is None or book.stale:
            return
        if listing.condition_id in self._absences.pending:
            self._freshness.shown.discard(listing.condition_id)
            absence = self._absences.begin(self._mirror.books[listing.condition_id])
            if absence is not None:
                self._spawn(self._settle(listing, absence))
            return
        self._show(listing, book)

    def _show(self, listing: Listing, book: LiveBook) -> list[Trade]:
        if book.tick is not None:
            self._exchange.trading.set_tick(listing, price_units(book.tick))
        mirrored = self._mirror.books[listing.condition_id]
        made = mirrored.apply_snapshot(book.bids, book.asks, at_ms=book.updated_ms)
        self._freshness.shown.add(listing.condition_id)
        self._absences.saw(listing)
        return made

    async def _settle(self, listing: Listing, absence: Absence) -> None:
        """Settle what was missed, then show the book as it is by then; what it crosses was crossed while away."""
        await self._absences.settle(absence)
        book = self._feed.whole_book(_first_token(listing))
        if book is not None and not listing.closed:
            self._absences.found(self._show(listing, book))
        self._freshness.note_news()
        if self._absences.tape_lag_s:
            await self._absences.look_again(absence)

    def _traded(self, event: LastTrade) -> None:
        listing = self._exchange.markets.by_token.get(event.token_id)
        if listing is None or listing.condition_id not in self._freshness.shown:
            return
        trade = real_trade(
            listing,
            event.token_id,
            event.side,
            event.price,
            event.size,
            at=event.timestamp,
            transaction_hash=event.transaction_hash,
        )
        if trade is not None and trade.shares:
            self._mirror.books[listing.condition_id].apply_trade(trade)
            self._absences.saw(listing)

    def _on_gap(self, gap: BookGap) -> None:
        """Trades may have been missed: whoever has an order there must not be treated as if nothing had happened."""
        listing = self._exchange.markets.by_token.get(gap.token_id)
        if listing is None or gap.token_id != _first_token(listing):
            return
        self._freshness.shown.discard(listing.condition_id)
        self._absences.missed(self._mirror.books[listing.condition_id])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_tell_failure)


def _first_token(listing: Listing) -> TokenId:
    return TokenId(listing.tokens[0])
