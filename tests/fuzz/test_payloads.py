"""What the venue could send: each of the client's parsers reads it, or says where it is not what was expected."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.errors import PolymarketAPIError
from polydesk.core.polymarket.wire_kinds import KINDS

from .conftest import TRIED
from .json_values import ANY

pytestmark = pytest.mark.fuzz

NOW = datetime(2026, 5, 17, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_parser_reads_or_refuses_by_name(kind: str) -> None:
    wanted = KINDS[kind]
    fields = dict.fromkeys(wanted.keys, ANY)

    @given(st.one_of(st.fixed_dictionaries(fields), ANY))
    def attempt(payload: Any) -> None:
        TRIED["wire payloads"] += 1
        try:
            sent = json.loads(json.dumps(payload))
        except ValueError:
            return
        try:
            wanted.read(sent, NOW)
        except PolymarketAPIError as refused:
            assert refused.message

    attempt()
