"""How much of the bankroll to stake, by the Kelly criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ...gpu.interface import Executor, Progress
from ..identifiers import ConditionId
from .computing import DEADLINE_S, compute, require, within
from .dependence import INDEPENDENT, Dependence, Holding, book_layout, overround_by_event
from .figures import Estimate, estimate_of, number_of

MOST_SCENARIOS = 200_000


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet on one side of a market.

    `probability` is the believed one of the market's first outcome, `standard_error` how unsure that is, `price`
    dollars per share of the side bet on, with the fee. `event` and `cluster` as for a Holding.
    """

    market: ConditionId
    probability: Decimal
    price: Decimal
    first_outcome: bool = True
    standard_error: Decimal = Decimal(0)
    event: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class BetSizes:
    """Fractions of the bankroll, in the order of the bets.

    `stakes` are the full Kelly stakes times `shrinkage` (for uncertainty) times the fraction asked for. `growth` is the
    expected growth of the bankroll's logarithm if the probabilities are right. `method` is single, exclusive, all
    scenarios or monte_carlo.
    """

    stakes: tuple[Estimate, ...]
    full_kelly: tuple[Estimate, ...]
    shrinkage: tuple[Decimal, ...]
    growth: Decimal
    overround: Mapping[str, Decimal]
    matrix_change: Decimal
    method: str
    scenarios: int
    seed: int


async def size_bets(
    executor: Executor,
    *,
    bets: Sequence[Bet],
    other_outcomes: Mapping[str, Sequence[Decimal]] | None = None,
    dependence: Dependence = INDEPENDENT,
    fraction: Decimal = Decimal(1),
    paths: int = 40_000,
    seed: int,
    deadline_s: float = DEADLINE_S,
    progress: Progress | None = None,
) -> BetSizes:
    """Stakes that maximise the expected logarithm of wealth, together. Raises InputRejected and ComputeUnavailable."""
    require(bool(bets), "no bet", "at least one bet")
    require(within(fraction, "0.000001", "1"), f"a fraction of {fraction}", "a fraction above 0, 1 at most")
    for bet in bets:
        require(
            within(bet.price, "0.000001", "0.999999"), f"{bet.market}: price {bet.price}", "a price between 0 and 1"
        )
        require(within(bet.standard_error, "0", "0.5"), f"{bet.market}: error {bet.standard_error}", "0 to 0.5")
    layout = book_layout(
        [
            Holding(
                market=bet.market,
                probability=bet.probability,
                shares=Decimal(1),
                cost=Decimal(0),
                first_outcome=bet.first_outcome,
                event=bet.event,
                cluster=bet.cluster,
            )
            for bet in bets
        ],
        other_outcomes or {},
        dependence,
    )
    payload = {
        **{key: value for key, value in layout.payload.items() if key != "holdings"},
        "bets": [
            {**placed, "price": float(bet.price), "standard_error": float(bet.standard_error)}
            for bet, placed in zip(bets, layout.payload["holdings"], strict=True)
        ],
        "fraction": float(fraction),
        "paths": paths,
        "seed": seed,
    }
    answer = await compute(
        executor, "size_bets", payload, deadline_s=deadline_s, most_paths=MOST_SCENARIOS, progress=progress
    )
    return BetSizes(
        stakes=tuple(estimate_of(each) for each in answer["stakes"]),
        full_kelly=tuple(estimate_of(each) for each in answer["full_kelly"]),
        shrinkage=tuple(number_of(each) for each in answer["shrinkage"]),
        growth=number_of(answer["growth"]),
        overround=overround_by_event(layout.names, answer["overround"]),
        matrix_change=number_of(answer["matrix_change"]),
        method=answer["method"],
        scenarios=answer["scenarios"],
        seed=answer["seed"],
    )
