"""Whatever an account does, its books keep their identities to the millionth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from polydesk.core.identifiers import Address, ConditionId, OrderId, Slug, TokenId, TradeId
from polydesk.core.models import OrderSide, Trade, TradeStatus
from polydesk.core.polymarket.wire.data_api import Activity
from polydesk.core.portfolio.books import keep_books
from polydesk.core.portfolio.cash_flow import flows_of

START = datetime(2026, 5, 17, tzinfo=UTC)
CONDITION = ConditionId("0x" + "ab" * 32)
YES, NO = TokenId("1"), TokenId("2")
TOKENS = {CONDITION: (YES, NO)}
FEE = Decimal("0.00123")


def fill(number: int, *, side: OrderSide = OrderSide.BUY, size: str = "10", price: str = "0.5", **more: Any) -> Trade:
    status: TradeStatus = more.pop("status", TradeStatus.CONFIRMED)
    return Trade(
        id=TradeId(str(number)),
        order_id=OrderId(f"o{number}"),
        price=Decimal(price),
        size=Decimal(size),
        timestamp=START + timedelta(seconds=number),
        market_id=CONDITION,
        token_id=more.pop("token_id", YES),
        side=side,
        outcome="Yes",
        status=status,
        is_taker=True,
        transaction_hash=more.pop("transaction_hash", ""),
    )


def row(number: int, kind: str, *, dollars: str, size: str = "0", **more: Any) -> Activity:
    return Activity(
        kind=kind,
        user=Address("0x1"),
        timestamp=START + timedelta(seconds=number),
        condition_id=more.pop("condition_id", CONDITION),
        token_id=more.pop("token_id", TokenId("")),
        side=more.pop("side", None),
        price=Decimal(more.pop("price", "0")),
        size=Decimal(size),
        dollars=Decimal(dollars),
        outcome="",
        title="",
        slug=Slug(""),
        transaction_hash=more.pop("transaction_hash", f"t{number}"),
    )


def flows(trades: list[Trade], activity: list[Activity]) -> Any:
    return flows_of(trades, activity, fee_of=lambda _: FEE, tokens_of=TOKENS)


MICROS = st.integers(1, 10**9).map(lambda micro: str(Decimal(micro) / 10**6))
PRICES = st.integers(1, 999).map(lambda tick: str(Decimal(tick) / 1000))
KINDS = ["DEPOSIT", "WITHDRAWAL", "REWARD", "MAKER_REBATE", "SPLIT", "MERGE", "REDEEM"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Trade], list[Activity]]:
    trades, rows = [], []
    for number in range(draw(st.integers(0, 30))):
        if draw(st.booleans()):
            trades.append(
                fill(
                    number,
                    side=draw(st.sampled_from(OrderSide)),
                    size=draw(MICROS),
                    price=draw(PRICES),
                    token_id=draw(st.sampled_from([YES, NO])),
                    status=draw(st.sampled_from(TradeStatus)),
                )
            )
        else:
            amount = draw(MICROS)
            rows.append(row(number, draw(st.sampled_from(KINDS)), dollars=amount, size=amount))
    return trades, rows


@given(histories())
@settings(deadline=None)
def test_cash_is_what_was_paid_in_and_earned_less_the_cost_of_what_is_held(
    history: tuple[list[Trade], list[Activity]],
) -> None:
    for wanted in ("delivered", "final"):
        books = keep_books(each for each in flows(*history).items if getattr(each, wanted))
        assert books.cash == books.paid_in + books.income + books.realized - books.cost
        assert books.cash == books.cash.quantize(Decimal("0.000001"))


@given(histories())
@settings(deadline=None)
def test_failed_trades_leave_no_trace(history: tuple[list[Trade], list[Activity]]) -> None:
    trades, rows = history
    alive = [each for each in trades if each.status is not TradeStatus.FAILED]
    assert flows(trades, rows) == flows(alive, rows)


@given(histories())
@settings(deadline=None)
def test_shares_are_what_came_less_what_went(history: tuple[list[Trade], list[Activity]]) -> None:
    trades, rows = history
    rows = [each for each in rows if each.kind != "REDEEM"]
    books = keep_books(flows(trades, rows).items)
    for token_id in (YES, NO):
        bought = sum(
            each.size if each.side is OrderSide.BUY else -each.size
            for each in trades
            if each.token_id == token_id and each.status is not TradeStatus.FAILED
        )
        sets = sum(
            each.size if each.kind == "SPLIT" else -each.size for each in rows if each.kind in ("SPLIT", "MERGE")
        )
        assert books.shares().get(token_id, 0) == bought + sets


def test_profit_is_by_average_cost_and_after_fees() -> None:
    trades = [fill(1, size="10", price="0.4"), fill(2, size="10", price="0.6")]
    trades.append(fill(3, side=OrderSide.SELL, size="5", price="0.8"))
    books = keep_books(flows(trades, [row(0, "DEPOSIT", dollars="100")]).items)
    cost = Decimal("10") + 2 * FEE
    assert books.realized == Decimal("4") - FEE - cost / 4
    assert books.fees == 3 * FEE
    assert books.unrealized({YES: Decimal("0.8")}) == Decimal("12") - cost * 3 / 4
    assert books.cash == 100 - cost + 4 - FEE


def test_a_set_costs_a_dollar_that_its_outcomes_share_and_a_redemption_ends_both() -> None:
    rows = [row(1, "SPLIT", dollars="3.000001", size="3.000001")]
    split = keep_books(flows([], rows).items)
    assert [holding.cost for holding in split.holdings.values()] == [Decimal("1.5"), Decimal("1.500001")]
    rows.append(row(2, "REDEEM", dollars="3.000001", size="6.000002"))
    ended = keep_books(flows([], rows).items)
    assert ended.cash == ended.realized == 0
    assert not ended.shares()


def test_the_public_record_says_what_a_trade_cost_to_the_millionth() -> None:
    trade = fill(1, size="3.333333", price="0.3", transaction_hash="t1")
    recorded = row(1, "TRADE", dollars="1.021", size="3.333333", price="0.3", side=OrderSide.BUY, token_id=YES)
    (exact,) = flows([trade], [recorded]).items
    assert (exact.cash, exact.fee, exact.exact) == (Decimal("-1.021"), FEE, True)
    estimated = flows([trade], [])
    assert estimated.items[0].cash == -Decimal("1.0") - FEE
    assert estimated.inexact == 1


def test_a_fee_that_nobody_knows_is_what_a_taker_paid_beyond_price_times_size() -> None:
    trade = fill(1, size="10", price="0.5", transaction_hash="t1")
    recorded = row(1, "TRADE", dollars="5.125", size="10", price="0.5", side=OrderSide.BUY, token_id=YES)
    (flow,) = flows_of([trade], [recorded], fee_of=lambda _: Decimal(0), tokens_of={}).items
    assert (flow.cash, flow.fee) == (Decimal("-5.125"), Decimal("0.125"))


def test_a_trade_that_only_the_public_record_has_counts_and_what_cannot_be_booked_is_named() -> None:
    recorded = row(1, "TRADE", dollars="5.125", size="10", price="0.5", side=OrderSide.BUY, token_id=YES)
    told = flows([], [recorded, row(2, "CONVERSION", dollars="1")])
    books = keep_books(told.items)
    assert (books.cash, books.fees, books.shares()) == (Decimal("-5.125"), Decimal("0.125"), {YES: Decimal(10)})
    assert told.not_counted == ("CONVERSION",)
