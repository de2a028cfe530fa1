"""Turns declared tools into the SDK's: strict arguments, lean schemas, answers in text and structure alike."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_type_hints

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from ..core.errors import PolymarketAPIError
from ..core.settings import Mode
from ..core.storage.caller import on_behalf_of
from ..core.untrusted_text import is_visible, visible
from ..handlers.answer import Answer
from ..handlers.confirmation import desk_of
from ..handlers.failures import Failure, failure_of, failure_of_arguments, unexpected
from ..handlers.toolspec import ToolSpec
from .progress import CallProgress

_log = logging.getLogger(__name__)


class DeskTool(Tool):
    """A tool whose every failure is an answer the model can act on, never a bare exception text."""

    changes: bool = False
    answers: tuple[str, ...] = ()

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
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
            error_id = secrets.token_hex(4)
            _log.exception("tool %s failed, error %s", self.name, error_id)
            return failed(unexpected(error_id, changes=self.changes))


def build_tools(specs: Sequence[ToolSpec], mode: Mode) -> list[Tool]:
    """The SDK's tools for `specs`, with the mode written into titles and descriptions."""
    return [_tool(spec, mode) for spec in specs]


def failed(failure: Failure) -> CallToolResult:
    """A tool error with the same content for hosts that read text and hosts that read structure."""
    return _answered(failure.as_json(), is_error=True)


def lean_schema(schema: dict[str, Any], *, output: bool) -> dict[str, Any]:
    """A JSON schema that costs a model as little as it can and still says everything.

    Definitions stand where they are used. Generated titles, null branches and null defaults go: an argument that may
    be null may also be left out. How long a text may be is checked and not listed: no model counts its letters.

    Output schemas also lose `additionalProperties` and `required`, which matter to who writes an answer and not to
    who reads it. Of an answer's fields they list those that hold something, and name the others in words.
    """
    definitions = schema.get("$defs", {})
    lean = _lean({key: value for key, value in schema.items() if key != "$defs"}, definitions, output=output)
    assert isinstance(lean, dict)
    return _outlined_answer(lean) if output else lean


def _outlined_answer(schema: dict[str, Any]) -> dict[str, Any]:
    """An answer at a third of what a schema of each field would cost: JSON shows what is a text or a number."""
    fields: dict[str, Any] = schema.get("properties", {})
    plain = {name: each for name, each in fields.items() if each.get("type") != "array" and "properties" not in each}
    said = [f"{name} ({each['description']})" if each.get("description") else name for name, each in plain.items()]
    described = ". ".join(part for part in (", ".join(said), schema.get("description", "")) if part)
    holding = {name: _outlined(each) for name, each in fields.items() if name not in plain}
    return {"type": "object", "description": described, "properties": holding}


def _outlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A list or an object inside an answer, with the names of what is in it in words."""
    inner = schema["items"] if schema.get("type") == "array" else schema
    about = inner.get("description", "")
    if "properties" in inner:
        about = f"{_field_names(inner)}. {about}".strip()
    return {"type": schema["type"], **({"description": about} if about else {})}


def _field_names(schema: dict[str, Any]) -> str:
    named = []
    for name, each in schema["properties"].items():
        inner = each.get("items", each) if each.get("type") == "array" else each
        named.append(f"{name} ({_field_names(inner)})" if "properties" in inner else name)
    return ", ".join(named)


def _lean(schema: Any, definitions: dict[str, Any], *, output: bool) -> Any:
    if isinstance(schema, list):
        return [_lean(each, definitions, output=output) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = _inlined(_without_null(_inlined(schema, definitions)), definitions)
    lean: dict[str, Any] = {}
    for key, value in schema.items():
        if (key == "title" and isinstance(value, str)) or (key == "default" and value is None):
            continue
        if output and key in ("additionalProperties", "required") and not isinstance(value, dict):
            continue
        if key == "maxLength":
            continue
        if key == "properties":
            lean[key] = {name: _lean(each, definitions, output=output) for name, each in value.items()}
        elif key in ("default", "enum", "const", "required"):
            lean[key] = value
        else:
            lean[key] = _lean(value, definitions, output=output)
    return lean


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The definition a reference points to, with what stands beside the reference. No answer refers to itself."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions[reference.removeprefix("#/$defs/")], **beside}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    branches = schema.get("anyOf")
    if not isinstance(branches, list) or {"type": "null"} not in branches:
        return schema
    rest = [branch for branch in branches if branch != {"type": "null"}]
    outer = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(rest) == 1:
        return {**rest[0], **outer}
    return {**outer, "anyOf": rest}


def _tool(spec: ToolSpec, mode: Mode) -> Tool:
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
    )
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters = lean_schema({**tool.parameters, "additionalProperties": False}, output=False)
    assert tool.fn_metadata.output_schema is not None  # every tool answers a model
    assert isinstance(tool, DeskTool)
    tool.answers = tuple(tool.fn_metadata.output_schema["properties"])
    tool.fn_metadata.output_schema = lean_schema(tool.fn_metadata.output_schema, output=True)
    tool.changes = spec.changes
    return tool


def _callable(spec: ToolSpec) -> Callable[..., Any]:
    """The function the SDK calls: the declared one, with the call's context in the place of the desk."""
    hints = get_type_hints(spec.function, include_extras=True)
    answer_type = hints["return"]
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
        return _answered(answer.as_json())

    declared = [
        each for each in inspect.signature(spec.function).parameters.values() if each.name not in ("desk", "progress")
    ]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context[Any])
    parameters = [context, *(each.replace(annotation=hints[each.name]) for each in declared)]
    returns = Annotated[CallToolResult, answer_type]
    del call.__wrapped__  # the SDK would read the declared signature through it
    call.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": returns}
    return call


def _cause_of(error: BaseException) -> PolymarketAPIError | None:
    while error.__cause__ is not None:
        error = error.__cause__
        if isinstance(error, PolymarketAPIError):
            return error
    return None


def _answered(data: dict[str, Any], *, is_error: bool = False) -> CallToolResult:
    """The same content for hosts that read text and hosts that read structure, with nothing in it that could act."""
    text = _json(data)
    if not is_visible(text):
        data = visible(data)
        text = _json(data)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data, is_error=is_error)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
