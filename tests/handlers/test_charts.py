"""Pictures are attached to the answer as images, with their figures in words beside them, and kept as files."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import sys
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.backtest_rows import ended, ladder

if TYPE_CHECKING:
    from tests.handlers.conftest import Agent

NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
RESOLVED = "no-change-in-fed-interest-rates-after-june-2025-meeting"
FED_EVENT = "fed-decision-in-june-825"
LARGEST_BYTES = 250_000


@dataclass(frozen=True)
class Shown:
    """What a host is given: the figures, and the image as rows of pixels' bytes."""

    told: dict[str, Any]
    png: bytes

    @property
    def size(self) -> tuple[int, int]:
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height

    @property
    def shades(self) -> int:
        """How many different bytes the picture is made of: an empty one has few."""
        parts, at = b"", 8
        while at < len(self.png):
            length, kind = struct.unpack(">I4s", self.png[at : at + 8])
            parts += self.png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
            at += 12 + length
        return len(set(zlib.decompress(parts)))


async def shown(agent: Agent, **arguments: Any) -> Shown:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    result = await agent.client.call_tool("polymarket_show_chart", arguments)
    said, image = result.content
    assert said.type == "text"
    assert image.type == "image" and image.mime_type == "image/png"
    assert not result.is_error
    assert result.structured_content is None
    picture = Shown(json.loads(said.text), base64.b64decode(image.data))
    assert await asyncio.to_thread(Path(picture.told["file"]).read_bytes) == picture.png
    assert picture.png.startswith(b"\x89PNG")
    assert len(picture.png) < LARGEST_BYTES
    assert picture.shades > 40
    return picture


@pytest.fixture
def agent_settings() -> dict[str, Any]:
    return {"toolsets": ("all",)}


async def holding(agent: Agent) -> None:
    """Wait until the venue lists what was bought."""
    for _ in range(200):
        if (await agent.call("get_portfolio"))["positions"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing is held")


async def test_prices_are_drawn_with_the_accounts_own_fills(agent: Agent) -> None:
    before = await shown(agent, chart="price", market_id=NO_CHANGE, interval="1m")
    assert "own fills" not in before.told["shows"]
    await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=20)
    after = await shown(agent, chart="price", market_id=NO_CHANGE, interval="1m")
    assert after.told["shows"]["own fills"]["bought"] >= 1
    assert after.told["file"] == before.told["file"]
    assert after.png != before.png
    book = await agent.call("get_order_book", market_id=NO_CHANGE, outcome="Yes")
    assert after.told["shows"]["Yes"]["ask"] == book["asks"][0]["price"]
    assert (after.told["mode"], after.told["recorded_on"]) == ("sandbox", book["recorded_on"])


async def test_an_event_is_drawn_as_its_likeliest_markets(agent: Agent) -> None:
    picture = await shown(agent, chart="price", market_id=FED_EVENT, interval="max")
    lasts = [each["last"] for each in picture.told["shows"].values()]
    assert 2 <= len(lasts) <= 6
    assert lasts == sorted(lasts, reverse=True)


async def test_the_account_is_drawn_with_what_it_was_worth(agent: Agent) -> None:
    await agent.call("place_order", market_id=NO_CHANGE, outcome="Yes", spend_usd=20)
    picture = await shown(agent, chart="portfolio", interval="1d")
    portfolio = await agent.call("get_portfolio")
    assert picture.told["shows"]["equity"] == pytest.approx(portfolio["equity"], abs=0.5)
    assert picture.told["shows"]["samples"] >= 1
    assert picture.told["title"].startswith("Sandbox account")


async def test_risk_is_drawn_of_what_is_held(agent: Agent) -> None:
    refused = await agent.refused("show_chart", chart="risk")
    assert (refused["code"], refused["anything_sent"]) == ("nothing_held", "no")
    await agent.call("place_order", market_id=NO_CHANGE, outcome="No", spend_usd=20, max_slippage=0.05)
    await holding(agent)
    picture = await shown(agent, chart="risk")
    told = picture.told["shows"]
    assert told["worst"] == pytest.approx(-20, abs=2)
    assert told["best"] > 0 > told["expected"] - 5
    assert 0.5 < told["chance_of_loss"] <= 1


@pytest.mark.takeover
async def test_a_backtests_report_is_drawn_once_it_is_done(agent: Agent) -> None:
    started = await agent.call("run_backtest", rows=ladder(), strategy="arbitrage", half_spread=0.005)
    run = await ended(agent, started["run_id"])
    picture = await shown(agent, chart="backtest", run_id=started["run_id"])
    assert picture.told["shows"]["profit"] == pytest.approx(run["backtest"]["profit"]["total"], abs=1e-3)
    assert picture.size[0] > 1000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"chart": "price"}, "invalid_arguments"),
        ({"chart": "price", "market_id": "no-such-market"}, "unknown_market"),
        ({"chart": "price", "market_id": NO_CHANGE, "outcome": "Perhaps"}, "unknown_outcome"),
        ({"chart": "backtest"}, "invalid_arguments"),
        ({"chart": "backtest", "run_id": "r_none"}, "unknown_run"),
        ({"chart": "calibration"}, "nothing_scored"),
        ({"chart": "astrology"}, "invalid_arguments"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_with_its_reason(
    agent: Agent, arguments: dict[str, Any], code: str
) -> None:
    assert (await agent.refused("show_chart", **arguments))["code"] == code


async def test_without_the_library_the_extra_is_named(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = await agent.refused("show_chart", chart="price", market_id=NO_CHANGE)
    assert "polydesk[plots]" in refused["message"]


async def test_calibration_is_drawn_of_what_was_decided(agent: Agent) -> None:
    desk = await agent.application.desk()
    market = (await desk.directory.find(RESOLVED)).market
    for author, probability in (("polydesk", "0.9"), ("somebody", "0.4")):
        desk.forecasts.record(
            market,
            probability=Decimal(probability),
            market_price=Decimal("0.8"),
            author=author,
            deliberate=True,
            now=datetime(2025, 6, 1, tzinfo=UTC),
        )
    desk.forecasts.decide(market, now=desk.clock.now())
    picture = await shown(agent, chart="calibration")
    assert picture.told["shows"] == {
        "polydesk": [{"said": 0.9, "came_true": 1, "markets": 1}],
        "somebody": [{"said": 0.4, "came_true": 1, "markets": 1}],
    }
