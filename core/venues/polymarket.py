"""The one venue class: Polymarket's protocol, whichever environment it is pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..clock import Clock
from ..errors import OutcomeUnknown, PolymarketAPIError, VenueUnavailable
from ..identifiers import Address, ConditionId, OrderId, TokenId
from ..models import AccountBalance, CancelResult, OpenOrder, OrderBook, PlacementResult, Position, Trade
from ..polymarket.clob import CLOBClient
from ..polymarket.data_api import DataClient
from ..telemetry.fill_totals import FillTotals
from .trade_log import TradeLog
from .venue import ApprovedOrder, SignedTicket


class PolymarketVenue:
    """Live, paper and sandbox differ only in the clients handed in here."""

    def __init__(self, clob: CLOBClient, data: DataClient, clock: Clock) -> None:
        self._clob = clob
        self._data = data
        self._trade_log = TradeLog(lambda after: clob.trades(after=after), clock)

    @property
    def account(self) -> Address:
        return self._clob.account

    @property
    def fill_totals(self) -> FillTotals:
        """How much the account has traded, as far as it was read."""
        return self._trade_log.totals

    async def book(self, token_id: TokenId) -> OrderBook | None:
        return await self._clob.book(token_id, fresh=True)

    def sign(self, approved: ApprovedOrder) -> SignedTicket:
        signed = self._clob.sign(approved.ticket)
        return SignedTicket(order_id=signed.order_id, approved=approved, body=signed, wire=signed.order)

    async def submit(self, signed: SignedTicket) -> PlacementResult:
        return await self._clob.post_order(signed.body)

    async def submit_many(self, signed: Sequence[SignedTicket]) -> Sequence[PlacementResult | PolymarketAPIError]:
        try:
            return await self._clob.post_orders([each.body for each in signed])
        except OutcomeUnknown as error:
            # It names the orders whose fate is open; the others were never sent.
            unsent = VenueUnavailable("not sent, because an earlier part of the batch failed")
            return [error if each.order_id in error.order_ids else unsent for each in signed]
        except PolymarketAPIError as error:
            return [error] * len(signed)

    async def cancel(self, order_ids: Sequence[OrderId]) -> CancelResult:
        return await self._clob.cancel(order_ids)

    async def cancel_market(self, condition_id: ConditionId) -> CancelResult:
        return await self._clob.cancel_market(condition_id)

    async def cancel_all(self) -> CancelResult:
        return await self._clob.cancel_all()

    async def order(self, order_id: OrderId) -> OpenOrder | None:
        return await self._clob.order(order_id)

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        return await self._clob.open_orders()

    async def trades(self) -> tuple[Trade, ...]:
        return await self._trade_log.trades()

    async def positions(self) -> tuple[Position, ...]:
        return await self._data.positions(self.account)

    async def balance(self) -> AccountBalance:
        return await self._clob.balance()

    async def refresh_balance(self, token_id: TokenId | None) -> None:
        await self._clob.refresh_balance(token_id)

    async def token_balance(self, token_id: TokenId) -> Decimal:
        return await self._clob.token_balance(token_id)
