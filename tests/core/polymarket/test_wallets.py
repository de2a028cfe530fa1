"""Wallet addresses follow from a key's own address as the venue's factories make them."""

from __future__ import annotations

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.identifiers import Address
from polydesk.core.polymarket.signing import SignatureType
from polydesk.core.polymarket.wallets import candidate_wallets, checked_address, wallet_of

OWNER = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")


def test_the_addresses_are_those_that_the_official_client_derives() -> None:
    assert {each.kind: each.address for each in candidate_wallets(OWNER)} == {
        "key's own account": OWNER,
        "deposit wallet": "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50",
        "older deposit wallet": "0xdf8b9E8f9AB23f261F6e1B171B7454ae6E46Ba76",
        "Safe": "0xd93B25cb943D14d0d34FBaF01Fc93a0f8b5F6E47",
        "proxy wallet": "0x365f0CA36Ae1f641E02fE3B7743673da42A13A70",
    }


def test_an_address_is_recognised_in_any_spelling() -> None:
    found = wallet_of(OWNER, "0xBC0FF067B7740EFF76C1CA93C875BA6B890D6B50")
    assert found is not None
    assert found.signature_type is SignatureType.POLY_1271
    assert wallet_of(OWNER, "0x" + "1" * 40) is None


def test_addresses_are_checked() -> None:
    assert checked_address(f" {OWNER.lower()} ") == OWNER
    with pytest.raises(ConfigurationError, match="is not an address"):
        checked_address("0x1234")
