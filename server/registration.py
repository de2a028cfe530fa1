"""Turns declared tools into the SDK's: strict arguments, lean schemas, answers in text and structure alike."""

from __future__ import annotations

import base64
import functools
import inspect
import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ImageContent, TextContent, ToolAnnotations
from pydantic import PrivateAttr, ValidationError

from ..core.errors import PolymarketAPIError
from ..core.settings import Mode
from ..core.storage.caller import on_behalf_of
from ..core.telemetry.request import current_request
from ..core.telemetry.tracing import describe_call
from ..core.untrusted_text import is_visible, visible
from ..handlers.answer import Answer, Picture
from ..handlers.confirmation import desk_of
from ..handlers.failures import Failure, failure_of, failure_of_arguments, unexpected
from ..handlers.toolspec import ToolSpec
from .progress import CallProgress
from .schemas import answer_schema, lean_schema, rendered_schemas

if TYPE_CHECKING:
    from ..core.telemetry.metrics import CallMetrics

_log = logging.getLogger(__name__)


class DeskTool(Tool):
    """A tool whose every failure is an answer the model can act on, never a bare exception text."""

    changes: bool = False
    mode: str = ""
    answers: tuple[str, ...] = ()
    _measured: Callable[[], CallMetrics] | None = PrivateAttr(None)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        if self._measured is None:
            return await self._answer(arguments, context, convert_result)
        began = time.perf_counter()
        outcome: str | None = "abandoned"
        try:
            answer = await self._answer(arguments, context, convert_result)
            outcome = _code_of(answer)
        finally:
            taken_s = time.perf_counter() - began
            self._measured().finished(self.name, latency_s=taken_s, error=outcome)
            _log.info("tool %s: %s in %.1f ms", self.name, outcome or "ok", 1000 * taken_s)
            describe_call(mode=self.mode, outcome=outcome or "ok")
        return answer

    async def _answer(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool) -> Any:
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            known = list(self.fn_metadata.arg_model.model_fields)
            return failed(failure_of_arguments(self.name, error, known))
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            cause = _cause_of(error)
            if cause is not None:
                return failed(failure_of(cause))
            if not isinstance(error, UnexpectedToolError):
                # The SDK's own refusal, such as of an answer to a question that does not fit its form.
                return failed(Failure("not_answered", f"{error} Nothing was sent.", "no", "never"))
            request = current_request()
            error_id = request.request_id if request else secrets.token_hex(4)
            _log.exception("tool %s failed, error %s", self.name, error_id)
            return failed(unexpected(error_id, changes=self.changes))


def build_tools(
    specs: Sequence[ToolSpec], mode: Mode, *, measured: Callable[[], CallMetrics] | None = None
) -> list[Tool]:
    """The SDK's tools for `specs`, with the mode written into titles and descriptions.

    `measured` is asked, when a call has ended, for where it is counted, by tool and code of failure.
    """
    tools: list[Tool] = []
    for spec in specs:
        tool = _declared(spec, mode).model_copy()
        tool._measured = measured
        tools.append(tool)
    return tools


def failed(failure: Failure) -> CallToolResult:
    """A tool error with the same content for hosts that read text and hosts that read structure."""
    return _answered(failure.as_json(), is_error=True)


@functools.cache
def _declared(spec: ToolSpec, mode: Mode) -> DeskTool:
    """The tool, made once however many servers of this process offer it."""
    answers = rendered_schemas().get(spec.name) or answer_schema(spec)
    label = mode.value.upper()
    tool = DeskTool.from_function(
        _callable(spec),
        name=spec.name,
        title=spec.title.format(MODE=label),
        description=inspect.cleandoc(spec.function.__doc__ or "").format(MODE=label),
        annotations=ToolAnnotations(
            read_only_hint=not spec.changes,
            destructive_hint=spec.destructive,
            idempotent_hint=spec.idempotent,
            open_world_hint=spec.open_world,
        ),
        structured_output=False,  # the schema is known, and an answer is a model that was checked when it was made
    )
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters = lean_schema({**tool.parameters, "additionalProperties": False}, output=False)
    assert isinstance(tool, DeskTool)
    tool.answers = answers.fields
    tool.fn_metadata.output_schema = answers.schema
    tool.changes = spec.changes
    tool.mode = mode.value
    return tool


def _callable(spec: ToolSpec) -> Callable[..., Any]:
    """The function the SDK calls: the declared one, with the call's context in the place of the desk."""
    hints = get_type_hints(spec.function, include_extras=True)
    reports = "progress" in hints

    @functools.wraps(spec.function)
    async def call(ctx: Context[Any], **arguments: Any) -> CallToolResult:
        desk = await desk_of(ctx)
        with on_behalf_of(desk.caller):
            if reports:
                progress = CallProgress(ctx)
                answer: Answer = await spec.function(desk, progress, **arguments)
                await progress.sent()
            else:
                answer = await spec.function(desk, **arguments)
        return _answered(answer.as_json(), picture=answer.png if isinstance(answer, Picture) else None)

    declared = [
        each for each in inspect.signature(spec.function).parameters.values() if each.name not in ("desk", "progress")
    ]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context[Any])
    parameters = [context, *(each.replace(annotation=hints[each.name]) for each in declared)]
    del call.__wrapped__  # the SDK would read the declared signature through it
    call.__signature__ = inspect.Signature(parameters, return_annotation=CallToolResult)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": CallToolResult}
    return call


def _code_of(answer: Any) -> str | None:
    """The code of an answer that is a failure."""
    if not (isinstance(answer, CallToolResult) and answer.is_error):
        return None
    return str((answer.structured_content or {}).get("code", "failed"))


def _cause_of(error: BaseException) -> PolymarketAPIError | None:
    while error.__cause__ is not None:
        error = error.__cause__
        if isinstance(error, PolymarketAPIError):
            return error
    return None


def _answered(data: dict[str, Any], *, is_error: bool = False, picture: bytes | None = None) -> CallToolResult:
    """The same content for hosts that read text and hosts that read structure, with nothing in it that could act.

    A picture stands beside text alone.
    """
    data, text = looked_through(data)
    said = TextContent(type="text", text=text)
    if picture is not None:
        image = ImageContent(type="image", data=base64.b64encode(picture).decode(), mime_type="image/png")
        return CallToolResult(content=[said, image])
    return CallToolResult(content=[said], structured_content=data, is_error=is_error)


def looked_through(data: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """An answer with nothing in it that a reader cannot see, and the same as text."""
    text = _json(data)
    if is_visible(text):
        return data, text
    data = visible(data)
    return data, _json(data)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
