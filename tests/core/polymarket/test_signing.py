"""Signatures, byte for byte, against vectors computed with both official SDKs."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.identifiers import Address, ConditionId, TokenId
from polydesk.core.models import OrderSide, OrderTicket, TimeInForce
from polydesk.core.polymarket.credentials import ApiCredentials
from polydesk.core.polymarket.environments import PRODUCTION, Environment, environment_at
from polydesk.core.polymarket.signing import (
    SignatureType,
    SignedOrder,
    Signer,
    is_position_id,
    l1_headers,
    l2_headers,
    l2_signature,
    sign_order,
)

PUBLIC_TEST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
KEY_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
OTHER_WALLET = Address("0x2e234DAe75C793f67A35089C9d99245E1C58470b")
TOKEN = TokenId("71321045679252212594626385532706912750332728571942532289631379312455583992563")
SIGNED_AT = datetime.fromtimestamp(1767225600, UTC)
_TEST_URL = "https://venue.test"
AMOY = environment_at(
    "amoy", clob_url=_TEST_URL, gamma_url=_TEST_URL, data_url=_TEST_URL, ws_url="wss://venue.test", chain_id=80002
)


class FixedSalt(Random):
    """Draws the salt of the vectors."""

    def randint(self, a: int, b: int) -> int:
        assert (a, b) == (0, 2**53 - 1)
        return 479249096354


def ticket(
    side: OrderSide = OrderSide.BUY,
    *,
    shares: str = "100",
    dollars: str = "50",
    neg_risk: bool = False,
    expires_at: datetime | None = None,
) -> OrderTicket:
    return OrderTicket(
        token_id=TOKEN,
        condition_id=ConditionId("0x" + "aa" * 32),
        side=side,
        price=Decimal(dollars) / Decimal(shares),
        shares=Decimal(shares),
        dollars=Decimal(dollars),
        time_in_force=TimeInForce.GTC if expires_at is None else TimeInForce.GTD,
        tick=Decimal("0.01"),
        neg_risk=neg_risk,
        expires_at=expires_at,
    )


def signed(
    order_ticket: OrderTicket,
    *,
    environment: Environment = PRODUCTION,
    funder: Address | None = None,
    signature_type: SignatureType = SignatureType.EOA,
    builder: str = "0x" + "00" * 32,
) -> SignedOrder:
    return sign_order(
        order_ticket,
        signer=Signer(PUBLIC_TEST_KEY),
        environment=environment,
        clock=ManualClock(SIGNED_AT),
        random=FixedSalt(),
        funder=funder,
        signature_type=signature_type,
        builder=builder,
    )


def test_a_buy_on_the_standard_exchange_matches_the_vector() -> None:
    order = signed(ticket())
    assert order.order_id == "0xa1ed5c983acfcf169c7d93b9affad3df330e69053fcf62ae21ea2538df966084"
    assert order.order == {
        "salt": 479249096354,
        "maker": KEY_ADDRESS,
        "signer": KEY_ADDRESS,
        "tokenId": TOKEN,
        "makerAmount": "50000000",
        "takerAmount": "100000000",
        "side": "BUY",
        "expiration": "0",
        "signatureType": 0,
        "timestamp": "1767225600000",
        "metadata": "0x" + "00" * 32,
        "builder": "0x" + "00" * 32,
        "signature": "0x839045785838d8a433ceed1f234bee6b3cf375232a686a8090d92dcdc77b090f"
        "6a51b8bb5944be2e55dded200482efc3b18e002e8562bf86fc3c9a20e33295421b",
    }


def test_a_sale_on_the_neg_risk_exchange_matches_the_vector() -> None:
    order = signed(ticket(OrderSide.SELL, shares="12.34", dollars="7.0338", neg_risk=True))
    assert order.order_id == "0xcb7d1e69bf099da271b8ca58d07343cdab7670af0672921e8722d8c210831060"
    assert order.order["signature"] == (
        "0xd028a4d5f784e5cf29182a97a5ad9d9cd6c00f3f3a59549f7822a5e5857d707d"
        "462a8fdc8afe3dc4b7cd1c074959ee4c5fee5ca966047d2d012cb47113e247b51c"
    )
    assert order.gives == 12_340_000


def test_another_chain_changes_hash_and_signature() -> None:
    order = signed(ticket(), environment=AMOY)
    assert order.order_id == "0x44715c41a14ad11724ebabae8b1774eddbcd6825df4fca41521d20c23e82e944"
    assert order.order["signature"] == (
        "0x09f149aeb9d30a8aa62d036527403444ac66d7807eabb699482a2f789e0814cb"
        "707d5ab4dd443dc5036570298c5c17bc591be2dace275a24d486b6c495ef65491c"
    )


def test_a_proxy_wallet_with_a_builder_code_matches_the_vector() -> None:
    order = signed(ticket(), funder=OTHER_WALLET, signature_type=SignatureType.POLY_PROXY, builder="0x" + "11" * 32)
    assert order.order_id == "0xc6ad0f586afc7415571fdad01a99d71ac886f77825c8bc179aa09b9aa8ddcf1d"
    assert order.order["signature"] == (
        "0x4f265367d86f8a2b0162e7891dbabed07e6986f5656245ea56a806a316c231c9"
        "7c65bf279c80a01caaa841f87f148407b30acd78cf8fce9f1bf3af8a197bd91b1c"
    )
    assert order.order["maker"] == OTHER_WALLET
    assert order.order["signer"] == KEY_ADDRESS


def test_a_safe_gives_the_money_while_the_key_signs() -> None:
    order = signed(ticket(), funder=OTHER_WALLET, signature_type=SignatureType.POLY_GNOSIS_SAFE)
    assert order.order["signatureType"] == 2
    assert order.order["maker"] == OTHER_WALLET


def test_a_deposit_wallet_signs_through_its_own_domain() -> None:
    order = signed(ticket(), funder=OTHER_WALLET, signature_type=SignatureType.POLY_1271)
    assert order.order_id == "0x7989df13d5d8c8a3717598aa848164b19b6d014ed1ffa0c82aa434932f2dce59"
    assert (order.order["maker"], order.order["signer"]) == (OTHER_WALLET, OTHER_WALLET)
    order_type = (
        "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
        "uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
    )
    assert order.order["signature"] == (
        "0xc87b52b4380a6d981de3331cd41a6f5f2985777af2fbb43e7e5db4dcbd9ac393"
        "13712c7a7fa9fe391e11399f6a989b5de0ba4d661178b9d1b302fc3897b9a8081b"
        "3264e159346253e26a64e00b69032db0e7d32f94628de3e6eecb50304d7af3d2"
        "ae2d7d31a7dbf153d7fd571119e750aeb58a75259d06863b8af318e8de981358" + order_type.encode().hex() + "00ba"
    )
    assert len(bytes.fromhex(order.order["signature"][2:])) == 317


def test_the_expiry_travels_in_unix_seconds_and_is_not_signed() -> None:
    order = signed(ticket(expires_at=datetime.fromtimestamp(1767229200, UTC)))
    assert order.order["expiration"] == "1767229200"
    assert order.order_id == signed(ticket()).order_id


def test_a_funder_must_fit_the_signature_type() -> None:
    with pytest.raises(ConfigurationError, match="needs the funder"):
        signed(ticket(), signature_type=SignatureType.POLY_GNOSIS_SAFE)
    with pytest.raises(ConfigurationError, match="but the funder is"):
        signed(ticket(), funder=OTHER_WALLET)
    assert signed(ticket(), funder=Address(KEY_ADDRESS.lower())).order["maker"] == KEY_ADDRESS


POSITION = TokenId("453491208547253220481609627261229667812317398955547892212275664056427216896")


@pytest.mark.parametrize("neg_risk", [False, True])
def test_a_position_of_the_second_protocol_is_signed_for_the_third_exchange(neg_risk: bool) -> None:
    order = signed(replace(ticket(neg_risk=neg_risk), token_id=POSITION))
    assert order.order_id == "0xc65dc8e8582bc430f47815c961d53a1147ff84a52282efa3b7a06a688600cb31"
    assert order.order["signature"] == (
        "0x794cecef8c77eef88bd9572a7b3951f12909fcc8dff393fe66222fd29ee37dd367bd76d4fca87b14a5e9727eaf806fe3206fda18d6405"
        "ea58f1fe49250ebbf461c"
    )


def test_only_built_ids_are_positions_of_the_second_protocol() -> None:
    assert is_position_id(POSITION)
    assert not is_position_id(TOKEN)
    assert not is_position_id(TokenId("111"))
    assert not is_position_id(TokenId(str(int(POSITION) + (1 << 50))))


def test_the_test_network_has_a_third_exchange_of_its_own() -> None:
    assert AMOY.contracts.exchange_v3 != PRODUCTION.contracts.exchange_v3
    assert AMOY.contracts.exchange == PRODUCTION.contracts.exchange


@pytest.mark.parametrize(
    ("chain_id", "signature"),
    [
        (
            137,
            "0x51d1afb278b170edacd84f507f65329aca671950e0a1809560dccceef3668778"
            "3ab16df2d5b0000e71a7583a07fd5efa12c3a047d6d412a3b0c1e1da964d0aff1b",
        ),
        (
            80002,
            "0x15d2714658327fa04f68de6822be1802c9640c185be861af74bb377a0bf1a600"
            "4391c446f05807de12ce15e01aacf0db14321751b6e75f7b3c9e35146a4f62191c",
        ),
    ],
)
def test_l1_headers_match_the_vectors(chain_id: int, signature: str) -> None:
    headers = l1_headers(Signer(PUBLIC_TEST_KEY), chain_id=chain_id, timestamp_s=1767225600)
    assert headers == {
        "POLY_ADDRESS": KEY_ADDRESS,
        "POLY_SIGNATURE": signature,
        "POLY_TIMESTAMP": "1767225600",
        "POLY_NONCE": "0",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "signature"),
    [
        ("GET", "/data/orders", b"", "hsbnc6zm_g3USPihrCjnipW_CUBgBJEX8qPJ9oV0Ms4="),
        ("DELETE", "/order", b'{"orderID":"0xb816482a"}', "S2T350JjJT5p6vF5o_Xxu7O0YKTZcWBTmZPsMubJ8wg="),
    ],
)
def test_l2_signatures_match_the_vectors(method: str, path: str, body: bytes, signature: str) -> None:
    secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    assert l2_signature(secret, timestamp_s=1767225600, method=method, path=path, body=body) == signature
    credentials = ApiCredentials("key", secret, "phrase")
    headers = l2_headers(Address(KEY_ADDRESS), credentials, timestamp_s=1767225600, method=method, path=path, body=body)
    assert headers["POLY_SIGNATURE"] == signature
    assert (headers["POLY_API_KEY"], headers["POLY_PASSPHRASE"]) == ("key", "phrase")


def test_a_secret_that_is_not_base64_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="base64"):
        l2_signature("x", timestamp_s=1, method="GET", path="/", body=b"")


def test_a_private_key_cannot_be_printed_copied_or_pickled() -> None:
    signer = Signer(PUBLIC_TEST_KEY)
    assert signer.address == KEY_ADDRESS
    secret = PUBLIC_TEST_KEY.removeprefix("0x")
    assert secret not in f"{signer!r} {signer!s}"
    with pytest.raises(TypeError):
        pickle.dumps(signer)
    with pytest.raises(TypeError):
        copy.copy(signer)
    with pytest.raises(ConfigurationError) as refused:
        Signer(secret[:-1] + "z")
    assert secret[:8] not in str(refused.value)


def test_credentials_show_only_their_key() -> None:
    shown = repr(ApiCredentials("the-key", "the-secret", "the-phrase"))
    assert "the-key" in shown
    assert "the-secret" not in shown
    assert "the-phrase" not in shown


def test_loading_the_signing_library_leaves_the_recursion_limit_alone() -> None:
    script = (
        "import sys; limit = sys.getrecursionlimit();"
        "from polydesk.core.polymarket.signing import Signer; Signer('11' * 32).address;"
        "assert sys.getrecursionlimit() == limit, sys.getrecursionlimit()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_same_ticket_never_gives_the_same_order_twice() -> None:
    random, clock = Random(5), ManualClock(SIGNED_AT)
    signer = Signer(PUBLIC_TEST_KEY)
    orders = [
        sign_order(ticket(), signer=signer, environment=PRODUCTION, clock=clock, random=random) for _ in range(50)
    ]
    assert len({order.order_id for order in orders}) == 50
    assert len({order.order["salt"] for order in orders}) == 50


def test_with_the_same_salt_the_moment_makes_an_order_unique() -> None:
    later = ManualClock(SIGNED_AT + timedelta(milliseconds=1))
    again = sign_order(
        ticket(), signer=Signer(PUBLIC_TEST_KEY), environment=PRODUCTION, clock=later, random=FixedSalt()
    )
    assert again.order_id != signed(ticket()).order_id


def test_a_signed_order_says_for_which_chain() -> None:
    assert (signed(ticket()).chain_id, signed(ticket(), environment=AMOY).chain_id) == (137, 80002)
