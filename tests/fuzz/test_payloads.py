"""What the venue could send: each of the client's parsers reads it, or says where it is not what was expected."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.errors import PolymarketAPIError
from polydesk.core.polymarket.wire import relayer
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


_ROW = st.fixed_dictionaries({"transactionID": ANY, "state": st.one_of(ANY, st.just("STATE_MINED"))})
_APPROVAL = st.fixed_dictionaries({"token": st.text(), "spender": st.text(), "approved": ANY, "amount": ANY})


@pytest.mark.parametrize(
    ("parse", "payloads"),
    [
        (relayer.parse_nonce, st.fixed_dictionaries({"nonce": ANY})),
        (relayer.parse_submitted, _ROW),
        (relayer.parse_transaction, st.lists(_ROW)),
        (relayer.parse_transactions, st.lists(_ROW)),
        (
            relayer.parse_approvals,
            st.fixed_dictionaries({"data": st.fixed_dictionaries({"contracts": st.lists(_APPROVAL)})}),
        ),
    ],
)
def test_an_answer_of_the_relayer_is_read_or_refused_by_name(parse: Any, payloads: st.SearchStrategy[Any]) -> None:
    @given(st.one_of(payloads, ANY))
    def attempt(payload: Any) -> None:
        TRIED["wire payloads"] += 1
        try:
            sent = json.loads(json.dumps(payload))
        except ValueError:
            return
        try:
            parse(sent, NOW)
        except PolymarketAPIError as refused:
            assert refused.message

    attempt()
