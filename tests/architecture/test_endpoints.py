"""docs/endpoints.md names routes that the exchange answers, and functions and tests that exist."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.application import build_application
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and "| route |" not in line
]
SPECIFIED = (
    "POST /orders",
    "POST /orders/batch",
    "GET /orders/{order_id}",
    "GET /orders/active",
    "DELETE /orders",
    "GET /rewards/markets/{market_id}/orders",
    "GET /markets/{market_id}",
    "GET /markets",
    "GET /books/{market_id}",
    "GET /prices/{market_id}",
    "GET /spreads/{market_id}",
    "GET /trades",
    "GET /trades/{trade_id}",
    "GET /events",
    "GET /events/{event_id}",
    "GET /markets/simplified",
    "GET /markets/sampling",
    "GET /timeseries/{market_id}",
    "GET /volume/{market_id}",
    "GET /liquidity/{market_id}",
    "wss://ws.polymarket.com",
)


def test_every_endpoint_of_the_specification_has_a_row() -> None:
    first = " ".join(row[0] for row in ROWS)
    assert [endpoint for endpoint in SPECIFIED if f"`{endpoint}`" not in first] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_cell_is_filled_and_what_it_names_exists(row: list[str]) -> None:
    assert len(row) == 5
    assert all(cell.strip("` ") for cell in row)
    _, route, function, handler, test = row
    assert callable(_named(function))
    assert callable(_named(handler))
    file, _, name = test.strip("`").partition("::")
    assert name.startswith("test_")
    assert name in _tests_in(ROOT / "tests" / "core" / file), test
    assert _route(route) in _answered(), route


def _named(cell: str) -> object:
    """The object behind a dotted name below polydesk.core."""
    parts = ["polydesk", "core", *cell.strip("`").split(".")]
    for length in range(len(parts), 2, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return found
    raise AssertionError(f"{cell} is not in the code")


def _tests_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _route(cell: str) -> tuple[str, str, str]:
    """(service, method, path without the names of its parameters)."""
    service, _, rest = cell.replace("`", "").partition(" ")
    method, _, path = rest.rpartition(" ")
    return service.lower(), method, _unnamed(path)


@functools.cache
def _answered() -> frozenset[tuple[str, str, str]]:
    exchange = Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())
    found = set()
    for part in build_application(exchange).routes:
        if isinstance(part, WebSocketRoute):
            found.add(("ws", "", part.path.removeprefix("/ws")))
        if isinstance(part, Mount):
            for route in part.routes:
                assert isinstance(route, Route)
                for method in route.methods or ():
                    found.add((part.path.strip("/"), method, _unnamed(route.path)))
    return frozenset(found)


def _unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
