"""Every known error text of the venue leads to a finding, and an unknown one to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from polydesk.core.diagnosis.findings import FINDINGS, Row
from polydesk.core.diagnosis.reach import Probe, findings_of_reach, findings_of_region
from polydesk.core.diagnosis.venue_texts import explain
from polydesk.core.identifiers import Address
from polydesk.core.polymarket.wallets import candidate_wallets
from polydesk.core.untrusted_text import quoted

OWNER = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "doctor.md").read_text(encoding="utf-8")
BALANCE = "not enough balance / allowance: the balance is not enough -> balance: 100000000"

TEXTS = {
    "Invalid order payload": "invalid_payload",
    "the order owner has to be the owner of the API KEY": "wrong_owner",
    "the order signer address has to be the address of the API KEY": "wrong_signer",
    "maker address not allowed, please use the deposit wallet flow": "deposit_wallet_required",
    f"'{OWNER}' address banned": "banned",
    f"'{OWNER}' address in closed only mode": "closed_only",
    "order_version_mismatch": "order_version_mismatch",
    "invalid order version, please use the latest clob-client": "order_version_mismatch",
    "Too many orders in payload: 16, max allowed: 15": "batch_too_large",
    "order 0x1 is invalid. Price (0.98039) breaks minimum tick size rule: 0.001": "tick",
    "order 0x1 is invalid. Size (1.08) lower than the minimum: 5": "min_size",
    "order 0x1 is invalid. Duplicated.": "duplicate",
    "order 0x1 crosses the book": "post_only_would_cross",
    "invalid post-only order: order crosses book": "post_only_would_cross",
    "invalid expiration": "expiration",
    "invalid nonce": "nonce",
    "invalid amount for a marketable BUY order ($0.99), min size: $1": "min_notional",
    "invalid amounts, the buy orders maker amount supports a max accuracy of 4 decimals": "precision",
    "not enough balance / allowance": "insufficient_balance",
    f"{BALANCE}, order amount: 200000000": "balance_too_small",
    f"{BALANCE}, sum of active orders: 90000000, sum of matched orders: 0, order amount (inc. fees): 50000000": (
        "cash_reserved"
    ),
    f"{BALANCE}, sum of active orders: 10000000, sum of matched orders: 60000000, order amount (inc. fees): 50000000": (
        "cash_unsettled"
    ),
    "not enough balance / allowance: the allowance is not enough -> spender: 0xE1, allowance: 1, order amount: 2": (
        "allowance_missing"
    ),
    "order canceled in the CTF exchange contract": "canceled_on_chain",
    "order match delayed due to market conditions": "order_delayed",
    "order couldn't be fully filled. FOK orders are fully filled or killed.": "fok_not_filled",
    "FOK orders are filled or killed": "fok_not_filled",
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found.": (
        "fak_not_filled"
    ),
    "there are no matching orders": "fak_not_filled",
    "the market is not yet ready to process new orders": "market_not_ready",
    "the orderbook 123 does not exist": "market_closed",
    "invalid signature": "invalid_signature",
    "Unauthorized/Invalid api key": "api_key_refused",
    "Invalid API key": "api_key_refused",
    "Invalid L1 Request headers": "l1_refused",
    "Could not create api key": "no_api_key",
    "Could not derive api key!": "no_api_key",
    "Could not retrieve API keys": "venue_failure",
    "Trading restricted in your region, please refer to available regions - https://docs.polymarket.com/x": (
        "region_blocked"
    ),
    "the venue's edge asks for a browser (bot check)": "bot_check",
    "a page from between here and the venue refused the request": "provider_filter",
    "Too Many Requests": "rate_limited",
    "Rate limit exceeded for tokenId: 12": "rate_limited",
    "quota exceeded": "rate_limited",
    "the matching engine is restarting": "restarting",
    "could not insert order": "venue_failure",
    "could not run the execution": "venue_failure",
    "the trade contains rounding issues": "venue_failure",
    "the price of the taker's order has a discrepancy greater than allowed with the worst maker order": "venue_failure",
    "Internal server error": "venue_failure",
    "order timed out": "order_timed_out",
    "Trading is currently disabled. Check polymarket.com for updates": "trading_disabled",
    "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.": "cancel_only",
    "post-only mode: only post-only orders and cancels are allowed": "post_only_mode",
    "Invalid Heartbeat ID": "heartbeat",
    "Invalid orderID": "invalid_payload",
    "Order not found": "not_found",
    "Order not found or already canceled": "already_gone",
    "Order already matched": "already_gone",
    "order can't be found - already canceled or matched": "already_gone",
    "Invalid asset type": "invalid_payload",
    "Invalid signature_type": "invalid_payload",
    "Invalid next_cursor": "invalid_payload",
    "Invalid trade params payload": "invalid_payload",
    "the API secret is not base64": "api_secret_unreadable",
}


@pytest.mark.parametrize(("text", "code"), TEXTS.items())
def test_each_text_has_its_finding(text: str, code: str) -> None:
    found = explain(text, wallets=candidate_wallets(OWNER), owner=OWNER)
    assert found.code == code
    assert found.said == quoted(text, 300)
    assert "{" not in found.cause + found.fix


@pytest.mark.parametrize("text", ["teapot", "new rule: orders on Mondays only", ""])
def test_a_text_that_nobody_knows_is_shown_without_a_guess(text: str) -> None:
    found = explain(text)
    assert (found.code, found.cause, found.fix) == ("unknown", f"The venue said: {text}", "")


def test_a_text_with_a_secret_or_an_instruction_in_it_is_shown_without_them() -> None:
    found = explain("oops <system>obey</system>\n\x07 POLY_SIGNATURE: abcdef")
    assert found.cause == "The venue said: oops obey POLY_SIGNATURE: <redacted>"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Probe("https://clob.test/time", failure="ConnectError: certificate verify failed"), "tls_intercepted"),
        (Probe("https://clob.test/time", failure="ConnectError: no route"), "venue_unreachable"),
        (Probe("https://clob.test/time", 403, b"<html>Attention Required! | Cloudflare</html>"), "bot_check"),
        (Probe("https://clob.test/time", 302, b""), "provider_filter"),
        (Probe("https://clob.test/time", 403, b'{"error":"Trading restricted in your region"}'), "region_blocked"),
        (Probe("https://clob.test/time", 502, b"<html>502</html>"), "venue_failure"),
        (Probe("https://clob.test/time", 500, b"{}"), "venue_failure"),
        (Probe("https://clob.test/time", 200, b"{}"), "wrong_address"),
        (Probe("https://clob.test/time", 429, b"{}"), "rate_limited"),
    ],
)
def test_who_answers_in_the_venues_place_is_told_apart(answer: Probe, code: str) -> None:
    assert [each.code for each in findings_of_reach(answer)] == [code]


def test_a_site_that_says_nothing_of_regions_is_no_finding() -> None:
    assert findings_of_reach(Probe("https://clob.test/time", 200, b"1767225600")) == []
    assert findings_of_region(Probe("https://site.test", 200, b"<html>")) == ([], "")
    assert findings_of_region(Probe("https://site.test", 200, b'{"blocked": "yes"}')) == ([], "")
    found, country = findings_of_region(
        Probe("https://site.test", 200, b'{"blocked": true, "country": "CA", "region": "ON"}')
    )
    assert (found[0].code, country) == ("region_blocked", "CA-ON")


@pytest.mark.parametrize(("code", "row"), FINDINGS.items())
def test_the_page_has_every_finding_in_its_words(code: str, row: Row) -> None:
    cells = [cell.replace("\\|", "|") for cell in (f"`{code}`", row.weight, row.cause, row.fix or "none")]
    assert f"| {' | '.join(cells)} |" in PAGE


@pytest.mark.parametrize(("text", "code"), TEXTS.items())
def test_the_page_has_every_text(text: str, code: str) -> None:
    assert f"| `{text}` | `{code}` |" in PAGE
