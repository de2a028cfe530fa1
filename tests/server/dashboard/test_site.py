"""The dashboard over real sockets: who may see it, what it tells, and the one thing it changes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError

from polydesk.core.clock import SystemClock
from polydesk.core.risk.kill_switch import KillSwitch
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.dashboard.kill_switch import halt, why_not
from polydesk.server.web.tokens import TokenFile
from tests.support.processes import FED, SOURCE_COMMAND, WAIT_S, Served, answer_of, environment, running, serving

OWN = {"X-Polydesk": "dashboard"}
READS = ["portfolio:read", "trading:read", "strategies:read", "operations:read"]


@dataclass(frozen=True)
class Browser:
    """Requests as a browser on the page sends them."""

    http: httpx2.AsyncClient
    base: str

    async def get(self, path: str = "", **headers: str) -> httpx2.Response:
        return await self.http.get(f"{self.base}{path}", headers=headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        origin = self.base.removesuffix("/dashboard")
        return await self.http.post(f"{self.base}{path}", json=body, headers={"Origin": origin, **OWN, **headers})

    async def events(self, *wanted: str) -> dict[str, Any]:
        """The first event of each kind that is wanted."""
        found: dict[str, Any] = {}
        kind = ""
        async with self.http.stream("GET", f"{self.base}/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    found.setdefault(kind, json.loads(line.removeprefix("data: ")))
                if found.keys() >= set(wanted):
                    break
        return found


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Browser]:
    async with httpx2.AsyncClient(timeout=WAIT_S) as http:
        yield Browser(http, f"{url.rpartition('/')[0]}/dashboard")


@contextmanager
def dashboard(state: Path, **settings: str) -> Iterator[str]:
    """`polydesk dashboard` on a free port."""
    command = [*SOURCE_COMMAND, "dashboard", "--port", "0", "--no-open"]
    with running(command, environment(state, POLYMARKET_COMPUTE="inline", **settings)) as process:
        yield process.wait_for(r"polydesk serves (http://\S+)\n", stream="stderr")[1]
    assert process.process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr, process.stderr


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for no tokens."""
    settings = {"POLYMARKET_COMPUTE": "inline", "POLYMARKET_SANDBOX_TRADERS": "false"}
    with serving(SOURCE_COMMAND, "http", environment(tmp_path_factory.mktemp("state"), **settings)) as found:
        yield found


async def test_the_page_is_served_from_the_package_under_a_strict_policy(served: Served) -> None:
    async with browsing(served.url) as browser:
        page = await browser.get()
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert "style=" not in page.text and "onclick" not in page.text
        named = set(re.findall(r'(?:src|href)="(/[^"]+)"', page.text))
        for path in named:
            answer = await browser.http.get(browser.base.removesuffix("/dashboard") + path)
            assert answer.status_code == 200, path
            imported = re.findall(r'from "\./([a-z]+\.js)"', answer.text) if path.endswith(".js") else ()
            for module in imported:
                assert (await browser.get(f"/page/{module}")).status_code == 200
        for name in ("nothing.js", "../site.py", "__init__.py"):
            assert (await browser.get(f"/page/{name}")).status_code == 404


async def test_requests_that_name_another_host_or_come_from_another_page_are_refused(served: Served) -> None:
    async with browsing(served.url) as browser:
        assert (await browser.get(host="evil.example")).status_code == 421
        assert (await browser.get("/overview.json", origin="https://evil.example")).status_code == 403


async def test_the_stream_begins_with_who_looks_and_what_there_is(served: Served) -> None:
    async with browsing(served.url) as browser:
        told = await browser.events("session", "overview")
        assert told["session"] == {"holder": None, "no_kill_switch": None}
        assert told["overview"]["mode"] == "sandbox"
        assert (await browser.get("/overview.json")).json()["account"] == told["overview"]["account"]


async def test_trading_is_halted_by_the_page_itself_alone_and_what_happened_is_told(served: Served) -> None:
    async with browsing(served.url) as browser, served.connect() as client:
        order = {"market_id": FED, "outcome": "Yes", "side": "BUY", "size": 20, "price": 0.5, "time_in_force": "GTC"}
        resting = await answer_of(client, "place_order", **order)
        for headers in (
            {"Origin": ""},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "null"},
            {"X-Polydesk": ""},
        ):
            refused = await browser.post("/halt", {}, **headers)
            assert refused.status_code == 403, headers
        assert (await browser.get("/halt")).status_code == 405
        assert (await browser.get("/overview.json")).json()["trading"] == "open"

        halted = (await browser.post("/halt", {})).json()
        assert halted["canceled"] == [resting["order_id"]]
        assert "dashboard" in halted["reason"]
        shown = (await browser.events("overview"))["overview"]
        assert (shown["trading"], shown["open_orders"]) == ("halted", [])


