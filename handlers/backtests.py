"""The tool that replays recorded prices under a strategy, and looks at data before."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, WithJsonSchema

from ..core.errors import InputRejected
from ..core.untrusted_text import quoted
from .answer import Answer
from .arguments import Exact, number_schema
from .context import Desk
from .order_intent import Token
from .strategies import Parameters, StrategyName
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.trading.backtest_request import BacktestRequest

DataPath = Annotated[
    str, Field(max_length=400, description="Recorded prices or books: a path in the desk's data folders")
]
Rows = Annotated[
    list[dict[str, Any]],
    Field(max_length=2000),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "object"},
            "description": "Instead of data: up to 2000 rows, each with at, market, price",
        }
    ),
]
Cash = Annotated[Decimal, Exact, Field(gt=0, le=10**9), number_schema("Dollars to begin with", exclusiveMinimum=0)]
Every = Annotated[Decimal, Exact, Field(gt=0, le=10_000), number_schema("Minutes between looks", exclusiveMinimum=0)]
Spread = Annotated[
    Decimal, Exact, Field(ge=0, lt=Decimal("0.5")), number_schema("Half a spread, where no quotes were recorded")
]
FeeRate = Annotated[Decimal, Exact, Field(ge=0, le=1), number_schema("Of takers, where none was recorded")]
Latency = Annotated[int, Field(ge=0, le=60_000, description="That an order is on its way")]
Reference = Annotated[
    dict[str, str],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": 'Files of what markets are about, e.g. {"BTC": "btc.csv"}',
        }
    ),
]


class BacktestAnswer(Answer):
    """With check_only: `check`, what the data holds, and no run."""

    run_id: str | None = None
    already_started: bool | None = None
    check: dict[str, Any] | None = None
    next: str


async def run_backtest(
    desk: Desk,
    data: DataPath | None = None,
    rows: Rows | None = None,
    strategy: StrategyName | None = None,
    params: Parameters | None = None,
    news: Annotated[str, Field(max_length=400, description="Recorded news, likewise")] | None = None,
    reference: Reference | None = None,
    cash: Cash | None = None,
    every_minutes: Every | None = None,
    half_spread: Spread | None = None,
    fee_rate: FeeRate | None = None,
    latency_ms: Latency | None = None,
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1,
    capacity: Annotated[bool, Field(description="Also how many dollars it could have carried; takes longer")] = False,
    check_only: Annotated[bool, Field(description="Only say what the data holds")] = False,
    client_token: Token | None = None,
) -> BacktestAnswer:
    """Replay recorded prices, books and news under a strategy with the desk that trades: fees, depth, latency, no view
    of the future. It runs on in the background; polymarket_get_runs has progress, result and report.
    """
    from ..core.backtest.data_check import allowed_file, check_inline

    if (data is None) == (rows is None):
        raise InputRejected(
            "Give exactly one of data and rows.", code="invalid_arguments", fix="name a file, or hand rows in"
        )
    if rows is not None:
        check_inline(rows)
    source = allowed_file(data, desk.data_folders) if data is not None else None
    if check_only:
        found = await desk.check_data(source if source is not None else rows or [])
        problem = found.get("problem")
        return BacktestAnswer(
            check={name: value for name, value in found.items() if value not in (None, "", [], {})},
            next="mend the data" if problem else "call again without check_only, and with a strategy",
        )
    if strategy is None:
        raise InputRejected(
            "Name a strategy, or look at the data with check_only.",
            code="invalid_arguments",
            fix="choose one",
            next_tool="polymarket_list_strategies",
        )
    request = _request(
        desk,
        strategy,
        params or {},
        source=str(source) if source is not None else None,
        rows=rows,
        news=news,
        reference=reference or {},
        seed=seed,
        capacity=capacity,
        numbers={
            "cash": cash,
            "every_minutes": every_minutes,
            "half_spread": half_spread,
            "fee_rate": fee_rate,
            "latency_ms": latency_ms,
        },
    )
    run, is_new = desk.backtests.start(request, client_token=client_token)
    return BacktestAnswer(
        run_id=run.run_id,
        already_started=not is_new,
        next="polymarket_get_runs with this run_id tells how far it is and what came out",
    )


def _request(
    desk: Desk,
    strategy: str,
    params: dict[str, Decimal],
    *,
    source: str | None,
    rows: list[dict[str, Any]] | None,
    news: str | None,
    reference: dict[str, str],
    seed: int,
    capacity: bool,
    numbers: dict[str, Decimal | int | None],
) -> BacktestRequest:
    from ..core.backtest.data_check import allowed_file
    from ..core.money import text
    from ..core.strategies.declaration import Need
    from ..core.strategies.registry import strategy_class
    from ..core.trading.backtest_request import BacktestRequest

    declaration = strategy_class(strategy).declaration
    declaration.read_parameters(params)
    for need, given in ((Need.NEWS, news), (Need.REFERENCE_PRICES, reference)):
        if need in declaration.needs and not given:
            raise InputRejected(
                f"{strategy} needs {need.value.replace('_', ' ')}.",
                code="data_missing",
                fix=f"give {'news' if need is Need.NEWS else 'reference'}",
            )
    return BacktestRequest(
        strategy=strategy,
        data=source,
        rows=rows,
        news=str(allowed_file(news, desk.data_folders)) if news is not None else None,
        reference={
            quoted(symbol, 10).upper(): str(allowed_file(path, desk.data_folders)) for symbol, path in reference.items()
        },
        parameters={name: text(value) for name, value in params.items()},
        seed=seed,
        capacity=capacity,
        **{name: text(Decimal(value)) for name, value in numbers.items() if value is not None},
    )


TOOLS = (
    ToolSpec(
        "polymarket_run_backtest",
        Toolset.STRATEGIES,
        "Run backtest",
        run_backtest,
        idempotent=True,
        open_world=False,
    ),
)
