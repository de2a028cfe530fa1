"""The resources, prompts and requests of the conformance suite, of which polydesk itself offers none."""

from __future__ import annotations

import base64
import json
from typing import Any

import mcp_types as types
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver.prompts.base import UserMessage

from .fixture_questions import asking_prompt
from .fixture_tools import PIXEL, embedded

Request = ServerRequestContext[Any, Any]


def add_resources(server: MCPServer[Any]) -> None:
    """Offer the resources that the suite reads."""

    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        return "A text that stays."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        return base64.b64decode(PIXEL)

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def from_template(id: str) -> str:
        return json.dumps({"id": id})

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        return "A text that somebody watches."


def add_prompts(server: MCPServer[Any]) -> None:
    """Offer the prompts that the suite gets, and completions for their arguments."""

    @server.prompt("test_simple_prompt", description="A prompt without arguments.")
    def simple() -> str:
        return "Say hello."

    @server.prompt("test_prompt_with_arguments", description="A prompt with two arguments.")
    def with_arguments(arg1: str, arg2: str) -> str:
        return f"Compare '{arg1}' with '{arg2}'."

    @server.prompt("test_prompt_with_embedded_resource", description="A prompt with a document.")
    def with_document(resourceUri: str) -> list[UserMessage]:
        return [UserMessage(embedded(resourceUri, "A document.")), UserMessage("Read it.")]

    @server.prompt("test_prompt_with_image", description="A prompt with a picture.")
    def with_image() -> list[UserMessage]:
        picture = types.ImageContent(type="image", data=PIXEL, mime_type="image/png")
        return [UserMessage(picture), UserMessage("Look at it.")]

    server.prompt("test_input_required_result_prompt", description="A prompt that asks first.")(asking_prompt)

    @server.completion()  # type: ignore[no-untyped-call,untyped-decorator]
    async def complete(ref: Any, argument: types.CompletionArgument, context: Any) -> types.Completion:
        known = [word for word in ("test", "testing") if word.startswith(argument.value)]
        return types.Completion(values=known, total=len(known), has_more=False)


def add_requests(server: MCPServer[Any]) -> None:
    """Answer what clients of 2025-11-25 may ask of servers that log and can be subscribed to."""

    async def done(_ctx: Request, _params: Any) -> types.EmptyResult:
        return types.EmptyResult()

    # The SDK's own server offers no place for them.
    answered = server._lowlevel_server
    answered.add_request_handler("logging/setLevel", types.SetLevelRequestParams, done)
    answered.add_request_handler("resources/subscribe", types.SubscribeRequestParams, done)
    answered.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, done)
