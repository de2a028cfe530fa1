"""Routes of the data service about one wallet's record, about tokens, and about what does not exist here."""

from __future__ import annotations

import csv
import io
import zipfile

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from ..money import MICRO
from .contracts import MAX_ALLOWANCE, approvals
from .data_query import data_page, invalid, missing, user_of, whole_number
from .data_rows import holdings_value, position_rows
from .data_statistics import lasting
from .ledger import Account
from .listing import Listing
from .payloads import Json
from .responses import JsonResponse, exchange_of
from .venue import Exchange

_PNL_WINDOW_S = {"6h": 21_600, "12h": 43_200, "1d": 86_400, "1w": 604_800, "1m": 2_592_000, "max": None, "all": None}
_PNL_STEPS = ("1h", "3h", "12h", "18h", "1d")


def data_wallet_routes() -> list[Route]:
    return [
        Route("/v2/user-stats", _stats),
        Route("/v2/user-pnl", _profit_series),
        Route("/v2/user-volume", _volume),
        Route("/v2/tokens", _tokens),
        Route("/v2/approvals", _approvals),
        Route("/v2/biggest-winners", _biggest_winners),
        Route("/v2/builders/leaderboard", _nothing),
        Route("/v2/builders/volume", _nothing),
        Route("/v2/positions/combos", _nothing),
        Route("/v2/activity/combos", _nothing),
        Route("/v1/accounting/snapshot", _snapshot),
    ]


async def _nothing(request: Request) -> Response:
    """Builders are not ranked here and combos do not exist."""
    exchange_of(request)
    return data_page([], request.query_params)


async def _stats(request: Request) -> Response:
    """Null for a wallet that nobody uses."""
    exchange = exchange_of(request)
    user = user_of(request.query_params)
    account = exchange.accounts.account_of(user)
    if account is None:
        return JsonResponse({"data": None})
    trades = lasting(exchange.registry.trades_of(account))
    gains = [row["realized_pnl"] for row in position_rows(exchange, account, user)]
    stats = {
        "proxy_wallet": user.lower(),
        "trades": len({trade.taker.condition_id for trade in trades}),
        "biggest_win": max([0.0, *gains]),
        "views": 0,
        "join_date": min((trade.matched_at_ms for trade in trades), default=exchange.now_ms) // 1000,
        "all_time_pnl": _profit_point(exchange, account, user),
    }
    return JsonResponse({"data": stats})


async def _profit_series(request: Request) -> Response:
    """What is kept is the present, so a series has one point."""
    exchange, query = exchange_of(request), request.query_params
    user = user_of(query)
    interval, fidelity = query.get("interval", "all"), query.get("fidelity", "1d")
    if interval not in _PNL_WINDOW_S:
        raise invalid("interval")
    if fidelity not in _PNL_STEPS:
        raise invalid("fidelity")
    account = exchange.accounts.account_of(user)
    series = {
        "proxy_wallet": user.lower(),
        "interval": interval,
        "fidelity": fidelity,
        "source_fidelity": fidelity,
        "points": [_profit_point(exchange, account, user)] if account else [],
    }
    return JsonResponse({"data": series})


async def _volume(request: Request) -> Response:
    """In the time from `start` to `end`, both optional."""
    exchange, query = exchange_of(request), request.query_params
    account = exchange.accounts.account_of(user_of(query))
    start, end = whole_number(query, "start"), whole_number(query, "end")
    shares, dollars, count = _traded(exchange, account, start, end) if account else (0, 0, 0)
    return JsonResponse({"data": {"volume": shares / MICRO, "volume_usdc": dollars / MICRO, "trade_count": count}})


async def _tokens(request: Request) -> Response:
    """By token ids (at most 50) or by condition ids (at most 10)."""
    exchange, query = exchange_of(request), request.query_params
    token_ids = [part for given in query.getlist("token_id") for part in given.split(",")]
    conditions = [
        part.lower()
        for name in ("condition", "condition_id")
        for given in query.getlist(name)
        for part in given.split(",")
    ]
    if bool(token_ids) == bool(conditions):
        raise missing("token_id")
    if len(token_ids) > 50 or len(conditions) > 10 or not all(is_hash32(condition) for condition in conditions):
        raise invalid("token_id" if token_ids else "condition")
    rows = [
        _token_row(exchange, listing, outcome)
        for listing in exchange.markets.listings
        for outcome, token_id in enumerate(listing.tokens)
        if token_id in token_ids or listing.condition_id in conditions
    ]
    return JsonResponse({"data": rows})


async def _approvals(request: Request) -> Response:
    """Everything is approved here, up to the allowance that an operator or the owner has set."""
    exchange = exchange_of(request)
    user = user_of(request.query_params)
    account = exchange.accounts.account_of(user)
    address = account.address if account else user
    chain_id = exchange.settings.chain_id
    rows: list[Json] = []
    for standard, token, spender in approvals(chain_id):
        amount = exchange.approvals.amount(address, token, spender)
        row = {"standard": standard, "token": token, "spender": spender, "approved": amount > 0}
        if standard == "ERC20":
            row["amount"] = "max" if amount == MAX_ALLOWANCE else str(amount)
        rows.append(row)
    return JsonResponse({"data": {"address": user, "chain_id": chain_id, "contracts": rows}})


