"""Prices over time, in as many requests as the venue's limits make necessary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..identifiers import TokenId
from ..models import Candle, PriceHistory
from . import price_history_requests as requests
from .client import PolymarketClient


class PriceHistoryClient(PolymarketClient):
    """Midpoints and candles of the order book service. Answers may be an hour old."""

    async def price_history(
        self,
        token_id: TokenId,
        *,
        interval: requests.Interval | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        fidelity_min: int | None = None,
    ) -> PriceHistory:
        """Midpoints over time: an `interval` back from now (1m is a month), or from `start` to `end` or now.

        Windows longer than 15 days are asked for in parts. `fidelity_min` is the bucket in minutes. An unknown token
        has no points. Raises InputRejected for a window that makes no sense.
        """
        spans = self._spans(interval, start, end, fidelity_min)
        parts = [await self._transport.call(requests.price_history_spec(token_id, span)) for span in spans]
        return requests.joined(token_id, parts)

    async def price_histories(
        self,
        token_ids: Sequence[TokenId],
        *,
        interval: requests.Interval | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        fidelity_min: int | None = None,
    ) -> dict[TokenId, PriceHistory]:
        """`price_history` of several tokens, 20 to a request; each token has an entry, empty where nothing is known."""
        spans = self._spans(interval, start, end, fidelity_min)
        tokens = list(dict.fromkeys(token_ids))
        found: dict[TokenId, PriceHistory] = {}
        for first in range(0, len(tokens), requests.TOKENS_PER_HISTORY):
            batch = tokens[first : first + requests.TOKENS_PER_HISTORY]
            parts = [await self._transport.call(requests.price_histories_spec(batch, span)) for span in spans]
            for token_id in batch:
                found[token_id] = requests.joined(token_id, [part[token_id] for part in parts])
        return found

    async def candles(
        self, token_id: TokenId, *, size: requests.CandleSize, start: datetime, limit: int = 1000
    ) -> tuple[Candle, ...]:
        """At most `limit` (1 to 1000) candles from `start` on, oldest first.

        The venue documents the request and not the answer, so every likely form of it is read.
        """
        return await self._transport.call(requests.candles_spec(token_id, size=size, start=start, limit=limit))

    def _spans(
        self,
        interval: requests.Interval | None,
        start: datetime | None,
        end: datetime | None,
        fidelity_min: int | None,
    ) -> tuple[requests.Span, ...]:
        now = self._transport.clock.now()
        return requests.spans_of(interval=interval, start=start, end=end, fidelity_min=fidelity_min, now=now)
