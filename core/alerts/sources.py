"""What the watch reads: the parts of a desk that rules are about, each as one function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ..identifiers import ConditionId, TokenId
from ..models import Market, OrderBook
from ..storage.audit_log import AuditEntry
from ..trading.order_record import OrderRecord
from .account_conditions import Equity
from .run_conditions import RunSeen
from .system_conditions import RequestsSeen, StreamSeen, Troubles

Prices = Sequence[tuple[datetime, Decimal]]
"""Midpoints, oldest first."""


class Audit(Protocol):
    """The account of every decision of the desk."""

    def last_number(self) -> int: ...

    def entries(self, *, after: int = 0, kind: str | None = None) -> Sequence[AuditEntry]: ...


class ReadBooks(Protocol):
    def __call__(self, token_ids: Sequence[TokenId]) -> Awaitable[Mapping[TokenId, OrderBook]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSources:
    """`followed_book` is a book that the stream keeps current, without a request; `read_books` takes one for all.

    `prices` are an outcome's midpoints since a moment, `markets` what the catalogue says of some markets now, `newest`
    those it listed last, `held` the markets in which the account holds something. `equity` is what the account was
    worth since a moment, `holdings` the same without its cash, `exposure` the dollars it can lose at most. `requests`,
    `stream` and `troubles` ask nobody.
    """

    audit: Audit
    order: Callable[[str], OrderRecord | None]
    followed_book: Callable[[TokenId], OrderBook | None]
    read_books: ReadBooks
    prices: Callable[[TokenId, datetime], Awaitable[Prices]]
    markets: Callable[[Sequence[ConditionId]], Awaitable[Sequence[Market]]]
    newest: Callable[[], Awaitable[Sequence[Market]]]
    held: Callable[[], Awaitable[Sequence[ConditionId]]]
    equity: Callable[[datetime], Equity]
    holdings: Callable[[datetime], Equity]
    exposure: Callable[[], Awaitable[Decimal]]
    runs: Callable[[], Awaitable[Sequence[RunSeen]]]
    requests: Callable[[], RequestsSeen]
    stream: Callable[[], StreamSeen]
    troubles: Callable[[], Troubles]
