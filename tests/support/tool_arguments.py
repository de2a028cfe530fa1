"""Arguments that every tool of the catalogue accepts, made from its own schema."""

from __future__ import annotations

from typing import Any

from polydesk.core.settings import Mode
from polydesk.handlers.catalogue import all_tools
from polydesk.server.registration import build_tools
from tests.support.processes import FED

_BY_NAME: dict[str, Any] = {
    "market_id": FED,
    "one": FED,
    "other": FED,
    "event": "fed-decision-in-june-825",
    "outcome": "Yes",
    "size": 10,
    "price": 0.5,
    "my_probability": 0.5,
    "probability": 0.5,
    "time_in_force": "GTC",
    "query": "fed",
    "markets": [FED],
}

SCHEMAS: dict[str, dict[str, Any]] = {tool.name: tool.parameters for tool in build_tools(all_tools(), Mode.LIVE)}
"""What each tool takes, by its whole name."""


def required_arguments(tool: str) -> dict[str, Any]:
    """The least that the tool can be called with."""
    return _object(SCHEMAS[tool])


def value_of(name: str, schema: dict[str, Any]) -> Any:
    """Something of the right type."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return value_of(name, schema["anyOf"][0])
    match schema.get("type"):
        case "array":
            return [value_of(name, schema["items"])] * max(schema.get("minItems", 1), 1)
        case "object":
            return _object(schema)
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case _:
            return "text"


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value_of(name, schema["properties"][name]) for name in schema.get("required", ())}


def places_of_text(tool: str) -> list[tuple[str, dict[str, Any]]]:
    """(name of the argument, arguments with `{}` somewhere in it) for every place where the tool takes text."""
    found = []
    for name, schema in SCHEMAS[tool]["properties"].items():
        for value in _texts(schema):
            found.append((name, required_arguments(tool) | {name: value}))
    return found


def _texts(schema: dict[str, Any]) -> list[Any]:
    if "anyOf" in schema:
        return [value for each in schema["anyOf"] for value in _texts(each)]
    match schema.get("type"):
        case "string":
            return ["{}"]
        case "array":
            return [[value] for value in _texts(schema["items"])]
        case "object":
            return [{name: value} for name, each in schema.get("properties", {}).items() for value in _texts(each)]
        case _:
            return []
