"""Our transactions on the exchange's relayer, which checks signatures, nonces and calldata with code of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import ConfigurationError, InputRejected, OrderError, PolymarketAPIError, RateLimitError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.relayer import relayer_api_key
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import Address, ConditionId
from polydesk.core.models.position_change import PositionAction, PositionOrder
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.relayer import RelayerClient
from polydesk.core.polymarket.signing import SignatureType, Signer
from polydesk.core.polymarket.transport import Transport, TransportSettings
from polydesk.core.polymarket.wallet_transactions import SignedTransaction
from polydesk.core.polymarket.wallets import candidate_wallets

SIGNER = Signer("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
WALLETS = {each.signature_type: each.address for each in reversed(candidate_wallets(SIGNER.address))}
CHAIN = 31337


class Scene:
    """One owner with $100 on an exchange with a clock that stands still."""

    def __init__(self, state: Path | None = None, **rules: Any) -> None:
        catalogue = load_catalogue()
        self.clock = ManualClock(catalogue.starts_at)
        self.store = LedgerStore(state / "ledger.sqlite3", secret=b"s" * 32) if state else None
        settings = ExchangeSettings(chain_id=CHAIN, simulated_traders=False, **({"relayed_step_s": 0} | rules))
        self.exchange = Exchange(catalogue, settings, self.clock, store=self.store)
        self.plain = next(each for each in self.exchange.markets.listings if not each.neg_risk)
        self.neg_risk = next(each for each in self.exchange.markets.listings if each.neg_risk and not each.closed)

    async def open(self) -> None:
        self.server = await ExchangeServer(self.exchange).__aenter__()
        urls = {name: getattr(self.server, name) for name in ("clob_url", "gamma_url", "data_url", "ws_url")}
        environment = environment_at("exchange", **urls, chain_id=CHAIN)
        self.transport = Transport(
            environment, clock=self.clock, random=Random(7), settings=TransportSettings(max_retries=0)
        )
        self.account = self.exchange.accounts.open_account(SIGNER.address)
        if not self.account.granted:
            with self.exchange.transaction():
                self.account.granted = True
                self.exchange.ledger.deposit(self.account, 100_000_000)

    async def close(self) -> None:
        await self.transport.aclose()
        await self.server.__aexit__(None, None, None)
        listed = {each.condition_id: each.tokens for each in self.exchange.markets.listings}
        assert self.exchange.ledger.discrepancies(listed) == []
        if self.store:
            self.store.close()

    def client(self, kind: SignatureType = SignatureType.POLY_1271, *, signer: Signer = SIGNER) -> RelayerClient:
        return RelayerClient(
            self.transport,
            signer=signer,
            wallet=WALLETS[kind],
            signature_type=kind,
            api_key=relayer_api_key(self.exchange, signer.address),
        )

    def split(self, dollars: str = "10", *, neg_risk: bool = False) -> PositionOrder:
        listing = self.neg_risk if neg_risk else self.plain
        return PositionOrder(
            PositionAction.SPLIT, Decimal(dollars), condition_id=ConditionId(listing.condition_id), neg_risk=neg_risk
        )

    async def signed(self, client: RelayerClient, order: PositionOrder) -> SignedTransaction:
        return await client.sign(client.calls(order), note="a note")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.open()
    yield made
    await made.close()


_KINDS = [SignatureType.POLY_PROXY, SignatureType.POLY_GNOSIS_SAFE, SignatureType.POLY_1271]


def tampered(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The body of a transaction with one thing changed each, by what was changed."""
    found: list[tuple[str, dict[str, Any]]] = []
    signature = body["signature"]
    flipped = f"{signature[:10]}{'1' if signature[10] == '0' else '0'}{signature[11:]}"
    found.append(("signature", body | {"signature": flipped}))
    found.append(("no signature", body | {"signature": "0x"}))
    found.append(("nonce", body | {"nonce": "1"}))
    found.append(("type", body | {"type": "SAFE-CREATE"}))
    found.append(("owner", body | {"from": WALLETS[SignatureType.POLY_1271]}))
    if "data" in body:
        found.append(("amount", body | {"data": body["data"].replace(f"{10**7:064x}", f"{10**8:064x}")}))
        found.append(("calldata", body | {"data": body["data"][:-8]}))
    else:
        said = body["depositWalletParams"]
        (call,) = said["calls"]
        more = call["data"].replace(f"{10**7:064x}", f"{10**8:064x}")
        found.append(("amount", body | {"depositWalletParams": said | {"calls": [call | {"data": more}]}}))
        found.append(("deadline", body | {"depositWalletParams": said | {"deadline": "1"}}))
        found.append(("no calls", body | {"depositWalletParams": said | {"calls": []}}))
    return found


