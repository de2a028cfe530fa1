"""The venue's contracts: which addresses and EIP-712 domains orders are signed for."""

from __future__ import annotations

STANDARD_EXCHANGE = "0xE111180000d2663C0091e4f400237545B87B996B"
NEG_RISK_EXCHANGE = "0xe2222d279d744050d28e00520010520000310F59"
NEG_RISK_ADAPTER = "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296"
"""The same addresses serve Polygon (137) and the Amoy test network (80002)."""

COLLATERAL = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"
"""pUSD, six decimals."""

SPENDERS = (STANDARD_EXCHANGE, NEG_RISK_EXCHANGE, NEG_RISK_ADAPTER)
"""The contracts that an account lets move its collateral and outcome tokens."""

EXCHANGE_DOMAIN_NAME = "Polymarket CTF Exchange"
EXCHANGE_DOMAIN_VERSION = "2"
L1_DOMAIN_NAME = "ClobAuthDomain"
L1_DOMAIN_VERSION = "1"
L1_MESSAGE = "This message attests that I control the given wallet"
DEPOSIT_WALLET_NAME = "DepositWallet"
DEPOSIT_WALLET_VERSION = "1"

MAX_ALLOWANCE = 2**256 - 1


def exchange_contract(*, neg_risk: bool) -> str:
    """The contract that settles a market's orders, checksummed."""
    return NEG_RISK_EXCHANGE if neg_risk else STANDARD_EXCHANGE
