"""Quotes come from the stream where it has them, and from REST as ever where it has not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.followed_books import FollowedState
from polydesk.core.market_data.quotes import MarketQuotes
from polydesk.core.models import OrderBook
from polydesk.core.polymarket.clob import CLOBClient
from tests.core.conftest import NO, YES, MakeBook


class Clob:
    """Books by REST, and which were asked for."""

    def __init__(self, *books: OrderBook) -> None:
        self._books = {book.token_id: book for book in books}
        self.asked: list[TokenId] = []
        self.fresh: list[TokenId] = []

    async def book(self, token_id: TokenId) -> OrderBook | None:
        return (await self.books([token_id])).get(token_id)

    async def books(self, token_ids: Sequence[TokenId], *, fresh: bool = False) -> dict[TokenId, OrderBook]:
        self.asked += token_ids
        self.fresh += token_ids if fresh else []
        return {token_id: self._books[token_id] for token_id in token_ids if token_id in self._books}


class Live:
    """A stream that holds some books."""

    def __init__(self, *books: OrderBook) -> None:
        self._books = {book.token_id: book for book in books}
        self.learnt: list[OrderBook] = []
        self.shown: dict[TokenId, datetime] = {}

    def shown_at(self, token_id: TokenId) -> datetime | None:
        return self.shown.get(token_id)

    def fresh_book(self, token_id: TokenId) -> OrderBook | None:
        return self._books.get(token_id)

    def learn(self, book: OrderBook) -> None:
        self.learnt.append(book)

    def newest(self, most: int) -> list[OrderBook]:
        return list(self._books.values())[:most]

    def state(self) -> FollowedState:
        return FollowedState(
            followed=len(self._books),
            markets=1,
            fresh=0,
            last_news=None,
            connections=1,
            gaps=0,
            reconnections=0,
            dropped=0,
        )


@pytest.fixture
def rest_books(make_book: MakeBook) -> tuple[OrderBook, OrderBook]:
    book = make_book()
    return replace(book, token_id=YES), replace(book, token_id=NO)


def quotes(clob: Clob, live: Live | None = None) -> MarketQuotes:
    return MarketQuotes(cast(CLOBClient, clob), live=live)


async def test_without_a_stream_rest_is_asked(rest_books: tuple[OrderBook, OrderBook]) -> None:
    clob = Clob(*rest_books)
    assert await quotes(clob).book(YES) == rest_books[0]
    assert await quotes(clob).books([YES, NO]) == dict(zip((YES, NO), rest_books, strict=True))
    assert clob.asked == [YES, YES, NO]


async def test_a_streamed_book_needs_no_request(rest_books: tuple[OrderBook, OrderBook]) -> None:
    clob, streamed = Clob(*rest_books), replace(rest_books[0], hash="newer")
    assert await quotes(clob, Live(streamed)).book(YES) is streamed
    assert not clob.asked


async def test_only_books_that_the_stream_lacks_are_requested_and_teach_it(
    rest_books: tuple[OrderBook, OrderBook],
) -> None:
    clob, streamed = Clob(*rest_books), replace(rest_books[0], hash="newer")
    live = Live(streamed)
    unknown = TokenId("3")
    assert await quotes(clob, live).books([NO, YES, unknown]) == {NO: rest_books[1], YES: streamed}
    assert clob.asked == [NO, unknown]
    assert live.learnt == [rest_books[1]]
    assert await quotes(clob, live).book(unknown) is None


async def test_when_the_stream_breaks_off_nobody_gets_an_older_book_than_before(
    rest_books: tuple[OrderBook, OrderBook],
) -> None:
    clob, live = Clob(*rest_books), Live()
    live.shown = {YES: rest_books[0].received_at + timedelta(seconds=1), NO: rest_books[1].received_at}
    await quotes(clob, live).books([YES, NO])
    assert clob.fresh == [YES]
