"""The desk on a terminal: the overview as tables that fit its width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ...core.untrusted_text import quoted

_REAL_MONEY, _PLAY_MONEY = "bold white on red", "bold black on cyan"
_ROWS = 12
_LONG = frozenset({"outcome", "order", "fill", "what", "why not", "why it ended"})
"""Columns that share the width that is left."""

Row = Mapping[str, Any]


def screen(told: Mapping[str, Any]) -> RenderableType:
    """Everything that is worth a look, the most urgent first."""
    return Group(
        _head(told),
        *_concerns(told),
        Columns([_money(told), _limits(told), _health(told)], equal=False, expand=False),
        *_part(told["positions"], positions_table),
        *_part(told["open_orders"], orders_table),
        *_part(told["fills"], fills_table),
        *_part(told["runs"], runs_table),
        *_part(told.get("alerts") or (), alerts_table),
    )


def summary(told: Mapping[str, Any]) -> RenderableType:
    """The same on half a page."""
    return Group(_head(told), *_concerns(told), Columns([_money(told), _health(told)], equal=False, expand=False))


def concerns_of(told: Mapping[str, Any]) -> list[str]:
    """What a person should look at, in words; empty where all is well."""
    health, venue = told["health"], told["health"]["venue"]
    found = []
    if halt := told.get("halt"):
        found.append(f"Trading is halted: {halt['reason']}. Lift it with `{halt['lifted_by']}`.")
    if venue["condition"] != "normal":
        found.append(f"The venue is in the state {venue['condition']}.")
    found += [f"{host} is left alone for a while after failures." for host in venue.get("left_alone", ())]
    if unknown := health["orders"].get("unknown"):
        found.append(f"{unknown} orders are unknown: they were sent and not answered for.")
    if letters := health["dead_letters"]:
        found.append(f"{letters} dead letters: `polydesk dead-letters list`.")
    found += [f"Waits for you: {each['what']}, `polydesk approve {each['code']}`." for each in told["waiting"]]
    found += [f"Not told: {part}, {why}" for part, why in (told.get("problems") or {}).items()]
    return found


def positions_table(rows: Sequence[Row]) -> Table:
    return _table(
        "Positions",
        rows,
        ("outcome", "", lambda row: f"{row['outcome']}: {row['question']}"),
        ("shares", "right", lambda row: _number(row["shares"])),
        ("paid", "right", lambda row: _number(row["average_price"])),
        ("now", "right", lambda row: _number(row.get("price"))),
        ("value", "right", lambda row: _dollars(row.get("value"))),
        ("profit", "right", lambda row: _signed(row.get("profit"))),
    )


def orders_table(rows: Sequence[Row]) -> Table:
    return _table(
        "Orders",
        rows,
        ("since", "", lambda row: _moment(row["since"])),
        ("status", "", lambda row: row["status"]),
        ("order", "", lambda row: f"{row['side']} {row['outcome']}: {row['question']}"),
        ("price", "right", lambda row: _number(row.get("price"))),
        ("shares", "right", lambda row: _number(row.get("shares"))),
        ("filled", "right", lambda row: _number(row["filled"])),
        ("by", "", lambda row: row.get("by") or ""),
    )


def listed_orders_table(rows: Sequence[Row]) -> Table:
    """Orders as `polymarket_get_orders` tells them."""
    return _table(
        "Orders",
        rows,
        ("created", "", lambda row: _moment(row["created"])),
        ("status", "", lambda row: row["status"]),
        ("order", "", lambda row: f"{row['side']} {row['outcome']} in {row.get('market') or row['condition_id']}"),
        ("price", "right", lambda row: _number(row.get("limit_price"))),
        ("size", "right", lambda row: _dollars(row["dollars"]) if "dollars" in row else _number(row.get("shares"))),
        ("filled", "right", lambda row: _number(row["filled"])),
        ("id", "", lambda row: row.get("attempt_id") or row["order_id"][:12]),
        ("why not", "", lambda row: row.get("cause") or ""),
    )


def fills_table(rows: Sequence[Row]) -> Table:
    return _table(
        "Last fills",
        rows[:_ROWS],
        ("at", "", lambda row: _moment(row["at"])),
        ("fill", "", lambda row: f"{row['side']} {row['outcome']}: {row['question']}"),
        ("price", "right", lambda row: _number(row["price"])),
        ("shares", "right", lambda row: _number(row["shares"])),
        ("fee", "right", lambda row: _dollars(row.get("fee"))),
        ("settlement", "", lambda row: row["settlement"]),
    )


def runs_table(rows: Sequence[Row]) -> Table:
    return _table(
        "Runs",
        rows,
        ("run", "", lambda row: row["run_id"]),
        ("what", "", _what),
        ("status", "", lambda row: row["status"]),
        ("profit", "right", _profit),
        ("why it ended", "", lambda row: row.get("cause") or ""),
    )


def alerts_table(rows: Sequence[Row]) -> Table:
    return _table(
        "Alerts",
        rows[:_ROWS],
        ("at", "", lambda row: _moment(row["at"])),
        ("what", "", lambda row: row["text"]),
    )


def _part(rows: Sequence[Row], table: Callable[[Sequence[Row]], Table]) -> Iterable[RenderableType]:
    return [table(rows)] if rows else []


def _head(told: Mapping[str, Any]) -> RenderableType:
    mode = told["mode"]
    line = Text()
    line.append(f" {mode.upper()} ", style=_REAL_MONEY if mode == "live" else _PLAY_MONEY)
    line.append(f"  {told['trading']}  ", style="bold")
    line.append(f"{told.get('account') or 'no wallet'}  ", style="dim")
    line.append(f"as of {_moment(told['as_of'])}", style="dim")
    if recorded := told.get("recorded_on"):
        line.append(f"  recorded on {recorded}: not current prices", style="yellow")
    return line


def _concerns(told: Mapping[str, Any]) -> list[RenderableType]:
    return [Text(f"! {each}", style="bold red") for each in concerns_of(told)]


def _money(told: Mapping[str, Any]) -> RenderableType:
    money = told.get("money")
    if money is None:
        return Panel("No account.", title="Money")
    grid = _grid(
        ("equity", _dollars(money["equity"])),
        ("settled", _dollars(money["settled_equity"])),
        ("profit, settled", _signed(money.get("settled_profit"))),
        ("profit, provisional", _signed(money.get("provisional_profit"))),
        ("free cash", _dollars(money["free_cash"])),
        ("can be lost at most", _dollars(told.get("worst_case"))),
    )
    return Panel(grid, title="Money")


def _limits(told: Mapping[str, Any]) -> RenderableType:
    rows = [
        (each["name"], Text(f"{each['used']:,.10g} of {each['limit']:,.10g}", style=_strained(each)))
        for each in told["limits"]
        if each.get("limit") is not None
    ]
    return Panel(_grid(*rows) if rows else "None is set.", title="Limits")


def _health(told: Mapping[str, Any]) -> RenderableType:
    health = told["health"]
    stream = health.get("stream")
    fresh = f"{stream['fresh']} of {stream['followed']} fresh, {stream['gaps']} gaps" if stream else "none followed"
    slowest = max((each.get("p95_ms") or 0 for each in health["routes"]), default=0)
    grid = _grid(
        ("venue", health["venue"]["condition"]),
        ("books", fresh),
        ("slowest route, p95", f"{slowest:,.0f} ms"),
        ("workers", f"{health['pool']['backend']}, {health['pool']['queued']} queued"),
        ("doors", str(health["desk"]["doors"])),
        ("running since", _moment(health["running_since"])),
    )
    return Panel(grid, title="Health")


def _grid(*rows: tuple[str, RenderableType]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def _table(title: str, rows: Sequence[Row], *columns: tuple[str, str, Callable[[Row], RenderableType]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True, box=None, header_style="dim")
    for name, justify, _ in columns:
        long = name in _LONG
        table.add_column(
            name,
            justify="right" if justify == "right" else "left",
            ratio=1 if long else None,
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        # Cells are text and nothing else: rich would take brackets in a market's title for markup, and hand what
        # commands a terminal on to it.
        cells = (cell(row) for _, _, cell in columns)
        table.add_row(*(Text(quoted(each)) if isinstance(each, str) else each for each in cells))
    return table


def _what(row: Row) -> str:
    if strategy := row.get("strategy"):
        return f"{strategy['name']} on {strategy['markets']} markets, {strategy['fills']} fills"
    if backtest := row.get("backtest"):
        return f"backtest of {backtest['strategy']}, {backtest['done']:.0%}"
    sliced = row.get("sliced_order") or {}
    return f"{sliced.get('side', '')} {sliced.get('outcome', '')} in slices: {sliced.get('market', '')}"


def _profit(row: Row) -> RenderableType:
    profit = (row.get("strategy") or row.get("backtest") or {}).get("profit") or {}
    return _signed(profit.get("total"))


def _strained(limit: Row) -> str:
    share = limit["used"] / limit["limit"] if limit["limit"] else 1
    return "bold red" if share >= 0.9 else "yellow" if share >= 0.7 else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"


def _dollars(value: float | None) -> str:
    return "–" if value is None else f"${value:,.2f}"


def _signed(value: float | None) -> Text:
    if value is None:
        return Text("–")
    return Text(
        f"{'-' if value < 0 else '+'}${abs(value):,.2f}", style="green" if value > 0 else "red" if value else ""
    )


def _moment(told: str) -> str:
    return told.replace("T", " ").removesuffix("Z")[:19]
