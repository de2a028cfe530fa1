"""What a token may call: scopes per toolset, checked before a call goes anywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import BaseModel

from ...core.errors import InputRejected
from ...core.storage.caller import proved_by
from ...handlers.failures import Failure
from ...handlers.resources import ResourceSpec, resource_of
from ...handlers.toolspec import Toolset, ToolSpec
from ..alert_news import followed_uris

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken
    from starlette.types import Scope

Context = ServerRequestContext[Any, Any]

SCOPES = tuple(f"{toolset.value}:{way}" for toolset in Toolset for way in ("read", "write"))
"""`TOOLSET:read` allows the toolset's tools that only read, `TOOLSET:write` all of them."""


def check_scopes(scopes: Sequence[str]) -> None:
    """Raise InputRejected `unknown_scope` for names that are none."""
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise InputRejected(
            f"There is no scope {', '.join(unknown)}; choose from {', '.join(SCOPES)}.", code="unknown_scope"
        )


def allowed(spec: ToolSpec, scopes: Collection[str]) -> bool:
    """Whether a token with these scopes may call a tool."""
    write = f"{spec.toolset.value}:write"
    return write in scopes or (not spec.changes and f"{spec.toolset.value}:read" in scopes)


def guard_scopes(specs: Iterable[ToolSpec]) -> ServerMiddleware[Any]:
    """Middleware: a token is shown, calls, reads and follows those tools of `specs` and resources of the desk that its
    scopes allow, and no others.

    Without authentication everything passes.
    """
    known = {spec.name: spec for spec in specs}

    def shown(name: str, scopes: Collection[str]) -> bool:
        spec = known.get(name)
        return spec is not None and allowed(spec, scopes)

    async def guarded(ctx: Context, call_next: CallNext) -> HandlerResult:
        scopes = _scopes_of(ctx)
        if scopes is None:
            return await call_next(ctx)
        if ctx.method == "tools/call":
            name = str((ctx.params or {}).get("name"))
            if (spec := known.get(name)) is None:
                return _unknown(name)
            if not allowed(spec, scopes):
                return _refused(spec)
        for uri in _read_or_followed(ctx):
            resource = resource_of(uri)
            if resource is not None and not _readable(resource, scopes):
                raise MCPError(INVALID_PARAMS, f"The token of this connection lacks the scope {resource.toolset}:read.")
        result = await call_next(ctx)
        match ctx.method:
            case "tools/list":
                return _listed(result, "tools", lambda each: shown(each["name"], scopes))
            case "resources/list":
                return _listed(result, "resources", lambda each: _may_read(each["uri"], scopes))
            case "resources/templates/list":
                return _listed(result, "resourceTemplates", lambda each: _may_read(each["uriTemplate"], scopes))
        return result

    return guarded


def token_of(ctx: Context) -> str | None:
    """Whose token a call came with; None where nobody had to show one."""
    user = _user_of(ctx)
    return None if user is None else holder_of(user.access_token)


def holder_of(token: AccessToken) -> str:
    """One name for each holder: that of a handed out token, or a person and the program that acts for them.

    The second holds a blank, which names of handed out tokens cannot.
    """
    return token.client_id if token.subject is None else f"{token.subject} with {token.client_id}"


async def name_principal(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Middleware: whatever a call writes down is written for the holder of its token."""
    with proved_by(token_of(ctx)):
        return await call_next(ctx)


def _scopes_of(ctx: Context) -> frozenset[str] | None:
    user = _user_of(ctx)
    return None if user is None else frozenset(user.access_token.scopes)


def allows(scope: Scope, needed: str) -> bool:
    """Whether a web request that got this far may use what needs a scope to read; without authentication it may."""
    user = _user_in(scope)
    toolset = needed.partition(":")[0]
    return user is None or needed in user.access_token.scopes or f"{toolset}:write" in user.access_token.scopes


def _user_of(ctx: Context) -> Any:
    return None if ctx.request is None else _user_in(ctx.request.scope)


def _user_in(scope: Scope) -> Any:
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser  # there was a request, so it is loaded

    user = scope.get("user")
    return user if isinstance(user, AuthenticatedUser) else None


def _refused(spec: ToolSpec) -> HandlerResult:
    from ..registration import failed

    way = "write" if spec.changes else "read"
    return failed(
        Failure(
            "not_allowed",
            f"The token of this connection may not use {spec.name}: it lacks the scope {spec.toolset.value}:{way}. "
            "Nothing was sent. A person can give it a token that has it.",
            "no",
            "never",
        )
    )


def _unknown(name: str) -> HandlerResult:
    """No scope allows what has none, be it a name that is wrong or a tool that nobody gave a toolset."""
    from ..registration import failed

    return failed(Failure("unknown_tool", f"There is no tool {name[:64]}. Nothing was sent.", "no", "never"))


def _readable(resource: ResourceSpec, scopes: Collection[str]) -> bool:
    return f"{resource.toolset.value}:read" in scopes or f"{resource.toolset.value}:write" in scopes


def _read_or_followed(ctx: Context) -> Sequence[str]:
    """The resources that a request is about."""
    if ctx.method == "resources/read":
        return (str((ctx.params or {}).get("uri")),)
    return followed_uris(ctx.params) if ctx.method == "subscriptions/listen" else ()


def _may_read(uri: str, scopes: Collection[str]) -> bool:
    resource = resource_of(uri)
    return resource is None or _readable(resource, scopes)


def _listed(result: HandlerResult, what: str, shown: Callable[[Mapping[str, Any]], bool]) -> HandlerResult:
    """The list without what the token may not use; the SDK hands it on as a model or as what is sent."""
    sent = result if isinstance(result, dict) else None
    if sent is None:
        assert isinstance(result, BaseModel)
        sent = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return {**sent, what: [each for each in sent[what] if shown(each)]}
