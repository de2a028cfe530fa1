"""Tools that list strategies and let one trade by itself, inside bounds that a person agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, Resolve
from pydantic import Field, WithJsonSchema

from ..core.errors import InputRejected
from ..core.trading.strategy_plan import StrategyPlan
from .answer import AccountAnswer, Answer, Num, rounded
from .arguments import AsMoment, Exact, MarketRef, moment_schema, number_schema
from .confirmation import Agreement, desk_of, host_can_ask, user_agreed
from .context import Desk
from .order_intent import Token
from .runs import line_of
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.models import Market
    from ..core.strategies.declaration import Declaration

StrategyName = Annotated[str, Field(max_length=60, description="From polymarket_list_strategies, e.g. arbitrage")]
Markets = Annotated[
    list[MarketRef], Field(min_length=1, max_length=200, description="Markets, or events: all of their open markets")
]
MaxLoss = Annotated[
    Decimal, Exact, Field(gt=0), number_schema("Dollars it may lose before it stops", exclusiveMinimum=0)
]
MaxExposure = Annotated[
    Decimal, Exact, Field(gt=0), number_schema("Dollars it may have tied up at once", exclusiveMinimum=0)
]
Until = Annotated[datetime, AsMoment, moment_schema("When it ends, e.g. 2026-06-01T12:00:00Z; 30 days ahead at most")]
Parameters = Annotated[
    dict[str, Annotated[Decimal, Exact]],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "Its own parameters, from polymarket_list_strategies",
        }
    ),
]
EveryS = Annotated[
    Decimal,
    Exact,
    Field(ge=1, le=86_400),
    number_schema("Seconds between looks; the strategy's own by default", minimum=1, maximum=86_400),
]


class AskedRun(NamedTuple):
    """The run that a call asks for, and what its markets ask."""

    plan: StrategyPlan
    questions: tuple[str, ...]


class ParameterLine(Answer):
    name: str
    meaning: str
    default: Num
    low: Num
    high: Num
    unit: str | None = None
    adjusts_itself: bool | None = None


class StrategyInfo(Answer):
    name: str
    summary: str
    needs: list[str]
    from_package: str
    looks_every_s: Num
    warm_up_hours: Num | None = None
    rests_orders: bool | None = None
    most_markets: int
    cannot_run: str | None = None
    parameters: list[ParameterLine] | None = None


class StrategiesAnswer(Answer):
    strategies: list[StrategyInfo]
    next: str


class StartedStrategyAnswer(AccountAnswer):
    """It trades by itself once `status` is running; with awaiting_person, somebody must approve `approval_code`.

    Without `survives_host_exit` it pauses when the last host quits, and goes on with the next start.
    """

    run_id: str
    already_started: bool
    status: str
    approval_code: str | None = None
    survives_host_exit: bool
    next: str


async def list_strategies(
    desk: Desk, name: Annotated[StrategyName, Field(description="One, with its parameters")] | None = None
) -> StrategiesAnswer:
    """Strategies that can run by themselves or be backtested: what each does, needs and can be set to."""
    from ..core.strategies.registry import origin_of, strategy_class, strategy_names

    names = [name] if name is not None else strategy_names()
    return StrategiesAnswer(
        strategies=[
            _info(desk, strategy_class(each).declaration, origin_of(each), full=name is not None) for each in names
        ],
        next="polymarket_run_strategy lets one trade; name one here for its parameters",
    )


async def asked_run(
    ctx: Context[Any],
    strategy: str,
    markets: list[str],
    max_loss_usd: Decimal,
    max_exposure_usd: Decimal,
    until: datetime,
    params: dict[str, Decimal] | None,
    every_s: Decimal | None,
) -> AskedRun:
    """The run that the arguments ask for. Raises InputRejected."""
    desk = await desk_of(ctx)
    return await _asked(desk, strategy, markets, max_loss_usd, max_exposure_usd, until, params, every_s)


async def ask_about_run(
    ctx: Context[Any], asked: Annotated[AskedRun, Resolve(asked_run)], client_token: str | None
) -> Agreement | Elicit[Agreement] | None:
    """The question with all bounds, where a host's user is to answer it and was not asked already."""
    from ..core.trading.consent import ConsentKind

    desk = await desk_of(ctx)
    kind = desk.strategies.consent_kind(host_can_ask=await host_can_ask(ctx))
    if kind is not ConsentKind.DIALOG or desk.account is None or desk.trading.halt is not None:
        return None
    if desk.strategies.earlier(asked.plan, client_token=client_token) is not None:
        return None
    return Elicit(asked.plan.described(asked.questions), Agreement)


