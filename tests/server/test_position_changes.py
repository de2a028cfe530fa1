"""A live wallet's positions: each kind of wallet that can, each way of consent, and no transaction sent twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import ConnectionFault, Fault, FaultPlan, RateLimited, StatusFault
from polydesk.core.exchange.relayer import relayer_api_key
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.polymarket.relayer import RelayerClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.wallets import candidate_wallets
from polydesk.core.trading import settled_changes
from polydesk.server.cli import main
from tests.support.asked_user import User
from tests.support.live_desk import live_client
from tests.support.processes import ERAS, FED, KEY, WAIT_S, Era, answer_of, error_of

OWNER = Signer(KEY).address
PLAIN = "btc-updown-15m-1790592300"
WALLETS = {int(each.signature_type): each.address for each in reversed(candidate_wallets(OWNER))}
KINDS = [2, *(pytest.param(kind, marks=pytest.mark.takeover) for kind in (1, 3))]
"""Signature types of wallets that the relayer serves; the longer runs of the suite try all."""

SPLIT: dict[str, Any] = {"action": "split", "market_id": FED, "amount": 20}


class Venue:
    """An exchange on a socket whose books are proven when it closes."""

    def __init__(self, *faults: Fault) -> None:
        catalogue = load_catalogue()
        rules = ExchangeSettings(simulated_traders=False, relayed_step_s=0, faults=FaultPlan.of(*faults))
        self.exchange = Exchange(catalogue, rules, ShiftedClock(catalogue.starts_at))

    @asynccontextmanager
    async def served(self) -> AsyncIterator[ExchangeServer]:
        async with ExchangeServer(self.exchange) as server:
            yield server
        listed = {each.condition_id: each.tokens for each in self.exchange.markets.listings}
        assert self.exchange.ledger.discrepancies(listed) == []

    def settings(self, kind: int = 3) -> dict[str, Any]:
        return {
            "toolsets": "all",
            "signature_type": kind,
            "funder": WALLETS[kind] if kind else None,
            "relayer_api_key": relayer_api_key(self.exchange, OWNER),
        }

    @property
    def cash(self) -> int:
        account = self.exchange.accounts.account_of(OWNER)
        assert account is not None
        return account.cash // 1_000_000

    def listing(self, slug: str) -> Any:
        return next(each for each in self.exchange.markets.listings if each.recorded.gamma["slug"] == slug)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    yield tmp_path


async def manage(client: Client, **arguments: Any) -> dict[str, Any]:
    return await answer_of(client, "manage_position", **arguments)


async def until(client: Client, preview_id: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await manage(client, preview_id=preview_id)
            if found["status"] == status:
                return found
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_wallet_of_the_relayer_splits_merges_approves_and_redeems(kind: int) -> None:
    venue, user = Venue(), User()
    async with venue.served() as server, live_client(server, user=user, **venue.settings(kind)) as client:
        start = (await answer_of(client, "get_portfolio"))["cash"]
        for slug in (FED, PLAIN):
            for arguments, cash in (
                ({"action": "split", "amount": 20}, start - 20),
                ({"action": "merge", "amount": 5}, start - 15),
            ):
                shown = await manage(client, market_id=slug, **arguments)
                done = await manage(client, preview_id=shown["preview_id"])
                assert (done["status"], venue.cash) == ("confirmed", cash), done
            venue.exchange.resolve(venue.listing(slug).condition_id, 0)
            start -= 15
            redeemed = await _redeemed(client, venue, slug)
            assert redeemed["gets"] == "$15"
            start += 15
            assert venue.cash == start
        shown = await manage(client, action="approve", spender="exchange", amount=7)
        assert (await manage(client, preview_id=shown["preview_id"]))["status"] == "confirmed"
    assert len(user.questions) == 7
    assert all("real money" in each and "gas paid by the relayer" in each for each in user.questions)


async def _redeemed(client: Client, venue: Venue, slug: str) -> dict[str, Any]:
    condition = venue.listing(slug).condition_id
    shown = await manage(client, action="redeem", market_id=condition)
    return await manage(client, preview_id=shown["preview_id"])


@pytest.mark.parametrize("kind", KINDS)
async def test_every_wallet_of_the_relayer_wraps_and_unwraps(kind: int) -> None:
    venue, user = Venue(), User()
    async with venue.served() as server, live_client(server, user=user, **venue.settings(kind)) as client:
        start = (await answer_of(client, "get_portfolio"))["cash"]
        for arguments, cash in (
            ({"action": "unwrap", "amount": 30}, start - 30),
            ({"action": "wrap", "amount": 12}, start - 18),
            ({"action": "unwrap", "amount": "all"}, 0),
        ):
            shown = await manage(client, **arguments)
            assert len(shown["calls"]) == 2
            done = await manage(client, preview_id=shown["preview_id"])
            assert (done["status"], venue.cash) == ("confirmed", cash), done
        portfolio = await answer_of(client, "get_portfolio")
        assert portfolio["cash"] == 0
    wrapping = user.questions[1]
    assert "12 USDC.e (the wallet's balance of it cannot be checked here" in wrapping
    assert "USDC.e 0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174 approve(" in wrapping
    assert f"to={WALLETS[kind]} (this wallet), amount=12000000" in wrapping


async def test_wrapping_more_than_there_is_fails_and_moves_nothing() -> None:
    venue = Venue()
    async with venue.served() as server, live_client(server, user=User(), **venue.settings()) as client:
        shown = await manage(client, action="wrap", amount=5)
        done = await manage(client, preview_id=shown["preview_id"])
        assert (done["status"], venue.cash) == ("failed", 1000)
        assert "unwrapped" in done["error"]


async def test_a_lost_answer_of_a_wrapping_is_looked_up_and_never_sent_again() -> None:
    venue = Venue(ConnectionFault(kind="reset_after_read", route="/relayer/submit"))
    async with venue.served() as server, live_client(server, user=User(), **venue.settings(2)) as client:
        shown = await manage(client, action="unwrap", amount=30)
        unknown = await error_of(client, "manage_position", preview_id=shown["preview_id"])
        assert unknown["anything_sent"] == "unknown"
        await until(client, shown["preview_id"], "confirmed")
        assert (len(relayed(server)), venue.cash) == (1, 970)


async def test_a_keys_own_account_is_told_why_not_and_what_to_do() -> None:
    venue = Venue()
    async with venue.served() as server, live_client(server, **venue.settings(0)) as client:
        refused = await error_of(client, "manage_position", **SPLIT)
    assert "pays gas itself" in refused["message"]
    assert "deposit wallet" in refused["message"]
    assert refused["anything_sent"] == "no"


async def test_without_a_relayer_key_the_user_is_told_where_to_make_one() -> None:
    venue = Venue()
    settings = venue.settings() | {"relayer_api_key": None}
    async with venue.served() as server, live_client(server, **settings) as client:
        refused = await error_of(client, "manage_position", **SPLIT)
    assert "POLYMARKET_RELAYER_API_KEY" in refused["message"]


@pytest.mark.parametrize("era", ERAS)
async def test_what_the_user_does_not_agree_to_is_not_sent(era: Era) -> None:
    venue, user = Venue(), User(agree=False)
    async with venue.served() as server, live_client(server, era, user=user, **venue.settings()) as client:
        shown = await manage(client, **SPLIT)
        assert user.questions == []
        refused = await error_of(client, "manage_position", preview_id=shown["preview_id"])
        assert (refused["code"], refused["anything_sent"]) == ("not_confirmed", "no")
        assert (await manage(client, preview_id=shown["preview_id"]))["status"] == "declined"
    (question,) = user.questions
    assert "splitPosition" in question
    assert relayed(server) == []


@pytest.mark.parametrize(("typed", "status"), [("yes\n", "confirmed"), ("no\n", "declined")])
async def test_without_a_dialog_a_person_decides_at_a_terminal(
    terminal: Callable[[str], None], typed: str, status: str
) -> None:
    venue = Venue()
    settings = venue.settings() | {"confirmation": "acknowledge", "ack_max_usd": "1000"}
    async with venue.served() as server, live_client(server, **settings) as client:
        shown = await manage(client, **SPLIT)
        waiting = await manage(client, preview_id=shown["preview_id"])
        assert waiting["status"] == "awaiting_person"
        assert relayed(server) == []
        terminal(typed)
        assert main(["approve", waiting["approval_code"]]) == 0
        await until(client, shown["preview_id"], status)


async def test_a_lost_answer_is_looked_up_and_never_sent_again() -> None:
    venue = Venue(ConnectionFault(kind="reset_after_read", route="/relayer/submit"))
    async with venue.served() as server, live_client(server, user=User(), **venue.settings()) as client:
        shown = await manage(client, **SPLIT)
        unknown = await error_of(client, "manage_position", preview_id=shown["preview_id"])
        assert unknown["anything_sent"] == "unknown"
        found = await until(client, shown["preview_id"], "confirmed")
        assert found["transaction"].startswith("0x")
        assert len(relayed(server)) == 1
        assert venue.cash == 980


@pytest.mark.parametrize(
    "fault",
    [
        ConnectionFault(kind="reset_before_read", route="/relayer/submit"),
        StatusFault(kind="status", status=500, body="", route="/relayer/submit"),
    ],
    ids=["no answer", "500"],
)
async def test_while_one_may_still_happen_no_other_is_signed(fault: Fault) -> None:
    venue = Venue(fault)
    async with venue.served() as server, live_client(server, user=User(), **venue.settings()) as client:
        first, second = await manage(client, **SPLIT), await manage(client, **SPLIT)
        assert (await error_of(client, "manage_position", preview_id=first["preview_id"]))["anything_sent"] == "unknown"
        refused = await error_of(client, "manage_position", preview_id=second["preview_id"])
        assert refused["code"] == "change_under_way"
        assert first["preview_id"] in refused["message"]
        assert relayed(server) == []


@pytest.mark.parametrize(
    "fault",
    [
        RateLimited(kind="rate_limited", route="/relayer/submit"),
        StatusFault(kind="status", status=401, body={"error": "invalid authorization"}, route="/relayer/submit"),
        StatusFault(kind="status", status=400, body={"error": "wallet busy"}, route="/relayer/submit"),
        StatusFault(kind="status", status=503, body="", route="/relayer/nonce"),
    ],
    ids=["429", "401", "400", "relayer down"],
)
async def test_a_refusal_leaves_nothing_under_way(fault: Fault) -> None:
    venue = Venue(fault)
    settings = venue.settings() | {"max_retries": 0}
    async with venue.served() as server, live_client(server, user=User(), **settings) as client:
        shown = await manage(client, **SPLIT)
        refused = await error_of(client, "manage_position", preview_id=shown["preview_id"])
        assert refused["anything_sent"] == "no"
        assert (await manage(client, preview_id=shown["preview_id"]))["status"] == "rejected"
        assert relayed(server) == []


async def test_a_transaction_that_fails_on_chain_moves_nothing_and_says_why() -> None:
    venue = Venue()
    venue.exchange.controls.let_transactions_fail(OWNER)
    async with venue.served() as server, live_client(server, user=User(), **venue.settings()) as client:
        shown = await manage(client, **SPLIT)
        done = await manage(client, preview_id=shown["preview_id"])
        assert (done["status"], venue.cash) == ("failed", 1000)
        assert "reverted" in done["error"]


@pytest.mark.parametrize(("said", "status"), [("--carried-out", "confirmed"), ("--never-carried-out", "rejected")])
async def test_a_person_settles_what_the_relayer_never_listed(
    said: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def polydesk(*command: str) -> int:
        return main([*command, "--mode", "live"])

    venue = Venue(ConnectionFault(kind="reset_before_read", route="/relayer/submit", count=1))
    async with venue.served() as server, live_client(server, user=User(), **venue.settings(2)) as client:
        lost, following = await manage(client, **SPLIT), await manage(client, **SPLIT)
        assert (await error_of(client, "manage_position", preview_id=lost["preview_id"]))["anything_sent"] == "unknown"
        elsewhere = {**venue.settings(2), "state_dir": tmp_path / "elsewhere"}
        async with live_client(server, user=User(), **elsewhere) as other:  # uses the nonce of the one that was lost
            shown = await manage(other, **(SPLIT | {"amount": 7}))  # another one: the same would be the lost one itself
            assert (await manage(other, preview_id=shown["preview_id"]))["status"] == "confirmed"
        capsys.readouterr()

        assert polydesk("positions", "unknown", "--json") == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["change_id"], row["account"], row["nonce"]) == (lost["preview_id"], WALLETS[2], 0)
        assert "splitPosition of NegRiskCtfCollateralAdapter 0xadA2" in row["look_for"]
        assert polydesk("positions", "settle", lost["preview_id"], said) == 2
        assert "still looked for at the relayer" in capsys.readouterr().err
        assert (await error_of(client, "manage_position", preview_id=following["preview_id"]))["code"] == (
            "change_under_way"
        )

        monkeypatch.setattr(settled_changes, "LOOKED_UP_FOR", timedelta(0))
        assert polydesk("positions", "unknown") == 0
        assert f"polydesk positions settle {lost['preview_id']}" in capsys.readouterr().out
        assert polydesk("positions", "settle", lost["preview_id"], said) == 0
        assert polydesk("positions", "unknown") == 0
        assert "No change of positions is unknown" in capsys.readouterr().out
        assert polydesk("positions", "settle", lost["preview_id"], said) == 2  # once
        assert polydesk("audit", "verify") == 0
        assert polydesk("audit", "export") == 0
        assert f'"carried_out":{str(said == "--carried-out").lower()}' in capsys.readouterr().out.replace(" ", "")

        assert (await manage(client, preview_id=lost["preview_id"]))["status"] == status
        shown = await manage(client, **SPLIT)
        assert (await manage(client, preview_id=shown["preview_id"]))["status"] == "confirmed"
        assert len(relayed(server)) == 2


_DIES = """
import asyncio, json, os, sys
sys.path.insert(0, os.getcwd())
from polydesk.core.polymarket.relayer import RelayerClient
from tests.support.live_desk import live_client
from tests.support.processes import answer_of

