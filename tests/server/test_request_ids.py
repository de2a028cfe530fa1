"""One id leads from a tool call to what the venue was asked, what was written down, and the answer of a defect."""

from __future__ import annotations

import io
import json
import logging
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server import MCPServer

from polydesk.core.settings import Mode, load_settings
from polydesk.core.telemetry.redaction import MASK, SECRETS
from polydesk.core.telemetry.request import Request, within_request
from polydesk.handlers.answer import Answer
from polydesk.handlers.context import Desk
from polydesk.handlers.toolspec import Toolset, ToolSpec
from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.logs import JsonFormatter, RedactingFormatter
from polydesk.server.registration import build_tools
from polydesk.server.request_ids import name_request
from tests.support.processes import FED, SOURCE_COMMAND, Running, environment, running

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LOGGED = {"POLYMARKET_LOG_LEVEL": "DEBUG", "POLYMARKET_LOG_FORMAT": "json", "POLYMARKET_SANDBOX_TRADERS": "false"}
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Host:
    """A host that speaks to a server over its pipes and reads what it logs."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._last = 0
        self._ask("initialize", CLIENT)
        server.send_line({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        meta = {"traceparent": TRACEPARENT, "polydesk/request": "0" * 12}  # the second is a door's alone to say
        params = {"name": f"polymarket_{tool}", "arguments": arguments, "_meta": meta}
        answer: dict[str, Any] = self._ask("tools/call", params)["result"]
        assert not answer.get("isError"), answer
        return answer

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._last += 1
        self._server.send_line({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        self._server.wait_for(rf'"id":\s*{self._last}\b.*\n')
        lines = [json.loads(line) for line in self._server.output["stdout"].splitlines() if line]
        return next(line for line in lines if line.get("id") == self._last)

    def told_of(self, tool: str) -> list[str]:
        """The ids of the calls of a tool, as the log tells when they have ended."""
        self._server.wait_for(rf"tool polymarket_{tool}: ", stream="stderr")
        return [line["request"] for line in self.lines if line["message"].startswith(f"tool polymarket_{tool}: ")]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._server.stderr.splitlines()]


@contextmanager
def a_host(state: Path) -> Iterator[Host]:
    with running([*SOURCE_COMMAND, "serve"], environment(state, **LOGGED), stdin=subprocess.PIPE) as server:
        yield Host(server)


def test_the_log_follows_a_call_to_the_venue_over_stdio_and_through_a_door(tmp_path: Path) -> None:
    with a_host(tmp_path) as desk:
        desk.call("get_order_book", market_id=FED)
        desk.call("place_order", market_id=FED, outcome="Yes", size=10)
        (read,), (placed,) = desk.told_of("get_order_book"), desk.told_of("place_order")
        assert read != placed
        assert "0" * 12 not in (read, placed)
        orders = [line for line in desk.lines if line["message"].startswith("POST clob /order: 200 in ")]
        assert [(line["request"], line["level"]) for line in orders] == [(placed, "INFO")]
        books = [line for line in desk.lines if "clob /book" in line["message"] and line.get("request") == read]
        assert books
        assert {line["traceparent"] for line in (*orders, *books)} == {TRACEPARENT}
        assert all(line["at"].endswith("Z") and line["logger"] and line["level"] for line in desk.lines)

        with a_host(tmp_path) as door:
            door.call("get_market", markets=[FED])
            (forwarded,) = [line for line in door.lines if line["message"] == "tools/call goes to the desk"]
            (served,) = desk.told_of("get_market")
            assert forwarded["request"] == served
            assert not [line for line in door.lines if line["message"].startswith("tool ")]
            venue = [line for line in desk.lines if line.get("request") == served and " clob /" in line["message"]]
            assert venue or [
                line for line in desk.lines if line.get("request") == served and " gamma /" in line["message"]
            ]


async def test_what_a_call_decides_is_written_down_with_its_id_and_what_the_desk_begins_without(tmp_path: Path) -> None:
    settings = load_settings(mode="sandbox", state_dir=tmp_path, compute="inline", sandbox_traders=False)
    application = Application(settings)
    try:
        async with Client(build_server(application)) as client:
            for size in (10, 11):
                placed = await client.call_tool(
                    "polymarket_place_order", {"market_id": FED, "outcome": "Yes", "size": size}
                )
                assert not placed.is_error
        entries = (await application.desk()).trading.journal._audit.entries()
        by_order: dict[str, set[str]] = {}
        for entry in entries:
            if entry.attempt_id is not None:
                by_order.setdefault(entry.attempt_id, set()).add(entry.detail["request"])
        first, second = by_order.values()
        assert len(first) == len(second) == 1
        assert first != second
    finally:
        await application.aclose()


class Nothing(Answer):
    pass


async def crash(desk: Desk) -> Nothing:
    """Fail."""
    raise RuntimeError("nobody thought of this")


@pytest.mark.parametrize("form", ["json", "human"])
async def test_a_defect_names_the_id_that_its_lines_have(form: str) -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield None

    human = RedactingFormatter("%(levelname)s%(call)s: %(message)s")
    handler = logging.StreamHandler(written := io.StringIO())
    handler.setFormatter(JsonFormatter() if form == "json" else human)
    log = logging.getLogger("polydesk.server.registration")
    spec = ToolSpec("polymarket_crash", Toolset.OPERATIONS, "Crash", crash)
    server: MCPServer[None] = MCPServer("t", tools=build_tools([spec], Mode.SANDBOX), lifespan=lifespan)
    server.middleware.insert(0, name_request)
    log.addHandler(handler)
    try:
        async with Client(server) as client:
            answer = await client.call_tool("polymarket_crash", {})
    finally:
        log.removeHandler(handler)
    assert answer.structured_content is not None
    named = answer.structured_content["message"].split("error ")[1].split(".")[0]
    if form == "json":
        line = json.loads(written.getvalue())
        assert line["request"] == named
        assert "Traceback" in line["error"]
    else:
        assert written.getvalue().startswith(f"ERROR [{named}]: ")


def test_lines_are_json_whatever_is_masked_in_them() -> None:
    secret = 'a "quoted\\secret" of 30 chars ü\n'
    SECRETS.learn(secret)
    record = logging.LogRecord("polydesk", logging.INFO, "", 0, 'api_key: "%s" and %s', ("x" * 20, secret), None)
    with within_request(Request("ab" * 6, TRACEPARENT)):
        line = json.loads(JsonFormatter().format(record))
    assert (line["request"], line["traceparent"]) == ("ab" * 6, TRACEPARENT)
    assert line["message"] == f'api_key: "{MASK}" and {MASK}'
