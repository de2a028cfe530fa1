"""Every tool, with arguments that nobody means: each call is answered, and each refusal says what was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult

from polydesk.core.settings import Mode, load_settings
from polydesk.handlers.catalogue import all_tools
from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.registration import build_tools
from tests.support.processes import FED

from .conftest import TRIED
from .json_values import of_schema

pytestmark = pytest.mark.fuzz

_ANSWERED_WITHIN_S = 30.0
_SCHEMAS = {tool.name: tool.parameters for tool in build_tools(all_tools(), Mode.SANDBOX)}


class Desk:
    """A sandbox whose loop the test drives: hypothesis calls plain functions."""

    def __init__(self, state: Path) -> None:
        self._runner = asyncio.Runner()
        self._state = state
        self._application: Application | None = None

    def call(self, tool: str, arguments: Any) -> CallToolResult:
        return self._runner.run(self._call(tool, arguments))

    async def _call(self, tool: str, arguments: Any) -> CallToolResult:
        if self._application is None:
            settings = load_settings(
                mode="sandbox",
                state_dir=self._state,
                toolsets="all",
                compute="inline",
                sandbox_traders=False,
                news="none",
            )
            self._application = Application(settings)
        async with asyncio.timeout(_ANSWERED_WITHIN_S), Client(build_server(self._application)) as client:
            return await client.call_tool(tool, arguments)

    def close(self) -> None:
        if self._application is not None:
            self._runner.run(self._application.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("state"))
    yield opened
    opened.close()


# A halt ends all trading of the desk, so it comes last.
_ORDERED = sorted(_SCHEMAS, key=lambda name: name == "polymarket_halt_trading")


@pytest.mark.parametrize("tool", _ORDERED)
def test_whatever_the_arguments_the_answer_says_what_to_do(desk: Desk, tool: str) -> None:
    schema = {"type": "object", **_SCHEMAS[tool]}

    @given(_object(schema))
    def attempt(arguments: dict[str, Any]) -> None:
        TRIED["tool arguments"] += 1
        result = desk.call(tool, arguments)
        # Only a picture stands beside text alone.
        assert (result.structured_content is None) == any(each.type == "image" for each in result.content)
        if result.is_error:
            failure = result.structured_content
            assert failure is not None
            assert failure["code"] != "internal_error", failure
            assert failure["message"]
            assert failure["anything_sent"] in ("no", "yes", "unknown")

    attempt()


def _object(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments whose market, where there is one, is often one that exists: so that more than its name is looked at."""
    properties: dict[str, Any] = schema.get("properties", {})
    fields = {
        name: st.one_of(st.just(FED), of_schema(each)) if name == "market_id" else of_schema(each)
        for name, each in properties.items()
    }
    required = [name for name in schema.get("required", []) if name in fields]
    return st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: each for name, each in fields.items() if name not in required},
    )