class Server:
    def __init__(self, urls): self.__dict__.update(urls)

async def agrees(context, params):
    from mcp_types import ElicitResult
    return ElicitResult(action="accept", content={"agree": True})

async def submit(self, signed):
    os._exit(9)

async def run(urls, settings, split):
    async with live_client(Server(urls), user=agrees, **settings) as client:
        shown = await answer_of(client, "manage_position", **split)
        print(shown["preview_id"], flush=True)
        RelayerClient.submit = submit
        await answer_of(client, "manage_position", preview_id=shown["preview_id"])

asyncio.run(run(*json.loads(sys.argv[1])))
"""


@pytest.mark.takeover
async def test_a_desk_killed_between_journal_and_sending_sends_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    venue = Venue()
    sent: list[Any] = []
    monkeypatch.setattr(RelayerClient, "submit", lambda self, signed: sent.append(signed))
    async with venue.served() as server:
        urls = {name: getattr(server, name) for name in ("clob_url", "gamma_url", "data_url", "ws_url")}
        died = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _DIES, json.dumps([urls, venue.settings(), SPLIT])],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert died.returncode == 9, died.stderr
        preview_id = died.stdout.strip()
        async with live_client(server, user=User(), **venue.settings()) as client:
            other = await manage(client, **SPLIT)
            refused = await error_of(client, "manage_position", preview_id=other["preview_id"])
            assert refused["code"] == "change_under_way"
            assert preview_id in refused["message"]
    assert sent == []
    assert relayed(server) == []


def relayed(server: ExchangeServer) -> list[Any]:
    """What the relayer has taken of the owner."""
    return list(server.application.state.relayer.of(OWNER))
