"""Promises about money that a trader would make of a venue, kept over real sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.position_operations import redeem_positions
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

YES, NO = "111", "112"
BUSY_YES = "131"
CLIENTS = 50
TURNS = 12


async def dollars(client: Client) -> Decimal:
    answer = await client.call("GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="0")
    return Decimal(answer.json()["balance"]) / MICRO


async def shares(client: Client, token: str) -> Decimal:
    query = {"asset_type": "CONDITIONAL", "token_id": token, "signature_type": "0"}
    return Decimal((await client.call("GET", "/balance-allowance", **query)).json()["balance"]) / MICRO


async def test_two_equal_buys_do_not_both_take_the_same_depth(alice: Client, bob: Client) -> None:
    """A hundred shares are offered at 0.51 and more from 0.52 on."""
    first = (await alice.place(BUSY_YES, "BUY", "51", "100", order_type="FAK")).json()
    second = (await bob.place(BUSY_YES, "BUY", "51", "100", order_type="FAK")).json()
    assert (first["status"], first["takingAmount"]) == ("matched", "100")
    assert second["error"].startswith("no orders found to match")
    third = (await bob.place(BUSY_YES, "BUY", "52", "100", order_type="FAK")).json()
    assert (third["takingAmount"], third["makingAmount"]) == ("100", "52")


async def test_a_resting_bid_never_fills_better_than_its_own_price(alice: Client, bob: Client, floor: Floor) -> None:
    resting = (await alice.place(YES, "BUY", "5", "10")).json()
    assert resting["status"] == "live"
    floor.account(bob.wallet.address, shares="10")
    sold = (await bob.place(YES, "SELL", "10", "3")).json()
    assert (sold["status"], sold["takingAmount"]) == ("matched", "5")
    assert (await dollars(alice), await shares(alice, YES)) == (Decimal(995), Decimal(10))


async def test_shares_are_offered_once_only(alice: Client, floor: Floor) -> None:
    floor.account(alice.wallet.address, shares="30")
    for expected in ("live", "live", None):
        answer = (await alice.place(YES, "SELL", "15", "9")).json()
        assert answer.get("status") == expected
    assert "not enough balance" in answer["error"]
    listed = (await alice.call("GET", "/data/orders")).json()["data"]
    assert sum(Decimal(row["original_size"]) for row in listed) == 30


@pytest.mark.parametrize(
    ("maker", "taker", "order_type", "complaint"),
    [
        ("1.2", "4", "GTC", "lower than the minimum: 5"),
        ("3.015", "10", "GTC", "breaks minimum tick size rule"),
        ("0.99", "1.9411", "FAK", "min size: $1"),
    ],
    ids=["below the minimum", "off the tick", "less than a dollar"],
)
async def test_below_minimum_off_tick_and_sub_dollar_orders_are_refused(
    alice: Client, maker: str, taker: str, order_type: str, complaint: str
) -> None:
    refused = await alice.place(BUSY_YES, "BUY", maker, taker, order_type=order_type)
    assert refused.status_code == 400
    assert complaint in refused.json()["error"]
    assert await dollars(alice) == 1000


async def test_a_market_that_is_void_pays_half_a_dollar_for_each_share(alice: Client, floor: Floor) -> None:

    account = floor.account(alice.wallet.address, shares="7")
    floor.exchange.resolve(floor.listing(11).condition_id, None)
    redeem_positions(floor.exchange, account, floor.listing(11).condition_id)
    assert await dollars(alice) == 1007
    assert await shares(alice, YES) == await shares(alice, NO) == 0


class TestFiftyClientsAtOnce:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "ledger.db"

    @pytest.fixture
    def store(self, file: Path) -> Iterator[LedgerStore]:
        with LedgerStore(file, secret=bytes(32)) as store:
            yield store

    @pytest.fixture
    def exchange(
        self, catalogue: Catalogue, settings: ExchangeSettings, clock: ManualClock, store: LedgerStore
    ) -> Exchange:
        return Exchange(catalogue, settings, clock, store=store)

    async def test_end_with_a_ledger_that_is_exact_to_the_micro_dollar(
        self,
        new_client: Callable[[str], Client],
        exchange: Exchange,
        store: LedgerStore,
        file: Path,
        catalogue: Catalogue,
        settings: ExchangeSettings,
        clock: ManualClock,
    ) -> None:
        clients = [new_client(f"0x{number:064x}") for number in range(1001, 1001 + CLIENTS)]
        await asyncio.gather(*(client.log_in() for client in clients))
        bodies = [_orders(client, seed) for seed, client in enumerate(clients)]
        answers = await asyncio.gather(*(_trade(*pair) for pair in zip(clients, bodies, strict=True)))
        statuses = [answer.status_code for own in answers for answer in own]
        assert len(statuses) == CLIENTS * TURNS
        assert set(statuses) <= {200, 400}
        filled = 0
        for client in clients:
            cash, held, count = await _own_account(client)
            filled += count
            assert await dollars(client) == cash
            assert {token: await shares(client, token) for token in (YES, NO)} == held
        assert filled > CLIENTS
        markets = {listing.condition_id: listing.tokens for listing in exchange.markets.listings}
        assert not exchange.ledger.discrepancies(markets)
        _check_restart(exchange, store, file, catalogue, settings, clock)


def _orders(client: Client, seed: int) -> list[Any]:
    """Bids for either outcome around one half, which mint sets where they meet; sales of what they brought."""
    generator = random.Random(seed)
    made = []
    for _ in range(TURNS):
        token = generator.choice((YES, NO))
        cents, size = generator.randint(42, 58), Decimal(generator.randint(500, 3000)) / 100
        if generator.random() < 0.25:
            made.append(client.order_body(token, "SELL", size, size * cents / 100))
        else:
            made.append(client.order_body(token, "BUY", size * cents / 100, size))
    return made


async def _trade(client: Client, bodies: list[Any]) -> list[httpx2.Response]:
    return [await client.call("POST", "/order", body) for body in bodies]


async def _own_account(client: Client) -> tuple[Decimal, dict[str, Decimal], int]:
    """Cash and shares as they follow from the client's own trades, and how many there are. The market has no fee."""
    cash, held = Decimal(1000), {YES: Decimal(0), NO: Decimal(0)}
    rows: list[Any] = []
    cursor = "MA=="
    while cursor != "LTE=":
        page = (await client.call("GET", "/data/trades", next_cursor=cursor)).json()
        rows += page["data"]
        cursor = page["next_cursor"]
    for row in rows:
        own = [(row["side"], row["asset_id"], row["size"], row["price"])] if row["trader_side"] == "TAKER" else []
        own += [
            (maker["side"], maker["asset_id"], maker["matched_amount"], maker["price"])
            for maker in row["maker_orders"]
            if maker["owner"] == client.credentials["apiKey"]
        ]
        for side, token, size, price in own:
            sign = 1 if side == "BUY" else -1
            held[token] += sign * Decimal(size)
            cash -= sign * Decimal(size) * Decimal(price)
    return cash, held, len(rows)


def _check_restart(
    exchange: Exchange,
    store: LedgerStore,
    file: Path,
    catalogue: Catalogue,
    settings: ExchangeSettings,
    clock: ManualClock,
) -> None:
    """What the file has is what the exchange had."""
    store.close()
    with LedgerStore(file, secret=bytes(32)) as again:
        restarted = Exchange(catalogue, settings, clock, store=again)
        for address, account in exchange.ledger.accounts.items():
            found = restarted.ledger.accounts[address]
            assert (found.cash, found.open_cash) == (account.cash, account.open_cash) or account.is_house
            assert found.positions == account.positions
