"""The CLOB: books and quotes for everybody, orders, trades and balances for the holder of a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from ..clock import unix_ms
from ..errors import (
    ConfigurationError,
    InputRejected,
    OutcomeUnknown,
    PolymarketAPIError,
)
from ..identifiers import Address, ConditionId, OrderId, TokenId, TradeId
from ..models import (
    AccountBalance,
    CancelResult,
    OpenOrder,
    OrderTicket,
    PlacementResult,
    TimeInForce,
    Trade,
)
from ..money import MICRO
from . import trading_requests as requests
from .credentials import ApiCredentials
from .market_data import MarketDataClient
from .paging import Page, all_items
from .rejections import order_error
from .request import RequestSpec
from .signing import SignatureType, SignedOrder, Signer, l1_headers, l2_headers, order_maker, sign_order
from .transport import Transport
from .wire.orders import PlacementAnswer

T = TypeVar("T")


class CLOBClient(MarketDataClient):
    """The order book service.

    Market data needs nothing. Own orders and trades need credentials; with a `signer` they are created or derived
    at the first call that needs them. `funder` is the wallet that holds the money when it is not the key's own.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        signer: Signer | None = None,
        credentials: ApiCredentials | None = None,
        funder: Address | None = None,
        signature_type: SignatureType = SignatureType.EOA,
    ) -> None:
        super().__init__(transport)
        self._signer = signer
        self._credentials = credentials
        self._funder = funder
        self._signature_type = signature_type
        self._credentials_lock = asyncio.Lock()

    # Orders

    def sign(self, ticket: OrderTicket) -> SignedOrder:
        """Sign a ticket for this account, without sending anything: its `order_id` can be journalled first."""
        return sign_order(
            ticket,
            signer=self._require_signer(),
            environment=self.environment,
            clock=self._transport.clock,
            random=self._transport.random,
            funder=self._funder,
            signature_type=self._signature_type,
        )

    async def post_order(
        self,
        signed: SignedOrder,
        *,
        time_in_force: TimeInForce | None = None,
        post_only: bool | None = None,
    ) -> PlacementResult:
        """Place an order once. The two options come from the ticket unless given.

        Raises OrderError and its kin when the venue refused it, VenueUnavailable when it was never sent, and
        OutcomeUnknown when it may have been accepted. It is never sent twice.
        """
        body = await self._placement_body(signed, time_in_force, post_only)
        answer = await self._authorised(requests.place_spec(signed, body))
        return _placement_result(signed, answer)

    async def post_orders(self, signed: Sequence[SignedOrder]) -> tuple[PlacementResult | PolymarketAPIError, ...]:
        """Place up to 15 orders in one request; each is accepted or refused on its own, in the order given.

        Raises like `post_order` when the request fails as a whole.
        """
        if not 1 <= len(signed) <= requests.ORDERS_PER_BATCH:
            raise InputRejected(
                f"{len(signed)} orders in one request",
                code="batch_size",
                fix=f"from 1 to {requests.ORDERS_PER_BATCH}",
            )
        bodies = [await self._placement_body(order, None, None) for order in signed]
        answers = await self._authorised(requests.place_many_spec(signed, bodies))
        if len(answers) != len(signed):
            raise OutcomeUnknown(
                f"{len(signed)} orders were sent and {len(answers)} answered",
                order_ids=tuple(order.order_id for order in signed),
            )
        return tuple(_result_or_error(order, answer) for order, answer in zip(signed, answers, strict=True))

    async def cancel(self, order_ids: Sequence[OrderId]) -> CancelResult:
        """Cancel orders, in requests of up to 1000. Raises OutcomeUnknown with the ids whose fate is open."""
        canceled: list[OrderId] = []
        not_canceled: dict[OrderId, str] = {}
        remaining = list(dict.fromkeys(order_ids))
        while remaining:
            batch = remaining[: requests.CANCELS_PER_BATCH]
            result = await self._authorised(requests.cancel_spec(batch))
            canceled.extend(result.canceled)
            not_canceled.update(result.not_canceled)
            remaining = remaining[requests.CANCELS_PER_BATCH :]
        return CancelResult(tuple(canceled), not_canceled)

    async def cancel_all(self) -> CancelResult:
        return await self._authorised(requests.cancel_all_spec())

    async def cancel_market(self, condition_id: ConditionId, token_id: TokenId | None = None) -> CancelResult:
        """Cancel all orders on a market, or on one of its tokens."""
        return await self._authorised(requests.cancel_market_spec(condition_id, token_id))

    async def order(self, order_id: OrderId) -> OpenOrder | None:
        """One of our orders by its hash, in any state; None when the venue has never seen it."""
        return await self._authorised(requests.order_spec(order_id))

    async def open_orders(
        self, *, condition_id: ConditionId | None = None, token_id: TokenId | None = None
    ) -> tuple[OpenOrder, ...]:
        """All our resting orders, from all pages."""
        return tuple([order async for order in self.iterate_open_orders(condition_id=condition_id, token_id=token_id)])

    def iterate_open_orders(
        self, *, condition_id: ConditionId | None = None, token_id: TokenId | None = None
    ) -> AsyncIterator[OpenOrder]:
        """Our resting orders, fetching each page when it is reached."""

        async def page(cursor: str | None) -> Page[OpenOrder]:
            return await self._authorised(
                requests.open_orders_spec(condition_id=condition_id, token_id=token_id, cursor=cursor)
            )

        return all_items(page)

    async def trades(
        self,
        *,
        trade_id: TradeId | None = None,
        condition_id: ConditionId | None = None,
        token_id: TokenId | None = None,
        before: datetime | None = None,
        after: datetime | None = None,
    ) -> tuple[Trade, ...]:
        """Our fills, from all pages, each seen from our side.

        A trade in which several of our resting orders were met gives several fills with one id.
        """
        fills = self.iterate_trades(
            trade_id=trade_id, condition_id=condition_id, token_id=token_id, before=before, after=after
        )
        return tuple([fill async for fill in fills])

    def iterate_trades(
        self,
        *,
        trade_id: TradeId | None = None,
        condition_id: ConditionId | None = None,
        token_id: TokenId | None = None,
        before: datetime | None = None,
        after: datetime | None = None,
    ) -> AsyncIterator[Trade]:
        """Our fills, fetching each page when it is reached."""

        async def page(cursor: str | None) -> Page[Trade]:
            owners = await self.owners()
            return await self._authorised(
                requests.trades_spec(
                    trade_id=trade_id,
                    condition_id=condition_id,
                    token_id=token_id,
                    before=before,
                    after=after,
                    cursor=cursor,
                    owners=owners,
                )
            )

        return all_items(page)

    # Balances

    async def balance(self) -> AccountBalance:
        """Spendable dollars and the smaller of the allowances that the two exchanges have."""
        contracts = self.environment.contracts
        return await self._authorised(
            requests.balance_spec(
                signature_type=int(self._signature_type),
                spenders=(contracts.exchange, contracts.neg_risk_exchange),
            )
        )

    async def token_balance(self, token_id: TokenId) -> Decimal:
        """Shares of a token."""
        return await self._authorised(requests.token_balance_spec(token_id, signature_type=int(self._signature_type)))

    async def refresh_balance(self, token_id: TokenId | None = None) -> None:
        """Make the venue read a balance from the chain again: dollars, or a token's shares after a fill."""
        await self._authorised(
            requests.update_balance_spec(token_id=token_id, signature_type=int(self._signature_type))
        )

    async def _placement_body(
        self, signed: SignedOrder, time_in_force: TimeInForce | None, post_only: bool | None
    ) -> dict[str, object]:
        credentials = await self.credentials()
        return requests.placement_body(
            signed,
            owner=credentials.key,
            time_in_force=time_in_force or signed.ticket.time_in_force,
            post_only=signed.ticket.post_only if post_only is None else post_only,
        )


def _placement_result(signed: SignedOrder, answer: PlacementAnswer) -> PlacementResult:
    """Raises what the venue's refusal means, or OutcomeUnknown when it accepted under another id."""
    if not answer.accepted:
        raise order_error(answer.error)
    if answer.order_id.lower() != signed.order_id.lower():
        raise OutcomeUnknown(
            f"the venue accepted an order under the id {answer.order_id}, which is not its hash",
            order_ids=(signed.order_id, answer.order_id),
        )
    making, taking = answer.making, answer.taking
    if making * MICRO > 2 * signed.gives:  # the documentation shows base units: nothing gives twice its amount
        making, taking = making / MICRO, taking / MICRO
    return PlacementResult(
        order_id=answer.order_id,
        status=answer.status,
        making=making,
        taking=taking,
        trade_ids=answer.trade_ids,
    )


def _result_or_error(signed: SignedOrder, answer: PlacementAnswer) -> PlacementResult | PolymarketAPIError:
    try:
        return _placement_result(signed, answer)
    except PolymarketAPIError as error:
        return error
