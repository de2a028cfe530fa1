"""From a question about risk to its simulations, and from their figures to an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..core.errors import InputRejected
from ..core.identifiers import ConditionId
from ..core.market_data.directory import choose_outcome
from ..core.market_data.fill_estimate import estimate_fill
from ..core.models import Market, OrderSide, Outcome
from ..core.risk.book_simulation import (
    BookWalk,
    Method,
    PortfolioRisk,
    PriceLevel,
    WalkModel,
    portfolio_risk,
    walk_book,
)
from ..core.risk.dependence import Dependence, Holding
from ..core.risk.exposure import ASSUMED_DAYS, Exposure, HeldShares, exposure_of, held_by, with_order
from ..core.risk.figures import Estimate
from ..core.untrusted_text import quoted
from .answer import rounded
from .context import Desk
from .progress import Progress
from .risk_answer import Figure, HeldRisk, LevelLine, RareLossLine, SimulatedRiskAnswer, WayLine

if TYPE_CHECKING:
    from .risk_arguments import LevelInput, PairInput, PathInput, PositionInput, ResolvedInput

BOOK = "book"
"""The cluster of everything that one correlation is given for."""

_SHOWN = 12
_WALKED_PATHS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskQuestion:
    """The tool's arguments. `degrees_of_freedom` is None for a Gaussian copula."""

    positions: Sequence[PositionInput] | None
    what_if: Sequence[PositionInput]
    resolved: Sequence[ResolvedInput]
    correlation: Decimal
    pairs: Sequence[PairInput]
    degrees_of_freedom: int | None
    loss_usd: Decimal | None
    horizon_days: Decimal | None
    levels: Sequence[LevelInput]
    model: PathInput | None
    paths: int
    method: Method
    engine: str


async def simulated(desk: Desk, question: RiskQuestion, progress: Progress) -> SimulatedRiskAnswer:
    """Raises InputRejected, ConfigurationError and ComputeUnavailable."""
    exposure = await _exposure(desk, question)
    dependence = Dependence(
        correlation=question.correlation,
        pairs=await named_pairs(desk, question.pairs),
        degrees_of_freedom=question.degrees_of_freedom,
    )
    holdings = in_one_cluster(exposure.holdings) if question.correlation else exposure.holdings
    walks = question.horizon_days is not None or bool(question.levels)
    share = 0.5 if walks else 1.0
    risk = await portfolio_risk(
        desk.executor,
        holdings=holdings,
        other_outcomes=exposure.other_outcomes,
        dependence=dependence,
        method=question.method,
        engine=question.engine,
        marginals=True,
        tail_loss=question.loss_usd,
        paths=question.paths,
        seed=desk.seed,
        progress=lambda done: progress(done * share),
    )
    now = desk.clock.now()
    walk = None
    levels = await _levels(desk, question.levels)
    if walks:
        walk = await walk_book(
            desk.executor,
            holdings=holdings,
            days_to_resolution=exposure.days_to_resolution(now),
            other_outcomes=exposure.other_outcomes,
            dependence=dependence,
            horizon_days=question.horizon_days,
            model=_walk_model(question.model),
            levels=[
                PriceLevel(market.condition_id, price if outcome == market.outcomes[0] else 1 - price)
                for market, outcome, price in levels
            ],
            paths=min(question.paths, _WALKED_PATHS),
            seed=desk.seed,
            progress=lambda done: progress(share + done * (1 - share)),
        )
    return _answer(desk, exposure, risk, walk, levels, undated=exposure.undated(now) if walks else ())


async def find_outcome(desk: Desk, market_id: str, outcome: str | int) -> tuple[Market, Outcome]:
    reference = await desk.directory.find(market_id)
    return reference.market, choose_outcome(reference, outcome)


async def named_pairs(desk: Desk, pairs: Sequence[PairInput]) -> dict[tuple[str, str], Decimal]:
    """Correlations by the names that events have in a book."""

    async def name(reference: str) -> str:
        try:
            market = (await desk.directory.find(reference)).market
        except InputRejected as error:
            if error.code != "ambiguous_market":
                raise
            return str((await desk.directory.find_event(reference)).slug)
        return str(market.event_slug if market.neg_risk else market.condition_id)

    return {(await name(pair.one), await name(pair.other)): pair.correlation for pair in pairs}


