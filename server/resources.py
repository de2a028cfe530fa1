"""Offers resources and prompts through the SDK: what the desk tells by address, and how conversations begin."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mcp.server.apps import Apps
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.server.mcpserver.resources import FunctionResource, Resource
from mcp.server.mcpserver.tools import Tool

from ..core.errors import InputRejected, PolymarketAPIError
from ..core.storage.caller import on_behalf_of
from ..handlers.prompts import PROMPTS, PromptSpec
from ..handlers.resources import GUIDE, RESOURCES, ResourceSpec
from ..handlers.toolspec import Toolset
from .registration import looked_through
from .views import VIEWS, View, page

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from ..handlers.confirmation import DeskSource


class DeskResource(Resource):
    """What the desk says when it is read."""

    read_desk: Callable[[], Any]

    async def read(self) -> str:
        answer: str = await self.read_desk()
        return answer


class ViewResource(Resource):
    """The page of a view, put together when a host asks for it."""

    view: View

    async def read(self) -> str:
        return page(self.view.name)


def views_of(tools: Sequence[Tool]) -> Apps:
    """The extension that shows answers of these tools as pages; the tools say which. Their text stands alone."""
    apps = Apps()
    by_name = {tool.name: tool for tool in tools}
    for view in VIEWS:
        if (tool := by_name.get(view.tool)) is not None:
            tool.meta = {"ui": {"resourceUri": view.uri}}
            apps.add_resource(ViewResource(uri=view.uri, name=view.name, title=view.title, view=view))
    return apps


def offer_resources(server: MCPServer[DeskSource], source: DeskSource, toolsets: frozenset[Toolset]) -> None:
    """Add the resources whose toolset is offered, and the guide."""
    server.add_resource(
        FunctionResource(
            uri=GUIDE,
            name="guide",
            title="How this desk works",
            description="Prices, orders, consent, outcomes and errors, on one page",
            mime_type="text/markdown",
            fn=_guide,
        )
    )
    for spec in RESOURCES:
        if spec.toolset not in toolsets:
            continue
        if "{" in spec.uri:
            server.resource(
                spec.uri,
                name=spec.name,
                title=spec.title,
                description=spec.description,
                mime_type="application/json",
            )(_of_slug(spec, source))
        else:
            server.add_resource(
                DeskResource(
                    uri=spec.uri,
                    name=spec.name,
                    title=spec.title,
                    description=spec.description,
                    mime_type="application/json",
                    read_desk=functools.partial(_answer, spec, source),
                )
            )


def offer_prompts(server: MCPServer[DeskSource], toolsets: frozenset[Toolset]) -> None:
    """Add the prompts, in words that name only tools which are offered."""
    for spec in PROMPTS:
        server.add_prompt(
            Prompt(
                name=spec.name,
                title=spec.title,
                description=spec.description,
                arguments=[
                    PromptArgument(name=name, description=about, required=True)
                    for name, about in spec.arguments.items()
                ],
                fn=_said(spec, toolsets),
                context_kwarg=None,
            )
        )


def _said(spec: PromptSpec, toolsets: frozenset[Toolset]) -> Callable[..., str]:
    def text(**given: str) -> str:
        return spec.text(toolsets, {name: str(given[name]) for name in spec.arguments})

    return text


def _guide() -> str:
    return files("polydesk.handlers").joinpath("guide.md").read_text(encoding="utf-8")


def _of_slug(spec: ResourceSpec, source: DeskSource) -> Callable[..., Any]:
    async def read(slug: str) -> str:
        return await _answer(spec, source, slug)

    return read


async def _answer(spec: ResourceSpec, source: DeskSource, *arguments: str) -> str:
    """The tool's answer as JSON, looked through like every other. Raises the SDK's errors for resources."""
    try:
        desk = await source.desk()
        with on_behalf_of(desk.caller):
            data = (await spec.read(desk, *arguments)).as_json()
    except InputRejected as error:
        raise ResourceNotFoundError(error.message) from error
    except PolymarketAPIError as error:
        raise ResourceError(error.message) from error
    _, text = looked_through(data)
    return text
