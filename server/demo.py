"""`polydesk demo`: an agent's session on the recorded Fed event, over stdio, with every number from the tools."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.table import Table

from .demo_alerts import arm, told
from .demo_session import DemoFailed, Session, panel
from .demo_strategies import strategies

_EVENT = "fed-decision-in-june-825"
_SPEND_USD = 25
_IN_THE_NEWS = {
    "title": "Inflation above the Fed's goal anchors expectations of no change in interest rates",
    "source": "context on the event's page",
}
"""What the recorded page of the event said, in fewer words and without its age: that lets it count for half."""

_UNRELATED = {"title": "Bank of Japan raises interest rates", "source": "invented for this demo"}
_SETTLEMENT_TRIES = 15


def run_demo(*, as_json: bool) -> int:
    """Play the session; 0 when every step worked."""
    console = Console(soft_wrap=False, width=None if sys.stdout.isatty() else 110)
    code = 0
    try:
        anyio.run(_play, console, as_json)
    except* DemoFailed as failures:
        for failure in failures.exceptions:
            print(f"polydesk demo: {failure}", file=sys.stderr)
        code = 1
    return code


async def _play(console: Console, as_json: bool) -> None:
    from ..core.exchange.catalogue import load_catalogue

    headlines = [dict(each) for each in load_catalogue().headlines[:2]]
    with tempfile.TemporaryDirectory(prefix="polydesk-demo-") as state:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "polydesk.server", "serve"],
            env={"POLYMARKET_MODE": "sandbox", "POLYMARKET_TOOLSETS": "all", "POLYMARKET_STATE_DIR": state},
        )
        async with Client(server, read_timeout_seconds=30) as client:
            session = Session(client, console, as_json=as_json)
            await _story(session, headlines)


async def _story(session: Session, headlines: list[dict[str, str]]) -> None:
    session.say("An agent connects over stdio and asks where it is.")
    status = await session.call("get_status")
    session.show(panel("status", _pick(status, "mode", "account", "warning", "trading", "limits")))

    session.say("What is traded about the Fed in June?")
    found = await session.call("search_markets", query="fed june", limit=5)
    session.show(_markets_table(found))
    market = max(
        (each for each in found["markets"] if each["event"] == _EVENT),
        key=lambda each: each["outcomes"][0].get("price") or 0,
        default=None,
    )
    if market is None:
        raise DemoFailed(f"the search did not find a market of {_EVENT}")
    slug = market["market"]

    session.say("Which markets are these headlines about? The agent names none.")
    matched = await session.call("match_news", items=[*headlines, _IN_THE_NEWS, _UNRELATED])
    session.show(_matches_table(matched))

    session.say("The likeliest outcome, weighed against the news; of one item the agent says what it means.")
    read = {**_IN_THE_NEWS, "stance": "supports", "strength": 0.5}
    analysis = await session.call("analyze_market", market_id=slug, outcome="Yes", news=[*headlines, read])
    session.show(*_analysis_panels(analysis))
    session.say(
        f"Verdict {analysis['verdict']}: {analysis['size']['reason']}. An honest agent would stop here; "
        f"this one is told to spend ${_SPEND_USD} of play money to show how an order goes."
    )

    rule_id = await arm(session, slug)
    preview = await session.call("preview_order", market_id=slug, outcome="Yes", spend_usd=_SPEND_USD)
    session.show(
        panel(
            "preview: nothing sent",
            _pick(
                preview,
                "side",
                "outcome",
                "expected_shares",
                "expected_price",
                "expected_fee",
                "worst_cost",
                "pays_if_right",
            ),
        )
    )
    placed = await session.call("place_order", draft_id=preview["draft_id"])
    session.show(
        panel("placed", _pick(placed, "status", "order_id", "filled", "average_price", "fee", "total", "pays_if_right"))
    )
    if placed["status"] != "filled":
        raise DemoFailed(f"the order was {placed['status']}, not filled")

    again = await session.call("place_order", draft_id=preview["draft_id"])
    session.say(f"The same call again places nothing: already_placed is {again['already_placed']}.")

    session.say("A patient order: 50 shares well below the best bid wait on the book.")
    book = await session.call("get_order_book", market_id=slug, outcome="Yes", depth=5)
    rest_at = round(book["bids"][0]["price"] - 20 * book["tick"], 4)
    resting = await session.call(
        "place_order", market_id=slug, outcome="Yes", size=50, price=rest_at, time_in_force="GTC"
    )
    session.show(panel("resting", _pick(resting, "status", "order_id", "shares", "limit_price", "open_until")))

    session.say("A fill becomes a position when the venue has settled it.")
    portfolio = await _settled(session)
    session.show(_portfolio_table(portfolio))
    await told(session, rule_id)

    cancelled = await session.call("cancel_orders", order_ids=[resting["order_id"]])
    if cancelled["canceled"] != [resting["order_id"]]:
        raise DemoFailed("the resting order was not cancelled")
    orders = await session.call("get_orders")
    session.show(_orders_table(orders))
    await strategies(session)
    session.say("To see a desk live: polydesk dashboard --mode sandbox, or polydesk watch --mode sandbox.")
    session.say("Done: analysed, placed, told, cancelled, tried on the past, let run. Every number came from a tool.")


async def _settled(session: Session) -> dict[str, Any]:
    """The portfolio once nothing settles any more; that takes a few seconds."""
    for _ in range(_SETTLEMENT_TRIES):
        portfolio = await session.call("get_portfolio")
        if "settling" not in portfolio:
            return portfolio
        await anyio.sleep(1)
    raise DemoFailed(f"the fill did not settle within {_SETTLEMENT_TRIES} s")


def _pick(answer: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: answer[name] for name in names if name in answer}


def _markets_table(found: Mapping[str, Any]) -> Table:
    table = Table(title=f"recorded {found.get('recorded_on', '')}", title_justify="left", header_style="bold")
    for column in ("question", "bid", "ask", "24 h volume"):
        table.add_column(column, justify="left" if column == "question" else "right")
    for each in found["markets"]:
        first = each["outcomes"][0]
        table.add_row(
            each["question"],
            str(first.get("bid", "-")),
            str(first.get("ask", "-")),
            f"${each.get('volume_24h', 0):,.0f}",
        )
    return table


def _analysis_panels(analysis: Mapping[str, Any]) -> list[Any]:
    news = Table(title="news", title_justify="left", header_style="bold")
    for column in ("headline", "published", "relevance", "stance", "by", "sentiment"):
        news.add_column(column)
    for each in analysis["news"]:
        news.add_row(
            each["title_by_stranger"],
            each.get("published", "-")[:10],
            str(each["relevance"]),
            each["stance"],
            each["engine"],
            each.get("sentiment", "-"),
        )
    return [
        panel("price", analysis["price"]),
        news,
        panel("fair value", _pick(analysis["fair_value"], "value", "low", "high", "basis", "note")),
        panel("its parts, in log-odds", _parts(analysis["fair_value"])),
        panel("edge per share after fees", {each["outcome"]: each["expected"] for each in analysis["edges"]}),
        panel("risk", analysis["risk"]),
    ]


def _parts(fair_value: Mapping[str, Any]) -> dict[str, str]:
    """`price +3.9: micro-price 0.98` by its first word."""
    return dict(part.split(" ", 1) for part in fair_value["log_odds_parts"])


def _matches_table(matched: Mapping[str, Any]) -> Table:
    counts = matched["counts"]
    title = f"{counts['items']} items, {counts['matched']} about {counts['markets']} markets"
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in ("headline", "why", "stance", "sentiment"):
        table.add_column(column)
    for each in matched["items"]:
        best = each["matches"][0]
        table.add_row(each["title_by_stranger"], best["why"], best["stance"], best.get("sentiment", "-"))
    return table


def _portfolio_table(portfolio: Mapping[str, Any]) -> Table:
    title = f"portfolio: cash ${portfolio['cash']:,.2f}, equity ${portfolio['equity']:,.2f}"
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in ("position", "shares", "average", "now", "unrealized"):
        table.add_column(column, justify="left" if column == "position" else "right")
    for each in portfolio["positions"]:
        table.add_row(
            f"{each['outcome']}: {each['question'][:60]}",
            f"{each['shares']:g}",
            str(each["average_price"]),
            str(each.get("price_now", "-")),
            str(each.get("unrealized", "-")),
        )
    return table


def _orders_table(orders: Mapping[str, Any]) -> Table:
    table = Table(title="orders", title_justify="left", header_style="bold")
    for column in ("order", "status", "shares", "limit", "filled"):
        table.add_column(column)
    for each in orders["orders"]:
        table.add_row(
            (each.get("order_id") or each["attempt_id"])[:14] + "…",
            each["status"],
            str(each.get("shares", "")),
            str(each.get("limit_price", "")),
            str(each["filled"]),
        )
    return table
