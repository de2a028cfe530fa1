"""From beliefs and live books to stakes within the desk's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..core.errors import InputRejected
from ..core.market_data.fill_estimate import FillEstimate, estimate_fill
from ..core.models import Market, OrderBook, OrderSide, Outcome
from ..core.money import round_down
from ..core.risk.bet_sizing import Bet, BetSizes, size_bets
from ..core.risk.dependence import Dependence
from ..core.untrusted_text import quoted
from .answer import rounded
from .context import Desk
from .progress import Progress
from .risk_answer import SizedBet, SizesAnswer
from .risk_simulation import BOOK, figure, find_outcome, named_pairs

if TYPE_CHECKING:
    from .risk_arguments import BetInput, PairInput

_PRICE_ROUNDS = 2
_LARGEST_PRICE = Decimal("0.999999")


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A bet with the book it would be made on."""

    wanted: BetInput
    market: Market
    outcome: Outcome
    book: OrderBook


async def sized(
    desk: Desk,
    bets: Sequence[BetInput],
    *,
    fraction: Decimal,
    bankroll: Decimal | None,
    correlation: Decimal,
    pairs: Sequence[PairInput],
    progress: Progress,
) -> SizesAnswer:
    """Size once at the best prices, and again at what those stakes would really pay. Raises InputRejected."""
    quotes = [await _quoted(desk, bet) for bet in bets]
    free = None if desk.account is None else (await desk.portfolio.snapshot()).free
    if bankroll is None:
        bankroll = free if free is not None else desk.default_bankroll
    dependence = Dependence(correlation=correlation, pairs=await named_pairs(desk, pairs))
    costs = [_cost_of_best(each) for each in quotes]
    for priced in range(_PRICE_ROUNDS):
        sizes = await size_bets(
            desk.executor,
            bets=[
                _bet(each, min(cost, _LARGEST_PRICE), correlated=bool(correlation))
                for each, cost in zip(quotes, costs, strict=True)
            ],
            dependence=dependence,
            fraction=fraction,
            seed=desk.seed,
            progress=_from(progress, priced / _PRICE_ROUNDS),
        )
        fills = [_fill(each, stake.value * bankroll) for each, stake in zip(quotes, sizes.stakes, strict=True)]
        costs = [_cost(fill) or cost for fill, cost in zip(fills, costs, strict=True)]
    return SizesAnswer(
        **desk.heading,
        as_of=desk.clock.now(),
        bankroll=rounded(bankroll, 2),
        fraction=fraction,
        bets=[_line(desk, each, sizes, index, bankroll=bankroll, free=free) for index, each in enumerate(quotes)],
        growth=sizes.growth,
        method=f"Kelly, {sizes.method}"
        + (f", {sizes.scenarios} scenarios, seed {sizes.seed}" if sizes.scenarios else ""),
        notes=_notes(sizes) or None,
    )


def _from(progress: Progress, start: float) -> Progress:
    return lambda done: progress(start + done / _PRICE_ROUNDS)


async def _quoted(desk: Desk, bet: BetInput) -> _Quoted:
    market, outcome = await find_outcome(desk, bet.market_id, bet.outcome)
    book = await desk.quotes.book(outcome.token_id)
    if book is None or book.best_ask is None:
        raise InputRejected(
            f"{market.slug}: nobody sells {quoted(outcome.label, 60)} now.",
            code="no_quote",
            fix="leave this bet out",
        )
    return _Quoted(bet, market, outcome, book)


def _cost_of_best(quote: _Quoted) -> Decimal:
    """Dollars a share at the best price, with the fee."""
    assert quote.book.best_ask is not None
    price = quote.book.best_ask.price
    return price + quote.market.fees.taker_fee(Decimal(100), price) / 100


def _fill(quote: _Quoted, dollars: Decimal) -> FillEstimate | None:
    if dollars <= 0:
        return None
    return estimate_fill(quote.book, OrderSide.BUY, quote.market.fees, dollars=dollars)


def _cost(fill: FillEstimate | None) -> Decimal | None:
    return (fill.dollars + fill.fee) / fill.shares if fill is not None and fill.shares else None


def _bet(quote: _Quoted, cost: Decimal, *, correlated: bool) -> Bet:
    first = quote.outcome == quote.market.outcomes[0]
    belief = quote.wanted.my_probability
    return Bet(
        market=quote.market.condition_id,
        probability=belief if first else 1 - belief,
        price=cost,
        first_outcome=first,
        standard_error=quote.wanted.standard_error,
        event=quote.market.event_slug if quote.market.neg_risk else "",
        cluster=BOOK if correlated else "",
    )


def _line(
    desk: Desk, quote: _Quoted, sizes: BetSizes, index: int, *, bankroll: Decimal, free: Decimal | None
) -> SizedBet:
    stake = sizes.stakes[index]
    limits = desk.trading.gate.limits
    bounds = {
        "POLYMARKET_MAX_ORDER_USD": limits.max_order_usd,
        "POLYMARKET_MAX_MARKET_USD": limits.max_market_usd,
        "POLYMARKET_MAX_EVENT_USD": limits.max_event_usd,
        "POLYMARKET_MAX_EXPOSURE_USD": limits.max_exposure_usd,
        "free cash": free,
    }
    wanted = stake.value * bankroll
    held_back_by = None
    for name, bound in bounds.items():
        if bound is not None and wanted > bound:
            wanted, held_back_by = bound, name
    fill = _fill(quote, wanted)
    cost = _cost(fill) or _cost_of_best(quote)
    # What the estimate spends comes before the fee, which the stake has to cover too.
    dollars = round_down(wanted, 2)
    shares = round_down(dollars / cost, 2)
    if fill is not None and not fill.complete:
        shares, held_back_by = min(shares, round_down(fill.shares, 2)), "what the book offers"
        dollars = round_down(shares * cost, 2)
    assert quote.book.best_ask is not None
    price = fill.average_price if fill is not None and fill.average_price is not None else quote.book.best_ask.price
    return SizedBet(
        market=quote.market.slug,
        outcome=quoted(quote.outcome.label, 60),
        my_probability=quote.wanted.my_probability,
        price=rounded(price, 5),
        fee=rounded(cost - price, 5),
        edge=rounded(quote.wanted.my_probability - cost, 5),
        full_kelly=rounded(sizes.full_kelly[index].value),
        stake=figure(stake, 5),
        dollars=dollars,
        shares=shares,
        held_back_by=held_back_by,
    )


def _notes(sizes: BetSizes) -> list[str]:
    notes = [
        f"your probabilities of {name} sum to {1 + missed:.3f} and were scaled to 1"
        for name, missed in sizes.overround.items()
    ]
    if sizes.matrix_change:
        notes.append(
            "the correlations cannot hold together; the nearest possible ones were used, "
            f"{rounded(sizes.matrix_change, 3)} away at most"
        )
    return notes
