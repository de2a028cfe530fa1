"""The shape of the overview: what a screen shows, in the words and units of the tools' answers."""

from __future__ import annotations

from ...handlers.alerts import AlertLine
from ...handlers.answer import AccountAnswer, Answer, Num, When
from ...handlers.portfolio import StatementLine
from ...handlers.run_lines import RunLine


class HaltLine(Answer):
    reason: str
    since: When
    lifted_by: str


class MoneyLine(Answer):
    """Dollars. `settled_profit` counts confirmed trades, at present prices and after fees; `provisional_profit` adds
    what fills that may still fail would make of it."""

    equity: Num
    settled_equity: Num
    cash: Num
    free_cash: Num
    reserved_for_orders: Num
    positions_value: Num
    settled_profit: Num | None = None
    provisional_profit: Num | None = None
    realized: Num | None = None
    unrealized: Num | None = None
    fees: Num | None = None


class ExposureLine(Answer):
    """What is held and resting in an event, or in a market that stands alone; `worst` can be lost at most."""

    event: str
    questions: list[str]
    cost: Num
    value: Num
    resting: Num
    worst: Num


class PositionLine(Answer):
    token_id: str
    market: str
    question: str
    outcome: str
    shares: Num
    average_price: Num
    price: Num | None = None
    stale_since: When | None = None
    value: Num | None = None
    profit: Num | None = None
    status: str


class OrderLine(Answer):
    """`by` is the run that placed it."""

    order_id: str | None = None
    attempt_id: str | None = None
    token_id: str
    market: str
    question: str
    side: str
    outcome: str
    price: Num | None = None
    shares: Num | None = None
    filled: Num
    status: str
    by: str | None = None
    since: When


class FillLine(Answer):
    trade_id: str
    at: When
    market: str
    question: str
    side: str
    outcome: str
    price: Num
    shares: Num
    fee: Num | None = None
    role: str
    settlement: str
    by: str | None = None


class SignalLine(Answer):
    run_id: str
    strategy: str
    at: When
    market: str
    verdict: str
    outcome: str | None = None
    price: Num | None = None
    size: Num | None = None
    why: str


class WaitingLine(Answer):
    """Work that waits for a person's yes, given with `polydesk approve CODE`."""

    code: str
    what: str
    since: When
    expires: When | None = None


class BookLine(Answer):
    """Levels are [price, shares, own shares], best first. `why` it is shown: order, position, run or read."""

    token_id: str
    market: str
    question: str
    outcome: str
    why: str
    bids: list[list[Num]]
    asks: list[list[Num]]
    midpoint: Num | None = None
    spread: Num | None = None
    last_price: Num | None = None
    as_of: When


class NewsLine(Answer):
    """An item about a market with own money or a run in it. Without `stance` it has not been judged yet; `moves` says
    whether an estimate may follow it."""

    at: When
    title_by_stranger: str
    source: str | None = None
    market: str
    question: str
    outcome: str
    stance: str | None = None
    score: Num | None = None
    judged_by: str | None = None
    moves: bool | None = None


class VenueLine(Answer):
    condition: str
    since: When | None = None
    retry_after_s: Num | None = None
    left_alone: list[str] | None = None
    clock_skew_s: Num
    scarce_requests: dict[str, int] | None = None


class StreamLine(Answer):
    followed: int
    fresh: int
    connections: int
    last_news: When | None = None
    age_s: Num | None = None
    gaps: int
    dropped: int


class PoolLine(Answer):
    backend: str
    running: int
    queued: int
    restarts: int
    problem: str | None = None


class RouteLine(Answer):
    route: str
    calls: int
    p50_ms: Num | None = None
    p95_ms: Num | None = None
    errors: int


class SeatLine(Answer):
    pid: int
    doors: int
    survives_host_exit: bool


class HealthLine(Answer):
    venue: VenueLine
    stream: StreamLine | None = None
    pool: PoolLine
    routes: list[RouteLine]
    desk: SeatLine
    running_since: When
    orders: dict[str, int]
    dead_letters: int


class LimitLine(Answer):
    """`limit` is left out where none is set."""

    name: str
    unit: str
    used: Num
    limit: Num | None = None


class Overview(AccountAnswer):
    """`mark` changes when orders, runs, alerts or the halt do. `equity` are [unix seconds, equity, settled equity],
    oldest first, `alerts` the last ones, newest first, and `alert_rules` how many rules watch. `problems` says of a
    part why it is missing or not complete."""

    mark: str
    as_of: When
    source: str
    trading: str
    halt: HaltLine | None = None
    money: MoneyLine | None = None
    statement: StatementLine | None = None
    equity: list[list[Num]]
    worst_case: Num | None = None
    exposure: list[ExposureLine]
    positions: list[PositionLine]
    positions_total: int
    open_orders: list[OrderLine]
    open_orders_total: int
    fills: list[FillLine]
    runs: list[RunLine]
    signals: list[SignalLine]
    waiting: list[WaitingLine]
    books: list[BookLine]
    news: list[NewsLine]
    alerts: list[AlertLine]
    alert_rules: int
    health: HealthLine
    limits: list[LimitLine]
    warnings: list[str] | None = None
    problems: dict[str, str] | None = None
