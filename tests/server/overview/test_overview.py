"""What screens are told of a desk: all of it in one answer, at a bounded cost, and with what is missing named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.clock import ManualClock
from polydesk.core.errors import VenueUnavailable
from polydesk.core.identifiers import ConditionId
from polydesk.core.market_data.directory import MarketDirectory
from polydesk.core.models import Market
from polydesk.core.portfolio.snapshot import Portfolio
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.overview import screen
from tests.support.processes import FED, answer_of

BTC = "btc-updown-15m-1790592300"


@dataclass(frozen=True)
class Watched:
    """A desk, a client that trades on it, and somebody who looks."""

    application: Application
    client: Client

    async def trade(self, **arguments: Any) -> dict[str, Any]:
        return await answer_of(self.client, "place_order", **arguments)

    async def look(self, **arguments: Any) -> Mapping[str, Any]:
        shown = await self.application.doorway.look("overview", arguments)
        assert shown is not None
        return shown


Watching = Callable[[], AbstractAsyncContextManager[Watched]]


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    """Opens a sandbox whose books only its own orders move."""
    settings = load_settings(
        mode="sandbox", state_dir=tmp_path, compute="inline", sandbox_traders=False, toolsets="all", max_order_usd=100
    )

    @asynccontextmanager
    async def opened() -> AsyncIterator[Watched]:
        application = Application(settings)
        try:
            async with Client(build_server(application)) as client:
                yield Watched(application, client)
        finally:
            await application.aclose()

    return opened


async def test_money_orders_fills_and_books_are_told_at_once(watching: Watching) -> None:
    async with watching() as watched:
        await watched.trade(market_id=FED, outcome="Yes", side="BUY", spend_usd=20)
        await watched.trade(market_id=FED, outcome="Yes", side="BUY", size=20, price=0.5, time_in_force="GTC")
        shown = await watched.look()
        async with asyncio.timeout(20):
            while not (shown["fills"] and shown["positions"] and shown["fills"][0]["settlement"] == "confirmed"):
                shown = await watched.look(unlike=shown["mark"])

        assert (shown["mode"], shown["recorded_on"], shown["trading"]) == ("sandbox", "2026-05-17", "open")
        money, (position,), (order,), (fill,) = (shown[name] for name in ("money", "positions", "open_orders", "fills"))
        assert money["cash"] < 1000
        assert money["reserved_for_orders"] == 10
        assert money["equity"] == pytest.approx(money["cash"] + position["value"])
        assert money["settled_profit"] == pytest.approx(money["equity"] - 1000, abs=0.001)
        assert shown["statement"]["difference"] == 0
        assert shown["equity"][-1][1] == pytest.approx(money["equity"], abs=0.0001)
        assert (order["side"], order["price"], order["shares"], order["status"]) == ("BUY", 0.5, 20, "live")
        assert (fill["market"], fill["shares"]) == (position["market"], position["shares"])

        (exposure,) = shown["exposure"]
        assert exposure["worst"] == shown["worst_case"]
        assert exposure["worst"] == pytest.approx(exposure["cost"] + 10, abs=0.5)  # and the fee of what rests
        book = shown["books"][0]
        assert book["why"] == "order"
        assert [0.5, 20] in [[price, own] for price, _, own in book["bids"]]
        used = {line["name"]: line["used"] for line in shown["limits"]}
        assert used["open orders"] == 1
        assert used["at stake in all"] == pytest.approx(shown["worst_case"], abs=0.001)
        assert shown["health"]["venue"]["condition"] == "normal"
        assert "problems" not in shown


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time a screen has read the account."""
    made: list[object] = []
    account = screen._Account

    def counted(*parts: Any) -> object:
        made.append(parts)
        return account(*parts)

    monkeypatch.setattr(screen, "_Account", counted)
    return made


async def test_many_screens_cost_what_one_does(watching: Watching, reads: list[object]) -> None:
    async with watching() as watched:
        shown = await asyncio.gather(*(watched.look() for _ in range(10)))
        assert len(reads) == 1
        assert all(each == shown[0] for each in shown)


