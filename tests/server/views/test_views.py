"""The pages of answers in a real Chromium, in a frame as hosts make one, with a real desk behind the host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.browser import Visit, visiting
from tests.support.processes import FED

pytestmark = pytest.mark.browser

HOST = Path(__file__).with_name("host.html")
PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
LARGEST_BYTES = 120_000


@dataclass
class Host:
    """A page that shows a view, and what the view asked the desk."""

    visit: Visit
    client: Client
    calls: list[str]
    silent: bool = False

    async def show(self, view: str, tool: str, *, theme: str = "light", **arguments: Any) -> Any:
        """Call a tool, give its answer to its view, and return the view's frame."""
        (page,) = (await self.client.read_resource(f"ui://polydesk/{view}")).contents
        assert isinstance(page, TextResourceContents)
        result = await self.call(f"polymarket_{tool}", arguments)
        await self.visit.page.evaluate(
            "([page, result, theme]) => present(page, result, theme)", [page.text, result, theme]
        )
        frame = self.visit.page.frame_locator("iframe")
        await frame.locator("#view > :not(p.faint)").first.wait_for()
        return frame

    async def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        self.calls.append(name)
        if self.silent:
            return None
        answer = await self.client.call_tool(name, arguments)
        return answer.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def picture(self, name: str) -> None:
        file = PICTURES / f"view-{name}.png"
        await self.visit.page.locator("iframe").screenshot(path=file)
        assert file.stat().st_size < LARGEST_BYTES


@asynccontextmanager
async def host(folder: Path) -> AsyncIterator[Host]:
    application = Application(
        load_settings(mode="sandbox", state_dir=folder, compute="inline", sandbox_traders=False, nli_model="none")
    )
    try:
        async with Client(build_server(application)) as client, visiting() as visit:
            shown = Host(visit, client, [])
            await visit.page.expose_function("callTool", shown.call)
            await visit.page.goto(HOST.as_uri())
            yield shown
            assert visit.complaints == []
            assert {url for url in visit.asked if not url.startswith(("file:", "about:"))} == set()
    finally:
        await application.aclose()


async def test_a_market_shows_its_outcomes_and_the_book_that_is_asked_for(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        frame = await shown.show("market", "get_market", markets=[FED])
        assert "no change in Fed interest rates" in await frame.locator("h1").inner_text()
        await frame.get_by_role("button", name="Book of Yes").click()
        await frame.locator("text=Shares offered").wait_for()
        assert shown.calls[-1] == "polymarket_get_order_book"
        assert await frame.locator("section table").nth(1).locator("tbody tr").count() == 6
        await shown.picture("market")


async def test_the_portfolio_follows_the_hosts_theme_and_reads_again(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        await shown.call("polymarket_place_order", {"market_id": FED, "outcome": "Yes", "spend_usd": 25})
        frame = await shown.show("portfolio", "get_portfolio", theme="dark")
        assert "SANDBOX: play money, recorded on" in await frame.locator(".banner").inner_text()
        ground = "getComputedStyle(document.body).backgroundColor"
        assert await frame.locator("body").evaluate(f"() => {ground}") == "rgb(21, 24, 29)"
        await shown.visit.page.evaluate(
            "tell({method: 'ui/notifications/host-context-changed', params: {theme: 'light'}})"
        )
        await frame.locator("html[style*='light']").wait_for(state="attached")
        assert await frame.locator("body").evaluate(f"() => {ground}") == "rgb(255, 255, 255)"
        for _ in range(100):
            await frame.get_by_role("button", name="Read again").click()
            await frame.get_by_role("button", name="Read again").wait_for()
            if await frame.locator("table").count():
                break
            await shown.visit.page.wait_for_timeout(100)
        assert "Yes: Will there be no change" in await frame.locator("table").first.inner_text()
        await shown.picture("portfolio")


async def test_an_order_is_placed_by_the_second_press_and_only_once(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        frame = await shown.show("order", "preview_order", market_id=FED, outcome="Yes", spend_usd=25)
        button = frame.locator("button.main")
        assert await button.inner_text() == "Place SANDBOX order"
        await shown.picture("order")
        await button.click()
        assert "polymarket_place_order" not in shown.calls
        assert "for at most $25.00" in await button.inner_text()
        await button.click()
        await frame.locator(".said").wait_for()
        assert "filled: 25" in await frame.locator(".said").inner_text()
        assert await button.is_disabled()
        assert shown.calls.count("polymarket_place_order") == 1


async def test_an_answer_that_never_came_is_not_taken_for_a_no(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        frame = await shown.show("order", "preview_order", market_id=FED, outcome="Yes", spend_usd=25)
        shown.silent = True
        await frame.locator("button.main").dblclick()
        await frame.locator(".said.failed").wait_for()
        assert "It is not known whether it was placed" in await frame.locator(".said").inner_text()


async def test_a_refusal_is_shown_in_the_desks_words(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        frame = await shown.show("order", "preview_order", market_id=FED, outcome="Yes", spend_usd=25)
        await shown.call("polymarket_halt_trading", {"reason": "a test"})
        await frame.locator("button.main").dblclick()
        await frame.locator(".said.failed").wait_for()
        said = await frame.locator(".said").inner_text()
        assert "halted" in said
        assert "not known" not in said


async def test_markup_of_strangers_is_text(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        question = "<img src=x onerror=alert(1)><b>Sure win</b>"
        answer = {"markets": [{"question": question, "market": "m", "state": "open", "outcomes": []}], "as_of": "now"}
        (page,) = (await shown.client.read_resource("ui://polydesk/market")).contents
        assert isinstance(page, TextResourceContents)
        await shown.visit.page.evaluate(
            "([page, result]) => present(page, result, 'light')", [page.text, {"structuredContent": answer}]
        )
        frame = shown.visit.page.frame_locator("iframe")
        await frame.locator("h1").wait_for()
        assert await frame.locator("h1").inner_text() == question
        assert await frame.locator("img, b").count() == 0


async def test_an_answer_in_text_alone_is_shown_too(tmp_path: Path) -> None:
    async with host(tmp_path) as shown:
        (page,) = (await shown.client.read_resource("ui://polydesk/portfolio")).contents
        assert isinstance(page, TextResourceContents)
        result = await shown.call("polymarket_get_portfolio", {})
        assert result is not None
        await shown.visit.page.evaluate(
            "([page, result]) => present(page, result, 'light')", [page.text, {"content": result["content"]}]
        )
        assert "Nothing is held" in await shown.visit.page.frame_locator("iframe").locator("#view").inner_text()
