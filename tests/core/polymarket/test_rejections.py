"""Texts of refusals and the codes they get."""

from __future__ import annotations

import pytest

from polydesk.core.errors import (
    InsufficientBalance,
    MarketClosedError,
    OrderError,
    OrderNotFound,
    RateLimitError,
)
from polydesk.core.polymarket.rejections import error_of_mutation, order_error


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("order 0x1 is invalid. Price (0.98039) breaks minimum tick size rule: 0.001", "tick", OrderError),
        ("order 0x1 is invalid. Size (1.08) lower than the minimum: 5", "min_size", OrderError),
        ("invalid amount for a marketable BUY order ($0.99), min size: $1", "min_notional", OrderError),
        ("invalid amounts, the buy orders maker amount supports a max accuracy of 4 decimals", "precision", OrderError),
        ("order 0x1 is invalid. Duplicated.", "duplicate", OrderError),
        ("not enough balance / allowance", "insufficient_balance", InsufficientBalance),
        (
            "not enough balance / allowance: the balance is not enough -> balance: 1515150, order amount: 1520000",
            "insufficient_balance",
            InsufficientBalance,
        ),
        (
            "not enough balance / allowance: the allowance is not enough -> spender: 0x1, allowance: 0",
            "insufficient_allowance",
            InsufficientBalance,
        ),
        ("order 0x1 crosses the book", "post_only_would_cross", OrderError),
        ("invalid post-only order: order crosses book", "post_only_would_cross", OrderError),
        (
            "order couldn't be fully filled. FOK orders are fully filled or killed.",
            "fok_not_filled",
            OrderError,
        ),
        ("FOK orders are filled or killed", "fok_not_filled", OrderError),
        ("no orders found to match with FAK order. FAK orders are partially filled", "fak_not_filled", OrderError),
        ("there are no matching orders", "fak_not_filled", OrderError),
        ("the market is not yet ready to process new orders", "market_not_ready", MarketClosedError),
        ("the orderbook 123 does not exist", "market_closed", MarketClosedError),
        ("invalid signature", "invalid_signature", OrderError),
        ("the order signer address has to be the address of the API KEY", "wrong_signer", OrderError),
        ("the order owner has to be the owner of the API KEY", "wrong_owner", OrderError),
        ("maker address not allowed, please use the deposit wallet flow", "deposit_wallet_required", OrderError),
        ("order_version_mismatch", "order_version_mismatch", OrderError),
        ("invalid order version, please use the latest clob-client", "order_version_mismatch", OrderError),
        ("'0x1' address in closed only mode", "closed_only", OrderError),
        ("'0x1' address banned", "banned", OrderError),
        ("invalid expiration", "expiration", OrderError),
        ("invalid nonce", "nonce", OrderError),
        ("order canceled in the CTF exchange contract", "canceled_on_chain", OrderError),
        ("order match delayed due to market conditions", "order_delayed", OrderError),
        ("Too many orders in payload: 16, max allowed: 15", "batch_too_large", OrderError),
        ("Invalid order payload", "invalid_payload", OrderError),
        ("Order not found", "not_found", OrderNotFound),
        ("something new", "rejected", OrderError),
    ],
)
def test_every_known_text_has_its_code(text: str, code: str, kind: type[OrderError]) -> None:
    error = order_error(text)
    assert type(error) is kind
    assert error.code == code
    assert error.message == text


def test_a_rate_limited_order_is_not_a_refused_one() -> None:
    error = order_error("Rate limit exceeded for tokenId: 1", retry_after_s=2)
    assert isinstance(error, RateLimitError)
    assert error.retry_after_s == 2


@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_an_answer_that_says_nothing_about_processing_is_no_refusal(status: int) -> None:
    assert error_of_mutation(status, "FOK orders are filled or killed", retry_after_s=None) is None


def test_a_503_is_final_only_when_it_names_a_trading_mode() -> None:
    assert error_of_mutation(503, "upstream connect error", retry_after_s=None) is None
    refused = error_of_mutation(503, "Trading is currently disabled.", retry_after_s=None)
    assert isinstance(refused, OrderError)
    assert refused.restriction == "trading_disabled"