async def test_all_markets_shown_are_read_in_one_request_and_not_again_for_a_minute(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []
    current = MarketDirectory.current

    async def counted(self: MarketDirectory, condition_ids: Sequence[ConditionId]) -> Sequence[Market]:
        asked.append(condition_ids)
        return await current(self, condition_ids)

    async def finds_none(_: MarketDirectory, reference: str) -> Any:
        raise AssertionError(reference)

    async with watching() as watched:
        for market_id in (FED, BTC):
            order = {"outcome": 0, "side": "BUY", "size": 20, "price": 0.1, "time_in_force": "GTC"}
            await watched.trade(market_id=market_id, **order)
        monkeypatch.setattr(MarketDirectory, "current", counted)
        monkeypatch.setattr(MarketDirectory, "find", finds_none)
        first = await watched.look()
        again = await watched.look(unlike=first["mark"], within_s=1.2)
    assert {each["market"] for each in again["open_orders"]} == {FED, BTC}
    assert len(again["books"]) == 2
    assert [len(each) for each in asked] == [2]


async def test_the_account_is_read_anew_after_a_while_however_often_orders_move(
    watching: Watching, reads: list[object]
) -> None:
    async with watching() as watched:
        desk, clock = await watched.application.desk(), ManualClock(datetime(2026, 5, 17, tzinfo=UTC))
        shared = screen.Screen(clock)

        async def reads_after(seconds: float) -> int:
            await clock.advance(seconds)
            await shared.shown(desk)
            return len(reads)

        assert [await reads_after(seconds) for seconds in (0, 2, 2, 7)] == [1, 1, 1, 2]
        await watched.trade(market_id=FED, outcome="Yes", side="BUY", size=5, price=0.5, time_in_force="GTC")
        assert [await reads_after(seconds) for seconds in (1, 1, 4)] == [2, 2, 3]


async def test_a_look_waits_until_an_order_moves(watching: Watching) -> None:
    async with watching() as watched:
        before = await watched.look()
        waiting = asyncio.ensure_future(watched.look(unlike=before["mark"], within_s=10))
        await watched.trade(market_id=FED, outcome="Yes", side="BUY", spend_usd=20)
        async with asyncio.timeout(5):
            after = await waiting
        assert after["mark"] != before["mark"]


async def test_a_look_at_a_desk_where_nothing_happens_ends_after_its_time(watching: Watching) -> None:
    async with watching() as watched:
        before = await watched.look()
        async with asyncio.timeout(5):
            assert (await watched.look(unlike=before["mark"], within_s=0.4))["mark"] == before["mark"]


async def test_a_strategy_its_profit_and_its_signals_are_told(watching: Watching) -> None:
    async with watching() as watched:
        desk = await watched.application.desk()
        await answer_of(
            watched.client,
            "run_strategy",
            strategy="market_maker",
            markets=[BTC],
            max_loss_usd=20,
            max_exposure_usd=60,
            every_s=1,
            until=(desk.clock.now() + timedelta(hours=1)).isoformat(),
            params={"size": 10, "half_spread": 0.005, "hours_to_end": 0},
        )
        shown = await watched.look()
        async with asyncio.timeout(20):
            while not (shown["signals"] and shown["open_orders"]):
                shown = await watched.look(unlike=shown["mark"])
        (run,) = shown["runs"]
        assert (run["status"], run["strategy"]["name"]) == ("running", "market_maker")
        assert {each["by"] for each in shown["open_orders"]} == {run["run_id"]}
        assert shown["signals"][0]["market"] == BTC


async def test_news_of_a_market_with_money_in_it_has_a_stance_once_it_is_judged(watching: Watching) -> None:
    async with watching() as watched:
        await watched.trade(market_id=FED, outcome="Yes", side="BUY", spend_usd=20)
        title = "Fed officials signal no change in interest rates at June 2026 meeting"
        await answer_of(watched.client, "match_news", items=[{"title": title, "source": "A wire"}], signals=False)
        shown = await watched.look()
        async with asyncio.timeout(20):
            while not (shown["news"] and "judged_by" in shown["news"][0]):
                await asyncio.sleep(0.2)
                shown = await watched.look()
        assert (shown["news"][0]["title_by_stranger"], shown["news"][0]["market"]) == (title, FED)


async def test_a_halt_says_how_it_is_lifted(watching: Watching) -> None:
    async with watching() as watched:
        before = await watched.look()
        await answer_of(watched.client, "halt_trading", reason="a look at the books")
        after = await watched.look()
        assert before["trading"] == "open"
        assert (after["trading"], after["halt"]["reason"]) == ("halted", "a look at the books")
        assert "polydesk resume --mode sandbox" in after["halt"]["lifted_by"]


async def test_what_cannot_be_read_is_named_and_the_rest_still_comes(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Portfolio) -> None:
        raise VenueUnavailable("The venue is not there.")

    async with watching() as watched:
        await watched.trade(market_id=FED, outcome="Yes", side="BUY", spend_usd=20)
        await answer_of(watched.client, "get_order_book", market_id=FED)
        monkeypatch.setattr(Portfolio, "snapshot", fails)
        shown = await watched.look()
        assert shown["problems"] == {"account": "The venue is not there."}
        assert "money" not in shown and shown["positions"] == []
        assert shown["health"]["orders"] == {"matched": 1}
        async with asyncio.timeout(10):
            while not shown["books"]:
                shown = await watched.look(unlike=shown["mark"], within_s=1.2)
        assert shown["books"][0]["why"] == "read"


async def test_a_live_desk_without_a_key_shows_markets_and_no_account(tmp_path: Path) -> None:
    from polydesk.core.clock import SystemClock
    from polydesk.core.exchange.catalogue import load_catalogue
    from polydesk.core.exchange.server import ExchangeServer
    from polydesk.core.exchange.settings import ExchangeSettings
    from polydesk.core.exchange.venue import Exchange
    from tests.support.live_desk import LIVE_LIMITS

    exchange = Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())
    async with ExchangeServer(exchange) as venue:
        urls = {"api_url": venue.clob_url, "gamma_url": venue.gamma_url, "data_url": venue.data_url}
        application = Application(
            load_settings(mode="live", state_dir=tmp_path, compute="inline", ws_url=venue.ws_url, **urls, **LIVE_LIMITS)
        )
        try:
            shown = await application.doorway.look("overview")
        finally:
            await application.aclose()
    assert shown is not None
    assert (shown["mode"], shown["trading"], shown["limits"]) == ("live", "no wallet configured", [])
    assert "account" not in shown and "money" not in shown
