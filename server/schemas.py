"""The schemas that a tool lists: lean, and those of answers rendered before, so that a start need not make them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, get_type_hints

from ..handlers.answer import Picture
from ..handlers.toolspec import ToolSpec

_RENDERED = "answer_schemas.json"


class AnswerSchema(NamedTuple):
    """What a tool says of its answers (None: hosts get no structure), and the names of their fields."""

    schema: dict[str, Any] | None
    fields: tuple[str, ...]


def answer_schema(spec: ToolSpec) -> AnswerSchema:
    """Made from the model that the tool answers with."""
    from pydantic import TypeAdapter

    answers = get_type_hints(spec.function)["return"]
    whole = TypeAdapter(answers).json_schema(mode="serialization")
    schema = None if issubclass(answers, Picture) else lean_schema(whole, output=True)
    return AnswerSchema(schema, tuple(whole["properties"]))


@cache
def rendered_schemas() -> dict[str, AnswerSchema]:
    """Those of all tools of this package, by tool: `make docs` writes them."""
    found = json.loads(files(__package__).joinpath(_RENDERED).read_text(encoding="utf-8"))
    return {name: AnswerSchema(each["schema"], tuple(each["fields"])) for name, each in found.items()}


def render_schemas(specs: tuple[ToolSpec, ...]) -> str:
    """The text of the file."""
    found = {spec.name: answer_schema(spec)._asdict() for spec in specs}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


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
