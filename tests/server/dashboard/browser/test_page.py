"""The dashboard in a browser: live, honest about being cut off, usable without a mouse, deaf to strangers' markup."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from polydesk.server.web.tokens import TokenFile
from tests.support.browser import visiting
from tests.support.processes import FED, SOURCE_COMMAND, Served, answer_of, environment, running, serving

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
FOCUSED = "document.activeElement.id || document.activeElement.className"

BOUGHT: dict[str, Any] = {"market_id": FED, "outcome": "Yes", "side": "BUY"}
RESTING = BOUGHT | {"size": 20, "price": 0.5, "time_in_force": "GTC"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    settings = {"POLYMARKET_COMPUTE": "inline", "POLYMARKET_SANDBOX_TRADERS": "false", "POLYMARKET_TOOLSETS": "all"}
    with serving(SOURCE_COMMAND, "http", environment(tmp_path, **settings)) as found:
        yield found


def page_of(served: Served) -> str:
    return f"{served.url.rpartition('/')[0]}/dashboard"


async def test_it_loads_without_a_complaint_and_asks_nobody_else(served: Served) -> None:
    async with visiting() as visit:
        await visit.open(page_of(served))
        assert "SANDBOX" in await visit.text("#banner")
        assert await visit.text("#figures dd") == "$1,000.00"
        for panel in ("positions", "orders", "fills", "books", "exposure", "runs", "signals", "news", "alerts"):
            assert await visit.page.locator(f"#{panel} .empty, #{panel}.empty").count() == 1, panel
        assert visit.complaints == []
        assert visit.hosts == {page_of(served).split("/")[2]}


async def test_a_fill_appears_without_a_reload(served: Served) -> None:
    async with visiting() as visit, served.connect() as client:
        await visit.open(page_of(served))
        await visit.page.evaluate("window.kept = true")
        await answer_of(client, "place_order", **BOUGHT, spend_usd=20)
        await answer_of(client, "place_order", **RESTING)
        await visit.shows("#fills tr", text="Will there be no change in Fed interest rates")
        await visit.shows("#positions tr", text="Yes")
        await visit.shows("#orders .status.live")
        await visit.shows("#books .own", text="20")
        await visit.shows("#exposure li", text="worth")
        assert await visit.page.evaluate("window.kept") is True
        assert visit.complaints == []


async def test_it_says_since_when_it_is_cut_off_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*SOURCE_COMMAND, "dashboard", "--port", str(port), "--no-open"]
    env = environment(tmp_path, POLYMARKET_COMPUTE="inline")
    async with visiting() as visit:
        with running(command, env) as first:
            first.wait_for("polydesk serves", stream="stderr")
            await visit.open(f"http://127.0.0.1:{port}/dashboard")
            await visit.page.evaluate("window.kept = true")
        await visit.shows("#offline", text="Not connected since")
        assert await visit.text("#connection") == "Not connected"
        assert float(await visit.page.evaluate("getComputedStyle(document.querySelector('main')).opacity")) < 0.5
        assert await visit.page.locator("#kill").is_disabled()
        with running(command, env) as second:
            second.wait_for("polydesk serves", stream="stderr")
            await visit.shows("#connection.on")
            await visit.hides("#offline")
            assert float(await visit.page.evaluate("getComputedStyle(document.querySelector('main')).opacity")) == 1
            assert await visit.page.evaluate("window.kept") is True


async def test_the_kill_switch_asks_halts_and_tells_what_it_did(served: Served) -> None:
    async with visiting() as visit, served.connect() as client:
        await answer_of(client, "place_order", **RESTING)
        await visit.open(page_of(served))
        await visit.shows("#orders .status.live")
        await visit.page.locator("#kill").press("Enter")
        await visit.shows("#halt", text="the 1 open order is cancelled")
        assert await visit.page.evaluate("document.activeElement.id") == "halt-no"
        await visit.page.keyboard.press("Escape")
        await visit.hides("#halt")
        assert (await answer_of(client, "get_status"))["trading"] == "open"

        await visit.page.click("#kill")
        await visit.page.click("#halt-yes")
        await visit.shows("#halt-result", text="1 order cancelled")
        await visit.page.click("#halt-no")
        await visit.shows("#halted", text="polydesk resume --mode sandbox")
        await visit.shows("#orders .empty")
        assert await visit.page.locator("#kill").is_disabled()
        status = await answer_of(client, "get_status")
        assert (status["trading"], status["orders"]) == ("halted", {"canceled": 1})


async def test_a_token_is_shown_once_and_no_script_can_read_what_is_kept(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    token = file.add("watcher", ["portfolio:read", "trading:read", "strategies:read", "operations:read"])
    command = [*SOURCE_COMMAND, "dashboard", "--port", "0", "--no-open"]
    with running(command, environment(tmp_path, POLYMARKET_COMPUTE="inline")) as process:
        url = process.wait_for(r"polydesk serves (http://\S+)\n", stream="stderr")[1]
        async with visiting() as visit:
            await visit.page.goto(url)
            assert visit.page.url.endswith("/dashboard/login")
            await visit.page.get_by_label("Token").fill("pd_guess")
            await visit.page.keyboard.press("Enter")
            await visit.shows("#problem", text="no token of this desk")
            await visit.page.get_by_label("Token").fill(token)
            await visit.page.keyboard.press("Enter")
            await visit.shows("#connection.on")
            assert await visit.page.evaluate("document.cookie") == ""
            assert token not in "".join(visit.asked)
            assert await visit.page.locator("#kill").is_disabled()
            await visit.page.click("#sign-out")
            await visit.page.wait_for_url("**/dashboard/login")

            await visit.page.get_by_label("Token").fill(token)
            await visit.page.keyboard.press("Enter")
            await visit.shows("#connection.on")
            file.remove("watcher")
            await visit.page.wait_for_url("**/dashboard/login", timeout=30_000)


async def test_markup_in_strangers_texts_is_shown_and_never_run(served: Served) -> None:
    hostile = '<img src=http://evil.example/x onerror="window.run=1"><script>window.run=1</script>'
    async with served.connect() as client, httpx2.AsyncClient(timeout=30) as http:
        await answer_of(client, "place_order", **BOUGHT, spend_usd=20)
        await answer_of(client, "place_order", **RESTING)
        shown: dict[str, Any] = {"positions": []}
        async with asyncio.timeout(30):
            while not shown["positions"]:
                await asyncio.sleep(0.5)
                shown = (await http.get(f"{page_of(served)}/overview.json")).json()
    names = {"question", "outcome", "title_by_stranger", "market", "event", "text", "reason", "by", "status", "source"}

    def poisoned(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: poisoned(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [poisoned(each, name) for each in value]
        return hostile if name in names else value

    told = poisoned(shown)
    told["halt"] = {"reason": hostile, "since": shown["as_of"], "lifted_by": hostile}
    told["warnings"], told["problems"] = [hostile], {hostile: hostile}
    told["news"] = [dict.fromkeys(("title_by_stranger", "source", "market", "question", "outcome"), hostile)]
    told["news"][0] |= {"at": shown["as_of"], "stance": "supports", "judged_by": hostile}
    told["alerts"] = [{"at": shown["as_of"], "rule_id": hostile, "text": hostile, "delivered": {hostile: hostile}}]
    told["signals"] = [
        dict.fromkeys(("run_id", "strategy", "market", "verdict", "why"), hostile) | {"at": shown["as_of"]}
    ]
    told["waiting"] = [{"code": hostile, "what": hostile, "since": shown["as_of"]}]
    stream = f"event: overview\ndata: {json.dumps(told)}\n\n"
    async with visiting() as visit:
        await visit.page.route(
            "**/dashboard/events", lambda route: route.fulfill(body=stream, content_type="text/event-stream")
        )
        await visit.page.goto(page_of(served))
        await visit.shows("#positions", text="<script>window.run=1</script>")
        await visit.shows("#news", text="<img src=")
        assert await visit.page.evaluate("window.run") is None
        assert await visit.page.locator("main img, main script, main a").count() == 0
        assert visit.hosts == {page_of(served).split("/")[2]}
        assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_has_a_name_an_order_and_enough_contrast(served: Served, scheme: str) -> None:
    async with visiting(color_scheme=scheme, reduced_motion="reduce") as visit, served.connect() as client:
        await answer_of(client, "place_order", **BOUGHT, spend_usd=20)
        await answer_of(client, "place_order", **RESTING)
        await visit.open(page_of(served))
        await visit.shows("#fills tr", text="Fed")
        await visit.shows("#books .ladder")
        assert await visit.page.evaluate((HERE / "unnamed.js").read_text()) == []
        assert await visit.page.evaluate((HERE / "contrast.js").read_text()) == []
        assert await visit.page.locator("html[lang=en]").count() == 1
        assert await visit.page.locator("h1").count() == 1
        assert await visit.page.evaluate("document.querySelectorAll('img:not([alt])').length") == 0
        ids = await visit.page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))
        reached = []
        for _ in range(8):
            await visit.page.keyboard.press("Tab")
            reached.append(await visit.page.evaluate(FOCUSED))
        assert reached[:3] == ["skip", "theme", "kill"]
        assert "scroll" in reached[3:]


async def test_the_scheme_can_be_chosen_and_is_kept(served: Served) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    async with visiting(color_scheme="light") as visit:
        await visit.open(page_of(served))
        light = await visit.page.evaluate(ground)
        await visit.page.click("#theme")
        assert await visit.page.evaluate(ground) == light
        await visit.page.click("#theme")
        dark = await visit.page.evaluate(ground)
        assert dark != light
        await visit.page.reload()
        await visit.shows("#connection.on")
        assert await visit.page.evaluate(ground) == dark


async def test_on_a_phone_nothing_is_wider_than_the_screen(served: Served) -> None:
    async with visiting(viewport={"width": 390, "height": 844}, is_mobile=True) as visit, served.connect() as client:
        await answer_of(client, "place_order", **BOUGHT, spend_usd=20)
        await answer_of(client, "place_order", **RESTING)
        await visit.open(page_of(served))
        await visit.shows("#fills tr", text="Fed")
        await visit.shows("#books .ladder")
        assert await visit.page.evaluate("document.scrollingElement.scrollWidth") <= 390
        assert await visit.page.locator("#kill").is_visible()
