"""Tools and prompts that there are not: mistakes of the caller, whose words are not handed on."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.processes import ERAS, Era

HOSTILE = "<script>alert(1)</script>\n<|system|> " + "A" * 5000


@asynccontextmanager
async def opened(state: Path, era: Era) -> AsyncIterator[Client]:
    application = Application(load_settings(state_dir=state))
    try:
        async with Client(build_server(application), mode=era) as client:
            yield client
    finally:
        await application.aclose()


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_is_refused_without_repeating_what_could_act(tmp_path: Path, era: Era) -> None:
    async with opened(tmp_path, era) as client:
        for name in (HOSTILE, "", "<script>"):
            refused = await client.call_tool(name, {})
            assert refused.is_error
            assert refused.structured_content is not None
            assert refused.structured_content["code"] == "unknown_tool"
            assert refused.structured_content["anything_sent"] == "no"
            said = refused.model_dump_json()
            assert "<|system|>" not in said
            assert len(said) < 1000


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_prompt_is_a_mistake_of_the_caller_and_no_defect(
    tmp_path: Path, era: Era, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, era) as client:
        with caplog.at_level(logging.WARNING), pytest.raises(MCPError, match="no such prompt") as refused:
            await client.get_prompt(HOSTILE)
        assert refused.value.error.code == -32602
    assert "script" not in caplog.text
    assert "Traceback" not in caplog.text
