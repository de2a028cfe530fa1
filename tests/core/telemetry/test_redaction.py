"""Secrets are masked wherever they stand, and what only looks like one stays readable."""

from __future__ import annotations

import copy
import pickle

import pytest

from polydesk.core.telemetry.redaction import MASK, KnownSecrets, redacted

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff81"
ORDER_ID = "0xa1ed5c983acfcf169c7d93b9affad3df330e69053fcf62ae21ea2538df966084"
CONDITION_ID = "0x9c3a0f4d57e1b2668f0d2c1ea45b7790d3e8f61a2b4c5d6e7f8091a2b3c4d5e6"
HMAC = "hsbnc6zm_g3USPihrCjnipW_CUBgBJEX8qPJ9oV0Ms4="
TOKEN = "pd_" + "aB3-_" * 8 + "xyz"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlIQ"
SIGNATURE = "0x" + "1b" * 65


@pytest.fixture
def known() -> KnownSecrets:
    secrets = KnownSecrets()
    secrets.learn_key(f"0x{KEY}")
    secrets.learn("c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
    return secrets


@pytest.mark.parametrize(
    "text",
    [KEY, f"0x{KEY}", KEY.upper(), f"key={KEY}abc", str(int(KEY, 16)), "x c2VjcmV0LXNlY3JldC1zZWNyZXQ= y"],
)
def test_a_known_secret_is_found_by_its_value(known: KnownSecrets, text: str) -> None:
    assert known.are_in(text)
    masked = known.masked(text)
    assert MASK in masked
    assert not known.are_in(masked)


def test_hashes_of_orders_and_conditions_survive(known: KnownSecrets) -> None:
    line = f"order {ORDER_ID} of {CONDITION_ID} is unknown; signature type 3, tick 0.01, next_cursor aWQ6MjQ5Mzk2"
    assert known.masked(line) == line
    assert redacted(line) == line


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"POLY_SIGNATURE: {HMAC}", HMAC),
        ("POLY_PASSPHRASE=the-phrase-of-mine", "the-phrase-of-mine"),
        ("{'POLY_API_KEY': 'a-key-of-mine'}", "a-key-of-mine"),
        ("[(b'poly_builder_signature', b'abc-def')]", "abc-def"),
        ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
        ("authorization header was 'Bearer eyJhbGciOi.J9'", "eyJhbGciOi.J9"),
        (f'{{"signature": "{SIGNATURE}"}}', SIGNATURE),
        (f"signed as {SIGNATURE} by us", SIGNATURE),
        (f"the HMAC {HMAC} was refused", HMAC),
        (f'"private_key": "{KEY}"', KEY),
        (f"private key = 0x{KEY}", KEY),
        ('"passphrase": "a-long-phrase-of-mine"', "a-long-phrase-of-mine"),
        (f"a client sent {TOKEN}, which nobody knows", TOKEN),
        (f"the token {JWT} has expired", JWT),
        ("api_secret='0123456789abcdef'", "0123456789abcdef"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked(line: str, secret: str) -> None:
    assert secret not in redacted(line)
    assert MASK in redacted(line)


def test_short_texts_are_not_learnt_because_they_are_in_other_words() -> None:
    secrets = KnownSecrets()
    secrets.learn("a phrase", "")
    assert secrets.masked("a phrase of ours") == "a phrase of ours"


def test_a_row_of_zeros_is_nobodys_secret() -> None:
    secrets = KnownSecrets()
    secrets.learn_key("0x" + "0" * 64)
    assert not secrets.are_in("0x" + "0" * 64)


def test_the_latest_secrets_are_remembered() -> None:
    secrets = KnownSecrets()
    secrets.learn(*(f"secret number {number:08}" for number in range(300)))
    assert secrets.are_in("secret number 00000299")
    assert not secrets.are_in("secret number 00000000")


def test_the_secrets_themselves_cannot_be_shown_or_copied(known: KnownSecrets) -> None:
    assert KEY not in repr(known)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be copied"):
            leak(known)
