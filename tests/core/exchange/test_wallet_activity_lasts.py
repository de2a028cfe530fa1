"""What wallets did beside trading is in the public record after a restart too."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.position_operations import merge_positions, redeem_positions, split_position
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

MARKET = "0x" + f"{11:064x}"
QUIET = ExchangeSettings(simulated_traders=False)


def micro(amount: str) -> int:
    return to_micro(Decimal(amount))


async def test_actions_come_back_from_the_ledger_file(
    tmp_path: Path, catalogue: Catalogue, clock: ManualClock, floor: Floor
) -> None:
    file, secret = tmp_path / "paper.db", b"a secret of this test's ledger!!"
    with LedgerStore(file, secret=secret) as store:
        exchange = Exchange(catalogue, QUIET, clock, store=store)
        account = exchange.accounts.open_account("ann")
        with exchange.transaction():
            exchange.ledger.deposit(account, micro("100"))
        split_position(exchange, account, MARKET, micro("10"))
        await clock.advance(1)
        merge_positions(exchange, account, MARKET, micro("4"))
        await clock.advance(1)
        with exchange.transaction():
            exchange.ledger.fees += micro("3")
            exchange.ledger.deposited += micro("3")
            exchange.ledger.pay_rebate(account, micro("2"))
            exchange.ledger.pay_reward(account, micro("1"))
        await clock.advance(1)
        exchange.resolve(MARKET, 0)
        redeem_positions(exchange, account, MARKET)
        cash = account.cash
    with LedgerStore(file, secret=secret) as store:
        again = Exchange(catalogue, QUIET, clock, store=store)
        account = again.accounts.open_account("ann")
        actions = again.wallet_activity.of(account)
        assert account.cash == cash
        assert not type(floor)(again).discrepancies()
    assert [(action.kind, action.shares, action.dollars) for action in actions] == [
        ("DEPOSIT", 0, micro("100")),
        ("SPLIT", micro("10"), micro("10")),
        ("MERGE", micro("4"), micro("4")),
        ("MAKER_REBATE", 0, micro("2")),
        ("REWARD", 0, micro("1")),
        ("REDEEM", micro("12"), micro("6")),
    ]
    assert [action.condition_id for action in actions] == ["", MARKET, MARKET, "", "", MARKET]
    assert again.markets.by_condition[MARKET].oracle_steps == ["proposed", "resolved"]
