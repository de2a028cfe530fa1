"""What the maker rests on a book, how it leans, and when it takes everything back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.identifiers import TokenId
from polydesk.core.models import OrderSide
from polydesk.core.strategies.decision import Adjustment, TargetQuotes
from polydesk.core.strategies.surroundings import Holding, RewardTerms
from tests.support.strategy_surroundings import Surrounded

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
Surround = Callable[..., Surrounded]


@pytest.fixture
def quoted(surround: Surround, make_market: MakeMarket, make_book: MakeBook) -> Callable[..., Any]:
    """The target quotes on a book of 0.48 to 0.52, and what is around them."""

    async def make(around: Surrounded | None = None, market: dict[str, Any] | None = None, **parameters: Any) -> Any:
        its_market = make_market(**(market or {}))
        around = around or surround()
        yes = its_market.outcomes[0].token_id
        book = make_book(bids=(("0.48", "100"),), asks=(("0.52", "100"),))
        around.books.setdefault(yes, dataclasses.replace(book, timestamp=around.now))
        strategy = around.strategy("market_maker", {"half_spread": "0.03", "size": 20} | parameters)
        (target,) = (await strategy.decide([its_market])).quotes
        return target

    return make


def prices(target: TargetQuotes) -> list[tuple[str, OrderSide, Decimal, Decimal]]:
    return [(quote.outcome, quote.side, quote.price, quote.size) for quote in target.quotes]


async def test_both_sides_are_bids_while_nothing_is_held(quoted: Any) -> None:
    target = await quoted()
    # A bid of 0.47 for Yes, and an offer of 0.53, which is a bid of 0.47 for No.
    assert prices(target) == [("Yes", OrderSide.BUY, D("0.47"), D(20)), ("No", OrderSide.BUY, D("0.47"), D(20))]
    assert target.fair_value == D("0.5")


async def test_quotes_lean_against_what_is_held_and_sell_it(
    quoted: Any, surround: Surround, make_market: MakeMarket
) -> None:
    yes = make_market().outcomes[0].token_id
    around = surround(held={yes: Holding(D(50), D(25), D(50))})
    target = await quoted(around, most_inventory=100)
    # Half full: half of the half spread lower, and the offer is a sale of what is held.
    assert prices(target) == [("Yes", OrderSide.BUY, D("0.45"), D(20)), ("Yes", OrderSide.SELL, D("0.52"), D(20))]
    full = surround(held={yes: Holding(D(100), D(50), D(100))})
    assert [side for _, side, _, _ in prices(await quoted(full, most_inventory=100))] == [OrderSide.SELL]


async def test_a_quote_never_crosses_the_book(quoted: Any) -> None:
    target = await quoted(half_spread="0.001")
    assert [quote.price for quote in target.quotes] == [D("0.49"), D("0.49")]
    assert all(quote.price < D("0.52") for quote in target.quotes)


@pytest.mark.parametrize(
    ("market", "age_s", "why"),
    [
        ({}, 31, "the book is 31 s old"),
        ({"end_date": datetime.fromisoformat("2026-05-17T06:30:00+00:00")}, 0, "ends in less than"),
    ],
)
async def test_nothing_is_quoted_on_an_old_book_or_near_the_end(
    quoted: Any, surround: Surround, make_market: MakeMarket, make_book: MakeBook, market: Any, age_s: int, why: str
) -> None:
    around = surround()
    book = make_book(bids=(("0.48", "100"),), asks=(("0.52", "100"),))
    yes = make_market().outcomes[0].token_id
    then = around.now - timedelta(seconds=age_s)
    around.books[yes] = dataclasses.replace(book, timestamp=then, received_at=then)
    target = await quoted(around, market)
    assert target.quotes == ()
    assert why in target.reason


async def test_it_stands_aside_for_a_minute_after_a_jump_and_near_certainty(
    surround: Surround, make_market: MakeMarket, make_book: MakeBook
) -> None:
    around, market = surround(), make_market()
    yes = market.outcomes[0].token_id
    strategy = around.strategy("market_maker")

    async def reason(bid: str, ask: str) -> str:
        book = make_book(bids=((bid, "100"),), asks=((ask, "100"),))
        around.books[yes] = dataclasses.replace(book, timestamp=around.clock.now())
        (target,) = (await strategy.decide([market])).quotes
        return "" if target.quotes else target.reason

    assert await reason("0.48", "0.52") == ""
    assert "jumped" in await reason("0.58", "0.62")
    await around.clock.advance(30)
    assert "jumped" in await reason("0.58", "0.62")
    await around.clock.advance(31)
    assert await reason("0.58", "0.62") == ""
    assert "nearly decided" in await reason("0.97", "0.99") or "jumped" in await reason("0.97", "0.99")


async def test_rewards_draw_it_nearer_and_make_it_larger(quoted: Any, surround: Surround) -> None:
    target = await quoted(surround(terms=RewardTerms(max_spread=D("0.02"), min_size=D(50))))
    assert [(quote.price, quote.size) for quote in target.quotes] == [(D("0.48"), D(50)), (D("0.48"), D(50))]


async def test_it_widens_inside_its_range_while_prices_run_over_it_and_says_so(
    surround: Surround, make_market: MakeMarket, make_book: MakeBook
) -> None:
    market = make_market()
    yes = market.outcomes[0].token_id
    around = surround(held={yes: Holding(D(50), D(25), D(50))})
    strategy = around.strategy("market_maker", {"half_spread": "0.01", "jump": "0.5"})
    told: list[Adjustment] = []
    for step in range(12):
        bid = D("0.60") - D("0.02") * step
        book = make_book(bids=((str(bid), "100"),), asks=((str(bid + D("0.02")), "100"),))
        around.books[yes] = dataclasses.replace(book, timestamp=around.now)
        told += (await strategy.decide([market])).adjustments
    assert told
    assert all(each.parameter == "half_spread" and each.after > each.before for each in told)
    assert max(each.after for each in told) <= D("0.2")
    around.held.clear()


async def test_what_cannot_be_paid_is_not_quoted(quoted: Any, surround: Surround) -> None:
    target = await quoted(surround(cash=D(10)))
    assert len(target.quotes) == 1
    assert (await quoted(surround(cash=D(1)))).quotes == ()


async def test_a_book_that_nobody_changes_is_quoted_as_long_as_it_is_told(
    quoted: Any, surround: Surround, make_market: MakeMarket, make_book: MakeBook
) -> None:
    around, yes = surround(), make_market().outcomes[0].token_id
    book = make_book(bids=(("0.48", "100"),), asks=(("0.52", "100"),))
    changed = around.now - timedelta(hours=1)
    around.books[yes] = dataclasses.replace(book, timestamp=changed, received_at=around.now)
    assert (await quoted(around)).quotes


async def test_its_own_quotes_do_not_lead_it_away(
    surround: Surround, make_market: MakeMarket, make_book: MakeBook
) -> None:
    """In a wide market its quotes are the best ones: it must not lean again on what it leant itself."""
    market = make_market()
    yes = market.outcomes[0].token_id
    around = surround(held={yes: Holding(D(50), D(25), D(50))})
    strategy = around.strategy("market_maker", {"half_spread": "0.02", "size": 20})
    told = []
    for _ in range(6):
        bids, asks = [("0.40", "100")], [("0.60", "100")]
        for quote in around.resting:
            side = bids if quote.side is OrderSide.BUY else asks
            side.insert(0, (str(quote.price), str(quote.size)))
        book = make_book(bids=tuple(bids), asks=tuple(asks))
        around.books[yes] = dataclasses.replace(book, timestamp=around.now, received_at=around.now)
        (target,) = (await strategy.decide([market])).quotes
        around.resting = target.quotes
        told.append(prices(target))
    assert all(each == told[0] for each in told)


async def test_what_its_own_quotes_hold_back_pays_for_the_ones_in_their_place(quoted: Any, surround: Surround) -> None:
    around = surround(cash=D(20))
    first = await quoted(around)
    assert len(first.quotes) == 2
    around.resting, around.cash = first.quotes, D(20) - sum(quote.price * quote.size for quote in first.quotes)
    assert prices(await quoted(around)) == prices(first)


async def test_markets_share_the_cash(surround: Surround, make_market: MakeMarket, make_book: MakeBook) -> None:
    around = surround(cash=D(20))
    one = make_market()
    other = make_market(
        condition_id="0xother",
        outcomes=tuple(dataclasses.replace(each, token_id=TokenId(f"{each.token_id}1")) for each in one.outcomes),
    )
    book = make_book(bids=(("0.48", "100"),), asks=(("0.52", "100"),))
    for market in (one, other):
        token = market.outcomes[0].token_id
        around.books[token] = dataclasses.replace(book, token_id=token, timestamp=around.now, received_at=around.now)
    decision = await around.strategy("market_maker", {"half_spread": "0.03", "size": 20}).decide([one, other])
    assert sum(quote.price * quote.size for target in decision.quotes for quote in target.quotes) <= 20
