"""`polydesk accounts`: named accounts with balances of their own, on a ledger that is in use or not."""

from __future__ import annotations

import csv
import io
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from eth_account import Account as KeyAccount

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.book import Order
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.named_accounts import NamedAccount, named_account, open_or_create_account
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO
from polydesk.server.cli import main

SETTINGS = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


def accounts(*arguments: str, ledger: Path) -> int:
    return main(["accounts", *arguments, "--ledger", str(ledger)])


def listed(ledger: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert accounts("list", "--json", ledger=ledger) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def account(ledger: Path, name: str) -> NamedAccount:
    with LedgerStore(ledger, secret=bytes(32)) as store:
        found = named_account(store, name)
    assert found is not None
    return found


def trade_and_rest(ledger: Path, name: str) -> None:
    """Buy ten shares from the recorded book and leave a bid."""
    catalogue = load_catalogue()
    found = account(ledger, name)
    with LedgerStore(ledger, secret=bytes(32)) as store:
        exchange = Exchange(catalogue, SETTINGS, ManualClock(catalogue.starts_at), store=store)
        listing = next(each for each in exchange.markets.listings if (each.book.asks.best or 0) > 1000)
        best = listing.book.asks.best
        assert best is not None
        for number, (price, order_id) in enumerate(((best, "1"), (listing.tick, "2"))):
            exchange.trading.enter(
                Order(
                    id=f"0x{found.generation}{order_id:0>63}",
                    account=exchange.accounts.open_account(found.address),
                    condition_id=listing.condition_id,
                    token_id=listing.tokens[0],
                    outcome=0,
                    side="BUY",
                    price=price,
                    size=(10 + number) * MICRO,
                    order_type="GTC",
                    created_at_ms=exchange.now_ms,
                    owner="key",
                )
            )


def test_several_accounts_each_with_a_balance_of_its_own(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert accounts("create", "main", ledger=ledger) == 0
    assert accounts("create", "careful", "--balance", "250.5", ledger=ledger) == 0
    found = {row["name"]: row for row in listed(ledger, capsys)}
    assert {name: row["cash"] for name, row in found.items()} == {"main": "1000", "careful": "250.5"}
    assert found["main"]["address"] != found["careful"]["address"]
    assert accounts("list", ledger=ledger) == 0
    assert "careful" in capsys.readouterr().out


def test_a_name_leads_to_the_key_that_trades_on_the_account(ledger: Path) -> None:
    accounts("create", "main", "--balance", "77", ledger=ledger)
    found = account(ledger, "main")
    assert KeyAccount.from_key(found.private_key).address == found.address
    assert found.starting_balance == Decimal(77)
    with LedgerStore(ledger, secret=bytes(32)) as store:
        assert open_or_create_account(store, "main", starting_balance=Decimal(5), at_ms=1) == found
        catalogue = load_catalogue()
        exchange = Exchange(catalogue, SETTINGS, ManualClock(catalogue.starts_at), store=store)
        exchange.accounts.create_credential(found.address, 0)
        assert exchange.accounts.open_account(found.address).cash == 77 * MICRO, "the starting balance is paid once"


def test_two_ledgers_have_different_keys_for_one_name(tmp_path: Path) -> None:
    keys = set()
    for name in ("one.db", "two.db"):
        accounts("create", "main", ledger=tmp_path / name)
        keys.add(account(tmp_path / name, "main").private_key)
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "main"], "already"),
        (["create", "My Account"], "is not a name"),
        (["create", "rich", "--balance", "1e12"], "at most"),
        (["create", "poor", "--balance", "0"], "more than 0"),
        (["create", "fine", "--balance", "1.0000001"], "six"),
        (["reset", "nobody", "--yes"], "no account"),
        (["export", "nobody"], "no account"),
    ],
)
def test_what_cannot_be_done_is_code_2_and_changes_nothing(
    ledger: Path, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts("create", "main", ledger=ledger)
    before = listed(ledger, capsys)
    assert accounts(*arguments, ledger=ledger) == 2
    assert complaint in capsys.readouterr().err
    assert listed(ledger, capsys) == before


def test_an_amount_that_is_no_number_is_code_2(ledger: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        accounts("create", "main", "--balance", "much", ledger=ledger)
    assert exit_.value.code == 2


@pytest.mark.parametrize("action", [["list"], ["reset", "main"], ["export", "main"]])
def test_a_ledger_that_is_not_there_is_code_2(
    ledger: Path, action: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert accounts(*action, ledger=ledger) == 2
    assert "no ledger at" in capsys.readouterr().err
    assert not ledger.exists()


def test_the_ledger_of_the_paper_desk_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    assert main(["accounts", "create", "main"]) == 0
    assert (tmp_path / "paper" / "ledger.db").exists()
    assert main(["accounts", "list"]) == 0
    assert "main" in capsys.readouterr().out


class TestReset:
    def test_asks_first(
        self, ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        accounts("create", "main", ledger=ledger)
        before = account(ledger, "main")
        monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
        assert accounts("reset", "main", ledger=ledger) == 1
        assert "Nothing was changed" in capsys.readouterr().out
        assert account(ledger, "main") == before
        monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
        assert accounts("reset", "main", "--balance", "20", ledger=ledger) == 0
        after = account(ledger, "main")
        assert (after.starting_balance, after.generation) == (Decimal(20), 1)
        assert after.private_key != before.private_key

    def test_leaves_cash_positions_and_orders_behind_and_the_ledger_exact(
        self, ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        accounts("create", "main", ledger=ledger)
        former = account(ledger, "main").address
        trade_and_rest(ledger, "main")
        assert listed(ledger, capsys)[0]["open_orders"] == 1
        assert accounts("reset", "main", "--yes", ledger=ledger) == 0
        (row,) = listed(ledger, capsys)
        assert (row["cash"], row["open_orders"], row["positions"], row["resets"]) == ("1000", 0, 0, 1)
        catalogue = load_catalogue()
        with LedgerStore(ledger, secret=bytes(32)) as store:
            exchange = Exchange(catalogue, SETTINGS, ManualClock(catalogue.starts_at), store=store)
            assert not exchange.ledger.discrepancies(
                {each.condition_id: each.tokens for each in exchange.markets.listings}
            )
            assert not exchange.registry.open_orders(exchange.accounts.open_account(former))
            assert exchange.accounts.open_account(former).open_cash == 0


class TestALedgerInUse:
    def test_is_listed_and_exported_but_not_changed(
        self, ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        accounts("create", "main", ledger=ledger)
        with LedgerStore(ledger, secret=bytes(32)):
            assert listed(ledger, capsys)
            assert accounts("export", "main", "--out", str(tmp_path / "csv"), ledger=ledger) == 0
            for action in (["reset", "main", "--yes"], ["create", "other"]):
                assert accounts(*action, ledger=ledger) == 2
                assert "in use by another process" in capsys.readouterr().err


class TestExport:
    def test_tells_all_lives_of_an_account_in_dollars_and_shares(self, ledger: Path, tmp_path: Path) -> None:
        accounts("create", "main", ledger=ledger)
        trade_and_rest(ledger, "main")
        accounts("reset", "main", "--yes", ledger=ledger)
        trade_and_rest(ledger, "main")
        folder = tmp_path / "csv"
        assert accounts("export", "main", "--out", str(folder), ledger=ledger) == 0
        tables = {
            name: list(csv.DictReader((folder / f"main-{name}.csv").read_text(encoding="utf-8").splitlines()))
            for name in ("orders", "fills", "trades", "movements", "positions")
        }
        assert [row["generation"] for row in tables["orders"]] == ["0", "0", "1", "1"]
        assert [row["size"] for row in tables["orders"]] == ["10", "11", "10", "11"]
        assert tables["orders"][0]["market"].endswith("?")
        assert [(row["role"], row["shares"]) for row in tables["fills"]] == [("taker", "10")] * 2
        assert [row["status"] for row in tables["trades"]] == ["CONFIRMED"] * 2
        assert [row["size"] for row in tables["positions"]] == ["10", "10"]
        for generation in ("0", "1"):
            moved = [row for row in tables["movements"] if row["generation"] == generation]
            assert moved[0]["kind"] == "deposit"
            fill = tables["fills"][int(generation)]
            spent = Decimal(fill["cash"]) + Decimal(fill["fee"])
            assert sum(Decimal(row["amount"]) for row in moved) == 1000 - spent
        assert tables["movements"][0]["at"].startswith("20")

    def test_an_account_that_never_traded_has_empty_tables(self, ledger: Path, tmp_path: Path) -> None:
        accounts("create", "main", ledger=ledger)
        assert accounts("export", "main", "--out", str(tmp_path), ledger=ledger) == 0
        assert (tmp_path / "main-orders.csv").read_text(encoding="utf-8") == ""

    def test_a_folder_that_cannot_be_made_is_code_2(self, ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
        accounts("create", "main", ledger=ledger)
        assert accounts("export", "main", "--out", str(ledger / "below-a-file"), ledger=ledger) == 2
        assert "cannot be written" in capsys.readouterr().err