def in_one_cluster(holdings: Sequence[Holding]) -> list[Holding]:
    from dataclasses import replace

    return [replace(holding, cluster=BOOK) for holding in holdings]


def figure(estimate: Estimate, places: int = 2) -> Figure:
    error = estimate.standard_error
    return Figure(value=rounded(estimate.value, places), standard_error=rounded(error, places + 1))


async def _exposure(desk: Desk, question: RiskQuestion) -> Exposure:
    """The book that the question is about. Raises InputRejected where it is empty."""
    if question.positions is None:
        desk.require_account()
        held = held_by((await desk.portfolio.snapshot()).positions)
    else:
        held = ()
        for each in question.positions:
            held = with_order(held, await _order(desk, each, live=False))
    for each in question.what_if:
        held = with_order(held, await _order(desk, each, live=True))
    decided: dict[ConditionId, bool] = {}
    for known in question.resolved:
        market, outcome = await find_outcome(desk, known.market_id, known.outcome)
        decided[market.condition_id] = outcome == market.outcomes[0]

    exposure = await exposure_of(
        [each for each in held if each.shares > 0],
        market=desk.directory.market,
        event=desk.directory.find_event,
        decided=decided,
    )
    if not exposure.holdings:
        raise InputRejected(
            "There is nothing to simulate: no open position.",
            code="empty_book",
            fix="give positions or what_if",
        )
    return exposure


async def _order(desk: Desk, wanted: PositionInput, *, live: bool) -> HeldShares:
    """Shares with their cost: at the price given, or at what the book asks or bids now, with the fee."""
    market, outcome = await find_outcome(desk, wanted.market_id, wanted.outcome)
    if wanted.shares == 0 or (wanted.shares < 0 and not live):
        raise InputRejected(
            f"{wanted.shares} shares are no position.", code="invalid_arguments", fix="more than 0 shares"
        )
    book = await desk.quotes.book(outcome.token_id)
    now = book.midpoint if book is not None and book.midpoint is not None else outcome.price
    if wanted.price is not None:
        fee = market.fees.taker_fee(abs(wanted.shares), wanted.price) if live else Decimal(0)
        cost = wanted.shares * wanted.price + fee
    elif book is not None and live:
        side = OrderSide.BUY if wanted.shares > 0 else OrderSide.SELL
        fill = estimate_fill(book, side, market.fees, shares=abs(wanted.shares))
        if not fill.complete:
            raise InputRejected(
                f"The book of {market.slug} has {fill.shares} of {abs(wanted.shares)} shares.",
                code="insufficient_liquidity",
                fix="fewer shares, or a price",
            )
        cost = fill.dollars + fill.fee if wanted.shares > 0 else fill.fee - fill.dollars
    elif now is not None:
        cost = wanted.shares * now
    else:
        raise InputRejected(
            f"{market.slug} has no price for {quoted(outcome.label, 60)}.", code="no_quote", fix="give a price"
        )
    return HeldShares(market.condition_id, outcome.token_id, wanted.shares, cost, now)


async def _levels(desk: Desk, wanted: Sequence[LevelInput]) -> list[tuple[Market, Outcome, Decimal]]:
    found = await asyncio.gather(*(find_outcome(desk, each.market_id, each.outcome) for each in wanted))
    return [(*pair, each.price) for pair, each in zip(found, wanted, strict=True)]


def _walk_model(model: PathInput | None) -> WalkModel:
    if model is None:
        return WalkModel()
    return WalkModel(model.name, model.volatility, model.jumps_per_day, model.jump_size)


