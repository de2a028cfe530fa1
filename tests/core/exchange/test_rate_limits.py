"""Signers have buckets for orders and cancels, addresses have windows, and neither binds unless it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.signer_limits import TIERS, SignerLimits
from polydesk.core.exchange.venue import Exchange

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

YES = "111"
UNKNOWN = "0x" + "ab" * 32


def rules(**changed: Any) -> ExchangeSettings:
    return ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0, **changed)


def batch(client: Client, count: int) -> list[Any]:
    return [client.order_body(YES, "BUY", "0.05", "5") for _ in range(count)]


def limit_headers(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("poly-ratelimit")}


class TestEnforced:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return rules(signer_limits="enforce")

    async def test_orders_are_counted_and_refused_beyond_the_burst(self, alice: Client, clock: ManualClock) -> None:
        for left in (45, 30, 15, 0):
            answer = await alice.call("POST", "/orders", batch(alice, 15))
            assert limit_headers(answer) == {
                "poly-ratelimit-remaining": str(left),
                "poly-ratelimit-reset": str(int(clock.now().timestamp()) + -(-(60 - left) // 40)),
                "poly-ratelimit-tier": "standard",
            }
        refused = await alice.place(YES, "BUY", "0.05", "5")
        assert (refused.status_code, refused.json()) == (429, {"error": "Too Many Requests"})
        assert refused.headers["retry-after"] == "1"
        assert len((await alice.call("GET", "/data/orders")).json()["data"]) == 60
        await clock.advance(0.5)
        assert (await alice.call("POST", "/orders", batch(alice, 15))).headers["poly-ratelimit-remaining"] == "5"

    async def test_a_refused_order_costs_too_and_tells_what_is_left(self, alice: Client) -> None:
        refused = await alice.place("999", "BUY", "4.5", "10")
        assert (refused.status_code, refused.headers["poly-ratelimit-remaining"]) == (400, "59")

    async def test_cancels_have_a_bucket_of_their_own(self, alice: Client) -> None:
        await alice.place(YES, "BUY", "0.05", "5")
        answer = await alice.call("DELETE", "/orders", [UNKNOWN, "0x" + "cd" * 32])
        assert answer.headers["poly-ratelimit-remaining"] == "118"
        answer = await alice.call("DELETE", "/order", {"orderID": UNKNOWN})
        assert answer.headers["poly-ratelimit-remaining"] == "117"

    async def test_cancelling_all_costs_what_it_cancels_even_below_zero(
        self, alice: Client, clock: ManualClock
    ) -> None:
        for _ in range(8):
            await alice.call("POST", "/orders", batch(alice, 15))
            await clock.advance(1)
        answer = await alice.call("DELETE", "/cancel-all")
        assert len(answer.json()["canceled"]) == 120
        assert answer.headers["poly-ratelimit-remaining"] == "-1"
        assert (await alice.call("DELETE", "/cancel-all")).status_code == 429

    async def test_a_batch_beyond_the_burst_never_passes(self, alice: Client, clock: ManualClock) -> None:
        await clock.advance(60)
        answer = await alice.call("DELETE", "/orders", [f"0x{number:064x}" for number in range(121)])
        assert answer.status_code == 429

    async def test_signers_do_not_share_buckets(self, alice: Client, bob: Client) -> None:
        await alice.call("POST", "/orders", batch(alice, 15))
        assert (await bob.place(YES, "BUY", "0.05", "5")).headers["poly-ratelimit-remaining"] == "59"


class TestWarned:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return rules(signer_limits="warn")

    async def test_a_request_beyond_the_limit_passes_with_a_warning(self, alice: Client) -> None:
        for _ in range(4):
            assert "poly-ratelimit-warning" not in (await alice.call("POST", "/orders", batch(alice, 15))).headers
        answer = await alice.place(YES, "BUY", "0.05", "5")
        assert (answer.status_code, answer.headers["poly-ratelimit-warning"]) == (200, "true")


async def test_a_signer_may_ask_for_its_tier(alice: Client, exchange: Exchange) -> None:
    exchange.controls.put_in_tier(alice.wallet.address, "gold")
    answer = (await alice.call("GET", "/v1/user/rate-limit-tier")).json()
    assert (answer["name"], answer["order_rate"], answer["cancel_burst"]) == ("gold", 400, 1200)


async def test_by_default_there_is_no_limit_and_no_header(alice: Client) -> None:
    for _ in range(5):
        assert limit_headers(await alice.call("POST", "/orders", batch(alice, 15))) == {}


async def test_the_tier_follows_the_volume_and_is_looked_at_every_three_hours(
    exchange: Exchange, floor: Floor, clock: ManualClock
) -> None:
    limits = SignerLimits(exchange)
    trader = floor.account("ann", dollars="100000")
    assert limits.tier("ann").name == "standard"
    floor.enter(floor.account("seller", shares="100000"), "SELL", "0.5", "70000")
    floor.enter(trader, "BUY", "0.5", "70000")
    assert limits.tier("ann").name == "standard"
    await clock.advance(3 * 3600)
    assert limits.tier("ann").name == "copper"
    exchange.controls.put_in_tier("Ann", "elite")
    assert limits.tier("ann") == TIERS[-1]


def test_the_highest_tiers_do_not_fall_below_zero(exchange: Exchange) -> None:
    limits = SignerLimits(exchange)
    exchange.controls.put_in_tier("ann", "platinum")
    assert limits.charge("ann", "cancel", 5000)["Poly-RateLimit-Remaining"] == "0"


class TestWindowsPerAddress:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return rules(address_limits="enforce")

    async def test_requests_beyond_a_window_wait_until_it_has_moved_on(
        self, http: httpx2.AsyncClient, clock: ManualClock
    ) -> None:
        for _ in range(50):
            assert (await http.get("/clob/balance-allowance/update")).status_code == 401
        await clock.advance(4)
        refused = await http.get("/clob/balance-allowance/update")
        assert (refused.status_code, refused.json()) == (429, {"error": "Too Many Requests"})
        assert refused.headers["retry-after"] == "6"
        assert (await http.get("/clob/time")).status_code == 200
        await clock.advance(6)
        assert (await http.get("/clob/balance-allowance/update")).status_code == 401
