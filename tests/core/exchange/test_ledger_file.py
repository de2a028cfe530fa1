"""What a ledger file keeps over a restart, which files are refused, and what clients hear when it cannot be written."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from polydesk.core.clock import ManualClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.ledger_schema import TABLES
from polydesk.core.exchange.rejections import LedgerUnavailable
from polydesk.core.exchange.resolution import Resolutions
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro
from polydesk.server.cli import main
from tests.support.processes import FED, SOURCE_COMMAND, exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

SECRET = b"a secret of this test's ledger!!"
SLOW = ExchangeSettings(simulated_traders=False, mined_after_s=10, confirmed_after_s=10)


def micro(amount: str) -> int:
    return to_micro(Decimal(amount))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


class Runs:
    """Runs of an exchange on one ledger, one after the other, on one clock."""

    def __init__(self, file: Path, catalogue: Catalogue, clock: ManualClock, floor_type: type[Floor]) -> None:
        self.file = file
        self.catalogue = catalogue
        self.clock = clock
        self.floor_type = floor_type

    @contextmanager
    def run(self, settings: ExchangeSettings = SLOW, catalogue: Catalogue | None = None) -> Iterator[Floor]:
        with LedgerStore(self.file, secret=SECRET) as store:
            floor = self.floor_type(Exchange(catalogue or self.catalogue, settings, self.clock, store=store))
            for _ in range(store.opened * 1000):
                next(floor.numbers)  # order ids of one run are not those of another
            yield floor
            assert not floor.discrepancies()


@pytest.fixture
def runs(file: Path, catalogue: Catalogue, clock: ManualClock, floor: Floor) -> Runs:
    return Runs(file, catalogue, clock, type(floor))


class TestARestartKeeps:
    def test_cash_positions_and_what_they_cost(self, runs: Runs) -> None:
        with runs.run(ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)) as floor:
            ann = floor.account("ann", dollars="100", market=12)
            floor.account("ben", shares="20", market=12)
            floor.enter(floor.exchange.accounts.open_account("ben"), "SELL", "0.4", "10", market=12)
            floor.enter(ann, "BUY", "0.4", "10", market=12)
            floor.exchange.ledger.merge(
                floor.exchange.accounts.open_account("ben"),
                floor.listing(12).condition_id,
                floor.listing(12).tokens,
                10**6,
                at=0,
            )
            cash, held, fees = ann.cash, ann.position("121"), floor.exchange.ledger.fees
            volume, last = floor.listing(12).volume, floor.listing(12).last_trade
            floor.enter(ann, "BUY", "0.1", "10", market=12)
        with runs.run() as floor:
            ann = floor.exchange.accounts.open_account("ann")
            assert (ann.cash, ann.position("121"), floor.exchange.ledger.fees) == (cash, held, fees)
            assert ann.open_cash == micro("1")
            assert (floor.listing(12).volume, floor.listing(12).last_trade) == (volume, last)
            assert held.cost == micro("4")
            assert fees > 0

    def test_resting_orders_with_their_time_priority(self, runs: Runs) -> None:
        with runs.run() as floor:
            names = ["zoe", "ann", "ben"]
            first = [floor.enter(floor.account(name, dollars="50"), "BUY", "0.4", "10").order.id for name in names]
            taken = floor.enter(floor.account("kim", shares="50"), "SELL", "0.4", "4")
            assert taken.shares == micro("4")
        with runs.run() as floor:
            orders = [floor.exchange.registry.orders[order_id] for order_id in first]
            assert [order.open_size for order in orders] == [micro("6"), micro("10"), micro("10")]
            entry = floor.enter(floor.exchange.accounts.open_account("kim"), "SELL", "0.4", "20")
            met = [fill.order.id for trade in entry.trades for fill in trade.makers]
            assert met == first
            assert orders[2].open_size == micro("6")

    def test_what_was_cancelled_and_killed(self, runs: Runs) -> None:
        with runs.run() as floor:
            ann = floor.account("ann", dollars="50")
            cancelled = floor.enter(ann, "BUY", "0.4", "10").order
            floor.exchange.trading.cancel(cancelled)
            killed = floor.order(ann, "BUY", "0.4", "10", order_type="FOK")
            with pytest.raises(Exception, match="fully filled"):
                floor.exchange.trading.enter(killed)
        with runs.run() as floor:
            assert floor.exchange.registry.orders[cancelled.id].status == "CANCELED"
            assert killed.id not in floor.exchange.registry.orders
            assert floor.exchange.accounts.open_account("ann").open_cash == 0

    async def test_trades_that_had_not_settled_and_when_they_are_due(self, runs: Runs) -> None:
        with runs.run() as floor:
            floor.enter(floor.account("ann", dollars="100"), "BUY", "0.6", "10")
            (trade,) = floor.enter(floor.account("ben", dollars="100"), "BUY", "0.4", "10", outcome=1).trades
            await runs.clock.advance(6)
        with runs.run() as floor:
            again = floor.exchange.registry.trades[trade.id]
            ann = floor.exchange.accounts.open_account("ann")
            assert (again.status, ann.matched_cash, ann.cash) == ("MATCHED", micro("6"), micro("100"))
            assert floor.exchange.registry.orders[trade.taker.id].trade_ids == [trade.id]
            await runs.clock.advance(3)
            floor.exchange.agenda.run_due()
            assert again.status == "MATCHED"
            await runs.clock.advance(1)
            floor.exchange.agenda.run_due()
            assert (again.status, ann.matched_cash, ann.cash) == ("MINED", 0, micro("94"))
        with runs.run() as floor:
            await runs.clock.advance(10)
            floor.exchange.agenda.run_due()
            assert floor.exchange.registry.trades[trade.id].status == "CONFIRMED"
            assert floor.exchange.accounts.open_account("ann").shares("111") == micro("10")

    async def test_the_expiry_of_orders(self, runs: Runs) -> None:
        with runs.run() as floor:
            expiration = floor.exchange.now_s + 100
            ann = floor.account("ann", dollars="100")
            order = floor.enter(ann, "BUY", "0.6", "10", order_type="GTD", expiration=expiration).order
        await runs.clock.advance(41)
        with runs.run() as floor:
            floor.exchange.agenda.run_due()
            assert floor.exchange.registry.orders[order.id].status == "CANCELED_EXPIRED_ORDER"

    def test_api_keys_wallets_and_who_was_paid(self, runs: Runs) -> None:
        with runs.run() as floor:
            exchange = floor.exchange
            kept = exchange.accounts.create_credential("0xA", 0)
            deleted = exchange.accounts.create_credential("0xA", 1)
            assert kept is not None
            assert deleted is not None
            exchange.accounts.delete_credential(deleted)
            reading = exchange.accounts.create_readonly_key("0xA")
            gone = exchange.accounts.create_readonly_key("0xA")
            assert exchange.accounts.delete_readonly_key("0xA", gone)
            assert not exchange.accounts.delete_readonly_key("0xA", gone)
            assert exchange.accounts.claim_wallet("0xWALLET", "0xA")
        with runs.run() as floor:
            exchange = floor.exchange
            assert exchange.credentials.find(kept.api_key) == kept
            assert exchange.credentials.find(deleted.api_key) is None
            assert exchange.credentials.readonly_of("0xA") == [reading]
            assert exchange.accounts.create_readonly_key("0xA") not in (reading, gone)
            renewed = exchange.accounts.create_credential("0xA", 1)
            assert renewed is not None
            assert renewed.api_key != deleted.api_key
            assert exchange.ledger.account("0xA").cash == micro("1000")
            assert not exchange.accounts.claim_wallet("0xWALLET", "0xB")

    def test_a_dispute_that_nobody_has_settled(self, runs: Runs) -> None:
        with runs.run() as floor:
            oracle = Resolutions(floor.exchange)
            for number in (11, 12):
                oracle.propose(floor.listing(number).condition_id, 0)
            oracle.dispute(floor.listing(11).condition_id)
        with runs.run() as floor:
            assert not floor.listing(11).accepting_orders
            assert floor.listing(11).oracle_steps == ["proposed", "disputed"]
            assert floor.listing(12).accepting_orders

    def test_resolved_markets_and_what_they_pay(self, runs: Runs) -> None:
        with runs.run() as floor:
            floor.account("ann", dollars="0", shares="10")
            floor.exchange.resolve(floor.listing(11).condition_id, None)
        with runs.run() as floor:
            listing = floor.listing(11)
            assert (listing.closed, listing.resolved_here, listing.winner) == (True, True, None)
            ann = floor.exchange.accounts.open_account("ann")
            assert floor.exchange.ledger.redeem(ann, listing.condition_id, at=0) == micro("10")

    def test_markets_that_the_catalogue_no_longer_has(self, runs: Runs, catalogue: Catalogue) -> None:
        with runs.run() as floor:
            order = floor.enter(floor.account("ann", dollars="10"), "BUY", "0.4", "10").order
        without = Catalogue(catalogue.starts_at, catalogue.events, catalogue.markets[1:], ())
        with runs.run(catalogue=without) as floor:
            listing = floor.listing(11)
            assert listing.book.bids.size_at(4000) == micro("10")
            assert floor.exchange.registry.orders[order.id].open_size == micro("10")

    def test_a_clients_order_is_not_traded_by_the_books_that_come_back(self, runs: Runs) -> None:
        with runs.run() as floor:
            ann = floor.account("ann", dollars="2000")
            floor.enter(ann, "BUY", "0.52", "250", market=13)
            above = floor.enter(ann, "BUY", "0.55", "10", market=13).order
            assert above.open_size == micro("10")
        with runs.run() as floor:
            assert floor.exchange.registry.orders[above.id].open_size == micro("10")
            assert floor.listing(13).book.best_for(0) == (5500, 6000)

    def test_nothing_that_two_runs_make_has_the_same_id(self, runs: Runs) -> None:
        made: list[str] = []
        for name in ("ann", "ben"):
            with runs.run() as floor:
                buyer = floor.account(name, dollars="100")
                (trade,) = floor.enter(buyer, "BUY", "0.51", "5", market=13).trades
                made += [trade.id, trade.makers[0].order.id]
        assert len(set(made)) == 4


class TestRefused:
    @pytest.fixture
    def ledger(self, runs: Runs) -> Path:
        """A file with something of everything in it."""
        with runs.run() as floor:
            floor.exchange.accounts.create_credential("0xA", 0)
            ann = floor.account("ann", dollars="100", shares="20")
            ben = floor.account("ben", dollars="100")
            for cents in range(30, 40):
                floor.enter(ben, "BUY", f"0.{cents}", "5")
            floor.enter(ann, "SELL", "0.35", "12")
            floor.exchange.resolve(floor.listing(12).condition_id, 0)
        return runs.file

    def test_a_second_process(self, ledger: Path) -> None:
        with LedgerStore(ledger, secret=SECRET):
            found = subprocess.run(
                [*SOURCE_COMMAND, "exchange", "--port", "0", "--ledger", str(ledger)],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            assert found.returncode == 2
            assert "in use by another process" in found.stderr

    def test_a_file_of_another_kind(self, file: Path) -> None:
        file.write_text("my notes, not a ledger", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"not a SQLite file\. .*left as it is.*Move it away"):
            LedgerStore(file, secret=SECRET)
        assert file.read_text(encoding="utf-8") == "my notes, not a ledger"

    def test_the_database_of_another_program(self, file: Path) -> None:
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE songs (title TEXT)")
        with pytest.raises(ConfigurationError, match="not a ledger of polydesk"):
            LedgerStore(file, secret=SECRET)
        with closing(sqlite3.connect(file)) as other:
            assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("songs",)]

    def test_a_file_of_an_earlier_version_is_brought_forward(self, ledger: Path, runs: Runs) -> None:
        with closing(sqlite3.connect(ledger)) as other, other:
            for table in ("relayed_transactions", "token_approvals", "unwrapped_dollars"):
                other.execute(f"DROP TABLE {table}")
            other.execute("PRAGMA user_version = 3")
        with runs.run() as floor:
            assert not floor.discrepancies()
        with closing(sqlite3.connect(ledger)) as other:
            assert other.execute("PRAGMA user_version").fetchone() == (5,)
            assert other.execute("SELECT count(*) FROM unwrapped_dollars").fetchone() == (0,)

    def test_a_schema_of_the_future(self, ledger: Path) -> None:
        with closing(sqlite3.connect(ledger)) as other:
            other.execute("PRAGMA user_version = 99")
        with pytest.raises(ConfigurationError, match=r"schema version 99; this polydesk reads version 5.*left as it"):
            LedgerStore(ledger, secret=SECRET)

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE accounts SET cash = cash + 1000000 WHERE address = 'ann'",
            "UPDATE orders SET status = 'LIVE' WHERE status = 'MATCHED'",
            "UPDATE positions SET size = size * 2",
            "UPDATE state SET value = '0' WHERE name = 'fees' OR name = 'deposited'",
        ],
    )
    def test_a_row_that_was_changed_by_hand(self, ledger: Path, change: str) -> None:
        with closing(sqlite3.connect(ledger)) as other, other:
            other.execute(change)
        with pytest.raises(ConfigurationError, match="is not what was written"):
            LedgerStore(ledger, secret=SECRET)

    def test_cash_that_no_movement_explains(self, ledger: Path, runs: Runs) -> None:
        with closing(sqlite3.connect(ledger)) as other, other:
            other.execute("DELETE FROM movements WHERE sequence = 2")
        with pytest.raises(ConfigurationError, match="movements add up to"), runs.run():
            pass

    def test_bytes_that_changed_are_noticed_or_do_not_matter(self, ledger: Path, tmp_path: Path) -> None:
        whole = ledger.read_bytes()
        expected = rows_of(ledger)
        generator = random.Random(4)
        refused = 0
        for number in range(300):
            damaged = bytearray(whole)
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
            copy = tmp_path / f"copy-{number}.db"
            copy.write_bytes(damaged)
            try:
                with LedgerStore(copy, secret=SECRET):
                    pass
                assert rows_of(copy) == expected
            except ConfigurationError as error:
                refused += 1
                assert str(copy) in error.message
                assert copy.read_bytes()[100:] == bytes(damaged)[100:]
        assert refused > 20

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
    def test_a_file_that_was_cut_off(self, ledger: Path, share: float) -> None:
        whole = ledger.read_bytes()
        ledger.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ConfigurationError, match="left as it is"):
            LedgerStore(ledger, secret=SECRET)

    def test_a_folder_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be locked"):
            LedgerStore(tmp_path / "nowhere" / "paper.db", secret=SECRET)

    def test_on_the_command_line_with_code_2(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file.write_bytes(b"\x00" * 5000)
        assert main(["exchange", "--port", "0", "--ledger", str(file)]) == 2
        assert "not a SQLite file" in capsys.readouterr().err


def rows_of(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows, except how often the file was opened."""
    with closing(sqlite3.connect(file)) as connection:
        return {
            table.name: [row for row in connection.execute(table.select).fetchall() if row[0] != "opened"]
            for table in TABLES
        }