async def run_strategy(
    desk: Desk,
    asked: Annotated[AskedRun, Resolve(asked_run)],
    answer: Annotated[ElicitationResult[Agreement], Resolve(ask_about_run)],
    can_ask: Annotated[bool, Resolve(host_can_ask)],
    strategy: StrategyName,
    markets: Markets,
    max_loss_usd: MaxLoss,
    max_exposure_usd: MaxExposure,
    until: Until,
    params: Parameters | None = None,
    every_s: EveryS | None = None,
    client_token: Token | None = None,
) -> StartedStrategyAnswer:
    """Let a strategy trade {MODE} by itself until a time, inside both dollar bounds, which the risk gate enforces.

    Every order passes the desk's limits too. It goes on after a restart, and ends when halted, stopped, at its time or
    at its loss; what it holds then stays. A repeated call starts no second run.
    """
    desk.require_trading()
    run, is_new = desk.strategies.start(
        asked.plan,
        questions=asked.questions,
        client_token=client_token,
        host_can_ask=can_ask,
        agreed_by_user=user_agreed(answer),
    )
    line = await line_of(desk, run.run_id, full=False)
    waits = line.approval_code is not None
    return StartedStrategyAnswer(
        **desk.heading,
        run_id=run.run_id,
        already_started=not is_new,
        status=line.status,
        approval_code=line.approval_code,
        survives_host_exit=desk.seat().survives_host_exit,
        next=(
            f"a person runs `polydesk approve {line.approval_code}`; then it begins"
            if waits
            else "polymarket_get_runs tells how it does, polymarket_stop_strategy ends it"
        ),
    )


async def _asked(
    desk: Desk,
    strategy: str,
    references: Sequence[str],
    max_loss_usd: Decimal,
    max_exposure_usd: Decimal,
    until: datetime,
    params: dict[str, Decimal] | None,
    every_s: Decimal | None,
) -> AskedRun:
    from ..core.strategies.registry import strategy_class

    declaration = strategy_class(strategy).declaration
    parameters = dict(declaration.read_parameters(params or {}))
    found = await _markets(desk, references)
    plan = StrategyPlan(
        strategy=strategy,
        markets=tuple(market.condition_id for market in found),
        parameters=parameters,
        max_loss_usd=max_loss_usd,
        max_exposure_usd=max_exposure_usd,
        until=until,
        every_s=float(every_s) if every_s is not None else declaration.every.total_seconds(),
    )
    return AskedRun(plan, tuple(market.question for market in found))


async def _markets(desk: Desk, references: Sequence[str]) -> list[Market]:
    """The markets named, and the open ones of events named, each once."""
    found: dict[str, Market] = {}
    for reference in references:
        try:
            named = [(await desk.directory.find(reference)).market]
        except InputRejected as error:
            if error.code != "ambiguous_market":
                raise
            named = [each for each in (await desk.directory.find_event(reference)).markets if each.tradable]
        for market in named:
            if not market.tradable:
                raise InputRejected(
                    f"Market {market.slug} takes no orders.",
                    code="market_closed",
                    fix="leave it out",
                    next_tool="polymarket_search_markets",
                )
            found.setdefault(market.condition_id, market)
    return list(found.values())


def _info(desk: Desk, declaration: Declaration, origin: str, *, full: bool) -> StrategyInfo:
    summary = declaration.summary if full else declaration.summary.split(". ")[0].rstrip(".") + "."
    return StrategyInfo(
        name=declaration.name,
        summary=summary,
        needs=sorted(need.value for need in declaration.needs),
        from_package=origin,
        looks_every_s=rounded(declaration.every.total_seconds(), 3),
        warm_up_hours=rounded(declaration.warm_up.total_seconds() / 3600, 1) if declaration.warm_up else None,
        rests_orders=True if declaration.rests else None,
        most_markets=declaration.most_markets,
        cannot_run=desk.strategies.lacks(declaration) or None,
        parameters=[
            ParameterLine(
                name=each.name,
                meaning=each.meaning,
                default=each.default,
                low=each.low,
                high=each.high,
                unit=each.unit or None,
                adjusts_itself=True if each.adjustable else None,
            )
            for each in declaration.parameters
        ]
        if full
        else None,
    )


TOOLS = (
    ToolSpec("polymarket_list_strategies", Toolset.STRATEGIES, "List strategies", list_strategies, open_world=False),
    ToolSpec(
        "polymarket_run_strategy",
        Toolset.STRATEGIES,
        "Run {MODE} strategy",
        run_strategy,
        changes=True,
        destructive=True,
        idempotent=False,
    ),
)
