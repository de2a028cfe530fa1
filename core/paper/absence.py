"""What happened to resting orders while nobody followed the market: settled from the public tape, or taken back."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from ..clock import Clock, unix_ms
from ..errors import PolymarketAPIError
from ..exchange.listing import Listing
from ..exchange.mirrored_book import MirroredBook
from ..exchange.trades import Trade
from ..exchange.venue import Exchange
from .public_venue import PublicVenue
from .seen_file import Seen
from .tape import read_tape

_log = logging.getLogger(__name__)

_TRIES = 3
_RETRY_S = 5.0


@dataclass(slots=True)
class Absence:
    """A stretch of time in which a market was not followed, and the trades of the tape that were applied to it."""

    book: MirroredBook
    after_ms: int
    until_ms: int
    applied: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def words(self) -> str:
        begin, end = (datetime.fromtimestamp(at / 1000, UTC) for at in (self.after_ms, self.until_ms))
        return f"{begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}"


class Absences:
    """Knows up to when each market was followed, and settles the orders of clients over what was missed.

    `pending` are the markets, by condition id, whose orders have yet to be settled, and since when. The tape may be
    `tape_lag_s` behind: what it shows of an absence only then is applied then.
    """

    def __init__(self, real: PublicVenue, exchange: Exchange, seen: Seen, *, clock: Clock, tape_lag_s: float) -> None:
        self.seen = seen
        self.pending: dict[str, int] = {}
        self.tape_lag_s = tape_lag_s
        self._real = real
        self._exchange = exchange
        self._clock = clock
        self._settling: set[str] = set()
        self._opened_ms = exchange.now_ms
        for listing in exchange.markets.listings:
            price = seen.prices.get(listing.condition_id)
            if price is not None:
                listing.remember_price(Decimal(price))
        for order in exchange.registry.orders.values():
            if order.owner and order.open_size:
                self._suspend(order.condition_id)

    # -- what was seen -----------------------------------------------------------------------------------------------

    def seen_until(self, condition_id: str) -> datetime:
        """When the market was last followed; when the desk began, if never."""
        return datetime.fromtimestamp(self._seen_ms(condition_id) / 1000, UTC)

    def saw(self, listing: Listing) -> None:
        """The market was followed up to now."""
        self.seen.until_ms[listing.condition_id] = unix_ms(self._clock.now())

    def resume(self, book: MirroredBook) -> None:
        """Give orders that rest since a former run their remembered places."""
        for order in book.waiting:
            if order.id in self.seen.ahead:
                book.resume(order, self.seen.ahead[order.id])

    def remember(self, books: Iterable[MirroredBook]) -> Seen:
        """All there is to keep, with the present queue positions and prices of these books."""
        for book in books:
            self.seen.prices[book.listing.condition_id] = str(book.listing.prices[0])
            for order in book.waiting:
                ahead = book.ahead_of(order.id)
                if ahead is not None:
                    self.seen.ahead[order.id] = ahead
        orders = self._exchange.registry.orders
        self.seen.ahead = {
            order_id: ahead
            for order_id, ahead in self.seen.ahead.items()
            if order_id in orders and orders[order_id].open_size
        }
        return self.seen

    def _seen_ms(self, condition_id: str) -> int:
        return self.seen.until_ms.get(condition_id, self._opened_ms)

    # -- what was missed ---------------------------------------------------------------------------------------------

    def missed(self, book: MirroredBook) -> None:
        """The market was not followed for a while; only orders that rest there care."""
        if book.waiting:
            self._suspend(book.listing.condition_id)

    def _suspend(self, condition_id: str) -> None:
        self.pending.setdefault(condition_id, self._seen_ms(condition_id))
        self._exchange.trading.hold_expiry(condition_id)

    def begin(self, book: MirroredBook) -> Absence | None:
        """The absence that is over now, for the caller to settle; None when that is under way already."""
        condition_id = book.listing.condition_id
        if condition_id in self._settling:
            return None
        self._settling.add(condition_id)
        return Absence(book, self.pending[condition_id], unix_ms(self._clock.now()))

    async def settle(self, absence: Absence) -> None:
        """Fill from the tape what it shows. Orders that it cannot speak for, because it is missing, are taken back."""
        condition_id = absence.book.listing.condition_id
        try:
            if not await self._apply_tape(absence):
                self._give_up(absence)
        finally:
            self._settling.discard(condition_id)
        del self.pending[condition_id]
        self._exchange.trading.release_expiry(condition_id)
        self.saw(absence.book.listing)

    async def look_again(self, absence: Absence) -> None:
        """Apply what the tape shows of an absence only after its lag."""
        await self._clock.sleep(self.tape_lag_s)
        if absence.book.waiting:
            await self._apply_tape(absence)

    def found(self, trades: Iterable[Trade]) -> None:
        """These fills were found on return."""
        self.seen.while_away.extend(trade.id for trade in trades)

    async def _apply_tape(self, absence: Absence) -> bool:
        """Fill from all rows that were not applied before. False when the tape cannot be read to its end."""
        for attempt in range(_TRIES):
            if attempt:
                await self._clock.sleep(_RETRY_S)
            try:
                rows = await read_tape(
                    self._real, absence.book.listing, after_ms=absence.after_ms, until_ms=absence.until_ms
                )
            except PolymarketAPIError as error:
                _log.warning("the tape of %s cannot be read: %s", absence.book.listing.condition_id, error)
                continue
            met: Counter[tuple[str, ...]] = Counter()
            for row in rows:
                met[row.key] += 1
                if met[row.key] > absence.applied[row.key]:
                    self.found(absence.book.settle(row.trade))
            absence.applied |= met
            return True
        return False

    def _give_up(self, absence: Absence) -> None:
        """Take the orders back that nobody can say anything about."""
        orders = absence.book.waiting
        if not orders:
            return
        slug = absence.book.listing.recorded.gamma.get("slug", absence.book.listing.condition_id)
        reason = f"{slug} was not followed from {absence.words}, and its public trades of that time cannot be read"
        self._exchange.trading.cancel_many(orders, "CANCELED_TAPE_MISSING")
        for order in orders:
            self.seen.void[order.id] = reason
        for address, taken_back in Counter(order.account.address for order in orders).items():
            told = f"{reason}: {taken_back} resting orders were taken back"
            self.seen.not_comparable.setdefault(address, []).append(told)
