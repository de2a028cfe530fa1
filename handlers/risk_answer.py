"""How simulated risk and bet sizes read."""

from __future__ import annotations

from .answer import AccountAnswer, Answer, Num, When


class Figure(Answer):
    """Dollars or a chance; standard_error 0: exact."""

    value: Num
    standard_error: Num


class HeldRisk(Answer):
    """`adds_to_cvar_95`: its own mean loss in the book's worst 5 %."""

    market: str
    outcome: str
    shares: Num
    chance: Num
    cost: Num
    adds_to_cvar_95: Figure | None = None


class RareLossLine(Answer):
    dollars: Num
    chance: Figure
    mean_loss: Figure | None = None
    method: str


class LevelLine(Answer):
    market: str
    outcome: str
    price: Num
    by_horizon: Figure
    before_resolution: Num | None = None


class WayLine(Answer):
    """Until horizon_days, prices marked to model."""

    horizon_days: Num
    expected: Figure
    chance_of_loss: Figure
    var_95: Figure
    cvar_95: Figure
    drawdown: Figure
    drawdown_95: Num
    touches: list[LevelLine] | None = None
    method: str


class SimulatedRiskAnswer(AccountAnswer):
    """If everything is held until it resolves; dollars after cost, losses positive."""

    as_of: When
    positions: list[HeldRisk]
    more_positions: int | None = None
    expected: Num
    worst: Num
    best: Num
    standard_deviation: Figure
    chance_of_loss: Figure
    var_95: Figure
    cvar_95: Figure
    var_99: Figure
    cvar_99: Figure
    profit_in_90_percent: list[Num]
    rare_loss: RareLossLine | None = None
    on_the_way: WayLine | None = None
    method: str
    notes: list[str] | None = None


class SizedBet(Answer):
    """`stake` is the part of the bankroll; `dollars` what that is after the limits, fee included."""

    market: str
    outcome: str
    my_probability: Num
    price: Num
    fee: Num
    edge: Num
    full_kelly: Num
    stake: Figure
    dollars: Num
    shares: Num
    held_back_by: str | None = None


class SizesAnswer(AccountAnswer):
    as_of: When
    bankroll: Num
    fraction: Num
    bets: list[SizedBet]
    growth: Num
    method: str
    notes: list[str] | None = None
