"""Everything that can be found wrong with an account: one cause and one fix each, in words a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Weight = Literal["blocks", "limits", "note"]
"""Whether nothing can be traded, something cannot, or it is only good to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`said` are the venue's own words where the finding comes from them."""

    code: str
    weight: Weight
    cause: str
    fix: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A finding in general. Texts hold names in braces for what is known only in the case."""

    weight: Weight
    cause: str
    fix: str


FINDINGS: dict[str, Row] = {
    # The wallet and its key
    "no_key": Row("blocks", "No private key is configured.", "run `polydesk keys import`"),
    "funder_with_eoa": Row(
        "blocks",
        "Signature type 0 trades from the key's own account {owner}, but the funder is {funder}.",
        "set POLYMARKET_SIGNATURE_TYPE={right} for that wallet, or take POLYMARKET_FUNDER out",
    ),
    "funder_missing": Row(
        "blocks",
        "Signature type {given} trades from a wallet, and no funder is configured.",
        "set POLYMARKET_FUNDER={right}, if that is the wallet that your account on the venue's site shows",
    ),
    "wrong_signature_type": Row(
        "blocks",
        "The funder {funder} is the {kind} of this key, whose signature type is {right}; configured is {given}.",
        "set POLYMARKET_SIGNATURE_TYPE={right}",
    ),
    "funder_not_of_key": Row(
        "blocks",
        "The funder {funder} is none of the wallets that the key of {owner} can own.",
        "import the key of that wallet's owner, or set POLYMARKET_FUNDER to one of: {wallets}",
    ),
    "another_wallet_is_used": Row(
        "blocks",
        "The configured wallet {account} has no history at the venue, but the {kind} of this key, {wallet}, has.",
        "set POLYMARKET_FUNDER={wallet} and POLYMARKET_SIGNATURE_TYPE={right}",
    ),
    "wallet_not_deployed": Row(
        "blocks",
        "The wallet {account} has no code on the chain yet, so nobody can check its signatures.",
        "trade once on the venue's site: that deploys the wallet",
    ),
    "new_wallet": Row(
        "note",
        "No wallet of this key has a history at the venue.",
        "make the first deposit on the venue's site: a new wallet exists only after that",
    ),
    "deposit_wallet_required": Row(
        "blocks",
        "The venue takes orders of new accounts from deposit wallets alone.",
        "set POLYMARKET_SIGNATURE_TYPE=3 and POLYMARKET_FUNDER={wallet}",
    ),
    "invalid_signature": Row(
        "blocks",
        "The signature does not belong to the wallet that the orders name.",
        "set POLYMARKET_SIGNATURE_TYPE and POLYMARKET_FUNDER to the wallet that the venue's site shows: {wallets}",
    ),
    # API credentials
    "no_api_key": Row(
        "note", "The key has no API credentials at the venue yet.", "none needed: the desk makes them when it trades"
    ),
    "api_key_refused": Row(
        "blocks",
        "The venue does not accept the API credentials.",
        "take POLYMARKET_API_KEY, _SECRET and _PASSPHRASE out of the settings: the desk makes its own",
    ),
    "api_key_of_another_account": Row(
        "blocks",
        "The configured API key does not belong to {owner}.",
        "take POLYMARKET_API_KEY, _SECRET and _PASSPHRASE out of the settings: the desk makes its own",
    ),
    "api_secret_unreadable": Row(
        "blocks", "POLYMARKET_API_SECRET is not base64.", "copy it again, with the = at its end"
    ),
    "l1_refused": Row(
        "blocks",
        "The venue does not accept the key's signature for API credentials.",
        "check POLYMARKET_CHAIN_ID (137 is Polygon) and this machine's clock",
    ),
    "wrong_signer": Row(
        "blocks",
        "Orders are signed by another address than the one that the API key belongs to.",
        "take POLYMARKET_API_KEY, _SECRET and _PASSPHRASE out of the settings; a deposit wallet needs signature type 3",
    ),
    "wrong_owner": Row(
        "blocks",
        "Orders name another API key than the one they are sent with.",
        "restart the desk; if that does not help, run `polydesk keys rotate`",
    ),
    # What the venue allows
    "banned": Row("blocks", "The venue has banned this address.", "only the venue's support can lift that"),
    "closed_only": Row(
        "limits",
        "The venue lets this account only sell what it has.",
        "ask the venue's support why; sales and cancels work meanwhile",
    ),
    "region_blocked": Row(
        "blocks",
        "The venue takes no orders from {country}, where this machine appears to be.",
        "none: do not try to get around it; reading and paper trading go on",
    ),
    "region_close_only": Row(
        "limits",
        "From {country}, where this machine appears to be, the venue lets positions only be closed.",
        "none: do not try to get around it; sales and cancels work",
    ),
    "bot_check": Row(
        "blocks",
        "The venue's edge takes this machine for a bot: it answers with a page that only a browser can pass.",
        "wait some minutes and lower POLYMARKET_RATE_LIMIT; addresses of data centres are checked more often",
    ),
    "provider_filter": Row(
        "blocks",
        "Something between this machine and the venue answers in its place ({status}): a provider, proxy or firewall.",
        "try from another network that you may use, or ask whoever runs this one",
    ),
    "tls_intercepted": Row(
        "blocks",
        "The connection to {host} is not the venue's: its certificate cannot be verified.",
        "find out what intercepts TLS here, such as a proxy or virus scanner; verification is never switched off",
    ),
    "venue_unreachable": Row(
        "blocks", "{host} cannot be reached: {reason}.", "check this machine's network and the configured address"
    ),
    "venue_failure": Row("limits", "The venue fails with an error of its own.", "try again in some minutes"),
    "look_failed": Row(
        "limits", "A part of the account could not be looked at: {reason}.", "run the doctor again in some minutes"
    ),
    "rate_limited": Row(
        "limits", "More requests are made than the venue allows.", "wait a minute; lower POLYMARKET_RATE_LIMIT"
    ),
    "wrong_address": Row(
        "blocks",
        "What answers at {host} does not speak the venue's protocol.",
        "check POLYMARKET_API_URL; without it the venue's own address is used",
    ),
    # Versions and clocks
    "venue_version": Row(
        "blocks", "The venue speaks version {version} of its protocol; this program speaks 2.", "update polydesk"
    ),
    "order_version_mismatch": Row("blocks", "The venue has changed its order format.", "update polydesk"),
    "clock_skew": Row(
        "limits",
        "This machine's clock is {seconds} s {direction} the venue's.",
        "turn on time synchronisation; the desk allows for the difference meanwhile",
    ),
    # Money
    "no_money": Row("blocks", "The wallet holds no pUSD at the venue.", "deposit on the venue's site"),
    "allowance_missing": Row(
        "blocks",
        "The venue's contracts may not move the wallet's money (allowance ${allowance}).",
        "let polymarket_manage_position approve them (action=approve, spender=exchange, and neg_risk_exchange, with an "
        "amount; a person consents), or trade once on the venue's site; the desk never sends approvals by itself",
    ),
    "share_allowance_missing": Row(
        "limits",
        "The venue's contracts may not move the wallet's shares, so they cannot be sold.",
        "let polymarket_manage_position approve them (action=approve, spender=exchange, and neg_risk_exchange, without "
        "amount; a person consents), or sell once on the venue's site; the desk never sends approvals by itself",
    ),
    "cash_reserved": Row(
        "limits",
        "Of ${cash} in cash, ${reserved} is promised to open orders, which leaves ${free}.",
        "cancel open orders that are no longer wanted",
    ),
    "cash_unsettled": Row(
        "limits",
        "Of ${cash} in cash, ${unsettled} is owed for matched trades that have not settled, which leaves ${free}.",
        "wait until they settle, usually seconds",
    ),
    "balance_cached": Row(
        "limits",
        "The venue had remembered an old balance (${before} instead of ${after}); it has just looked again.",
        "repeat what was refused",
    ),
    "balance_too_small": Row(
        "limits", "The order needs ${needed} with its fee, and ${free} is free.", "lower the size or deposit more"
    ),
    "insufficient_balance": Row(
        "limits",
        "Balance or allowance does not cover the order with its fee and the orders that are already open.",
        "lower the size, cancel open orders, or wait until recent trades have settled",
    ),
    # Trading modes of the venue
    "restarting": Row("limits", "The venue's matching engine restarts.", "wait two minutes"),
    "post_only_mode": Row(
        "limits",
        "The venue takes only orders that rest, as it does after a restart.",
        "wait two minutes, or use post_only",
    ),
    "cancel_only": Row("limits", "The venue takes cancels only.", "wait until it takes orders again"),
    "trading_disabled": Row("limits", "The venue has stopped trading.", "wait; its status page says for how long"),
    # Streams
    "stream_down": Row(
        "limits",
        "The {stream} stream cannot be opened: {reason}.",
        "let WebSockets through to {host}; until then the desk asks every few seconds",
    ),
    "stream_silent": Row(
        "limits",
        "The {stream} stream is open and says nothing.",
        "restart the desk if it lasts; it asks every few seconds meanwhile",
    ),
    # The order itself
    "tick": Row("limits", "The price is not on the market's tick.", "use a multiple of the tick"),
    "min_size": Row("limits", "The order is smaller than the market's minimum for what rests.", "use a larger size"),
    "min_notional": Row(
        "limits", "A purchase that trades at once must be worth a dollar.", "spend at least one dollar"
    ),
    "precision": Row("limits", "The amounts have more decimals than the venue takes.", "use two decimals for shares"),
    "duplicate": Row("note", "This very order is at the venue already.", "look it up instead of sending it again"),
    "post_only_would_cross": Row(
        "limits", "A post-only order would have traded at once.", "lower the price, or leave post_only out"
    ),
    "fok_not_filled": Row(
        "limits",
        "There was not enough in the book to fill the whole order.",
        "use FAK, a smaller size or a worse price",
    ),
    "fak_not_filled": Row("limits", "Nothing rests within the order's price.", "use a worse price, or let it rest"),
    "market_not_ready": Row("limits", "The market does not take orders yet.", "try again when it has opened"),
    "market_closed": Row("limits", "The market no longer takes orders.", "choose an open market"),
    "expiration": Row(
        "limits", "The order's expiry is too near or not allowed.", "use one three minutes ahead or more"
    ),
    "nonce": Row("limits", "The order's nonce is of the venue's old protocol.", "update polydesk"),
    "canceled_on_chain": Row("note", "The order was cancelled in the exchange's contract.", "place a new one"),
    "order_delayed": Row("note", "The market delays orders that would trade.", "wait, then look at the order"),
    "order_timed_out": Row("limits", "The venue gave the order up before matching it.", "place it again"),
    "batch_too_large": Row("limits", "Too many orders in one request.", "send fewer"),
    "invalid_payload": Row("limits", "The venue could not read the request.", "update polydesk, and report it"),
    "not_found": Row("note", "The venue knows no such order.", "check its id"),
    "already_gone": Row("note", "The order was already cancelled or filled.", "look at its state before anything else"),
    "heartbeat": Row("note", "The venue expected another heartbeat id.", "none needed: the desk begins anew"),
    # The desk
    "key_locked": Row("blocks", "The key cannot be opened: {reason}", "give it its passphrase (docs/keys.md)"),
    "limits_missing": Row("blocks", "{reason}", "set them; `polydesk setup --live` proposes some"),
    "halted": Row("blocks", "Trading is halted here: {reason}.", "a person runs `polydesk resume`"),
    "read_only": Row("blocks", "The server runs with --read-only.", "a person restarts it without"),
    # Nobody knows
    "unknown": Row("limits", "The venue said: {said}", ""),
}
"""By code. What each venue text leads to is in `venue_texts.py`."""


def finding(code: str, *, said: str = "", **facts: object) -> Finding:
    """The finding of a row, with what is known of the case. `said` are the venue's words."""
    row = FINDINGS[code]
    known = {name: str(value) for name, value in facts.items()}
    return Finding(code, row.weight, row.cause.format(**known, said=said), row.fix.format(**known), said)
