"""Sets that cost less than they pay: found, priced as deep as they are worth it, and mended when a leg is missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.identifiers import ConditionId, Slug, TokenId
from polydesk.core.models import Market, OrderSide, Outcome
from polydesk.core.money import NO_FEES, FeeSchedule
from polydesk.core.strategies.outcome_sets import outcome_sets, price_sets
from polydesk.core.strategies.surroundings import Holding
from tests.support.strategy_surroundings import Surrounded

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
Surround = Callable[..., Surrounded]
MakeEvent = Callable[..., list[Market]]


@pytest.fixture
def make_event(make_market: MakeMarket) -> MakeEvent:
    """Markets of one neg-risk event."""

    def make(number: int = 3, **changes: Any) -> list[Market]:
        return [
            make_market(
                **{
                    "condition_id": ConditionId(f"0x{each:064x}"),
                    "slug": Slug(f"candidate-{each}"),
                    "question": f"Will candidate {'ABCDEF'[each]} win?",
                    "outcomes": (Outcome("Yes", TokenId(f"{each}1")), Outcome("No", TokenId(f"{each}2"))),
                    "neg_risk": True,
                    "event_slug": "election",
                    "fees": NO_FEES,
                }
                | changes
            )
            for each in range(number)
        ]

    return make


def quote(around: Surrounded, make_book: MakeBook, market: Market, bid: str, ask: str, size: str = "100") -> None:
    token = market.outcomes[0].token_id
    book = make_book(bids=((bid, size), ("0.01", "5000")), asks=((ask, size), ("0.99", "5000")))
    around.books[token] = dataclasses.replace(book, token_id=token, timestamp=around.now)


async def test_the_noes_of_an_event_whose_bids_sum_to_more_than_a_dollar(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    event = make_event()
    around = surround(event=event)
    for market, bid in zip(event, ("0.40", "0.38", "0.30"), strict=True):
        quote(around, make_book, market, bid, "0.45")
    # Noes cost 0.60 + 0.62 + 0.70 = 1.92 and pay 2, whoever wins: 8 cents a set, of 100 sets.
    (basket,) = (await around.strategy("arbitrage", {"largest_basket_usd": 1000}).decide(event[:1])).baskets
    assert [leg.outcome for leg in basket.legs] == ["No"] * 3
    assert (basket.cost, basket.payout) == (D("1.92"), D(2))
    assert {leg.size for leg in basket.legs} == {D(100)}
    assert {leg.limit_price for leg in basket.legs} == {D("0.60"), D("0.62"), D("0.70")}


async def test_fees_are_part_of_the_cost(surround: Surround, make_event: MakeEvent, make_book: MakeBook) -> None:
    event = make_event(fees=FeeSchedule(rate=D("0.2")))
    around = surround(event=event)
    for market, bid in zip(event, ("0.40", "0.38", "0.30"), strict=True):
        quote(around, make_book, market, bid, "0.45")
    assert not (await around.strategy("arbitrage").decide(event)).baskets  # 0.2 * p * (1 - p) is 4 to 5 cents a leg


async def test_a_set_is_bought_no_deeper_than_every_one_of_them_pays(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    event = make_event(2)
    around = surround(event=event)
    for market, sizes in zip(event, (("30", "500"), ("500", "500")), strict=True):
        token = market.outcomes[0].token_id
        book = make_book(bids=(("0.56", sizes[0]), ("0.45", sizes[1])), asks=(("0.60", "100"),))
        around.books[token] = dataclasses.replace(book, token_id=token, timestamp=around.now)
    # 0.44 + 0.44 pays; the next level of the first, 0.55 + 0.44, pays a cent; no further.
    books = {market.condition_id: around.books[market.outcomes[0].token_id] for market in event}
    both_noes = next(each for each in outcome_sets(event, books) if "both" in each.why)
    deep = price_sets(both_noes, least_profit=D("0.01"), most_usd=D(10_000))
    assert deep is not None and (deep.shares, deep.worst) == (D(500), (D("0.55"), D("0.44")))
    shallow = price_sets(both_noes, least_profit=D("0.02"), most_usd=D(10_000))
    assert shallow is not None and (shallow.shares, shallow.cost) == (D(30), D("0.88"))
    cut = price_sets(both_noes, least_profit=D("0.02"), most_usd=D("8.80"))
    assert cut is not None and cut.shares == D(10)


async def test_a_missing_leg_is_bought_while_the_whole_still_pays(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    event = make_event(2)
    no_a, no_b = (market.outcomes[1].token_id for market in event)
    around = surround(event=event, held={no_a: Holding(D(50), D("22"), D(50))})
    for market, bid in zip(event, ("0.56", "0.52"), strict=True):
        quote(around, make_book, market, bid, "0.60")
    decision = await around.strategy("arbitrage").decide(event)
    (signal,) = decision.signals  # 0.44 was paid and 0.48 is asked: 0.92 for a dollar
    assert (signal.token_id, signal.side, signal.size) == (no_b, OrderSide.BUY, D(50))
    assert decision.baskets == []


async def test_what_is_left_over_is_sold_when_the_rest_has_become_too_dear(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    event = make_event(2)
    no_a = event[0].outcomes[1].token_id
    around = surround(event=event, held={no_a: Holding(D(50), D("22"), D(40))})
    for market, bid in zip(event, ("0.56", "0.20"), strict=True):
        quote(around, make_book, market, bid, "0.60")
    (signal,) = (await around.strategy("arbitrage").decide(event)).signals
    assert (signal.token_id, signal.side, signal.size) == (no_a, OrderSide.SELL, D(40))


async def test_whole_sets_are_left_alone(surround: Surround, make_event: MakeEvent, make_book: MakeBook) -> None:
    event = make_event(3)
    held = {market.outcomes[1].token_id: Holding(D(50), D("30"), D(50)) for market in event}
    around = surround(event=event, held=held)
    for market in event:
        quote(around, make_book, market, "0.30", "0.34")
    decision = await around.strategy("arbitrage").decide(event)
    assert (list(decision.signals), list(decision.baskets)) == ([], [])


async def test_a_market_alone_is_told_about(surround: Surround, make_event: MakeEvent, make_book: MakeBook) -> None:
    event = make_event(2)
    around = surround(event=event)
    for market, bid in zip(event, ("0.56", "0.52"), strict=True):
        quote(around, make_book, market, bid, "0.60")
    strategy = around.strategy("arbitrage")
    assert (await strategy.analyze_market(event[0])).verdict == "buy"
    quote(around, make_book, event[1], "0.30", "0.60")
    assert (await strategy.analyze_market(event[0])).verdict == "no_edge"


async def test_what_is_completed_is_never_bought_beyond_the_smallest_part_that_is_there(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    event = make_event()
    noes = [market.outcomes[1].token_id for market in event]
    around = surround(event=event, held={noes[0]: Holding(D(10), D(6), D(10)), noes[1]: Holding(D(6), D("3.6"), D(6))})
    for market in event:
        quote(around, make_book, market, "0.38", "0.40")
    decision = await around.strategy("arbitrage").decide(event)
    bought: dict[str, Decimal] = {}
    for signal in decision.signals:
        bought[signal.token_id] = bought.get(signal.token_id, D(0)) + signal.size
    assert bought.get(noes[1], D(0)) <= 4
    assert bought.get(noes[2], D(0)) <= 10


async def test_half_a_set_is_not_sold_because_the_other_half_cannot_be_read_just_now(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    event = make_event(2)
    noes = [market.outcomes[1].token_id for market in event]
    around = surround(event=event, held={token: Holding(D(10), D(5), D(10)) for token in noes})
    quote(around, make_book, event[0], "0.48", "0.52")
    strategy = around.strategy("arbitrage")
    assert not [each for each in (await strategy.decide(event)).signals if each.verdict == "sell"]


async def test_what_was_left_over_and_sold_is_not_bought_again_at_once(
    surround: Surround, make_event: MakeEvent, make_book: MakeBook
) -> None:
    (market, *_) = make_event(1)
    yes = market.outcomes[0].token_id
    around = surround(held={yes: Holding(D(10), D(9), D(10))})
    quote(around, make_book, market, "0.48", "0.52")
    strategy = around.strategy("arbitrage")
    (sale,) = (await strategy.decide([market])).signals
    assert sale.verdict == "sell"
    around.held.clear()
    book = make_book(bids=(("0.50", "100"),), asks=(("0.45", "100"),))
    around.books[yes] = dataclasses.replace(book, token_id=yes, timestamp=around.now)
    assert (await strategy.decide([market])).baskets == []
    await around.clock.advance(601)
    assert (await strategy.decide([market])).baskets
