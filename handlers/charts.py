"""The tool that draws: prices, the account, its risk, a backtest, calibration."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ..core.errors import ConfigurationError, InputRejected
from ..core.models import TradeStatus
from ..core.untrusted_text import quoted
from .answer import Picture
from .arguments import MarketRef, OutcomeRef
from .books import INTERVALS, Interval
from .context import Desk
from .runs import RunId
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.charts.price_chart import FillMark, PriceLine
    from ..core.models import Market, Outcome

_LINES = 6
_BINS = 60
_BACK = {**INTERVALS, "max": timedelta(days=3650)}  # the desk's own records go back further than the venue's
_FIDELITY_MIN = {"1w": 30, "1m": 120, "max": 720}


class ChartAnswer(Picture):
    """`shows` are the figures of the picture in words and numbers."""

    mode: str
    chart: str
    title: str
    recorded_on: str | None = None
    shows: dict[str, Any]
    file: str


async def show_chart(
    desk: Desk,
    chart: Annotated[Literal["price", "portfolio", "risk", "backtest", "calibration"], Field(description="Which")],
    market_id: Annotated[MarketRef, Field(description="For price: a market, or an event")] | None = None,
    outcome: OutcomeRef | None = None,
    interval: Interval = "1w",
    run_id: Annotated[RunId, Field(description="For backtest")] | None = None,
) -> ChartAnswer:
    """Draw a picture for the user: prices with own fills, {MODE} equity and holdings, risk at resolution, a backtest's
    report, calibration of forecasts. Answers the image, its figures and a file."""
    match chart:
        case "price":
            if market_id is None:
                raise InputRejected(
                    "A chart of prices needs market_id.", code="invalid_arguments", fix="name a market or an event"
                )
            return await _prices(desk, market_id, outcome, interval)
        case "portfolio":
            return await _portfolio(desk, interval)
        case "risk":
            return await _risk(desk)
        case "backtest":
            return await _backtest(desk, run_id)
        case "calibration":
            return await _calibration(desk)


async def _prices(desk: Desk, market_id: str, outcome: str | int | None, interval: Interval) -> ChartAnswer:
    from ..core.charts.price_chart import price_png

    title, chosen = await _outcomes(desk, market_id, outcome)
    lines = [line for line in await asyncio.gather(*(_line(desk, *each, interval) for each in chosen)) if line.points]
    if not lines:
        raise InputRejected(
            "The venue has no history for this and period.", code="no_history", fix="choose a longer interval"
        )
    fills = await _fills(desk, chosen[0][1], interval) if len(lines) == 1 else []
    picture = await _drawn(lambda: price_png(title, _note(desk), lines, fills))
    shows = {
        line.name: {
            "first": line.points[0][1],
            "last": line.points[-1][1],
            "low": min(price for _, price in line.points),
            "high": max(price for _, price in line.points),
            "from": f"{line.points[0][0]:%Y-%m-%dT%H:%MZ}",
            "to": f"{line.points[-1][0]:%Y-%m-%dT%H:%MZ}",
            "bid": line.bid,
            "ask": line.ask,
        }
        for line in lines
    }
    if fills:
        shows["own fills"] = {"bought": sum(each.bought for each in fills), "sold": sum(not e.bought for e in fills)}
    which = f"-{lines[0].name}" if len(chosen) == 1 else ""
    return _answer(desk, "price", title, shows, picture, name=f"{market_id[:60]}{which}-{interval}")


async def _outcomes(
    desk: Desk, market_id: str, outcome: str | int | None
) -> tuple[str, list[tuple[str, Outcome, Market]]]:
    """What is drawn: an outcome of a market, or the likeliest markets of an event; with their names."""
    from ..core.market_data.directory import choose_outcome

    try:
        reference = await desk.directory.find(market_id)
    except InputRejected as refused:
        if refused.code != "ambiguous_market":
            raise
        event = await desk.directory.find_event(market_id)
        likeliest = sorted(event.markets, key=lambda each: -(each.outcomes[0].price or 0))[:_LINES]
        return quoted(event.title, 120), [
            (quoted(each.group_title or each.question, 40), each.outcomes[0], each) for each in likeliest
        ]
    chosen = choose_outcome(reference, outcome if outcome is not None or reference.outcome else 0)
    return f"{quoted(reference.market.question, 120)} {quoted(chosen.label, 40)}", [
        (quoted(chosen.label, 40), chosen, reference.market)
    ]


async def _line(desk: Desk, name: str, outcome: Outcome, market: Market, interval: Interval) -> PriceLine:
    from ..core.charts.price_chart import PriceLine

    history = await desk.quotes.history(
        outcome.token_id, interval=interval, fidelity_min=_FIDELITY_MIN.get(interval, 1)
    )
    book = await desk.quotes.book(outcome.token_id) if market.tradable else None
    points = [(point.at, float(point.price)) for point in history.points]
    if book is not None and book.midpoint is not None:
        points.append((book.timestamp, float(book.midpoint)))
    return PriceLine(
        name=name,
        points=points,
        bid=float(book.best_bid.price) if book and book.best_bid else None,
        ask=float(book.best_ask.price) if book and book.best_ask else None,
    )


async def _fills(desk: Desk, outcome: Outcome, interval: Interval) -> list[FillMark]:
    """The account's own fills of an outcome in the time that is shown."""
    from ..core.charts.price_chart import FillMark

    if desk.account is None:
        return []
    since = desk.clock.now() - _BACK[interval]
    _, trades = await desk.trading.refresh()
    return [
        FillMark(at=each.timestamp, price=float(each.price), bought=each.side.value == "BUY", shares=float(each.size))
        for each in trades
        if each.token_id == outcome.token_id and each.timestamp >= since and each.status is not TradeStatus.FAILED
    ]


