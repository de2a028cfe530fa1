"""What a token is shown and may call, of a server that offers more than anybody declared."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import MCPError
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp_types import CallToolResult, ListToolsResult, Tool

from polydesk.handlers.catalogue import all_tools
from polydesk.server.web.scopes import SCOPES, guard_scopes

STRAY = "stray_tool"
KNOWN = all_tools()[0].name


def request(method: str, *, token: bool, scopes: Sequence[str] = SCOPES, **params: Any) -> Any:
    user = AuthenticatedUser(AccessToken(token="t", client_id="somebody", scopes=list(scopes)))
    scope = {"user": user} if token else {}
    return SimpleNamespace(method=method, params=params, request=SimpleNamespace(scope=scope))


async def listed(_: Any) -> ListToolsResult:
    return ListToolsResult(tools=[Tool(name=name, input_schema={"type": "object"}) for name in (KNOWN, STRAY)])


async def listed_as_sent(ctx: Any) -> dict[str, Any]:
    return (await listed(ctx)).model_dump(by_alias=True, mode="json")


async def called(_: Any) -> CallToolResult:
    return CallToolResult(content=[])


@pytest.mark.parametrize("answer", [listed, listed_as_sent])
async def test_a_tool_of_no_toolset_is_neither_shown_nor_called(answer: Any) -> None:
    guard = guard_scopes(all_tools())
    shown = ListToolsResult.model_validate(await guard(request("tools/list", token=True), answer))
    assert [tool.name for tool in shown.tools] == [KNOWN]
    refused = await guard(request("tools/call", token=True, name=STRAY), called)
    assert isinstance(refused, CallToolResult)
    assert refused.structured_content is not None
    assert (refused.is_error, refused.structured_content["code"]) == (True, "unknown_tool")
    assert refused.structured_content["anything_sent"] == "no"


async def test_where_nobody_shows_a_token_everything_passes() -> None:
    guard = guard_scopes(all_tools())
    everything = await guard(request("tools/list", token=False), listed)
    assert everything == await listed(None)
    assert await guard(request("tools/call", token=False, name=STRAY), called) == await called(None)


@pytest.mark.parametrize(
    ("method", "about"),
    [
        ("resources/read", {"uri": "polymarket://alerts"}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["polymarket://alerts"]}}),
    ],
)
async def test_alerts_are_read_and_followed_with_the_scope_of_operations_alone(
    method: str, about: dict[str, Any]
) -> None:
    guard = guard_scopes(all_tools())
    with pytest.raises(MCPError, match="operations:read"):
        await guard(request(method, token=True, scopes=["markets:read"], **about), called)
    for scope in ("operations:read", "operations:write"):
        assert await guard(request(method, token=True, scopes=[scope], **about), called) == await called(None)


@pytest.mark.parametrize("notifications", [None, "all", ["x"], {"resourceSubscriptions": "polymarket://alerts"}])
async def test_a_subscription_that_is_none_is_left_to_the_sdk(notifications: Any) -> None:
    guard = guard_scopes(all_tools())
    asked = request("subscriptions/listen", token=True, scopes=["markets:read"], notifications=notifications)
    assert await guard(asked, called) == await called(None)