@pytest.mark.parametrize("kind", _KINDS)
async def test_nothing_but_what_the_owner_has_signed_is_done(scene: Scene, kind: SignatureType) -> None:
    client = scene.client(kind)
    signed = await scene.signed(client, scene.split())
    for what, body in tampered(signed.body):
        with pytest.raises(PolymarketAPIError) as refused:
            await client.submit(dataclasses.replace(signed, body=body))
        assert refused.value.anything_sent == "no", what
    assert scene.account.cash == 100_000_000
    done = await client.submit(signed)
    assert scene.account.cash == 90_000_000
    assert (await client.transaction(done.id)) == await client.find(signature=signed.signature, note="")
    assert (await client.find(signature="", note="a note")) is not None
    assert (await client.find(signature="0x", note="another")) is None


@pytest.mark.parametrize("kind", _KINDS)
async def test_a_transaction_happens_once_however_often_it_is_submitted(scene: Scene, kind: SignatureType) -> None:
    client = scene.client(kind)
    signed = await scene.signed(client, scene.split())
    await client.submit(signed)
    with pytest.raises(OrderError, match="nonce 0 does not match on-chain nonce 1"):
        await client.submit(signed)
    assert scene.account.cash == 90_000_000
    assert (await client.next_nonce()).nonce == 1


async def test_a_signature_is_void_on_another_chain(scene: Scene) -> None:
    client = scene.client()
    signed = await scene.signed(client, scene.split())
    scene.exchange.settings = dataclasses.replace(scene.exchange.settings, chain_id=137)
    with pytest.raises(OrderError, match="not the owner's"):
        await client.submit(signed)


