"""Books of one connection: what is applied, what is noticed, and in which order it is mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.identifiers import ConditionId, MarketId, TokenId
from polydesk.core.market_data.book_keeper import BookGap, BookKeeper, RepairSettings
from polydesk.core.market_data.live_book import LiveBook
from polydesk.core.models import OrderBook, OrderSide, PriceLevel
from polydesk.core.polymarket.event_queue import Gap
from polydesk.core.polymarket.wire.stream_events import (
    BestBidAsk,
    BookSnapshot,
    LastTrade,
    MarketResolved,
    PriceChanges,
    TickSizeChange,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)
YES, OTHER = TokenId("1"), TokenId("2")
CONDITION = ConditionId("0xa")
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def snapshot(
    *, at: int = 0, fingerprint: str = "h0", token_id: TokenId = YES, bid: int = 4800, size: int = 100
) -> BookSnapshot:
    return BookSnapshot(
        token_id=token_id,
        condition_id=CONDITION,
        bid_levels=((bid, size), (4000, 7)),
        ask_levels=((5200, 100),),
        timestamp_ms=MS + at,
        hash=fingerprint,
        tick=Decimal("0.01"),
        last_trade_price=None,
    )


def change(
    price: int,
    size: int,
    *,
    at: int,
    side: OrderSide = BUY,
    fingerprint: str = "",
    best: tuple[int | None, int | None] = (None, None),
    token_id: TokenId = YES,
) -> PriceChanges:
    return PriceChanges(CONDITION, MS + at, [(token_id, side, price, size, fingerprint or f"h{at}", *best)])


def rest_book(*, at: int, fingerprint: str = "", bid: str = "0.45") -> OrderBook:
    return OrderBook(
        market_id=CONDITION,
        token_id=YES,
        bids=(PriceLevel(Decimal(bid), Decimal(3)),),
        asks=(),
        timestamp=NOW + timedelta(milliseconds=at),
        received_at=NOW,
        tick=Decimal("0.01"),
        min_size=Decimal(5),
        neg_risk=True,
        last_trade_price=Decimal("0.4"),
        hash=fingerprint,
    )


@pytest.fixture
def gaps() -> list[BookGap]:
    return []


@pytest.fixture
def keeper(gaps: list[BookGap]) -> BookKeeper:
    """One whole book."""
    kept = BookKeeper(RepairSettings(), report=gaps.append)
    kept.follow([YES], NOW)
    kept.apply(snapshot(), NOW)
    return kept


@pytest.fixture
def book(keeper: BookKeeper) -> LiveBook:
    return keeper.books[YES]


def steps(keeper: BookKeeper, at: datetime) -> str:
    due = keeper.due(at)
    names = [name for name, wanted in (("s", due.resubscribe), ("r", due.reconnect), ("f", due.fetch)) if wanted]
    return "".join(names)


def test_a_book_is_stale_until_its_first_snapshot(gaps: list[BookGap]) -> None:
    keeper = BookKeeper(RepairSettings(), report=gaps.append)
    keeper.follow([YES], NOW)
    book = keeper.books[YES]
    keeper.apply(change(4900, 5, at=1), NOW)
    assert (book.stale, book.seen, book.hash, book.bids) == (True, False, "", {})
    assert book.to_order_book() is None
    keeper.apply(snapshot(), NOW)
    assert not book.stale
    assert not gaps


def test_a_first_book_that_never_comes_is_asked_for_again_and_then_fetched(gaps: list[BookGap]) -> None:
    keeper = BookKeeper(RepairSettings(), report=gaps.append)
    keeper.follow([YES], NOW)
    assert steps(keeper, later(4.9)) == ""
    assert steps(keeper, later(5)) == "f"
    keeper.install_fetched([YES], {YES: rest_book(at=0)}, later(5.1))
    assert keeper.books[YES].source == "rest"
    assert not gaps


def test_best_prices_follow_levels_that_come_and_go(keeper: BookKeeper, book: LiveBook) -> None:
    keeper.apply(change(4900, 5, at=1, best=(4900, 5200)), NOW)
    keeper.apply(change(5100, 5, at=2, side=SELL, best=(4900, 5100)), NOW)
    keeper.apply(change(4900, 0, at=3, best=(4800, 5100)), NOW)
    keeper.apply(change(5100, 0, at=4, side=SELL, best=(4800, 5200)), NOW)
    keeper.apply(change(5200, 0, at=5, side=SELL, best=(4800, 10_000)), NOW)
    keeper.apply(change(4800, 0, at=6, best=(4000, 10_000)), NOW)
    keeper.apply(change(4000, 0, at=7, best=(0, 10_000)), NOW)
    keeper.apply(change(4000, 0, at=8, best=(0, 10_000)), NOW)
    assert (book.bids, book.asks, book.gaps, book.stale, book.hash) == ({}, {}, 0, False, "h8")


def test_the_best_prices_of_a_frame_hold_after_all_of_its_changes(keeper: BookKeeper, book: LiveBook) -> None:
    rows = [(YES, BUY, 4900, 5, "h1", 5000, 5200), (YES, BUY, 5000, 5, "h1", 5000, 5200)]
    keeper.apply(PriceChanges(CONDITION, MS + 1, rows), NOW)
    assert (book.best_bid, book.stale) == (5000, False)


@pytest.mark.parametrize("best", [(4900, 5200), (4800, 5100), (0, 5200)])
def test_other_best_prices_are_a_gap(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap], best: tuple[int, int]
) -> None:
    keeper.apply(change(4100, 5, at=1, best=best), later(1))
    assert (book.stale, book.gaps, keeper.needs_attention) == (True, 1, True)
    assert gaps == [BookGap(YES, "best_price", since=later(1), detected_at=later(1))]
    assert keeper.due(later(1)).resubscribe == [YES]
    assert not keeper.needs_attention


def test_the_same_hash_over_other_levels_is_a_gap_that_the_snapshot_mends(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    keeper.apply(change(4100, 5, at=1, fingerprint="h1"), NOW)
    keeper.apply(snapshot(at=1, fingerprint="h1"), NOW)
    assert [gap.reason for gap in gaps] == ["levels"]
    assert not book.stale
    assert 4100 not in book.bids


def test_a_book_repeated_after_a_trade_is_no_gap(keeper: BookKeeper, gaps: list[BookGap]) -> None:
    keeper.apply(snapshot(), NOW)
    keeper.apply(snapshot(at=5, fingerprint="h5", size=50), NOW)
    assert not gaps


def test_a_book_with_the_hash_of_the_latest_change_is_current_whatever_its_time(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    keeper.apply(change(4800, 0, at=9, fingerprint="h9"), NOW)
    keeper.apply(change(4800, 100, at=9, fingerprint="h10"), NOW)
    keeper.apply(snapshot(at=4, fingerprint="h10"), later(1))
    assert (gaps, book.stale, book.as_of) == ([], False, later(1))


def test_a_late_change_is_a_gap_and_a_change_older_than_the_snapshot_is_not(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    keeper.apply(change(4700, 5, at=-1), NOW)
    assert 4700 not in book.bids
    assert not gaps
    keeper.apply(change(4700, 5, at=9), NOW)
    keeper.apply(change(4600, 5, at=8), NOW)
    assert [gap.reason for gap in gaps] == ["out_of_order"]


def test_a_late_book_is_a_gap_and_does_not_mend_itself(keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]) -> None:
    keeper.apply(change(4700, 5, at=9), NOW)
    keeper.apply(snapshot(at=5), NOW)
    keeper.apply(snapshot(at=6), NOW)
    assert [gap.reason for gap in gaps] == ["out_of_order"]
    assert book.stale
    keeper.apply(snapshot(at=10), NOW)
    assert not book.stale


def test_a_repeated_change_does_not_undo_a_later_one_of_the_same_millisecond(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    for size, fingerprint in ((5, "a"), (7, "b"), (5, "a")):
        keeper.apply(change(4700, size, at=1, fingerprint=fingerprint), NOW)
    assert book.bids[4700] == 7
    assert book.hash == "b"
    assert not gaps


def test_repair_asks_again_then_connects_anew_then_fetches_then_starts_over(keeper: BookKeeper) -> None:
    keeper.apply(Gap("overflow", NOW, NOW, dropped=3), NOW)
    assert [steps(keeper, later(seconds)) for seconds in (0, 1, 5, 9, 10, 15, 20)] == ["s", "", "r", "", "f", "s", "r"]


def test_after_a_reconnection_the_books_are_awaited_and_then_fetched(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    keeper.apply(Gap("reconnected", NOW, NOW), NOW)
    assert (book.stale, [gap.reason for gap in gaps]) == (True, ["reconnected"])
    assert [steps(keeper, later(seconds)) for seconds in (0, 4, 5)] == ["", "", "f"]
    keeper.apply(Gap("reconnected", NOW, NOW), later(6))
    assert len(gaps) == 1
    assert book.held_back is None


def test_a_repaired_book_is_not_repaired_again_at_once(keeper: BookKeeper) -> None:
    keeper.apply(Gap("unreadable", NOW, NOW), NOW)
    assert steps(keeper, NOW) == "s"
    keeper.apply(snapshot(at=1), later(1))
    keeper.apply(Gap("unreadable", NOW, NOW), later(1.5))
    assert steps(keeper, later(1.9)) == ""
    assert steps(keeper, later(2)) == "s"


def test_silence_is_a_gap_only_when_it_hid_something(keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]) -> None:
    assert steps(keeper, later(29.9)) == ""
    assert steps(keeper, later(30)) == "s"
    assert book.stale
    keeper.apply(snapshot(at=0), later(31))
    assert (book.stale, gaps) == (False, [])

    assert steps(keeper, later(61)) == "s"
    keeper.apply(snapshot(at=1, size=99), later(62))
    assert gaps == [BookGap(YES, "silent", since=later(31), detected_at=later(62))]
    assert steps(keeper, later(92)) == "s"
    assert steps(keeper, later(97)) == "r"
    assert len(gaps) == 2


@pytest.mark.parametrize(
    "event",
    [
        LastTrade(YES, CONDITION, BUY, Decimal("0.5"), Decimal(1), NOW, ""),
        TickSizeChange(YES, CONDITION, Decimal("0.01"), Decimal("0.001"), NOW),
        BestBidAsk(YES, CONDITION, None, None, NOW),
        change(4000, 1, at=1),
    ],
    ids=["trade", "tick", "best", "change"],
)
def test_any_data_about_an_outcome_breaks_its_silence(
    keeper: BookKeeper, book: LiveBook, event: LastTrade | TickSizeChange | BestBidAsk | PriceChanges
) -> None:
    keeper.apply(event, later(20))
    assert steps(keeper, later(49)) == ""
    assert book.as_of == later(20)


def test_ticks_and_trades_are_kept(keeper: BookKeeper, book: LiveBook) -> None:
    keeper.apply(TickSizeChange(YES, CONDITION, Decimal("0.01"), Decimal("0.001"), NOW), NOW)
    keeper.apply(LastTrade(YES, CONDITION, BUY, Decimal("0.5"), Decimal(1), NOW, ""), NOW)
    assert (book.tick, book.last_trade_price) == (Decimal("0.001"), Decimal("0.5"))


def test_a_book_from_rest_counts_as_silent_earlier(keeper: BookKeeper, book: LiveBook) -> None:
    keeper.apply(Gap("reconnected", NOW, NOW), NOW)
    assert steps(keeper, later(5)) == "f"
    keeper.install_fetched([YES], {YES: rest_book(at=5000)}, later(6))
    assert (book.source, book.stale, book.best_bid) == ("rest", False, 4500)
    assert steps(keeper, later(15.9)) == ""
    assert steps(keeper, later(16)) == "s"


@pytest.mark.parametrize("known_hash", ["h6000", "", "never seen"])
def test_a_fetched_book_is_brought_forward_by_what_came_meanwhile(
    keeper: BookKeeper, book: LiveBook, known_hash: str
) -> None:
    keeper.apply(Gap("reconnected", NOW, NOW), NOW)
    assert steps(keeper, later(5)) == "f"
    for at, size in ((5000, 1), (6000, 2), (7000, 3)):
        keeper.apply(change(4300, size, at=at), later(5.5))
    keeper.install_fetched([YES], {YES: rest_book(at=6000, fingerprint=known_hash)}, later(6))
    assert book.bids == {4500: 3_000_000, 4300: 3}
    assert (book.hash, book.updated_ms) == ("h7000", MS + 7000)


def test_a_fetched_book_that_disagrees_with_what_came_meanwhile_is_a_gap(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    keeper.apply(Gap("reconnected", NOW, NOW), NOW)
    assert steps(keeper, later(5)) == "f"
    keeper.apply(change(4300, 1, at=7000, best=(4800, 5200)), later(5.5))
    keeper.install_fetched([YES], {YES: rest_book(at=6000)}, later(6))
    assert [gap.reason for gap in gaps] == ["reconnected", "best_price"]
    assert book.stale


def test_a_fetched_book_is_dropped_when_the_stream_was_quicker_or_lost_changes(
    keeper: BookKeeper, book: LiveBook
) -> None:
    keeper.apply(Gap("reconnected", NOW, NOW), NOW)
    assert steps(keeper, later(5)) == "f"
    keeper.apply(snapshot(at=6), later(6))
    keeper.install_fetched([YES, OTHER], {YES: rest_book(at=7)}, later(6))
    assert book.source == "stream"

    keeper.apply(Gap("reconnected", NOW, NOW), later(10))
    assert steps(keeper, later(15)) == "f"
    for number in range(1001):
        keeper.apply(change(4300, 1, at=100 + number), later(15))
    keeper.install_fetched([YES], {YES: rest_book(at=7)}, later(16))
    assert book.stale


def test_a_book_that_rest_does_not_know_is_left_alone_until_it_is_sent(
    keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]
) -> None:
    keeper.apply(Gap("reconnected", NOW, NOW), NOW)
    assert steps(keeper, later(5)) == "f"
    keeper.install_fetched([YES], {}, later(6))
    assert book.absent
    keeper.apply(Gap("reconnected", NOW, NOW), later(7))
    assert steps(keeper, later(1000)) == ""
    keeper.apply(snapshot(at=9), later(1001))
    assert (book.absent, book.stale, len(gaps)) == (False, False, 1)


def test_a_resolved_market_has_no_book(keeper: BookKeeper, book: LiveBook, gaps: list[BookGap]) -> None:
    keeper.apply(MarketResolved(MarketId("1"), CONDITION, (YES, OTHER), YES, "Yes", NOW), NOW)
    assert (book.absent, book.stale, gaps) == (True, True, [])
    assert steps(keeper, later(1000)) == ""


def test_events_about_others_do_nothing(keeper: BookKeeper) -> None:
    keeper.apply(snapshot(token_id=OTHER), NOW)
    keeper.apply(change(4300, 1, at=1, token_id=OTHER), NOW)
    keeper.apply(LastTrade(OTHER, CONDITION, BUY, Decimal("0.5"), Decimal(1), NOW, ""), NOW)
    assert list(keeper.books) == [YES]
    assert keeper.release(OTHER) is None


def test_a_book_becomes_an_order_book_once_its_terms_are_known(keeper: BookKeeper, book: LiveBook) -> None:
    assert book.to_order_book() is None
    book.learn(rest_book(at=0))
    keeper.apply(change(4900, 1_500_000, at=1), later(3))
    converted = book.to_order_book()
    assert converted is not None
    assert [(level.price, level.size) for level in converted.bids] == [
        (Decimal("0.49"), Decimal("1.5")),
        (Decimal("0.48"), Decimal("0.0001")),
        (Decimal("0.4"), Decimal("0.000007")),
    ]
    assert (converted.market_id, converted.min_size, converted.neg_risk, converted.hash) == (
        CONDITION,
        Decimal(5),
        True,
        "h1",
    )
    assert (converted.received_at, converted.timestamp) == (later(3), NOW + timedelta(milliseconds=1))


LEVELS = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 9999), st.integers(0, 3)), min_size=1, max_size=60
)


@given(LEVELS)
def test_best_prices_are_those_of_all_levels(levels: list[tuple[OrderSide, int, int]]) -> None:
    book = LiveBook(YES, as_of=NOW)
    plain: dict[OrderSide, dict[int, int]] = {BUY: {}, SELL: {}}
    for side, price, size in levels:
        book.change(side, price, size)
        plain[side][price] = size
        bids, asks = ([price for price, size in plain[side].items() if size] for side in (BUY, SELL))
        assert (book.best_bid, book.best_ask) == (max(bids, default=0), min(asks, default=10_000))