async def _portfolio(desk: Desk, interval: Interval) -> ChartAnswer:
    from ..core.charts.portfolio_chart import EquityPoint, HeldLine, portfolio_png

    desk.require_account()
    now = await desk.portfolio.snapshot()
    curve = [
        EquityPoint(each.at, float(each.equity), float(each.settled_equity))
        for each in desk.equity.since(now.as_of - _BACK[interval])
    ]
    curve.append(EquityPoint(now.as_of, float(now.equity), float(now.settled_equity)))
    holdings = [
        HeldLine(
            name=f"{quoted(each.outcome, 20)}, {quoted(each.title, 60)}",
            value=float(each.value),
            unrealized=float(each.unrealized or 0),
        )
        for each in now.positions
        if each.value is not None and each.size > 0
    ]
    title = f"{desk.mode.value.capitalize()} account: {now.equity:,.2f} dollars"
    picture = await _drawn(lambda: portfolio_png(title, _note(desk), curve, holdings))
    peak = max(each.equity for each in curve)
    shows = {
        "equity": float(now.equity),
        "settled": float(now.settled_equity),
        "cash": float(now.cash),
        "since": f"{curve[0].at:%Y-%m-%dT%H:%MZ}",
        "change": round(curve[-1].equity - curve[0].equity, 6),
        "below_peak": round(peak - curve[-1].equity, 6),
        "samples": len(curve),
        "holdings": len(holdings),
    }
    return _answer(desk, "portfolio", title, shows, picture, name=interval)


async def _risk(desk: Desk) -> ChartAnswer:
    from ..core.charts.risk_chart import ProfitDistribution, risk_png
    from ..core.risk.book_simulation import portfolio_risk
    from ..core.risk.exposure import exposure_of, held_by

    desk.require_account()

    snapshot = await desk.portfolio.snapshot()
    exposure = await exposure_of(
        held_by(snapshot.positions), market=desk.directory.market, event=desk.directory.find_event
    )
    if not exposure.holdings:
        raise InputRejected(
            "The account holds nothing that is still undecided, so there is no risk to draw.",
            code="nothing_held",
            fix="place an order first, or draw the portfolio",
        )
    risk = await portfolio_risk(
        desk.executor,
        holdings=exposure.holdings,
        other_outcomes=exposure.other_outcomes,
        method="auto",
        bins=_BINS,
        seed=desk.seed,
    )
    # By neg-risk event, and by market of those that stand alone.
    titles: dict[str, str] = {market.condition_id: market.question for market in exposure.markets.values()}
    titles |= {market.event_slug: market.event_title or market.event_slug for market in exposure.markets.values()}
    worst = {
        quoted(titles.get(name, name), 60): float(loss)
        for name, loss in desk.trading.standing(snapshot.account_state).worst_by_event.items()
    }
    tail = next(each for each in risk.tails if str(each.level).startswith("0.95"))
    marks = {
        "expected": float(risk.expected),
        "VaR 95 %": -float(tail.value_at_risk.value),
        "CVaR 95 %": -float(tail.conditional_value_at_risk.value),
    }
    title = f"Risk of the {desk.mode.value} book: {len(exposure.holdings)} holdings, {risk.cost:,.2f} dollars paid"
    distribution = ProfitDistribution(float(risk.worst), float(risk.best), risk.histogram or (1.0,), marks)
    picture = await _drawn(lambda: risk_png(title, _note(desk), distribution, worst))
    shows = {
        "expected": float(risk.expected),
        "worst": float(risk.worst),
        "best": float(risk.best),
        "chance_of_loss": float(risk.loss_probability.value),
        "var_95": float(tail.value_at_risk.value),
        "cvar_95": float(tail.conditional_value_at_risk.value),
        "method": f"{risk.method}, engine {risk.engine}, {risk.paths} paths; events taken as independent",
    }
    return _answer(desk, "risk", title, shows, picture, name="book")


