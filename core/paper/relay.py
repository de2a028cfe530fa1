"""Brings real markets onto the exchange when somebody asks for them, and keeps their books as the real ones are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError
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
from .listings_on_demand import ListingsOnDemand
from .public_venue import PublicVenue
from .tape import real_trade

_tell_failure = logs_failure(logging.getLogger(__name__), "a market is not followed any more")

_MOST_MARKETS = 200
"""Markets followed at once; those that nobody asked for longest make room, unless somebody has a stake in them."""

_RETRY_S = 5.0
_ANSWER_S = 3.0
"""As long as the real venue may take to send a book that it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Prices older than `stale_after_s` are not traded on. A request waits `patience_s` for them to come."""

    stale_after_s: float = 10.0
    patience_s: float = 4.0


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
        settings: RelaySettings,
        on_resolved: Callable[[ConditionId], None],
    ) -> None:
        self._exchange = exchange
        self._mirror = mirror
        self._feed = feed
        self._clock = clock
        self._absences = absences
        self._settings = settings
        self._on_resolved = on_resolved
        self._listings = ListingsOnDemand(real, exchange, mirror, clock=clock, absences=absences)
        self._asked: dict[str, datetime] = {}
        self._synced: set[str] = set()
        self._news = asyncio.Event()
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
        await self._listings.take_terms(wanted, followed=self._synced)

    async def wait_current(self, token_ids: Collection[str]) -> None:
        """Return when the books of these tokens are current, or after the patience of the settings."""
        listings = {
            self._exchange.markets.by_token[each] for each in token_ids if each in self._exchange.markets.by_token
        }
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.patience_s):
                while any(self._may_come(each) for each in listings):
                    self._news.clear()
                    await self._news.wait()

    def stale_since(self, listing: Listing) -> datetime | None:
        """Since when the prices of an open market have not been current; None while they are."""
        if listing.closed:
            return None
        book = self._feed.live_book(_first_token(listing))
        as_of = book.as_of if book is not None else self._absences.seen_until(listing.condition_id)
        if listing.condition_id not in self._synced or book is None or self._feed.whole_book(book.token_id) is None:
            return as_of
        return as_of if self._clock.now() - as_of > timedelta(seconds=self._settings.stale_after_s) else None

    def has_no_book(self, token_id: str) -> bool:
        """Whether the real venue has said that there is no book for a listed token."""
        listing = self._exchange.markets.by_token.get(token_id)
        book = None if listing is None else self._feed.live_book(_first_token(listing))
        return book is not None and book.absent

    def note_stale(self) -> dict[str, datetime]:
        """The markets in which somebody has a stake and whose prices stopped coming, and since when.

        A quiet market is asked again after a while; it is not named for the moment that the answer takes.
        """
        late = self._clock.now() - timedelta(seconds=self._settings.stale_after_s + _ANSWER_S)
        found = {each: self.stale_since(self._exchange.markets.by_condition[each]) for each in self.staked()}
        return {each: since for each, since in found.items() if since is not None and since < late}

    def refusal(self, token_ids: Iterable[str]) -> str | None:
        """Why no order is taken for these tokens now; None when their prices are current."""
        for token_id in token_ids:
            listing = self._exchange.markets.by_token.get(token_id)
            since = None if listing is None else self.stale_since(listing)
            if listing is not None and since is not None and not self.has_no_book(token_id):
                age_s = max((self._clock.now() - since).total_seconds(), 0)
                cause = f"the real venue's stream says: {error}" if (error := self._feed.last_error) else "no news"
                if listing.condition_id in self._absences.pending:
                    cause = "what happened while the desk was away is being settled"
                return (
                    f"stale prices: those of {listing.recorded.gamma.get('slug', token_id)} are {age_s:.0f} s old "
                    f"({cause}). Nothing was done. Orders are taken again as soon as prices come; cancels always pass"
                )
        return None

    def note_current(self) -> None:
        """Every market whose prices are current was followed up to now."""
        for condition_id in self._synced:
            listing = self._exchange.markets.by_condition[condition_id]
            if not listing.closed and self.stale_since(listing) is None:
                self._absences.saw(listing)

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
            self._synced.discard(condition_id)
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

    def _may_come(self, listing: Listing) -> bool:
        """Whether waiting for the book of a market makes sense."""
        return self.stale_since(listing) is not None and not self.has_no_book(listing.tokens[0])

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
        self._news.set()

    def _changed(self, event: PriceChanges) -> None:
        """The levels of the first outcome, as the keeper holds them now."""
        listing = self._exchange.markets.by_condition.get(event.condition_id)
        if listing is None or listing.condition_id not in self._synced:
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
                changes.append(((is_bid, row[2]), levels.get(row[2], 0)))
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
            self._synced.discard(listing.condition_id)
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
        self._synced.add(listing.condition_id)
        self._absences.saw(listing)
        return made

    async def _settle(self, listing: Listing, absence: Absence) -> None:
        """Settle what was missed, then show the book as it is by then; what it crosses was crossed while away."""
        await self._absences.settle(absence)
        book = self._feed.whole_book(_first_token(listing))
        if book is not None and not listing.closed:
            self._absences.found(self._show(listing, book))
        self._news.set()
        if self._absences.tape_lag_s:
            await self._absences.look_again(absence)

    def _traded(self, event: LastTrade) -> None:
        listing = self._exchange.markets.by_token.get(event.token_id)
        if listing is None or listing.condition_id not in self._synced:
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
        self._synced.discard(listing.condition_id)
        self._absences.missed(self._mirror.books[listing.condition_id])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_tell_failure)


def _first_token(listing: Listing) -> TokenId:
    return TokenId(listing.tokens[0])