async def _biggest_winners(request: Request) -> Response:
    """Positions of resolved markets that won, the largest gain first."""
    exchange = exchange_of(request)
    rows = []
    for account in exchange.ledger.accounts.values():
        if not exchange.credentials.of(account.address):
            continue
        for row in position_rows(exchange, account, account.address):
            if exchange.markets.by_condition[row["condition_id"]].resolved_here and row["total_pnl"] > 0:
                rows.append(_winner_row(exchange, account, row))
    rows.sort(key=lambda row: (-row["pnl"], row["user_id"]))
    return data_page([{"win_rank": rank, **row} for rank, row in enumerate(rows, start=1)], request.query_params)


async def _snapshot(request: Request) -> Response:
    """A zip archive of positions.csv and equity.csv."""
    exchange = exchange_of(request)
    user = user_of(request.query_params)
    account = exchange.accounts.account_of(user)
    positions = position_rows(exchange, account, user) if account else []
    held = [row for row in positions if row["status"] != "CLOSED"]
    cash = account.cash / MICRO if account else 0.0
    value = holdings_value(exchange, account, set()) if account else 0.0
    equity = [{"cash_usdc": cash, "positions_value": value, "equity": cash + value, "timestamp": exchange.now_s}]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        fields = ("condition_id", "token_id", "outcome", "current_size", "avg_price", "current_price", "current_value")
        files.writestr("positions.csv", _csv(fields, held))
        files.writestr("equity.csv", _csv(tuple(equity[0]), equity))
    return Response(archive.getvalue(), media_type="application/zip")


def _profit_point(exchange: Exchange, account: Account, user: str) -> Json:
    rows = position_rows(exchange, account, user)
    realized = round(sum(row["realized_pnl"] for row in rows), 6)
    shares, dollars, count = _traded(exchange, account, None, None)
    return {
        "timestamp": exchange.now_s,
        "source_block": 0,
        "trade_count": count,
        "realized_market_pnl": realized,
        "realized_lp_pnl": 0,
        "realized_combo_pnl": 0,
        "realized_pnl": realized,
        "unrealized_pnl": round(sum(row["unrealized_pnl"] for row in rows), 6),
        "volume": shares / MICRO,
        "volume_usdc": dollars / MICRO,
    }


def _traded(exchange: Exchange, account: Account, start: int | None, end: int | None) -> tuple[int, int, int]:
    """(shares, dollars, trades) of an account, amounts in millionths, times in unix seconds."""
    shares = dollars = count = 0
    for trade in lasting(exchange.registry.trades_of(account)):
        at_s = trade.matched_at_ms // 1000
        if (start is None or at_s >= start) and (end is None or at_s <= end):
            own = [(part, cash) for order, part, cash, _ in trade.parts() if order.account is account]
            shares += sum(part for part, _ in own)
            dollars += sum(cash for _, cash in own)
            count += 1
    return shares, dollars, count


def _token_row(exchange: Exchange, listing: Listing, outcome: int) -> Json:
    gamma = listing.recorded.gamma
    event = exchange.markets.event_of(listing)
    event_id = listing.recorded.event_id
    return {
        "token_id": listing.tokens[outcome],
        "condition_id": listing.condition_id,
        "structural_condition_id": None,
        "module": "v1_ctf",
        "outcome_index": outcome,
        "clob_index": outcome,
        "outcome": listing.outcomes[outcome],
        "opposite_token_id": listing.tokens[1 - outcome],
        "resolved": listing.closed,
        "final_price": float(listing.prices[outcome]) if listing.closed else None,
        "title": gamma.get("question", ""),
        "market_slug": gamma.get("slug", ""),
        "closed": listing.closed,
        "neg_risk": listing.neg_risk,
        "neg_risk_market_id": gamma.get("negRiskMarketID") if listing.neg_risk else None,
        "question_index": None,
        "event_id": int(event_id) if event_id.isdigit() else None,
        "event_slug": event.get("slug"),
    }


def _winner_row(exchange: Exchange, account: Account, row: Json) -> Json:
    listing = exchange.markets.by_condition[row["condition_id"]]
    event = exchange.markets.event_of(listing)
    return {
        "user_id": account.address.lower(),
        "pnl": row["total_pnl"],
        "initial_value": row["entry_cost_usdc"],
        "final_value": row["current_value"],
        "resolved_at": (listing.changed_at_ms or 0) // 1000,
        "user_name": "",
        "profile_image": "",
        "event_title": event.get("title", ""),
        "kind": "market",
        "condition_id": listing.condition_id,
        "position_id": row["token_id"],
        "event_id": row["event_id"],
        "event_slug": row["event_slug"],
    }


def _csv(fields: tuple[str, ...], rows: list[Json]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()
