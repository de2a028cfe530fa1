"""The market, user and sports channels, and prices of coins, as streams of typed events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..clock import Clock
from ..identifiers import Address, ConditionId, TokenId
from ..loopback import is_loopback
from .credentials import ApiCredentials
from .environments import Environment
from .stream_connection import HealingStream, StreamSettings
from .subscriptions import (
    check_token_count,
    difference,
    market_hello,
    market_update,
    reference_prices_hello,
    user_hello,
)
from .wire.stream_events import GameUpdate, MarketEvent, UserEvent
from .wire.stream_frames import parse_user_event
from .wire.stream_games import parse_game_update
from .wire.stream_reference_prices import ReferencePriceUpdate, parse_reference_prices

if TYPE_CHECKING:
    from .wire.stream_decoding import DecodedFrame

SPORTS_URL = "wss://sports-api.polymarket.com/ws"
"""Every game of every league; there is nothing to subscribe to."""


class MarketStream(HealingStream[MarketEvent]):
    """Books and trades of up to 500 tokens."""

    def __init__(
        self,
        environment: Environment,
        token_ids: Iterable[TokenId] = (),
        *,
        clock: Clock,
        random: Random,
        custom_features: bool = True,
        settings: StreamSettings | None = None,
    ) -> None:
        """`custom_features` asks for best_bid_ask, and new_market and market_resolved of all markets."""
        super().__init__(
            f"{environment.ws_url}/market",
            clock=clock,
            random=random,
            direct=environment.is_loopback,
            settings=settings or StreamSettings(),
        )
        from .wire.stream_decoding import decode_market_frame

        self._decode_frame = decode_market_frame
        self._tokens = set(token_ids)
        self._custom_features = custom_features
        check_token_count(self._tokens)

    @property
    def token_ids(self) -> frozenset[TokenId]:
        return frozenset(self._tokens)

    async def set_tokens(self, token_ids: Iterable[TokenId]) -> None:
        """Follow exactly these tokens. Raises InputRejected for more than 500."""
        wanted = set(token_ids)
        check_token_count(wanted)
        change = difference(self._tokens, wanted)
        self._tokens = wanted
        if change.subscribe:
            await self._send(market_update("subscribe", change.subscribe, custom_features=self._custom_features))
        if change.unsubscribe:
            await self._send(market_update("unsubscribe", change.unsubscribe, custom_features=self._custom_features))

    async def subscribe(self, token_ids: Iterable[TokenId]) -> None:
        await self.set_tokens(self._tokens.union(token_ids))

    async def unsubscribe(self, token_ids: Iterable[TokenId]) -> None:
        await self.set_tokens(self._tokens.difference(token_ids))

    async def resubscribe(self, token_ids: Collection[TokenId]) -> None:
        """Ask again for tokens that have fallen silent; the venue answers with their books."""
        known = self._tokens.intersection(token_ids)
        if known:
            await self._send(market_update("unsubscribe", known, custom_features=self._custom_features))
            await self._send(market_update("subscribe", known, custom_features=self._custom_features))

    def _hello(self) -> str:
        return market_hello(self._tokens, custom_features=self._custom_features)

    def _decode(self, frame: str | bytes, received_at: datetime) -> DecodedFrame[MarketEvent]:
        return self._decode_frame(frame, received_at)


class UserStream(HealingStream[UserEvent]):
    """Our own orders and trades. Wrong credentials show as a connection that the venue keeps closing."""

    def __init__(
        self,
        environment: Environment,
        credentials: Callable[[], ApiCredentials],
        *,
        addresses: Iterable[Address],
        clock: Clock,
        random: Random,
        condition_ids: Collection[ConditionId] = (),
        settings: StreamSettings | None = None,
    ) -> None:
        """`credentials` are asked for at every connection, because they may have been rotated since the last one.

        `addresses` are our wallets, to find our side of a trade. Without `condition_ids` all markets are told.
        """
        super().__init__(
            f"{environment.ws_url}/user",
            clock=clock,
            random=random,
            direct=environment.is_loopback,
            settings=settings or StreamSettings(),
        )
        self._credentials = credentials
        self._condition_ids = tuple(condition_ids)
        self._owners = {credentials().key.lower(), *(address.lower() for address in addresses)}

    def _hello(self) -> str:
        credentials = self._credentials()
        self._owners.add(credentials.key.lower())
        return user_hello(credentials, self._condition_ids)

    def _decode(self, frame: str | bytes, received_at: datetime) -> DecodedFrame[UserEvent]:
        from .wire.stream_decoding import decode_frame

        return decode_frame(frame, lambda item: parse_user_event(item, received_at, owners=self._owners))


class SportsStream(HealingStream[GameUpdate]):
    """The state of all games as they go. The venue has been seen to ping by text and by protocol; both are answered."""

    def __init__(
        self,
        url: str = SPORTS_URL,
        *,
        clock: Clock,
        random: Random,
        direct: bool = False,
        settings: StreamSettings | None = None,
    ) -> None:
        """`direct` passes by any proxy, as for a venue on this machine."""
        super().__init__(
            url, clock=clock, random=random, direct=direct, settings=settings or StreamSettings(ping_interval_s=None)
        )

    def _decode(self, frame: str | bytes, received_at: datetime) -> DecodedFrame[GameUpdate]:
        from .wire.stream_decoding import decode_frame

        return decode_frame(frame, parse_game_update)


class ReferencePriceStream(HealingStream[ReferencePriceUpdate]):
    """Prices of coins by the real-time data service; `symbols` as it spells them ("btcusdt")."""

    def __init__(
        self,
        environment: Environment,
        symbols: Collection[str],
        *,
        clock: Clock,
        random: Random,
        settings: StreamSettings | None = None,
    ) -> None:
        url = environment.live_data_url
        super().__init__(
            url,
            clock=clock,
            random=random,
            direct=is_loopback(urlsplit(url).hostname or ""),
            settings=settings or StreamSettings(ping_interval_s=5.0),
        )
        self._symbols = tuple(symbols)

    def _hello(self) -> str:
        return reference_prices_hello(self._symbols)

    def _decode(self, frame: str | bytes, received_at: datetime) -> DecodedFrame[ReferencePriceUpdate]:
        from .wire.stream_decoding import decode_frame

        return decode_frame(frame, parse_reference_prices)
