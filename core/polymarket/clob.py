"""The CLOB: books and quotes for everybody, orders, trades and balances for the holder of a key."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from ..errors import InputRejected, OrderError, OutcomeUnknown, PolymarketAPIError, VenueUnavailable
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
from . import trading_requests as requests
from .credential_file import CredentialStore
from .credentials import ApiCredentials
from .market_data import MarketDataClient
from .paging import Page, all_items
from .placement import Placed, failure_of, failure_of_all, placement_result, result_or_error
from .rewards import RewardsClient
from .signing import ZERO_BYTES32, SignatureType, SignedOrder, Signer, sign_order
from .transport import Transport

_SENT_REMEMBERED = 10_000
"""Order ids that this client does not send again; the venue and the desk's journal remember them all."""


class CLOBClient(MarketDataClient, RewardsClient):
    """The order book service.

    Market data needs nothing. Own orders and trades need credentials; with a `signer` they are created or derived
    at the first call that needs them, and kept in `store` where there is one. `funder` is the wallet that holds the
    money when it is not the key's own.
    `builder` is a bytes32 code that every order carries, so that the venue attributes it to whoever built the client.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        signer: Signer | None = None,
        credentials: ApiCredentials | None = None,
        store: CredentialStore | None = None,
        funder: Address | None = None,
        signature_type: SignatureType = SignatureType.EOA,
        builder: str = ZERO_BYTES32,
    ) -> None:
        RewardsClient.__init__(
            self,
            transport,
            signer=signer,
            credentials=credentials,
            store=store,
            funder=funder,
            signature_type=signature_type,
        )
        self._builder = builder
        self._sent: OrderedDict[OrderId, None] = OrderedDict()

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
            builder=self._builder,
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
        OutcomeUnknown when it may have been accepted. It is never sent twice: one that was accepted, or whose fate is
        open, is refused here, and so is one that was signed for another chain.
        """
        body = await self._placement_body(signed, time_in_force, post_only)
        with self._sent_once([signed]):
            answer = await self._authorised(requests.place_spec(signed, body))
            return placement_result(signed, answer)

    async def post_orders(self, signed: Sequence[SignedOrder]) -> tuple[Placed, ...]:
        """Place orders in requests of up to 15; each is accepted or refused on its own, in the order given.

        Requests follow each other, and none is sent after one that failed as a whole. When an earlier request went
        through, the orders of the failed one get its error (OutcomeUnknown names just that order) and those never
        sent get VenueUnavailable. When the first request fails, this raises like `post_order`: its error's
        `order_ids` are the orders whose fate is open, and no other was sent.
        """
        if not signed:
            raise InputRejected("no orders to place", code="batch_size", fix="give at least one")
        placed: list[Placed] = []
        for start in range(0, len(signed), requests.ORDERS_PER_BATCH):
            batch = signed[start : start + requests.ORDERS_PER_BATCH]
            try:
                placed.extend(await self._post_batch(batch))
            except PolymarketAPIError as error:
                if not placed:
                    raise
                placed.extend(failure_of(order, error) for order in batch)
                placed.extend(
                    VenueUnavailable("not sent, because an earlier part of the batch failed")
                    for _ in signed[len(placed) :]
                )
                break
        return tuple(placed)

    async def cancel(self, order_ids: Sequence[OrderId]) -> CancelResult:
        """Cancel orders, in requests of up to 100.

        A single request that fails raises, with OutcomeUnknown for ids whose fate is open. Of several requests each
        is tried; when some go through, the ids of the others are `not_canceled`, with the failure as the reason.
        """
        ids = list(dict.fromkeys(order_ids))
        parts = [
            ids[start : start + requests.CANCELS_PER_BATCH] for start in range(0, len(ids), requests.CANCELS_PER_BATCH)
        ]
        canceled: list[OrderId] = []
        not_canceled: dict[OrderId, str] = {}
        failures: list[PolymarketAPIError] = []
        for part in parts:
            try:
                result = await self._authorised(requests.cancel_spec(part))
            except PolymarketAPIError as error:
                failures.append(error)
                not_canceled.update(dict.fromkeys(part, error.message))
            else:
                canceled.extend(result.canceled)
                not_canceled.update(result.not_canceled)
        if failures and len(failures) == len(parts):
            raise failures[0] if len(parts) == 1 else failure_of_all(failures, ids)
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

    async def trade(self, trade_id: TradeId) -> tuple[Trade, ...]:
        """Our fills in one trade: none when the venue knows no such trade of ours, several for several orders."""
        return await self.trades(trade_id=trade_id)

    async def heartbeat(self, heartbeat_id: str = "") -> str:
        """Tell the venue that this client is alive; the id to send next time.

        The first beat, with an empty id, arms a switch that stays armed: without another beat in 10 seconds the venue
        cancels every order of this API key. Beat every 5 seconds. Raises OrderError for an id that is not the
        expected one, which does not count as a beat.
        """
        return await self._authorised(requests.heartbeat_spec(heartbeat_id))

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

    async def token_allowance(self, token_id: TokenId) -> AccountBalance:
        """Shares of a token, as `collateral`, and the smaller of what the two exchanges may move of them."""
        contracts = self.environment.contracts
        return await self._authorised(
            requests.balance_spec(
                token_id=token_id,
                signature_type=int(self._signature_type),
                spenders=(contracts.exchange, contracts.neg_risk_exchange),
            )
        )

    async def refresh_balance(self, token_id: TokenId | None = None) -> None:
        """Make the venue read a balance from the chain again: dollars, or a token's shares after a fill."""
        await self._authorised(
            requests.update_balance_spec(token_id=token_id, signature_type=int(self._signature_type))
        )

    async def _post_batch(self, signed: Sequence[SignedOrder]) -> list[Placed]:
        """One request; raises when it fails as a whole."""
        bodies = [await self._placement_body(order, None, None) for order in signed]
        with self._sent_once(signed):
            answers = await self._authorised(requests.place_many_spec(signed, bodies))
        if len(answers) != len(signed):
            raise OutcomeUnknown(
                f"{len(signed)} orders were sent and {len(answers)} answered",
                order_ids=tuple(order.order_id for order in signed),
            )
        return [result_or_error(order, answer) for order, answer in zip(signed, answers, strict=True)]

    @contextmanager
    def _sent_once(self, signed: Sequence[SignedOrder]) -> Iterator[None]:
        """While these are sent, and ever after unless they were refused, none of them is sent again."""
        again = [order.order_id for order in signed if order.order_id in self._sent]
        if again or len({order.order_id for order in signed}) < len(signed):
            name = again[0] if again else signed[0].order_id
            raise OrderError(f"{name} was sent already, and no order is sent twice", code="duplicate")
        for order in signed:
            self._sent[order.order_id] = None
        while len(self._sent) > _SENT_REMEMBERED:
            self._sent.popitem(last=False)
        try:
            yield
        except OutcomeUnknown:
            raise
        except PolymarketAPIError as error:
            if error.anything_sent == "no":
                for order in signed:
                    self._sent.pop(order.order_id, None)
            raise

    async def _placement_body(
        self, signed: SignedOrder, time_in_force: TimeInForce | None, post_only: bool | None
    ) -> dict[str, object]:
        if signed.chain_id != self.environment.chain_id:
            raise InputRejected(
                f"the order is signed for chain {signed.chain_id} and this venue is on {self.environment.chain_id}",
                code="signed_elsewhere",
                fix="sign it for this venue",
            )
        credentials = await self.credentials()
        return requests.placement_body(
            signed,
            owner=credentials.key,
            time_in_force=time_in_force or signed.ticket.time_in_force,
            post_only=signed.ticket.post_only if post_only is None else post_only,
        )
