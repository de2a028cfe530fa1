"""Which arguments hold a secret, and which only look like it."""

from __future__ import annotations

from typing import Any

import pytest

from polydesk.server.secret_guard import holds_secret

KEY = "47e179ec197488593b187f80a00eb0da91f2b3e8c9a4d1a6b0d1e9b8f0f3c5d7"
TOKEN = "pd_" + "aB3-_" * 8 + "xyz"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlIQ"
PHRASE = "test test test test test test test test test test test junk"


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": KEY},
        {"order_ids": [KEY]},
        {"reason": f"0x{KEY}"},
        {"news": [{"title": f"the key is 0x{KEY.upper()}."}]},
        {"private_key": "x"},
        {"api_secret": ["x"]},
        {"market_id": {"mnemonic": "x"}},
        {"text": f"My words: {PHRASE}"},
        {"items": [{"title": "A transaction", "text": KEY}]},
        {"items": [{"title": "Keep it", "text": f"My private key: 0x{KEY}"}]},
        {"items": [{"title": f"see 0x{KEY}", "source": f"0x{KEY}"}]},
        {f"0x{KEY}": 1},
        {"reason": TOKEN},
        {"text": f"use {JWT} for it"},
        {"limit": int(f"1{KEY}", 16), "reason": TOKEN},
        {"text": PHRASE.upper().replace(" ", "\n")},
    ],
)
def test_a_secret_is_noticed_wherever_it_is(arguments: dict[str, Any]) -> None:
    assert holds_secret(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        None,
        {},
        {"market_id": f"0x{KEY}"},
        {"order_ids": [f"0x{KEY}", f"0x{KEY}"]},
        {"markets": [f"0x{KEY}"]},
        {"query": "will the fed cut rates", "limit": 20, "price": 0.5, "post_only": False},
        {"wallet": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"},
        {"market_id": "71321045679252212594626385532706912750332728571942532289631379312455583992563"},
        {"private_key": ""},
        {"text": "The committee left rates where they were, and said that it would look at the data first."},
        {"text": f"0x{KEY}{KEY}"},
        {"items": [{"title": "Whale moves funds", "text": f"in 0x{KEY}", "url": f"https://scan.test/tx/0x{KEY}"}]},
        {"limit": 10**5000},
    ],
)
def test_ids_numbers_and_prose_pass(arguments: Any) -> None:
    assert not holds_secret(arguments)
