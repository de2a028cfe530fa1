"""Books that follow a venue through everything its channel may do: afterwards they equal the venue's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.book_keeper import BookGap, RepairSettings
from polydesk.core.market_data.live_book import LiveBook
from polydesk.core.market_data.market_feed import FetchBooks, MarketFeed
from polydesk.core.models import OrderBook, PriceLevel
from polydesk.core.polymarket.stream_connection import StreamSettings

if TYPE_CHECKING:
    from tests.core.market_data.conftest import BookVenue, Patience

YES, NO = TokenId("11"), TokenId("12")


@pytest.fixture
def gaps() -> list[BookGap]:
    return []


@pytest.fixture
async def feed(
    venue: BookVenue, clock: ManualClock, gaps: list[BookGap], patience: Patience
) -> AsyncIterator[MarketFeed]:
    """A feed that follows two whole books."""
    for token_id in (YES, NO):
        venue.books[token_id] = venue.new_book()
    async with a_feed(venue, clock) as opened:
        opened.on_gap(gaps.append)
        await opened.follow([YES, NO])
        await patience.until(lambda: whole(opened, YES) and whole(opened, NO))
        yield opened


def a_feed(
    venue: BookVenue, clock: ManualClock, *, queue_size: int = 1000, fetch_books: FetchBooks | None = None
) -> MarketFeed:
    return MarketFeed(
        venue.environment,
        clock=clock,
        random=Random(3),
        fetch_books=fetch_books or venue.fetch,
        repair=RepairSettings(stale_after_s=30, fetched_stale_after_s=10, answer_s=5, pause_s=2),
        stream_settings=StreamSettings(queue_size=queue_size),
    )


def book_of(feed: MarketFeed, token_id: TokenId = YES) -> LiveBook:
    book = feed.live_book(token_id)
    assert book is not None
    return book


def whole(feed: MarketFeed, token_id: TokenId = YES) -> bool:
    return not book_of(feed, token_id).stale


def same(feed: MarketFeed, venue: BookVenue, token_id: TokenId = YES) -> bool:
    """Whether a whole book of ours is the book that REST tells."""
    rest = venue.order_book(token_id)
    book_of(feed, token_id).learn(rest)
    ours = live.to_order_book() if (live := feed.whole_book(token_id)) else None
    return ours is not None and (ours.bids, ours.asks, ours.hash, ours.tick, ours.timestamp) == (
        rest.bids,
        rest.asks,
        rest.hash,
        rest.tick,
        rest.timestamp,
    )


async def test_books_follow_the_stream(venue: BookVenue, feed: MarketFeed, patience: Patience) -> None:
    await venue.change(YES, "BUY", "0.49", "12.345678")
    await venue.change(YES, "SELL", "0.52", "0")
    await patience.until(lambda: same(feed, venue))
    assert (book_of(feed).best_bid, book_of(feed).best_ask) == (4900, 6000)
    assert (book_of(feed).source, book_of(feed).gaps) == ("stream", 0)
    assert not venue.fetched


async def test_nothing_is_opened_before_something_is_followed(venue: BookVenue, clock: ManualClock) -> None:
    async with a_feed(venue, clock) as feed:
        await clock.advance(60)
        assert (feed.connections, feed.live_book(YES), feed.whole_book(YES)) == (0, None, None)
    assert not venue.heard


async def test_a_freeze_behind_answered_pings_ends_with_the_book_from_rest(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    venue.frozen = True
    await venue.change(YES, "BUY", "0.49", "7")
    waited = await patience.until(lambda: same(feed, venue) and same(feed, venue, NO))
    assert waited < 30 + 3 * 5 + 5
    assert book_of(feed).source == "rest"
    assert {gap.token_id for gap in gaps if gap.reason == "silent"} == {YES, NO}
    assert feed.counts.reconnected == 1
    assert venue.fetched
    operations = [request.get("operation", "hello") for request in venue.heard]
    assert operations[:3] == ["hello", "unsubscribe", "subscribe"]
    assert operations[3] == "hello"


async def test_a_thawed_connection_takes_over_from_rest(venue: BookVenue, feed: MarketFeed, patience: Patience) -> None:
    venue.frozen = True
    await venue.change(YES, "BUY", "0.49", "7")
    await patience.until(lambda: book_of(feed).source == "rest")
    venue.frozen = False
    await venue.change(YES, "BUY", "0.5", "8")
    await patience.until(lambda: same(feed, venue) and book_of(feed).source == "stream")


async def test_a_quiet_book_is_confirmed_without_a_gap(
    venue: BookVenue, feed: MarketFeed, clock: ManualClock, patience: Patience, gaps: list[BookGap]
) -> None:
    before = book_of(feed).as_of
    await patience.until(lambda: book_of(feed).as_of > before and whole(feed))
    assert not gaps
    assert not venue.fetched
    assert feed.counts.reconnected == 0


async def test_a_change_missed_in_silence_is_a_gap_found_by_asking_again(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    venue.change_frame(YES, "BUY", "0.49", "7")
    await patience.until(lambda: same(feed, venue))
    assert [(gap.token_id, gap.reason) for gap in gaps] == [(YES, "silent")]
    assert gaps[0].since < gaps[0].detected_at


async def test_repeated_frames_change_nothing(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    venue.mangle = lambda frame: (frame, frame)
    for number in range(1, 10):
        await venue.change(YES, "BUY", "0.49", str(number))
    await patience.until(lambda: same(feed, venue))
    assert not gaps


async def test_swapped_frames_are_noticed_and_mended(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    older = venue.change_frame(YES, "BUY", "0.47", "7")
    newer = venue.change_frame(YES, "BUY", "0.47", "8")
    await venue.send(newer, YES)
    await venue.send(older, YES)
    await patience.until(lambda: bool(gaps) and same(feed, venue))
    assert [(gap.token_id, gap.reason) for gap in gaps] == [(YES, "out_of_order")]
    assert not venue.fetched


async def test_a_missed_frame_shows_in_the_best_prices(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    venue.change_frame(YES, "BUY", "0.49", "7")
    await venue.change(YES, "SELL", "0.6", "5")
    await patience.at_once(lambda: bool(gaps) and same(feed, venue))
    assert [(gap.token_id, gap.reason) for gap in gaps] == [(YES, "best_price")]
    assert book_of(feed).gaps == 1
    assert book_of(feed, NO).gaps == 0


async def test_truncated_frames_make_every_book_of_the_connection_suspect(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    venue.mangle = lambda frame: (frame[: len(frame) // 2],)
    await venue.change(YES, "BUY", "0.49", "7")
    venue.mangle = lambda frame: (frame,)
    await patience.until(lambda: bool(gaps) and same(feed, venue) and same(feed, venue, NO))
    assert {(gap.token_id, gap.reason) for gap in gaps} == {(YES, "unreadable"), (NO, "unreadable")}


async def test_the_tick_may_change_in_mid_stream(venue: BookVenue, feed: MarketFeed, patience: Patience) -> None:
    venue.books[YES].tick = "0.001"
    frame = {
        "event_type": "tick_size_change",
        "market": "0x1",
        "asset_id": YES,
        "old_tick_size": "0.01",
        "new_tick_size": "0.001",
        "timestamp": "1793534400000",
    }
    await venue.send(json.dumps(frame), YES)
    await venue.change(YES, "BUY", "0.485", "3")
    await patience.until(lambda: same(feed, venue))
    assert book_of(feed).best_bid == 4850


async def test_after_a_lost_connection_books_are_stale_until_sent_anew(
    venue: BookVenue, feed: MarketFeed, patience: Patience, gaps: list[BookGap]
) -> None:
    book_of(feed).learn(venue.order_book(YES))
    await venue.disconnect()
    venue.change_frame(YES, "SELL", "0.52", "1")
    await patience.until(lambda: feed.whole_book(YES) is None)
    await patience.until(lambda: same(feed, venue) and same(feed, venue, NO))
    assert {(gap.token_id, gap.reason) for gap in gaps} == {(YES, "reconnected"), (NO, "reconnected")}
    assert book_of(feed).source == "stream"


async def test_a_slow_reader_loses_events_and_mends_its_books(
    venue: BookVenue, clock: ManualClock, patience: Patience
) -> None:
    venue.books[YES] = venue.new_book()
    async with a_feed(venue, clock, queue_size=2) as feed:
        await feed.follow([YES])
        await patience.until(lambda: whole(feed))
        frames = [json.loads(venue.change_frame(YES, "BUY", f"0.{number}", "9")) for number in range(10, 40)]
        await venue.send(json.dumps(frames), YES)
        await patience.until(lambda: feed.counts.dropped > 0 and same(feed, venue))
        assert feed.counts.dropped == 28
        assert book_of(feed).gaps == 1


async def test_while_rest_fails_too_the_book_stays_stale_and_the_repair_goes_on(
    venue: BookVenue, feed: MarketFeed, patience: Patience
) -> None:
    venue.frozen = venue.rest_fails = True
    await patience.until(lambda: feed.counts.failed_fetches >= 2)
    assert not whole(feed)
    assert feed.last_error == "REST is down too"
    venue.frozen = venue.rest_fails = False
    await patience.until(lambda: same(feed, venue) and same(feed, venue, NO))


async def test_a_rest_book_that_cannot_be_read_is_a_failed_fetch(
    venue: BookVenue, clock: ManualClock, patience: Patience
) -> None:
    async def between_units(token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
        book = venue.order_book(token_ids[0])
        return {token_ids[0]: replace(book, bids=(PriceLevel(Decimal("0.12345"), Decimal(1)),))}

    venue.books[YES] = venue.new_book()
    venue.frozen = True
    async with a_feed(venue, clock, fetch_books=between_units) as feed:
        await feed.follow([YES])
        await patience.until(lambda: feed.counts.failed_fetches > 0)
        assert "0.12345" in feed.last_error
        assert not whole(feed)


async def test_an_outcome_without_a_book_is_asked_for_once_and_then_left_alone(
    venue: BookVenue, feed: MarketFeed, clock: ManualClock, patience: Patience
) -> None:
    closed = TokenId("99")
    await feed.follow([closed])
    waiting = asyncio.create_task(feed.wait_fresh(closed))
    await patience.until(waiting.done)
    assert waiting.result().absent
    asked = len(venue.fetched)
    await clock.advance(120)
    await patience.sockets()
    assert len(venue.fetched) == asked
    assert feed.counts.reconnected == 0
    assert feed.whole_book(closed) is None


async def test_waiting_for_a_book_ends_when_it_is_whole(
    venue: BookVenue, clock: ManualClock, patience: Patience
) -> None:
    venue.books[YES] = venue.new_book()
    async with a_feed(venue, clock) as feed:
        await feed.follow([YES])
        assert (await feed.wait_fresh(YES)).best_bid == 4800
        with pytest.raises(KeyError):
            await feed.wait_fresh(NO)
        await feed.follow([NO])
        waiting = asyncio.create_task(feed.wait_fresh(NO))
        held = book_of(feed)
        await asyncio.sleep(0)
    assert held.stale
    with pytest.raises(KeyError):
        await waiting


async def test_listeners_can_leave(venue: BookVenue, feed: MarketFeed, patience: Patience) -> None:
    heard: list[BookGap] = []
    leave = feed.on_gap(heard.append)
    leave()
    leave()
    await venue.disconnect()
    await patience.until(lambda: feed.counts.gaps > 0)
    assert not heard


async def test_a_thousand_outcomes_take_two_connections(
    venue: BookVenue, clock: ManualClock, patience: Patience
) -> None:
    tokens = [TokenId(f"{number:04d}") for number in range(1000)]
    for token_id in tokens:
        venue.books[token_id] = venue.new_book()
    async with a_feed(venue, clock) as feed:
        await feed.follow(tokens)
        await patience.until(lambda: all(whole(feed, token_id) for token_id in tokens))
        assert feed.connections == 2
        assert [len(request["assets_ids"]) for request in venue.heard] == [500, 500]
        for token_id in tokens[::100]:
            await venue.change(token_id, "BUY", "0.49", "7")
        await patience.until(lambda: all(same(feed, venue, token_id) for token_id in tokens[::100]))

        await feed.unfollow(tokens[100:])
        assert (feed.connections, feed.token_ids) == (1, frozenset(tokens[:100]))
        await venue.change(tokens[0], "BUY", "0.5", "3")
        await patience.until(lambda: all(same(feed, venue, token_id) for token_id in tokens[:100]))
        await feed.unfollow(tokens)
        assert feed.connections == 0


async def test_a_book_that_moves_to_another_connection_keeps_its_history(
    venue: BookVenue, clock: ManualClock, patience: Patience
) -> None:
    tokens = [TokenId(f"{number:04d}") for number in range(501)]
    for token_id in tokens:
        venue.books[token_id] = venue.new_book()
    async with a_feed(venue, clock) as feed:
        await feed.follow(tokens)
        await patience.until(lambda: all(whole(feed, token_id) for token_id in tokens))
        moved = book_of(feed, tokens[-1])
        await feed.unfollow(tokens[:1])
        assert feed.connections == 1
        assert book_of(feed, tokens[-1]) is moved
        await venue.change(tokens[-1], "BUY", "0.5", "3")
        await patience.until(lambda: same(feed, venue, tokens[-1]))
        assert moved.gaps == 0


async def test_changes_sent_while_a_book_is_fetched_are_not_lost(
    venue: BookVenue, clock: ManualClock, patience: Patience
) -> None:
    venue.books[YES] = venue.new_book()

    async def fetch_slowly(token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
        books = await venue.fetch(token_ids)
        venue.frozen = False
        await venue.change(YES, "BUY", "0.49", "4")
        await patience.sockets()
        return books

    async with a_feed(venue, clock, fetch_books=fetch_slowly) as feed:
        await feed.follow([YES])
        await patience.until(lambda: whole(feed))
        venue.frozen = True
        await patience.until(lambda: book_of(feed).source == "rest" and same(feed, venue))
        assert book_of(feed).best_bid == 4900
