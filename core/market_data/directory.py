"""Finds the market a caller means, whatever name it uses for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from ..errors import InputRejected
from ..identifiers import ConditionId, EventId, MarketId, Slug, TokenId, is_hash32
from ..models import Event, Market, Outcome
from ..untrusted_text import quoted

if TYPE_CHECKING:
    from ..polymarket.gamma import GammaClient
    from ..polymarket.wire.catalogue import EventPage, MarketPage, SearchPage

_MARKET_ID_DIGITS = 12
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,300}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A market, and the outcome if the caller's name for it already singled one out (a token id does)."""

    market: Market
    outcome: Outcome | None = None


class MarketDirectory:
    """Looks markets and events up by Gamma id, slug, condition id, token id or page address."""

    def __init__(self, gamma: GammaClient) -> None:
        self._gamma = gamma

    async def find(self, reference: str) -> Reference:
        """The one market that `reference` names.

        Raises InputRejected with code `unknown_market` or, when it names an event of several markets,
        `ambiguous_market`; the message lists what to use instead.
        """
        name = reference.strip()
        if not name:
            raise _unknown(reference)
        if "/" in name:
            return await self._find_address(name)
        if name.isascii() and name.isdecimal():
            return await self._find_number(name)
        if is_hash32(name.lower()):
            page = await self._by_condition(ConditionId(name.lower()))
            return _only(page, reference)
        return await self._find_slug(name.lower())

    async def market(self, condition_id: ConditionId) -> Market:
        """The market of a condition. Raises InputRejected `unknown_market`."""
        return (await self.find(condition_id)).market

    async def find_event(self, reference: str) -> Event:
        """The event named by its id, slug or page address. Raises InputRejected `unknown_event`."""
        name = reference.strip()
        if "/" in name:
            parts = _path_of(name)
            name = parts[1] if len(parts) > 1 and parts[0] == "event" else ""
        event = None
        if name.isascii() and name.isdecimal() and len(name) <= _MARKET_ID_DIGITS:
            event = await self._gamma.event(EventId(name))
        elif _SLUG.fullmatch(name.lower()):
            event = await self._gamma.event_by_slug(Slug(name.lower()))
        if event is None:
            raise InputRejected(
                f"No event is called {quoted(reference)!r}.",
                code="unknown_event",
                fix="use an event slug from polymarket_search_markets",
                next_tool="polymarket_search_markets",
            )
        return event

    async def search(self, query: str, *, limit: int, page: int, status: Literal["active", "closed"]) -> SearchPage:
        """Events whose text matches `query` and that are open or closed."""
        return await self._gamma.search(query, limit=limit, page=page, status=status)

    async def listing(
        self, *, limit: int, after_cursor: str | None, closed: bool | None, order: str, ascending: bool
    ) -> MarketPage:
        """Markets ordered by one of their fields."""
        return await self._gamma.markets(
            limit=limit, after_cursor=after_cursor, closed=closed, order=order, ascending=ascending
        )

    async def current(self, condition_ids: Sequence[ConditionId]) -> Sequence[Market]:
        """What the catalogue says now, past every cache, of up to 100 markets, open or closed."""
        return (await self._gamma.markets(condition_ids=condition_ids, fresh=True)).markets

    async def newest(self, *, limit: int) -> Sequence[Market]:
        """The open markets that were listed last, the newest first, past every cache."""
        page = await self._gamma.markets(limit=limit, closed=False, order="createdAt", ascending=False, fresh=True)
        return page.markets

    async def open_events(self, *, limit: int, after_cursor: str | None) -> EventPage:
        """Events that are not closed, with all their markets, up to 500 a page."""
        return await self._gamma.events(limit=limit, after_cursor=after_cursor, closed=False)

    async def _find_address(self, address: str) -> Reference:
        parts = _path_of(address)
        if len(parts) >= 3 and parts[0] == "event":
            return await self._find_slug(parts[2])
        if len(parts) >= 2 and parts[0] in ("event", "market"):
            return await self._find_slug(parts[1])
        raise _unknown(address)

    async def _find_number(self, number: str) -> Reference:
        if len(number) <= _MARKET_ID_DIGITS:
            market = await self._gamma.market(MarketId(number))
            if market is None:
                raise _unknown(number)
            return Reference(market)
        token_id = TokenId(number)
        page = await self._gamma.markets(token_ids=(token_id,))
        if not page.markets:
            page = await self._gamma.markets(token_ids=(token_id,), closed=True)
        found = _only(page, number).market
        return Reference(found, found.outcome_of(token_id))

    async def _by_condition(self, condition_id: ConditionId) -> MarketPage:
        page = await self._gamma.markets(condition_ids=(condition_id,))
        # The catalogue hides closed markets unless asked for them.
        return page if page.markets else await self._gamma.markets(condition_ids=(condition_id,), closed=True)

    async def _find_slug(self, slug: str) -> Reference:
        if not _SLUG.fullmatch(slug):
            raise _unknown(slug)
        market = await self._gamma.market_by_slug(Slug(slug))
        if market is not None:
            return Reference(market)
        event = await self._gamma.event_by_slug(Slug(slug))
        if event is None:
            raise _unknown(slug)
        if len(event.markets) == 1:
            return Reference(event.markets[0])
        choices = ", ".join(
            f"{each.slug} ({quoted(each.group_title or each.question, 60)})" for each in event.markets[:12]
        )
        raise InputRejected(
            f"{slug!r} is an event of {len(event.markets)} markets; an order or analysis needs one of them: {choices}",
            code="ambiguous_market",
            fix="use one of the listed market slugs",
            next_tool="polymarket_get_market",
        )


def choose_outcome(reference: Reference, outcome: str | int | None) -> Outcome:
    """The outcome a caller means by label, index or token id. Raises InputRejected `unknown_outcome`."""
    market = reference.market
    if outcome is None and reference.outcome is not None:
        return reference.outcome
    labels = " or ".join(f"{index} = {each.label}" for index, each in enumerate(market.outcomes))
    named = str(outcome).strip()
    chosen: Outcome | None = None
    number = named.isascii() and named.isdecimal()
    if number and int(named) < len(market.outcomes):
        chosen = market.outcomes[int(named)]
    elif number:
        chosen = market.outcome_of(TokenId(named))
    else:
        chosen = next((each for each in market.outcomes if each.label.casefold() == named.casefold()), None)
    if chosen is None:
        raise InputRejected(f"This market has no outcome {named[:80]!r}.", code="unknown_outcome", fix=f"use {labels}")
    if reference.outcome is not None and reference.outcome != chosen:
        raise InputRejected(
            f"The token id names {reference.outcome.label} but outcome says {chosen.label}.",
            code="unknown_outcome",
            fix="leave one of the two out",
        )
    return chosen


def _path_of(address: str) -> list[str]:
    try:
        url = urlsplit(address if "//" in address else f"https://{address}")
    except ValueError:
        return []
    return [part.lower() for part in url.path.split("/") if part]


def _only(page: MarketPage, reference: str) -> Reference:
    if len(page.markets) != 1:
        raise _unknown(reference)
    return Reference(page.markets[0])


def _unknown(reference: str) -> InputRejected:
    return InputRejected(
        f"No market is called {quoted(reference)!r}.",
        code="unknown_market",
        fix="search by words of the question and use the slug it returns",
        next_tool="polymarket_search_markets",
    )
