"""The fields of an analysis, as a host reads them."""

from __future__ import annotations

from .answer import AccountAnswer, Answer, Num, When


class PriceNow(Answer):
    """Dollars per share = implied probability."""

    bid: Num | None = None
    ask: Num | None = None
    mid: Num | None = None
    spread: Num | None = None
    last_trade: Num | None = None
    bid_depth_5c: Num
    ask_depth_5c: Num


class CostOfBuying(Answer):
    dollars: Num
    shares: Num
    average_price: Num | None = None
    fee: Num
    all_filled: bool


class Movement(Answer):
    changes: dict[str, Num]
    daily_volatility: Num | None = None
    low: Num | None = None
    high: Num | None = None
    points: int
    since: When | None = None


class NewsLine(Answer):
    title_by_stranger: str
    source: str | None = None
    published: When | None = None
    relevance: Num
    shared_words: list[str] | None = None
    stance: str
    stance_score: Num
    stance_basis: str
    confidence: str
    engine: str
    relatedness: Num | None = None
    moves_fair_value: bool
    moved_by: str | None = None
    sentiment: str | None = None
    sentiment_score: Num | None = None
    sentiment_engine: str | None = None


class FairValueLine(Answer):
    value: Num
    low: Num
    high: Num
    basis: str
    holds_news: bool
    log_odds_parts: list[str]
    note: str


class EdgeLine(Answer):
    """Dollars per share of buying `shares` and holding: `expected` uses the fair value, `sure` its low end."""

    outcome: str
    shares: Num
    price: Num
    slippage: Num
    fee: Num
    expected: Num
    sure: Num


class SizeLine(Answer):
    outcome: str
    shares: Num
    dollars: Num
    bankroll: Num
    share_of_bankroll: Num
    reason: str


class RiskLine(Answer):
    """Of holding `shares` to resolution, in dollars after the fee."""

    outcome: str
    shares: Num
    if_right: Num
    if_wrong: Num
    chance_of_loss: Num
    expected: Num
    simulated_expected: Num
    simulated_standard_error: Num
    cvar_95: Num | None = None
    price_in_90_percent: str | None = None
    method: str


class Resolution(Answer):
    ends: When | None = None
    days_left: Num | None = None
    state: str
    oracle: str
    neg_risk: bool
    rules_by_strangers: str


class Freshness(Answer):
    book: When | None = None
    history: When
    market: When


class AnalysisAnswer(AccountAnswer):
    as_of: When
    market: str
    question: str
    outcome: str
    verdict: str
    price: PriceNow | None = None
    cost_of_buying: list[CostOfBuying] | None = None
    movement: Movement
    news: list[NewsLine] | None = None
    news_was_kept: bool | None = None
    news_not_shown: int | None = None
    news_statement: str | None = None
    news_problem: str | None = None
    fair_value: FairValueLine | None = None
    edges: list[EdgeLine] | None = None
    size: SizeLine | None = None
    risk: RiskLine | None = None
    risk_problem: str | None = None
    resolution: Resolution
    fresh_as_of: Freshness
