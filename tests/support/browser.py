"""A real Chromium without a window, that notes every complaint and every request of the page."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

PATIENCE_MS = 30_000
"""A loaded machine is slow; a test that waits for nothing fails all the same."""


@dataclass
class Visit:
    """A page, what its console and its scripts complained of, and where it asked for anything."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.asked if not url.startswith("data:")}

    async def open(self, url: str) -> None:
        """The dashboard, once it shows a desk."""
        await self.page.goto(url)
        await self.shows("#connection.on")

    async def shows(self, selector: str, *, text: str | None = None) -> None:
        """Wait until something is there to be seen."""
        found = self.page.locator(selector)
        if text is not None:
            found = found.filter(has_text=text)
        await found.first.wait_for(timeout=PATIENCE_MS)

    async def hides(self, selector: str) -> None:
        await self.page.locator(selector).wait_for(state="hidden", timeout=PATIENCE_MS)

    async def text(self, selector: str) -> str:
        told: str = await self.page.locator(selector).first.inner_text()
        return told


@asynccontextmanager
async def visiting(**options: Any) -> AsyncIterator[Visit]:
    """A page in a browser of its own; options are those of a page, such as `color_scheme`."""
    from playwright.async_api import async_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.fail("no Chromium is installed: apt-get install chromium")
    async with async_playwright() as driver:
        # As root, in a container, there is no sandbox to be had.
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(**({"viewport": {"width": 1440, "height": 1000}} | options))
        seen = Visit(page)
        page.on("console", lambda said: seen.complaints.extend([said.text] if said.type == "error" else []))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.asked.append(request.url))
        try:
            yield seen
        finally:
            await browser.close()
