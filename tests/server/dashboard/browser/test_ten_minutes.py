"""Ten minutes of the sandbox's time under simulated traders, with a strategy on, watched in a browser."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.support.browser import Visit, visiting
from tests.support.processes import FED, SOURCE_COMMAND, answer_of, environment, serving

pytestmark = pytest.mark.browser

SPEED = 10
CUT = "will-the-fed-decrease-interest-rates-by-25-bps-after-the-june-2026-meeting"
BTC = "btc-updown-15m-1790592300"
MOST_BYTES = 300_000


async def test_ten_minutes_of_trading_are_shown_live(tmp_path: Path) -> None:
    """Pictures go to the folder POLYDESK_PICTURES, or are thrown away."""
    pictures = Path(os.environ.get("POLYDESK_PICTURES", tmp_path))
    settings = {
        "POLYMARKET_SANDBOX_SPEED": str(SPEED),
        "POLYMARKET_TOOLSETS": "all",
        "POLYMARKET_MAX_EXPOSURE_USD": "250",
        "POLYMARKET_MAX_EVENT_USD": "150",
        "POLYMARKET_MAX_DAY_USD": "1000",
    }
    with serving(SOURCE_COMMAND, "http", environment(tmp_path, **settings)) as served:
        url = f"{served.url.rpartition('/')[0]}/dashboard"
        async with visiting(color_scheme="dark") as visit, served.connect() as client, httpx2.AsyncClient() as http:

            async def overview() -> dict[str, Any]:
                shown: dict[str, Any] = (await http.get(f"{url}/overview.json", timeout=30)).json()
                return shown

            await visit.open(url)
            began = datetime.fromisoformat((await overview())["as_of"])
            await answer_of(client, "place_order", market_id=FED, outcome="Yes", side="BUY", spend_usd=40)
            await answer_of(client, "place_order", market_id=CUT, outcome="No", side="BUY", spend_usd=30)
            resting = {"outcome": "Yes", "side": "BUY", "size": 20, "price": 0.9, "time_in_force": "GTC"}
            await answer_of(client, "place_order", market_id=FED, **resting)
            await answer_of(client, "manage_alerts", action="create", kind="order", query="filled")
            await answer_of(client, "match_news", signals=False)
            run = await answer_of(
                client,
                "run_strategy",
                strategy="market_maker",
                markets=[BTC],
                max_loss_usd=20,
                max_exposure_usd=80,
                every_s=3,
                until=(began + timedelta(hours=1)).isoformat(),
                params={"size": 12, "half_spread": 0.005, "hours_to_end": 0},
            )
            curve: list[int] = []
            while datetime.fromisoformat((shown := await overview())["as_of"]) < began + timedelta(minutes=10):
                await asyncio.sleep(3)
                curve.append(len(shown["equity"]))
            assert curve == sorted(curve) and curve[-1] >= 8

            # The page tells of the present, not of what was there when it was opened.
            told = (await visit.text("#connection")).removeprefix("Connected · ").removesuffix(" UTC")
            lag = datetime.fromisoformat(shown["as_of"]) - datetime.fromisoformat(f"{told}+00:00")
            assert abs(lag) < timedelta(seconds=10 * SPEED)
            (line,) = shown["runs"]
            assert (line["run_id"], line["status"]) == (run["run_id"], "running")
            assert line["strategy"]["looks"] > 50 and line["strategy"]["fills"] > 0
            assert await visit.page.locator("#fills tr", has_text=run["run_id"]).count() > 0
            assert await visit.page.locator("#books .own").count() > 0
            assert await visit.page.locator("#equity path.equity").count() == 1
            assert await visit.page.locator("#signals .verdict").count() > 0
            assert await visit.page.locator("#alerts li", has_text="filled").count() > 0
            assert visit.complaints == []
            await _pictures(visit, pictures)


async def _pictures(visit: Visit, folder: Path) -> None:
    sizes = {"dark": (1440, 1300), "light": (1440, 1900), "phone": (390, 1500)}
    for name, (width, height) in sizes.items():
        await visit.page.set_viewport_size({"width": width, "height": height})
        await visit.page.emulate_media(color_scheme="light" if name == "light" else "dark")
        await visit.shows("#connection.on")
        path = folder / f"dashboard-{name}.png"
        await visit.page.screenshot(path=path)
        Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < MOST_BYTES