def _answer(
    desk: Desk,
    exposure: Exposure,
    risk: PortfolioRisk,
    walk: BookWalk | None,
    levels: Sequence[tuple[Market, Outcome, Decimal]],
    *,
    undated: Sequence[str],
) -> SimulatedRiskAnswer:
    var_95, var_99 = risk.tails
    quantile = {each.level: each.value for each in risk.quantiles}
    marginal = risk.marginals[0].losses
    largest = sorted(range(len(exposure.holdings)), key=lambda index: -abs(marginal[index].value))
    notes = _notes(exposure.markets, risk, undated)
    return SimulatedRiskAnswer(
        **desk.heading,
        as_of=desk.clock.now(),
        positions=[_held(exposure.holdings[index], exposure.markets, marginal[index]) for index in largest[:_SHOWN]],
        more_positions=len(largest) - _SHOWN if len(largest) > _SHOWN else None,
        expected=rounded(risk.expected, 2),
        worst=rounded(risk.worst, 2),
        best=rounded(risk.best, 2),
        standard_deviation=figure(risk.standard_deviation),
        chance_of_loss=figure(risk.loss_probability, 4),
        var_95=figure(var_95.value_at_risk),
        cvar_95=figure(var_95.conditional_value_at_risk),
        var_99=figure(var_99.value_at_risk),
        cvar_99=figure(var_99.conditional_value_at_risk),
        profit_in_90_percent=[rounded(quantile[Decimal(level)], 2) for level in ("0.05", "0.95")],
        rare_loss=RareLossLine(
            dollars=risk.rare_loss.loss,
            chance=Figure(
                value=risk.rare_loss.probability.value, standard_error=risk.rare_loss.probability.standard_error
            ),
            mean_loss=figure(risk.rare_loss.mean_loss) if risk.rare_loss.mean_loss else None,
            method=risk.rare_loss.method,
        )
        if risk.rare_loss
        else None,
        on_the_way=_way(walk, levels) if walk else None,
        method=f"Monte Carlo, {risk.paths} paths, seed {risk.seed}, engine {risk.engine}"
        if risk.method == "monte_carlo"
        else f"exact, engine {risk.engine}",
        notes=notes or None,
    )


def _held(holding: Holding, markets: Mapping[ConditionId, Market], marginal: Estimate) -> HeldRisk:
    market = markets[holding.market]
    return HeldRisk(
        market=market.slug,
        outcome=quoted(market.outcomes[0 if holding.first_outcome else 1].label, 60),
        shares=holding.shares,
        chance=rounded(holding.probability if holding.first_outcome else 1 - holding.probability),
        cost=rounded(holding.cost, 2),
        adds_to_cvar_95=figure(marginal),
    )


def _way(walk: BookWalk, levels: Sequence[tuple[Market, Outcome, Decimal]]) -> WayLine:
    return WayLine(
        horizon_days=rounded(walk.horizon_days, 3),
        expected=figure(walk.mean),
        chance_of_loss=figure(walk.loss_probability, 4),
        var_95=figure(walk.tails[0].value_at_risk),
        cvar_95=figure(walk.tails[0].conditional_value_at_risk),
        drawdown=figure(walk.drawdown),
        drawdown_95=rounded(walk.drawdown_quantiles[-1].value, 2),
        touches=[
            LevelLine(
                market=market.slug,
                outcome=quoted(outcome.label, 60),
                price=price,
                by_horizon=figure(touch.by_horizon, 4),
                before_resolution=rounded(touch.before_resolution),
            )
            for (market, outcome, price), touch in zip(levels, walk.touches, strict=True)
        ]
        or None,
        method=f"{walk.model} paths: {walk.paths}, {walk.steps} steps, seed {walk.seed}, engine {walk.engine}",
    )


def _notes(markets: Mapping[ConditionId, Market], risk: PortfolioRisk, undated: Sequence[str]) -> list[str]:
    notes = [
        f"probabilities of {name} sum to {1 + missed:.3f} and were scaled to 1"
        for name, missed in risk.overround.items()
        if abs(missed) >= Decimal("0.005")
    ]
    if risk.matrix_change:
        notes.append(
            "the correlations cannot hold together; the nearest possible ones were used, "
            f"{rounded(risk.matrix_change, 3)} away at most"
        )
    if undated:
        shown = ", ".join(undated[:3])
        notes.append(f"no end date ahead for {shown}: taken to resolve in {ASSUMED_DAYS:g} days")
    return notes
