"""The venue's contracts: which addresses and EIP-712 domains orders are signed for."""

from __future__ import annotations

STANDARD_EXCHANGE = "0xE111180000d2663C0091e4f400237545B87B996B"
NEG_RISK_EXCHANGE = "0xe2222d279d744050d28e00520010520000310F59"
EXCHANGE_V3 = {
    137: "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
    80002: "0x9fE6e61422AdB6F610d8597F9684b16912D50C3D",
}
"""Settles orders on positions of the second protocol, by chain; other chains are given the first one's."""

NEG_RISK_ADAPTER = "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296"
"""The same addresses serve Polygon (137) and the Amoy test network (80002)."""

COLLATERAL = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"
"""pUSD, six decimals."""

BRIDGED_DOLLARS = "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174"
"""USDC.e, six decimals: the only dollars that the onramp makes collateral of."""

ONRAMP = "0x93070a847efEf7F70739046A929D47a521F5B8ee"
OFFRAMP = "0x2957922Eb93258b93368531d39fAcCA3B4dC5854"

OUTCOME_TOKENS = "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045"
POSITION_MANAGER = "0x006F54F7f9A22e0000CC2AB60031000000ae9fEF"
"""Hold the outcome tokens of the first protocol and the positions of the second."""

COLLATERAL_ADAPTER = "0xAdA100Db00Ca00073811820692005400218FcE1f"
NEG_RISK_COLLATERAL_ADAPTER = "0xadA2005600Dec949baf300f4C6120000bDB6eAab"
"""Split, merge and redeem against pUSD: in ordinary markets, and in those of neg-risk events."""

PROXY_FACTORY = "0xaB45c5A4B0c941a2F231C04C3f49182e1A254052"
DEPOSIT_WALLET_FACTORY = "0x00000000000Fb5C9ADea0298D729A0CB3823Cc07"
MULTI_SEND = "0xA238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761"
"""Lets a Safe do several calls in one transaction."""

RELAY_HUB = "0xD216153c06E857cD7f72665E0aF1d7D82172F494"
RELAY = "0x000000000000000000000000000000000000e1a1"
"""Send the transactions of proxy wallets; the second is this exchange's own name for its relay."""

_ROUTER = "0x12121212006e4CD160D18e3f00711DA5c3372600"
_REDEEMER = "0xa1200000d0002264C9a1698e001292D00E1b00af"
_PERPETUALS = "0xDCa4af75705dbB50f62437045afF9921947917d2"
_MODULE_CONTRACTS = ("0x1000008dD9001B968442c1000017eaE6E0dA00Ba", "0x200000900045e3B6259600682756002200028933")


def approvals(chain_id: int) -> list[tuple[str, str, str]]:
    """(standard, token contract, spender) of every approval that trading on all protocols needs."""
    third = EXCHANGE_V3.get(chain_id, EXCHANGE_V3[137])
    exchanges = (STANDARD_EXCHANGE, NEG_RISK_EXCHANGE, COLLATERAL_ADAPTER, NEG_RISK_COLLATERAL_ADAPTER)
    return [
        *(("ERC20", COLLATERAL, spender) for spender in (*exchanges, _ROUTER, third, _PERPETUALS)),
        *(("ERC1155", OUTCOME_TOKENS, spender) for spender in (*exchanges, _REDEEMER, *_MODULE_CONTRACTS)),
        *(("ERC1155", POSITION_MANAGER, spender) for spender in (_ROUTER, third, _REDEEMER)),
    ]


SPENDERS = (STANDARD_EXCHANGE, NEG_RISK_EXCHANGE, NEG_RISK_ADAPTER)
"""The contracts that an account lets move its collateral and outcome tokens."""

EXCHANGE_DOMAIN_NAME = "Polymarket CTF Exchange"
EXCHANGE_DOMAIN_VERSION = "2"
EXCHANGE_V3_DOMAIN_VERSION = "3"
L1_DOMAIN_NAME = "ClobAuthDomain"
L1_DOMAIN_VERSION = "1"
L1_MESSAGE = "This message attests that I control the given wallet"
DEPOSIT_WALLET_NAME = "DepositWallet"
DEPOSIT_WALLET_VERSION = "1"

_MODULES = (1, 2, 3)
"""Binary, neg risk, combination."""

MAX_ALLOWANCE = 2**256 - 1


def is_position_id(token_id: int) -> bool:
    """Whether a token is a position of the second protocol: its top byte is a module, bits 40 to 103 are zero."""
    return token_id >> 248 in _MODULES and not token_id >> 40 & (1 << 64) - 1


def exchange_contract(token_id: int, *, neg_risk: bool, chain_id: int) -> str:
    """The contract that settles orders on a token, checksummed."""
    if is_position_id(token_id):
        return EXCHANGE_V3.get(chain_id, EXCHANGE_V3[137])
    return NEG_RISK_EXCHANGE if neg_risk else STANDARD_EXCHANGE


def domain_version(contract: str) -> str:
    """The version in the EIP-712 domain of an exchange contract."""
    return EXCHANGE_V3_DOMAIN_VERSION if contract in EXCHANGE_V3.values() else EXCHANGE_DOMAIN_VERSION
