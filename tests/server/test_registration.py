"""What hosts see of the tools: small, strict, annotated, and within the budgets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from pydantic import Field

from polydesk.core.errors import InputRejected
from polydesk.core.settings import Mode, load_settings
from polydesk.core.telemetry.metrics import InMemoryMetrics
from polydesk.handlers.answer import Answer
from polydesk.handlers.catalogue import all_tools, tools_of
from polydesk.handlers.context import Desk
from polydesk.handlers.instructions import server_instructions
from polydesk.handlers.toolspec import DEFAULT_TOOLSETS, Toolset, ToolSpec, parse_toolsets
from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.reference import SCHEMAS
from polydesk.server.registration import build_tools
from polydesk.server.schemas import lean_schema, render_schemas

if TYPE_CHECKING:
    from mcp_types import Tool


@pytest.fixture
async def tools(tmp_path: Path) -> list[Tool]:
    async with Client(build_server(Application(load_settings(state_dir=tmp_path)))) as client:
        return (await client.list_tools()).tools


def tokens(value: Any) -> float:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) / 4


async def test_the_default_tool_list_fits_its_budget(tools: list[Tool]) -> None:
    listed = [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]
    assert tokens({"tools": listed}) <= 7000


async def test_the_list_of_all_tools_fits_its_budget(tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path, toolsets=("all",))
    async with Client(build_server(Application(settings))) as client:
        every = (await client.list_tools()).tools
    listed = [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in every]
    assert tokens({"tools": listed}) <= 14000


async def test_every_tool_is_described_annotated_and_strict(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.name.startswith("polymarket_")
        assert tool.description
        assert len(tool.description.encode()) < 2048
        assert "{" not in tool.description
        notes = tool.annotations
        assert notes is not None
        assert None not in (notes.read_only_hint, notes.destructive_hint, notes.idempotent_hint, notes.open_world_hint)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema
        for name, schema in tool.input_schema["properties"].items():
            assert "description" in schema, f"{tool.name}.{name}"


async def test_schemas_have_no_titles_and_no_null_branches(tools: list[Tool]) -> None:
    def walk(schema: Any) -> None:
        if isinstance(schema, list):
            for each in schema:
                walk(each)
        elif isinstance(schema, dict):
            assert not isinstance(schema.get("title"), str)
            assert {"type": "null"} not in schema.get("anyOf", [])
            for key, each in schema.items():
                walk(list(each.values()) if key in ("properties", "$defs") else each)

    for tool in tools:
        walk(tool.input_schema)
        walk(tool.output_schema)


async def test_the_mode_stands_in_title_and_description_of_trading_tools(tools: list[Tool]) -> None:
    place = next(tool for tool in tools if tool.name == "polymarket_place_order")
    assert place.title == "Place PAPER order"
    assert "PAPER" in (place.description or "")


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("read_only", [False, True])
def test_instructions_fit_where_hosts_cut_them_and_name_only_offered_tools(mode: Mode, read_only: bool) -> None:
    for toolsets in (DEFAULT_TOOLSETS, frozenset({Toolset.MARKETS}), frozenset({Toolset.TRADING})):
        text = server_instructions(mode, toolsets, read_only=read_only)
        assert len(text.encode()) < 2048
        assert mode.value.upper() in text
        offered = {spec.name for spec in tools_of(toolsets, read_only=read_only)}
        named = {word.strip(".,;:") for word in text.split() if word.startswith("polymarket_")}
        assert named <= offered


def test_toolsets_are_named_or_refused() -> None:
    assert parse_toolsets(["default"]) == DEFAULT_TOOLSETS
    assert not {Toolset.ADVANCED, Toolset.STRATEGIES} & DEFAULT_TOOLSETS
    assert parse_toolsets(["all"]) == frozenset(Toolset)
    assert parse_toolsets(["markets", "trading"]) == {Toolset.MARKETS, Toolset.TRADING}
    with pytest.raises(Exception, match="choose from default, all, markets"):
        parse_toolsets(["everything"])


class Echo(Answer):
    text: str


async def crash(desk: Desk, word: Annotated[str, Field(description="a word")] = "") -> Echo:
    """Fail."""
    raise RuntimeError(f"secret {word}")


async def echo(desk: Desk, word: str) -> Echo:
    """Say it again."""
    if word == "no":
        raise InputRejected("It is refused.", code="unwanted")
    return Echo(text=word)


@dataclass(frozen=True)
class SomeDesk:
    """As much of a desk as every call touches."""

    caller: str = ""

    async def desk(self) -> SomeDesk:
        return self


class NoDesk:
    async def desk(self) -> None:
        return None


@pytest.mark.parametrize(("changes", "sent"), [(False, "no"), (True, "unknown")])
async def test_a_defect_is_reported_without_its_text(
    caplog: pytest.LogCaptureFixture, changes: bool, sent: str
) -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[NoDesk]:
        yield NoDesk()

    spec = ToolSpec("polymarket_crash", Toolset.OPERATIONS, "Crash", crash, changes=changes)
    server = MCPServer("t", tools=build_tools([spec], Mode.SANDBOX), lifespan=lifespan)
    async with Client(server) as client:
        with caplog.at_level(logging.ERROR):
            result = await client.call_tool("polymarket_crash", {"word": "0xdead"})
    assert result.is_error
    assert result.structured_content is not None
    assert result.structured_content["code"] == "internal_error"
    assert result.structured_content["anything_sent"] == sent
    assert "secret" not in json.dumps(result.structured_content)
    error_id = result.structured_content["message"].split("error ")[1].split(".")[0]
    assert error_id in caplog.text


async def test_every_call_of_a_tool_is_counted_with_how_it_ended() -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[SomeDesk]:
        yield SomeDesk()

    calls = InMemoryMetrics()
    spec = ToolSpec("polymarket_echo", Toolset.OPERATIONS, "Echo", echo)
    server = MCPServer("t", tools=build_tools([spec], Mode.SANDBOX, measured=lambda: calls), lifespan=lifespan)
    async with Client(server) as client:
        for arguments in ({"word": "yes"}, {"word": "no"}, {"words": "?"}):
            await client.call_tool("polymarket_echo", arguments)
    (tool,) = calls.snapshot()
    assert (tool.route, tool.calls) == ("polymarket_echo", 3)
    assert tool.errors == {"unwanted": 1, "invalid_arguments": 1}


def test_a_property_called_title_survives() -> None:
    schema = {"title": "News", "type": "object", "properties": {"title": {"title": "Title", "type": "string"}}}
    assert lean_schema(schema, output=False) == {"type": "object", "properties": {"title": {"type": "string"}}}


def test_a_start_loads_the_modules_of_its_toolsets_alone() -> None:
    code = """
import sys
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
build_server(Application(load_settings(toolsets=("markets", "portfolio"))))
print(*sorted(name.rpartition(".")[2] for name in sys.modules if name.startswith("polydesk.handlers.")))
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"markets", "books", "portfolio"} <= set(loaded)
    assert not {"strategies", "backtests", "trading", "news", "patterns"} & set(loaded)


def test_every_tool_is_of_the_toolset_that_its_module_is_loaded_for() -> None:
    for toolset in Toolset:
        assert {spec.toolset for spec in tools_of({toolset})} == {toolset}


def test_the_schemas_of_answers_that_a_start_lists_are_those_of_the_models() -> None:
    assert SCHEMAS.read_text(encoding="utf-8") == render_schemas(all_tools()), "run `make docs`"