async def test_with_tokens_a_browser_shows_one_once_and_is_known_by_a_cookie(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    reader = file.add("reader", READS)
    blind = file.add("blind", ["markets:read", "trading:write"])
    with dashboard(tmp_path) as url:
        async with browsing(url) as browser:
            page = await browser.get()
            assert (page.status_code, page.headers["location"]) == (303, "/dashboard/login")
            assert (await browser.get("/login")).status_code == 200
            for path in ("/overview.json", "/events", "/session"):
                assert (await browser.get(path)).status_code == 401, path
            assert (await browser.post("/session", {"token": "pd_guess"})).status_code == 401
            lacking = await browser.post("/session", {"token": blind})
            assert lacking.status_code == 403 and "portfolio:read" in lacking.json()["error"]
            assert "set-cookie" not in lacking.headers

            signed_in = await browser.post("/session", {"token": reader})
            cookie = signed_in.headers["set-cookie"].lower()
            assert signed_in.status_code == 204
            assert all(each in cookie for each in ("httponly", "samesite=strict", "path=/dashboard"))
            assert reader.lower() not in cookie
            assert (await browser.get()).status_code == 200
            told = await browser.events("session", "overview")
            assert told["session"]["holder"] == "reader"
            assert "trading:write" in told["session"]["no_kill_switch"]
            assert (await browser.post("/halt", {})).status_code == 403

            file.remove("reader")
            assert (await browser.get("/overview.json")).status_code == 401
            guesses = [await browser.post("/session", {"token": f"pd_{number}"}) for number in range(20)]
            assert guesses[-1].status_code == 429


@pytest.mark.takeover
async def test_who_may_trade_may_halt_and_who_signs_out_is_a_stranger_again(tmp_path: Path) -> None:
    token = TokenFile(tmp_path / "tokens.json").add("trader", [*READS, "trading:write"])
    with dashboard(tmp_path) as url:
        async with browsing(url) as browser:
            bearer = await browser.get("/overview.json", authorization=f"Bearer {token}")
            assert bearer.status_code == 200
            await browser.post("/session", {"token": token})
            halted = (await browser.post("/halt", {})).json()
            assert halted["halted"] is True and "trader" in halted["reason"]
            origin = browser.base.removesuffix("/dashboard")
            await browser.http.delete(f"{browser.base}/session", headers={"Origin": origin, **OWN})
            assert (await browser.get("/overview.json")).status_code == 401


@pytest.mark.takeover
async def test_beside_a_desk_it_reads_that_one_and_halts_it_however_itself_is_set_up(tmp_path: Path) -> None:
    settings = {"POLYMARKET_COMPUTE": "inline", "POLYMARKET_SANDBOX_TRADERS": "false"}
    with serving(SOURCE_COMMAND, "http", environment(tmp_path, **settings)) as desk:
        async with desk.connect() as client:
            account = (await answer_of(client, "get_status"))["account"]
            with dashboard(tmp_path, POLYMARKET_MAX_ORDER_USD="7") as url:
                async with browsing(url) as browser:
                    shown = (await browser.get("/overview.json")).json()
                    assert shown["account"] == account
                    assert shown["health"]["desk"]["pid"] == desk.process.process.pid if desk.process else False
                    halted = (await browser.post("/halt", {})).json()
                    assert halted["halted"] is True
            assert (await answer_of(client, "get_status"))["trading"] == "halted"


def test_a_server_without_the_tool_has_no_kill_switch() -> None:
    assert why_not(load_settings(mode="sandbox")) is None
    assert "read-only" in (why_not(load_settings(mode="sandbox", read_only=True)) or "")
    assert "no tools that trade" in (why_not(load_settings(mode="sandbox", toolsets="markets")) or "")


async def test_trading_is_halted_even_where_no_tool_can_be_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs_up(*_: object, **__: object) -> None:
        raise MCPError(-32603, "Request timed out")

    monkeypatch.setattr(Client, "call_tool", hangs_up)
    settings = load_settings(mode="sandbox", state_dir=tmp_path, compute="inline")
    halted = await halt(build_server(Application(settings)), settings, SystemClock(), holder="trader")
    assert halted["halted"] is True and "did not answer" in halted["problem"]
    found = KillSwitch(settings.desk_folder, lifted_by="").current()
    assert found is not None and "trader" in found.reason
