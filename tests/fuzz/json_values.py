"""JSON as nobody means it: of any shape, with the numbers and texts that programs trip over."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_WORDS = " |0|-1|1e309|NaN|Infinity|null|[]|{}|\x00|\u202e|😀|0x|../../etc/passwd|' OR 1=1 --|${jndi:x}|2026-13-45"
AWKWARD = st.sampled_from(["", *_WORDS.split("|"), "0x" + "0" * 64, "9" * 400, "1970-01-01T00:00:00Z", "a" * 10_000])
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([0, -0.0, 1, -1, 2**63, -(2**63), 10**400, 1e-320, 0.1 + 0.2])
)
PLAIN = st.one_of(st.none(), st.booleans(), NUMBERS, AWKWARD, st.text(max_size=50))
ANY: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def of_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a JSON schema about half of the time, and anything else otherwise."""
    return st.one_of(_fitting(schema), _fitting(schema), ANY)


def _fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_fitting(branch) for branch in schema["anyOf"]])
    match schema.get("type"):
        case "string":
            return AWKWARD | st.text(max_size=60)
        case "number":
            return NUMBERS
        case "integer":
            return st.integers()
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(of_schema(schema.get("items", {})), max_size=4)
        case "object":
            required = schema.get("required", [])
            fields = {name: of_schema(each) for name, each in schema.get("properties", {}).items()}
            return st.fixed_dictionaries(
                {name: fields[name] for name in required},
                optional={name: each for name, each in fields.items() if name not in required},
            )
    return ANY