class TestAFileThatCannotBeWritten:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return SLOW

    @pytest.fixture
    def store(self, file: Path) -> Iterator[LedgerStore]:
        with LedgerStore(file, secret=SECRET) as store:
            yield store

    @pytest.fixture
    def exchange(
        self, catalogue: Catalogue, settings: ExchangeSettings, clock: ManualClock, store: LedgerStore
    ) -> Exchange:
        return Exchange(catalogue, settings, clock, store=store)

    async def test_a_busy_file_refuses_the_order_and_changes_nothing(
        self, alice: Client, exchange: Exchange, file: Path
    ) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await alice.place("111", "BUY", "5", "10")
            other.execute("ROLLBACK")
        assert refused.status_code == 503
        assert "nothing of this request was done" in refused.json()["error"]
        assert exchange.registry.open_orders(exchange.accounts.open_account(alice.wallet.address)) == []
        assert (await alice.place("111", "BUY", "5", "10")).json()["status"] == "live"

    async def test_a_settlement_that_meets_a_busy_file_is_tried_again(
        self, exchange: Exchange, floor: Floor, file: Path, clock: ManualClock
    ) -> None:
        floor.enter(floor.account("ann", dollars="100"), "BUY", "0.6", "10")
        (trade,) = floor.enter(floor.account("ben", dollars="100"), "BUY", "0.4", "10", outcome=1).trades
        await clock.advance(10)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            exchange.agenda.run_due()
            assert not trade.settled
            other.execute("ROLLBACK")
        await clock.advance(1)
        exchange.agenda.run_due()
        assert trade.settled

    async def test_a_full_disk_halts_the_exchange_and_leaves_nothing_half_done(
        self,
        alice: Client,
        server: ExchangeServer,
        exchange: Exchange,
        store: LedgerStore,
        catalogue: Catalogue,
        clock: ManualClock,
        file: Path,
    ) -> None:
        kept = (await alice.place("111", "BUY", "5", "10")).json()["orderID"]
        cash = exchange.accounts.open_account(alice.wallet.address).cash
        async with connect(f"{server.ws_url}/user") as stream:
            auth = {"apiKey": alice.credentials["apiKey"], "secret": alice.credentials["secret"]}
            auth["passphrase"] = alice.credentials["passphrase"]
            await stream.send(json.dumps({"auth": auth, "type": "user"}))
            await stream.send("PING")
            assert await stream.recv() == "PONG"
            with disk_full(file):
                refused = await alice.place("111", "BUY", "4", "10")
            with pytest.raises(ConnectionClosedError):
                await asyncio.wait_for(stream.recv(), 10)
        assert refused.status_code == 503
        assert "cannot be written" in refused.json()["error"]
        for path in ("/data/orders", "/balance-allowance"):
            assert (await alice.call("GET", path)).status_code == 503
        assert (await alice.http.get("/gamma/markets")).status_code == 503
        with pytest.raises(LedgerUnavailable):
            exchange.trading.cancel_many([])
        store.close()
        with LedgerStore(file, secret=SECRET) as again:
            restarted = Exchange(catalogue, SLOW, clock, store=again)
            account = restarted.accounts.open_account(alice.wallet.address)
            assert [order.id for order in restarted.registry.open_orders(account)] == [kept]
            assert (account.cash, account.open_cash) == (cash, micro("5"))

    async def test_who_waits_for_a_delayed_match_hears_of_a_full_disk(
        self, alice: Client, exchange: Exchange, floor: Floor, clock: ManualClock, file: Path
    ) -> None:
        floor.listing(11).taker_delay = True
        floor.enter(floor.account("seller", shares="10"), "SELL", "0.5", "10")
        arrived = asyncio.Event()
        exchange.events.subscribe(lambda _: arrived.set())
        waiting = asyncio.create_task(alice.place("111", "BUY", "5", "10"))
        await arrived.wait()
        with disk_full(file):
            await clock.advance(1)
            exchange.agenda.run_due()
        answer = await asyncio.wait_for(waiting, 10)
        assert answer.status_code == 503
        assert "cannot be written" in answer.json()["error"]

    async def test_a_file_that_became_read_only_halts_it_too(self, alice: Client, store: LedgerStore) -> None:
        store._connection.execute("PRAGMA query_only = 1")  # a change of the file's mode does not stop the superuser
        refused = await alice.place("111", "BUY", "5", "10")
        assert refused.status_code == 503
        assert "attempt to write a readonly database" in refused.json()["error"]

    async def test_an_event_that_fails_in_the_middle_halts_it_too(self, exchange: Exchange, floor: Floor) -> None:
        ann = floor.account("ann", dollars="100")

        def fail(_: object) -> None:
            raise ZeroDivisionError

        exchange.events.subscribe(fail)
        with pytest.raises(ZeroDivisionError):
            floor.enter(ann, "BUY", "0.5", "10")
        assert exchange.halted is not None
        assert "ended in the middle" in exchange.halted


@contextmanager
def disk_full(file: Path) -> Iterator[None]:
    """No file of this process may grow beyond the present size of the ledger's log."""
    log = file.with_name(file.name + "-wal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_the_exchange_of_the_command_line_keeps_its_ledger(
    tmp_path: Path, file: Path, new_client: Callable[[str], Client]
) -> None:
    trader = new_client("0x" + "5" * 64)
    found = []
    for _ in range(2):
        with exchange(SOURCE_COMMAND, tmp_path, "--no-traders", "--ledger", str(file)) as addresses:
            async with httpx2.AsyncClient(base_url=addresses["clob_url"].removesuffix("/clob")) as http:
                trader.http = http
                if not trader.credentials:
                    await _begin(trader)
                found.append([row["id"] for row in (await trader.call("GET", "/data/orders")).json()["data"]])
    assert found[0] == found[1]
    assert len(found[0]) == 1


async def _begin(trader: Client) -> None:
    await trader.log_in()
    (market,) = (await trader.http.get("/gamma/markets", params={"slug": FED})).json()
    token = json.loads(market["clobTokenIds"])[0]
    placed = await trader.place(token, "BUY", "0.1", "10", neg_risk=market["negRisk"])
    assert placed.status_code == 200, placed.json()
