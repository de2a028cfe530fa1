"""Signatures are checked against vectors that the venue's own clients produce."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.exchange.contracts import EXCHANGE_V3, NEG_RISK_EXCHANGE, STANDARD_EXCHANGE, exchange_contract
from polydesk.core.exchange.signatures import (
    BadSignature,
    SignedOrder,
    checksum_address,
    exchange_domain_separator,
    l1_digest,
    l2_signature,
    order_digest,
    order_signer,
    order_struct_hash,
    recover,
    recover_in_python,
    recover_with_coincurve,
)

OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
WALLET = "0x2e234DAe75C793f67A35089C9d99245E1C58470b"
ORDER_A = SignedOrder(
    salt=479249096354,
    maker=OWNER,
    signer=OWNER,
    token_id=71321045679252212594626385532706912750332728571942532289631379312455583992563,
    maker_amount=50_000_000,
    taker_amount=100_000_000,
    side=0,
    signature_type=0,
    timestamp=1767225600000,
    metadata=bytes(32),
    builder=bytes(32),
    signature=bytes.fromhex(
        "839045785838d8a433ceed1f234bee6b3cf375232a686a8090d92dcdc77b090f"
        "6a51b8bb5944be2e55dded200482efc3b18e002e8562bf86fc3c9a20e33295421b"
    ),
)
ORDER_B = replace(
    ORDER_A,
    side=1,
    maker_amount=12_340_000,
    taker_amount=7_033_800,
    signature=bytes.fromhex(
        "d028a4d5f784e5cf29182a97a5ad9d9cd6c00f3f3a59549f7822a5e5857d707d"
        "462a8fdc8afe3dc4b7cd1c074959ee4c5fee5ca966047d2d012cb47113e247b51c"
    ),
)
ORDER_C = replace(
    ORDER_A,
    signature=bytes.fromhex(
        "09f149aeb9d30a8aa62d036527403444ac66d7807eabb699482a2f789e0814cb"
        "707d5ab4dd443dc5036570298c5c17bc591be2dace275a24d486b6c495ef65491c"
    ),
)
ORDER_D = replace(
    ORDER_A,
    maker=WALLET,
    signature_type=1,
    builder=b"\x11" * 32,
    signature=bytes.fromhex(
        "4f265367d86f8a2b0162e7891dbabed07e6986f5656245ea56a806a316c231c9"
        "7c65bf279c80a01caaa841f87f148407b30acd78cf8fce9f1bf3af8a197bd91b1c"
    ),
)
ORDER_E = replace(
    ORDER_A,
    maker=WALLET,
    signer=WALLET,
    signature_type=3,
    signature=bytes.fromhex(
        "c87b52b4380a6d981de3331cd41a6f5f2985777af2fbb43e7e5db4dcbd9ac393"
        "13712c7a7fa9fe391e11399f6a989b5de0ba4d661178b9d1b302fc3897b9a8081b"
        "3264e159346253e26a64e00b69032db0e7d32f94628de3e6eecb50304d7af3d2"
        "ae2d7d31a7dbf153d7fd571119e750aeb58a75259d06863b8af318e8de981358"
    )
    + b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)\x00\xba",
)


ORDER_F = replace(
    ORDER_A,
    token_id=453491208547253220481609627261229667812317398955547892212275664056427216896,
    signature=bytes.fromhex(
        "794cecef8c77eef88bd9572a7b3951f12909fcc8dff393fe66222fd29ee37dd3"
        "67bd76d4fca87b14a5e9727eaf806fe3206fda18d6405ea58f1fe49250ebbf461c"
    ),
)


@pytest.mark.parametrize(
    ("token_id", "neg_risk", "chain_id", "contract"),
    [
        (ORDER_A.token_id, False, 137, STANDARD_EXCHANGE),
        (ORDER_A.token_id, True, 80002, NEG_RISK_EXCHANGE),
        (ORDER_F.token_id, True, 137, EXCHANGE_V3[137]),
        (ORDER_F.token_id, False, 80002, EXCHANGE_V3[80002]),
        (111, False, 137, STANDARD_EXCHANGE),
    ],
)
def test_the_contract_follows_from_the_token(token_id: int, neg_risk: bool, chain_id: int, contract: str) -> None:
    assert exchange_contract(token_id, neg_risk=neg_risk, chain_id=chain_id) == contract


@pytest.mark.parametrize(
    ("order", "chain_id", "contract", "order_id"),
    [
        (ORDER_A, 137, STANDARD_EXCHANGE, "a1ed5c983acfcf169c7d93b9affad3df330e69053fcf62ae21ea2538df966084"),
        (ORDER_B, 137, NEG_RISK_EXCHANGE, "cb7d1e69bf099da271b8ca58d07343cdab7670af0672921e8722d8c210831060"),
        (ORDER_C, 80002, STANDARD_EXCHANGE, "44715c41a14ad11724ebabae8b1774eddbcd6825df4fca41521d20c23e82e944"),
        (ORDER_D, 137, STANDARD_EXCHANGE, "c6ad0f586afc7415571fdad01a99d71ac886f77825c8bc179aa09b9aa8ddcf1d"),
        (ORDER_E, 137, STANDARD_EXCHANGE, "7989df13d5d8c8a3717598aa848164b19b6d014ed1ffa0c82aa434932f2dce59"),
        (ORDER_F, 137, EXCHANGE_V3[137], "c65dc8e8582bc430f47815c961d53a1147ff84a52282efa3b7a06a688600cb31"),
    ],
    ids=["eoa", "neg-risk sell", "test network", "proxy with builder", "deposit wallet", "second protocol"],
)
def test_an_order_has_the_published_id_and_recovers_to_its_owner(
    order: SignedOrder, chain_id: int, contract: str, order_id: str
) -> None:
    assert order_digest(order, chain_id=chain_id, verifying_contract=contract).hex() == order_id
    assert order_signer(order, chain_id=chain_id, verifying_contract=contract) == (OWNER, bytes.fromhex(order_id))


def test_struct_hash_and_domain_separator_are_the_published_ones() -> None:
    assert order_struct_hash(ORDER_A).hex() == "e09954ccb1b4f0029c359c6d6a489c9492b9512ef283c44d75c849f6fbcece31"
    separator = exchange_domain_separator(137, NEG_RISK_EXCHANGE).hex()
    assert separator == "9b858f53327b0bd13af8ec14cfb35234fb9eb7b0504d1a4e61f433840d30e81a"


def test_any_changed_field_recovers_to_somebody_else() -> None:
    for changed in (replace(ORDER_A, salt=1), replace(ORDER_A, side=1), replace(ORDER_A, taker_amount=1)):
        assert order_signer(changed, chain_id=137, verifying_contract=STANDARD_EXCHANGE)[0] != OWNER
    assert order_signer(ORDER_A, chain_id=137, verifying_contract=NEG_RISK_EXCHANGE)[0] != OWNER


def test_a_deposit_wallet_envelope_of_another_order_is_refused() -> None:
    with pytest.raises(BadSignature):
        order_signer(replace(ORDER_E, salt=1), chain_id=137, verifying_contract=STANDARD_EXCHANGE)


@pytest.mark.parametrize("signature", [b"", b"\x01" * 64, bytes(65), b"\xff" * 65, b"\x01" * 64 + b"\x09"])
def test_bytes_that_are_no_signature_are_refused(signature: bytes) -> None:
    with pytest.raises(BadSignature):
        recover(bytes(32), signature)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.integers(0, 1))
def test_the_curve_in_c_and_the_one_in_python_say_the_same(digest: bytes, numbers: bytes, parity: int) -> None:
    signature = numbers + bytes([parity])
    found = []
    for recovery in (recover_with_coincurve, recover_in_python):
        try:
            found.append(recovery(digest, signature).hex())
        except BadSignature:
            found.append("nobody")
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("chain_id", "digest", "signature"),
    [
        (
            137,
            "5a466d8609e3d69888f14640cf1002efe07300540256b093e6065b8b5430c796",
            "51d1afb278b170edacd84f507f65329aca671950e0a1809560dccceef3668778"
            "3ab16df2d5b0000e71a7583a07fd5efa12c3a047d6d412a3b0c1e1da964d0aff1b",
        ),
        (
            80002,
            "7f1022d2eea107b142f94277a350c28e1d7a3f701f359bd4a662188b74d741fa",
            "15d2714658327fa04f68de6822be1802c9640c185be861af74bb377a0bf1a600"
            "4391c446f05807de12ce15e01aacf0db14321751b6e75f7b3c9e35146a4f62191c",
        ),
    ],
)
def test_a_login_attestation_recovers_to_its_address(chain_id: int, digest: str, signature: str) -> None:
    made = l1_digest(OWNER, timestamp="1767225600", nonce=0, chain_id=chain_id)
    assert made.hex() == digest
    assert recover(made, bytes.fromhex(signature)) == OWNER


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/data/orders", b"", "hsbnc6zm_g3USPihrCjnipW_CUBgBJEX8qPJ9oV0Ms4="),
        ("delete", "/order", b'{"orderID":"0xb816482a"}', "S2T350JjJT5p6vF5o_Xxu7O0YKTZcWBTmZPsMubJ8wg="),
    ],
)
def test_a_request_has_the_published_hmac(method: str, path: str, body: bytes, expected: str) -> None:
    secret = base64.urlsafe_b64encode(bytes(32)).decode()
    assert l2_signature(secret, timestamp="1767225600", method=method, path=path, body=body) == expected


def test_a_secret_that_is_not_base64url_is_refused() -> None:
    with pytest.raises(BadSignature):
        l2_signature("not base64!", timestamp="1", method="GET", path="/", body=b"")


def test_addresses_take_their_checksummed_spelling() -> None:
    assert checksum_address(OWNER.lower()) == OWNER
    for wrong in ("", "0x12", OWNER[2:], "0x" + "zz" * 20):
        with pytest.raises(ValueError):
            checksum_address(wrong)
