"""What would get an order through that the venue refused, by the code of its refusal."""

from __future__ import annotations

_FIXES = {
    "tick": "use a price on the market's tick; polymarket_get_market tells it",
    "min_size": "use at least the market's min_size shares",
    "min_notional": "spend at least one dollar on an order that trades at once",
    "precision": "use fewer decimals: two for shares, and a price on the tick",
    "duplicate": "this very order is at the venue already: look with polymarket_get_orders",
    "insufficient_balance": "lower the size, cancel open orders, or wait until recent trades have settled",
    "insufficient_allowance": "a person approves the exchange contracts for this wallet",
    "post_only_would_cross": "lower the price so that it rests, or leave post_only out",
    "fok_not_filled": "use FAK to take what there is, or a smaller size or a worse price",
    "fak_not_filled": "nothing rests within the price: use a worse price, or let the order rest",
    "market_not_ready": "try again when the market has opened",
    "market_closed": "choose an open market",
    "invalid_signature": "a person checks POLYMARKET_SIGNATURE_TYPE and POLYMARKET_FUNDER against the wallet",
    "wrong_signer": "a person checks that the API key belongs to the private key",
    "wrong_owner": "a person checks that the API key belongs to the private key",
    "deposit_wallet_required": "a person sets POLYMARKET_SIGNATURE_TYPE=3 and the deposit wallet as POLYMARKET_FUNDER",
    "order_version_mismatch": "a person updates polydesk: the venue has changed its order format",
    "region_restricted": "orders are not accepted from this place; do not try to get around it",
    "bot_check": "a person waits some minutes and lowers POLYMARKET_RATE_LIMIT: the venue's edge takes this for a bot",
    "provider_filter": "a person tries another network: something between here and the venue refuses orders",
    "closed_only": "the account may only sell what it holds; a person asks the venue why",
    "banned": "the account may not trade; a person asks the venue why",
    "expiration": "use an expires_at at least a minute and a half ahead",
    "order_delayed": "wait until the delay is over, then look with polymarket_get_orders",
    "restarting": "wait a minute: the venue's engine restarts",
    "post_only_mode": "wait, or place it with post_only",
    "cancel_only": "wait: the venue takes cancels only",
    "trading_disabled": "wait: the venue has stopped trading",
    "never_arrived": "replay the dead letter if the order is still wanted",
    "VenueUnavailable": "try again later, or replay the dead letter",
    "CircuitOpen": "try again later, or replay the dead letter",
    "RateLimitError": "wait, then replay the dead letter if the order is still wanted",
}


def fix_for(code: str) -> str:
    """Empty for a refusal that nothing is known to help with: the venue's own words are all there is."""
    return _FIXES.get(code, "")
