"""Spreading tokens over connections."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.identifiers import TokenId
from polydesk.core.polymarket.subscriptions import rebalance

TOKENS = st.sets(st.integers(0, 60).map(lambda number: TokenId(str(number))))


@given(first=TOKENS, second=TOKENS, limit=st.integers(1, 12))
def test_every_wanted_token_lives_on_exactly_one_connection(
    first: set[TokenId], second: set[TokenId], limit: int
) -> None:
    before = rebalance([], first, limit=limit)
    after = rebalance(before, second, limit=limit)
    assert len(after) >= len(before)
    assert sorted(token for shard in after for token in shard) == sorted(second)
    assert all(len(shard) <= limit for shard in after)
    assert sum(bool(shard) for shard in after) == -(-len(second) // limit)


@given(first=TOKENS, more=TOKENS, limit=st.integers(1, 12))
def test_adding_tokens_moves_none(first: set[TokenId], more: set[TokenId], limit: int) -> None:
    before = rebalance([], first, limit=limit)
    after = rebalance(before, first | more, limit=limit)
    assert all(shard <= grown for shard, grown in zip(before, after, strict=False))


def test_the_smallest_connection_is_given_up() -> None:
    shards = [{TokenId("a"), TokenId("b")}, {TokenId("c")}]
    assert rebalance(shards, [TokenId("a"), TokenId("c")], limit=2) in (
        [{TokenId("a"), TokenId("c")}, set()],
        [set(), {TokenId("a"), TokenId("c")}],
    )


def test_no_tokens_need_no_connection() -> None:
    assert rebalance([], []) == []
    assert rebalance([{TokenId("a")}], []) == [set()]