async def _backtest(desk: Desk, run_id: str | None) -> ChartAnswer:
    if run_id is None:
        raise InputRejected(
            "A chart of a backtest needs run_id.",
            code="invalid_arguments",
            fix="take one from polymarket_get_runs",
            next_tool="polymarket_get_runs",
        )
    run = desk.slices.book.get(run_id)
    if run.kind != "backtest":
        raise InputRejected(
            f"{run_id} is no backtest.", code="invalid_arguments", fix="draw the portfolio or a price instead"
        )
    told = desk.backtests.progress(run)
    report = Path(told.report).with_suffix(".png") if told.report else None
    if report is None or told.result is None:
        raise InputRejected(
            f"Backtest {run_id} has no report: it is {run.status.value}{f', {run.cause}' if run.cause else ''}.",
            code="no_report",
            fix="wait until it is done",
            next_tool="polymarket_get_runs",
        )
    if not await asyncio.to_thread(report.exists):
        raise _needs_plots()
    picture = await asyncio.to_thread(report.read_bytes)
    result = told.result
    shows = {name: result[name] for name in ("began", "ended", "orders", "max_drawdown", "sharpe") if name in result}
    if "profit" in result:
        shows["profit"] = result["profit"]["total"]
    title = f"Backtest {run_id}: {told.request.strategy}"
    return _answer(desk, "backtest", title, shows, picture, name=run_id, kept_as=report)


async def _calibration(desk: Desk) -> ChartAnswer:
    from ..core.forecasting.calibration_plot import calibration_png
    from .forecasts import calibrations_of

    found = await calibrations_of(desk)
    if not found:
        raise InputRejected(
            "No forecast of a resolved market is on record, so there is nothing to draw.",
            code="nothing_scored",
            fix="record forecasts, and come back when markets have resolved",
            next_tool="polymarket_record_forecast",
        )
    picture = await _drawn(lambda: calibration_png(found))
    shows = {
        name: [
            {"said": round(each.said, 3), "came_true": round(each.came_true, 3), "markets": each.markets}
            for each in bins
        ]
        for name, bins in found.items()
    }
    return _answer(desk, "calibration", "Calibration of forecasts", shows, picture, name="forecasts")


def _note(desk: Desk) -> str:
    recorded = f", prices recorded on {desk.recorded}: not current" if desk.recorded else ""
    return f"polydesk, {desk.mode.value}{recorded}, {desk.clock.now():%Y-%m-%d %H:%M} UTC"


async def _drawn(draw: Callable[[], bytes]) -> bytes:
    try:
        return await asyncio.to_thread(draw)  # loading the library takes a second
    except ImportError as error:
        raise _needs_plots() from error


def _needs_plots() -> ConfigurationError:
    return ConfigurationError(
        "Pictures are drawn with matplotlib, which is not installed: a person runs pip install 'polydesk[plots]'. "
        "The figures are in the tool of the same subject."
    )


def _answer(
    desk: Desk,
    chart: str,
    title: str,
    shows: Mapping[str, Any],
    picture: bytes,
    *,
    name: str,
    kept_as: Path | None = None,
) -> ChartAnswer:
    """The answer, with the picture in the desk's folder; one of the same subject is replaced."""
    path = kept_as or desk.folder / "charts" / f"{chart}-{re.sub(r'[^A-Za-z0-9]+', '-', name)[:80]}.png"
    if kept_as is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(picture)
        except OSError as error:
            raise ConfigurationError(f"The picture cannot be kept in {path.parent}: {error.strerror}.") from error
    shown = {
        key: {each: value for each, value in part.items() if value is not None} if isinstance(part, dict) else part
        for key, part in shows.items()
    }
    return ChartAnswer(
        png=picture,
        mode=desk.mode.value,
        chart=chart,
        title=title,
        recorded_on=desk.recorded,
        shows=shown,
        file=str(path),
    )


TOOLS = (ToolSpec("polymarket_show_chart", Toolset.CHARTS, "Draw {MODE} chart", show_chart),)
