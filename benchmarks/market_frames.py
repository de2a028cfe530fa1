"""Frames of the market channel made from a seed: consistent books, changed as a busy venue changes them.

Every frame of changes tells one level on both outcomes of a market, as the venue does; with trades, one in fifty is
followed by what a trade sends: both books whole and the trade.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_LEVELS = 30
"""Price levels to each side at the start; the recorded books of liquid markets have twenty to seventy."""

_TRADE_EVERY = 50
_START_MS = 1_790_000_000_000


@dataclass(slots=True)
class _Market:
    """Levels of the first outcome by cents; the second outcome is its mirror."""

    condition_id: str
    tokens: tuple[str, str]
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)

    def best(self, outcome: int) -> tuple[int, int]:
        bid, ask = max(self.bids, default=0), min(self.asks, default=100)
        return (bid, ask) if outcome == 0 else (100 - ask, 100 - bid)

    def book(self, outcome: int, stamp: str, fingerprint: str) -> dict[str, Any]:
        bids, asks = self.bids, self.asks
        if outcome == 1:
            bids, asks = {100 - p: size for p, size in asks.items()}, {100 - p: size for p, size in bids.items()}
        return {
            "market": self.condition_id,
            "asset_id": self.tokens[outcome],
            "timestamp": stamp,
            "hash": fingerprint,
            "bids": [{"price": _price(price), "size": _size(size)} for price, size in sorted(bids.items())],
            "asks": [{"price": _price(p), "size": _size(size)} for p, size in sorted(asks.items(), reverse=True)],
            "event_type": "book",
        }


class MarketFrames:
    """An endless supply of frames about `markets` markets, and the tokens to subscribe to."""

    def __init__(self, markets: int, *, seed: int, trades: bool = True) -> None:
        self._generator = random.Random(seed)
        self._markets = [self._market(number) for number in range(markets)]
        self._now_ms = _START_MS
        self._trades = trades
        self.level_changes = 0

    @property
    def tokens(self) -> list[str]:
        return [token for market in self._markets for token in market.tokens]

    def opening(self, tokens: set[str] | None = None) -> str:
        """The array of books that a subscription to `tokens` (default: all) begins with."""
        stamp = str(self._now_ms)
        return json.dumps(
            [
                {**market.book(outcome, stamp, self._fingerprint()), "tick_size": "0.01", "last_trade_price": "0.5"}
                for market in self._markets
                for outcome in (0, 1)
                if tokens is None or market.tokens[outcome] in tokens
            ]
        )

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each frame with the tokens it is about."""
        while True:
            market = self._generator.choice(self._markets)
            self._now_ms += 1
            stamp = str(self._now_ms)
            fingerprints = (self._fingerprint(), self._fingerprint())
            yield json.dumps(self._change(market, stamp, fingerprints)), market.tokens
            if self._trades and self._generator.randrange(_TRADE_EVERY) == 0:
                for outcome in (0, 1):
                    yield json.dumps(market.book(outcome, stamp, fingerprints[outcome])), (market.tokens[outcome],)
                yield json.dumps(self._trade(market, stamp)), market.tokens[:1]

    def _market(self, number: int) -> _Market:
        generator = self._generator
        tokens = (str(generator.randrange(10**76, 10**77)), str(generator.randrange(10**76, 10**77)))
        market = _Market(f"0x{number:064x}", tokens)
        middle = generator.randrange(_LEVELS + 1, 100 - _LEVELS)
        for away in range(1, _LEVELS + 1):
            market.bids[middle - away] = generator.randrange(500, 500_000)
            market.asks[min(middle + away, 99)] = generator.randrange(500, 500_000)
        return market

    def _change(self, market: _Market, stamp: str, fingerprints: tuple[str, str]) -> dict[str, Any]:
        """One level gets another size; a quarter of the changes empties a level, as long as enough are left."""
        generator = self._generator
        is_bid = generator.random() < 0.5
        own, opposite = (market.bids, market.asks) if is_bid else (market.asks, market.bids)
        if len(own) > _LEVELS // 2 and generator.random() < 0.25:
            price, size = generator.choice(list(own)), 0
            del own[price]
        else:
            best, edge = (max(own), min(opposite) - 1) if is_bid else (min(own), max(opposite) + 1)
            away = generator.randrange(_LEVELS)
            price = max(1, min(best + 1, edge) - away) if is_bid else min(99, max(best - 1, edge) + away)
            size = own[price] = generator.randrange(500, 500_000)
        self.level_changes += 2
        rows = []
        for outcome in (0, 1):
            best_bid, best_ask = market.best(outcome)
            rows.append(
                {
                    "asset_id": market.tokens[outcome],
                    "price": _price(price if outcome == 0 else 100 - price),
                    "size": _size(size),
                    "side": "BUY" if is_bid == (outcome == 0) else "SELL",
                    "hash": fingerprints[outcome],
                    "best_bid": _price(best_bid),
                    "best_ask": _price(best_ask),
                }
            )
        return {
            "market": market.condition_id,
            "price_changes": rows,
            "timestamp": stamp,
            "event_type": "price_change",
        }

    def _trade(self, market: _Market, stamp: str) -> dict[str, Any]:
        return {
            "market": market.condition_id,
            "asset_id": market.tokens[0],
            "price": _price(market.best(0)[1]),
            "size": _size(self._generator.randrange(500, 5_000)),
            "fee_rate_bps": "0",
            "side": "BUY",
            "timestamp": stamp,
            "event_type": "last_trade_price",
            "transaction_hash": f"0x{self._generator.getrandbits(256):064x}",
        }

    def _fingerprint(self) -> str:
        return f"{self._generator.getrandbits(160):040x}"


def _price(cents: int) -> str:
    return "0" if cents == 0 else "1" if cents == 100 else f"0.{cents:02d}".rstrip("0")


def _size(hundredths: int) -> str:
    whole, part = divmod(hundredths, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".")
