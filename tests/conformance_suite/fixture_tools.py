"""The tools that the conformance suite calls by name, as far as they ask nobody anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import mcp_types as types
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.shared.exceptions import MCPError
from pydantic import Field

Fixture = Callable[..., Awaitable[Any]]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
"""A picture (PNG) of one pixel."""

_SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
"""A sound (WAV) of no length."""

_MOMENT_S = 0.02

_IMAGE = types.ImageContent(type="image", data=PIXEL, mime_type="image/png")


async def test_simple_text() -> str:
    return "Plain text."


async def test_image_content() -> list[types.ImageContent]:
    return [_IMAGE]


async def test_audio_content() -> list[types.AudioContent]:
    return [types.AudioContent(type="audio", data=_SILENCE, mime_type="audio/wav")]


async def test_embedded_resource() -> list[types.EmbeddedResource]:
    return [embedded("test://embedded-resource", "An embedded text.")]


async def test_multiple_content_types() -> list[types.ContentBlock]:
    document = embedded("test://mixed-content-resource", '{"kind": "mixed"}', mime_type="application/json")
    return [types.TextContent(type="text", text="Text, picture and document."), _IMAGE, document]


async def test_error_handling() -> str:
    raise ToolError("This tool always fails.")


async def test_tool_with_progress(ctx: Context[Any]) -> str:
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await asyncio.sleep(_MOMENT_S)
    return "Done."


async def test_tool_with_logging(ctx: Context[Any]) -> str:
    for step in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(step)
        await asyncio.sleep(_MOMENT_S)
    return "Logged."


async def test_logging_tool(ctx: Context[Any]) -> str:
    await ctx.info("One line.")
    return "Logged."


async def test_reconnection(ctx: Context[Any]) -> str:
    await ctx.close_sse_stream()
    return "Finished after the stream was let go."


async def test_missing_capability(ctx: Context[Any]) -> str:
    declared = ctx.client_capabilities
    if declared is None or declared.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs sampling.", needed)
    return "The client can sample."


async def test_x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "anywhere",
) -> str:
    return region


async def test_trigger_tool_change(ctx: Context[Any]) -> str:
    ctx.mcp_server.add_tool(_passing, name="test_passing_tool")
    ctx.mcp_server.remove_tool("test_passing_tool")
    await ctx.notify_tools_changed()
    return "A tool came and went."


async def test_trigger_prompt_change(ctx: Context[Any]) -> str:
    ctx.mcp_server.add_prompt(Prompt.from_function(_passing, name="test_passing_prompt"))
    ctx.mcp_server.remove_prompt("test_passing_prompt")
    await ctx.notify_prompts_changed()
    return "A prompt came and went."


async def json_schema_2020_12_tool() -> str:
    return "Its schema matters, not its answer."


_RICH_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

TOOLS: tuple[Fixture, ...] = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_progress,
    test_tool_with_logging,
    test_logging_tool,
    test_reconnection,
    test_missing_capability,
    test_x_mcp_header,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    json_schema_2020_12_tool,
)


def add_tools(server: MCPServer[Any], tools: tuple[Fixture, ...]) -> None:
    """Offer the tools under their functions' names."""
    for function in tools:
        name = function.__name__
        server.add_tool(function, description=f"Fixture {name}.", structured_output=False)
        if function is json_schema_2020_12_tool:
            added = server._tool_manager.get_tool(name)  # the SDK derives schemas from functions and takes no other
            assert added is not None
            added.parameters = _RICH_SCHEMA


def embedded(uri: str, text: str, *, mime_type: str = "text/plain") -> types.EmbeddedResource:
    """A document inside of a message."""
    document = types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return types.EmbeddedResource(type="resource", resource=document)


async def _passing() -> str:
    return "Gone soon."