async def test_nobody_moves_the_wallet_of_somebody_else(scene: Scene) -> None:
    await scene.client().submit(await scene.signed(scene.client(), scene.split()))
    thief = scene.client(signer=Signer("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
    with pytest.raises(OrderError, match="does not belong to"):
        await thief.submit(await scene.signed(thief, scene.split()))
    assert scene.account.cash == 90_000_000


async def test_a_market_of_the_other_kind_fails_on_chain_and_keeps_the_nonce(scene: Scene) -> None:
    client = scene.client()
    wrong = dataclasses.replace(scene.split(), neg_risk=True)
    done = await client.submit(await scene.signed(client, wrong))
    told = await client.transaction(done.id)
    assert told is not None
    assert (told.state, scene.account.cash) == ("failed", 100_000_000)
    assert "adapter" in told.error
    assert (await client.next_nonce()).nonce == 0


@pytest.mark.parametrize("kind", _KINDS)
async def test_dollars_are_wrapped_and_unwrapped_by_every_wallet(scene: Scene, kind: SignatureType) -> None:
    with scene.exchange.transaction():
        scene.exchange.ledger.deposit_unwrapped(scene.account, 30_000_000)
    client = scene.client(kind)
    for action, dollars, cash, unwrapped in (("wrap", 25, 125, 5), ("unwrap", 40, 85, 45), ("wrap", 45, 130, 0)):
        done = await client.submit(await scene.signed(client, _wrapping(action, dollars)))
        told = await client.transaction(done.id)
        assert told is not None and told.state == "confirmed", told
        assert (scene.account.cash, scene.account.unwrapped) == (cash * 10**6, unwrapped * 10**6)


@pytest.mark.parametrize(("action", "dollars"), [("wrap", 31), ("unwrap", 101)])
async def test_more_than_there_is_fails_on_chain_and_moves_nothing(scene: Scene, action: str, dollars: int) -> None:
    with scene.exchange.transaction():
        scene.exchange.ledger.deposit_unwrapped(scene.account, 30_000_000)
    client = scene.client()
    done = await client.submit(await scene.signed(client, _wrapping(action, dollars)))
    told = await client.transaction(done.id)
    assert told is not None and told.state == "failed"
    assert "has less than" in told.error
    assert (scene.account.cash, scene.account.unwrapped) == (100_000_000, 30_000_000)
    later = await client.submit(await client.sign(client.calls(_wrapping(action, 1))[1:], note=""))
    told = await client.transaction(later.id)
    assert told is not None and "may move 0 of" in told.error  # the leave that was given with it is void too


@pytest.mark.parametrize("action", ["wrap", "unwrap"])
async def test_a_ramp_takes_only_what_it_was_left_and_only_before_it_acts(scene: Scene, action: str) -> None:
    with scene.exchange.transaction():
        scene.exchange.ledger.deposit_unwrapped(scene.account, 30_000_000)
    client = scene.client()
    leave, use = client.calls(_wrapping(action, 10))
    for calls in ((use,), (use, leave), (leave, client.calls(_wrapping(action, 11))[1])):
        done = await client.submit(await client.sign(calls, note=""))
        told = await client.transaction(done.id)
        assert told is not None and told.state == "failed", calls
        assert "may move" in told.error
    await client.submit(await client.sign((leave,), note=""))
    for state in ("confirmed", "failed"):  # leave that was used is gone
        done = await client.submit(await client.sign((use,), note=""))
        told = await client.transaction(done.id)
        assert told is not None and told.state == state
    assert scene.account.cash + scene.account.unwrapped == 130_000_000


async def test_unwrapped_dollars_outlive_a_restart_and_are_paid_in_and_out(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.open()
    client = scene.client()
    await client.submit(await scene.signed(client, _wrapping("unwrap", 40)))
    await client.submit(await scene.signed(client, _wrapping("wrap", 15)))
    await scene.close()

    again = Scene(tmp_path)
    await again.open()
    assert (again.account.cash, again.account.unwrapped) == (75_000_000, 25_000_000)
    kinds = [(each.kind, each.dollars) for each in again.exchange.wallet_activity.of(again.account)]
    assert kinds[-2:] == [("WITHDRAWAL", 40_000_000), ("DEPOSIT", 15_000_000)]
    await again.close()


def _wrapping(action: str, dollars: int) -> PositionOrder:
    return PositionOrder(PositionAction(action), Decimal(dollars))


async def test_what_is_not_approved_cannot_be_split_and_an_order_feels_it_too(scene: Scene) -> None:
    client = scene.client()
    approve = PositionOrder(PositionAction.APPROVE, Decimal(4), spender="adapter")
    await client.submit(await scene.signed(client, approve))
    assert await client.allowance("adapter", of_shares=False) == 4_000_000
    done = await client.submit(await scene.signed(client, scene.split("5")))
    told = await client.transaction(done.id)
    assert told is not None and told.state == "failed"
    scene.exchange.controls.allow(SIGNER.address, 0)
    assert await client.allowance("exchange", of_shares=False) == 0
    assert await client.allowance("exchange", of_shares=True) == 0
    for amount in (None, Decimal(3)):
        order = PositionOrder(PositionAction.APPROVE, amount, spender="exchange", unlimited=False)
        await client.submit(await scene.signed(client, order))
    assert await client.allowance("exchange", of_shares=False) == 3_000_000
    assert await client.allowance("exchange", of_shares=True) > 10**30


async def test_a_wallet_does_one_thing_after_the_other_and_a_restart_goes_on(tmp_path: Path) -> None:
    scene = Scene(tmp_path, relayed_step_s=1)
    await scene.open()
    client = scene.client()
    signed = await scene.signed(client, scene.split())
    sent = await client.submit(signed)
    assert sent.state == "new"
    with pytest.raises(OrderError, match="wallet busy"):
        await client.submit(await scene.signed(client, scene.split("3")))
    await scene.close()

    again = Scene(tmp_path, relayed_step_s=1)
    await again.open()
    client = again.client()
    states = []
    for _ in range(4):
        told = await client.transaction(sent.id)
        assert told is not None
        states.append((told.state, bool(told.hash), again.account.cash))
        await again.clock.advance(1)
        again.exchange.agenda.run_due()
    assert states == [
        ("new", False, 100_000_000),
        ("executed", True, 100_000_000),
        ("mined", True, 90_000_000),
        ("confirmed", True, 90_000_000),
    ]
    with pytest.raises(OrderError, match="nonce 0 does not match"):
        await client.submit(signed)
    await again.close()


async def test_submissions_beyond_the_limit_are_told_to_wait() -> None:
    scene = Scene(address_limits="enforce")
    await scene.open()
    client = scene.client()
    for _ in range(25):
        await client.submit(await scene.signed(client, scene.split("1")))
    with pytest.raises(RateLimitError) as refused:
        await client.submit(await scene.signed(client, scene.split("1")))
    assert refused.value.retry_after_s == 60
    await scene.close()


async def test_what_cannot_be_sent_is_said_before_anything_is_signed(scene: Scene) -> None:
    for kind, key, words in (
        (SignatureType.EOA, "key", "pays gas itself"),
        (SignatureType.POLY_1271, None, "POLYMARKET_RELAYER_API_KEY"),
        (SignatureType.POLY_GNOSIS_SAFE, "key", "POLYMARKET_FUNDER"),
    ):
        wallet = None if kind is SignatureType.POLY_GNOSIS_SAFE else Address("0x" + "11" * 20)
        client = RelayerClient(scene.transport, signer=SIGNER, wallet=wallet, signature_type=kind, api_key=key)
        with pytest.raises(ConfigurationError, match=words):
            await client.next_nonce()
    with pytest.raises(InputRejected, match="more decimals"):
        scene.client().calls(scene.split("0.0000001"))
    other = RelayerClient(
        scene.transport,
        signer=SIGNER,
        wallet=WALLETS[SignatureType.POLY_1271],
        signature_type=SignatureType.POLY_1271,
        api_key="not the key",
    )
    with pytest.raises(PolymarketAPIError, match="invalid authorization"):
        await other.find(signature="", note="")
