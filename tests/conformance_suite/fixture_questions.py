"""The suite's tools that ask the client something: by a request (2025-11-25), or by their result (2026-07-28)."""

from __future__ import annotations

from typing import Any

import mcp_types as types
from mcp.server.mcpserver import Context

from .fixture_tools import Fixture

Asked = str | types.InputRequiredResult

_NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_AGREED = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


async def test_sampling(prompt: str, ctx: Context[Any]) -> str:
    said = await ctx.session.create_message([_said(prompt)], max_tokens=100, related_request_id=ctx.request_id)
    return f"The model said {said.content}."


async def test_elicitation(message: str, ctx: Context[Any]) -> str:
    fields = {"username": {"type": "string"}, "email": {"type": "string"}}
    return await _answer(ctx, message, fields, required=["username", "email"])


async def test_elicitation_sep1034_defaults(ctx: Context[Any]) -> str:
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await _answer(ctx, "Who are you?", fields)


async def test_elicitation_sep1330_enums(ctx: Context[Any]) -> str:
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{number}", "title": f"Value {number}"} for number in (1, 2, 3)]
    old = ["opt1", "opt2", "opt3"]
    fields = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {"type": "string", "enum": old, "enumNames": [name.upper() for name in old]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await _answer(ctx, "Which ones?", fields)


async def test_input_required_result_elicitation(ctx: Context[Any]) -> Asked:
    match _responses(ctx).get("user_name"):
        case types.ElicitResult(content={"name": name}):
            return f"Hello, {name}!"
    return types.InputRequiredResult(input_requests={"user_name": _form("What is your name?", _NAME)})


async def test_streaming_elicitation(ctx: Context[Any]) -> Asked:
    await ctx.report_progress(1, 2)
    return types.InputRequiredResult(input_requests={"user_name": _form("What is your name?", _NAME)})


async def test_input_required_result_sampling(ctx: Context[Any]) -> Asked:
    match _responses(ctx).get("capital_question"):
        case types.CreateMessageResult(content=content):
            return f"The model said {content}."
    return types.InputRequiredResult(input_requests={"capital_question": _sample("What is the capital of France?")})


async def test_input_required_result_list_roots(ctx: Context[Any]) -> Asked:
    match _responses(ctx).get("client_roots"):
        case types.ListRootsResult(roots=roots):
            return f"Roots: {[str(root.uri) for root in roots]}."
    return types.InputRequiredResult(input_requests={"client_roots": types.ListRootsRequest()})


async def test_input_required_result_request_state(ctx: Context[Any]) -> Asked:
    if ctx.request_state == "asked" and "confirm" in _responses(ctx):
        return "state-ok"
    return types.InputRequiredResult(input_requests={"confirm": _form("Sure?", _AGREED)}, request_state="asked")


async def test_input_required_result_tampered_state(ctx: Context[Any]) -> Asked:
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Context[Any]) -> Asked:
    questions: dict[str, types.InputRequest] = {
        "user_name": _form("What is your name?", _NAME),
        "greeting": _sample("Greet somebody."),
        "client_roots": types.ListRootsRequest(),
    }
    if questions.keys() <= _responses(ctx).keys():
        return "All three were answered."
    return types.InputRequiredResult(input_requests=questions, request_state="three")


async def test_input_required_result_multi_round(ctx: Context[Any]) -> Asked:
    answered = _responses(ctx)
    if ctx.request_state == "second" and "step2" in answered:
        return "Both rounds were answered."
    if ctx.request_state == "first" and "step1" in answered:
        color = {"type": "object", "properties": {"color": {"type": "string"}}, "required": ["color"]}
        return types.InputRequiredResult(
            input_requests={"step2": _form("Which color do you like?", color)}, request_state="second"
        )
    return types.InputRequiredResult(
        input_requests={"step1": _form("What is your name?", _NAME)}, request_state="first"
    )


async def test_input_required_result_capabilities(ctx: Context[Any]) -> Asked:
    declared = ctx.client_capabilities or types.ClientCapabilities()
    questions: dict[str, types.InputRequest] = {}
    if declared.sampling is not None:
        questions["sample"] = _sample("Say something.")
    if declared.elicitation is not None:
        questions["form"] = _form("What is your name?", _NAME)
    return types.InputRequiredResult(input_requests=questions, request_state="asked")


async def asking_prompt(ctx: Context[Any]) -> Asked:
    """A prompt that needs to know something first."""
    match _responses(ctx).get("user_context"):
        case types.ElicitResult(content={"context": context}):
            return f"Answer with {context} in mind."
    context = {"type": "object", "properties": {"context": {"type": "string"}}, "required": ["context"]}
    return types.InputRequiredResult(input_requests={"user_context": _form("In which context?", context)})


TOOLS: tuple[Fixture, ...] = (
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_streaming_elicitation,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
)


def _responses(ctx: Context[Any]) -> dict[str, Any]:
    return dict(ctx.input_responses or {})


async def _answer(ctx: Context[Any], message: str, fields: dict[str, Any], *, required: list[str] | None = None) -> str:
    form = {"type": "object", "properties": fields, "required": required or []}
    answer = await ctx.session.elicit_form(message, form, related_request_id=ctx.request_id)
    return f"{answer.action}: {answer.content}"


def _form(message: str, schema: dict[str, Any]) -> types.ElicitRequest:
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str) -> types.CreateMessageRequest:
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[_said(text)], max_tokens=50))


def _said(text: str) -> types.SamplingMessage:
    return types.SamplingMessage(role="user", content=types.TextContent(type="text", text=text))
