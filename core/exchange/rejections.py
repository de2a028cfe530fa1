"""The venue's refusals, word for word."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal


class Rejection(Exception):
    """The venue says no: `text` is the body's error, `status` the HTTP status of a single request, with `headers`."""

    def __init__(self, text: str, *, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.headers = dict(headers or {})


class LedgerUnavailable(Rejection):
    """The exchange could not write down what it was asked to do, so it did not do it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, status=503)


UNAUTHORIZED = "Unauthorized/Invalid api key"
BAD_L1_HEADERS = "Invalid L1 Request headers"
BAD_PAYLOAD = "Invalid order payload"
BAD_ORDER_ID = "Invalid orderID"
ORDER_NOT_FOUND = "Order not found"
NOT_OWNER = "the order owner has to be the owner of the API KEY"
NOT_SIGNER = "the order signer address has to be the address of the API KEY"
MAKER_NOT_ALLOWED = "maker address not allowed, please use the deposit wallet flow"
OLD_VERSION = "order_version_mismatch"
BAD_SIGNATURE = "invalid signature"
BAD_EXPIRATION = "invalid expiration"
MARKET_NOT_READY = "the market is not yet ready to process new orders"
POST_ONLY_CROSSES = "invalid post-only order: order crosses book"
POST_ONLY_TYPE = "invalid post-only order: only GTC and GTD orders can be post-only"
FOK_KILLED = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILLED = "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."


TOO_MANY_REQUESTS = "Too Many Requests"
CANCELED_ON_CHAIN = "order canceled in the CTF exchange contract"
MATCH_DELAYED = "order match delayed due to market conditions"


def no_book(token_id: str) -> Rejection:
    return Rejection(f"the orderbook {token_id} does not exist")


def off_tick(order_id: str, dollars: int, shares: int, tick: str) -> Rejection:
    price = Context(prec=16).divide(Decimal(dollars), Decimal(shares))
    return Rejection(f"order {order_id} is invalid. Price ({price}) breaks minimum tick size rule: {tick}")


def too_small(order_id: str, size: str, minimum: str) -> Rejection:
    return Rejection(f"order {order_id} is invalid. Size ({size}) lower than the minimum: {minimum}")


def duplicated(order_id: str) -> Rejection:
    return Rejection(f"order {order_id} is invalid. Duplicated.")


def marketable_buy_too_small(dollars: str) -> Rejection:
    return Rejection(f"invalid amount for a marketable BUY order (${dollars}), min size: $1")


def too_precise(kind: str, maker_decimals: int, taker_decimals: int) -> Rejection:
    """`kind` is e.g. "market buy orders" or "sell orders"."""
    return Rejection(
        f"invalid amounts, the {kind} maker amount supports a max accuracy of {maker_decimals} decimals, "
        f"taker amount a max of {taker_decimals} decimals"
    )


def inconsistent_amounts(*, price: str, size: str, expected: str, submitted: str) -> Rejection:
    return Rejection(
        f"invalid amounts, the taker amount for a ${price} order of size {size} should be '{expected}' but the value "
        f"submited is '{submitted}'. Please check if you are using the latest version of the 'clob-client' library"
    )


def not_enough(*, balance: int, amount: int, active: int, matched: int, fee: int) -> Rejection:
    """Amounts are base units of the collateral, or of the outcome token of a SELL."""
    text = f"not enough balance / allowance: the balance is not enough -> balance: {balance}"
    if active or matched or fee:
        text += f", sum of active orders: {active}, sum of matched orders: {matched}"
        return Rejection(f"{text}, order amount (inc. fees): {amount + fee}")
    return Rejection(f"{text}, order amount: {amount}")


def too_many_orders(count: int, maximum: int) -> Rejection:
    return Rejection(f"Too many orders in payload: {count}, max allowed: {maximum}")


def too_many_cancels(maximum: int) -> Rejection:
    return Rejection(f"Too many orders in payload, max allowed: {maximum}")
